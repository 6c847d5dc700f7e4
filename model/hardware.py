"""What the machine is good at: the arithmetic to train in, and whether to compile by XLA."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import keras
import tensorflow as tf

FLOAT32, BFLOAT16, FLOAT16 = "float32", "mixed_bfloat16", "mixed_float16"


def precision(asked: str) -> str:
    """The name of the Keras dtype policy to train with: as asked; for `auto`, what is fast here.

    That is bfloat16 where the GPU (compute capability 8.0 and later) or else the processor (its
    flags avx512_bf16 or amx_bf16) computes in it, float16 on GPUs with tensor cores but without
    it, float32 anywhere else.
    """
    if asked != "auto":
        return asked
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        capability = min(
            tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0))
            for gpu in gpus
        )
        return BFLOAT16 if capability >= (8, 0) else FLOAT16 if capability >= (7, 0) else FLOAT32
    return BFLOAT16 if has_bfloat16() else FLOAT32


@contextmanager
def arithmetic(policy: str) -> Iterator[None]:
    """Layers that are made inside compute by this Keras dtype policy."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def has_bfloat16(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the processor names instructions for it; no where the system doesn't say."""
    if not cpuinfo.is_file():
        return False
    lines = cpuinfo.read_text(encoding="utf-8").splitlines()
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    return not {"avx512_bf16", "amx_bf16"}.isdisjoint(flags)


def jit_compile() -> Literal["auto", False]:
    """For `compile`: XLA makes convolutions several times slower on processors."""
    return "auto" if tf.config.list_physical_devices("GPU") else False
