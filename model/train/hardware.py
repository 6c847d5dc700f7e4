"""Chooses what the machine does fast: arithmetic, kernels, and whether to compile with XLA."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import keras
import tensorflow as tf

_BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}
FLOAT32, BFLOAT16, FLOAT16 = "float32", "mixed_bfloat16", "mixed_float16"


def precision(asked: str) -> str:
    """The name of the Keras dtype policy to train with: as asked; for `auto`, what is fast here.

    That is bfloat16 where the GPU (compute capability 8.0 and later) or else the processor (see
    `has_bfloat16`) computes in it, float16 on GPUs with tensor cores but without it, float32
    anywhere else.
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


class _FusedNormalization(keras.layers.BatchNormalization):
    """Keras' batch normalisation, but a training step is one kernel of TensorFlow's, not a dozen.

    The moving variance gets the variance divided by n - 1; in Keras it is divided by n.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if not (training and self.trainable):
            return super().call(inputs, training=training, mask=mask)
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs, self.gamma, self.beta, epsilon=self.epsilon
        )
        for moving, now in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + now * (1 - self.momentum))
        return outputs


def for_training(network: keras.Model) -> keras.Model:
    """The same network with batch normalisations that are fast on a processor.

    Use it only to train: the saved network must have Keras' own layers. These take the same
    weights.
    """
    if tf.config.list_physical_devices("GPU") or not any(map(_can_be_fused, _layers(network))):
        return network

    def fused(layer: keras.layers.Layer) -> keras.layers.Layer:
        kind = _FusedNormalization if _can_be_fused(layer) else type(layer)
        return kind.from_config(layer.get_config())

    faster = keras.models.clone_model(network, clone_function=fused, recursive=True)
    faster.set_weights(network.get_weights())
    return faster


def _can_be_fused(layer: keras.layers.Layer) -> bool:
    """Whether the layer can be fused: it normalises maps (n, height, width, channels)."""
    return (
        type(layer) is keras.layers.BatchNormalization
        and layer.trainable
        and layer.scale
        and layer.center
        and not layer.renorm
        and layer.input_spec.ndim == 4
        and layer.axis in (-1, 3)
    )


def _layers(network: keras.Model) -> Iterator[keras.layers.Layer]:
    """All layers, with those of networks inside the network."""
    for layer in network.layers:
        yield from _layers(layer) if isinstance(layer, keras.Model) else (layer,)


def has_bfloat16(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the processor is fast in bfloat16; false if the system doesn't tell.

    The processor's flags are avx512_bf16 or amx_bf16. Intel's processors without the second
    (virtual machines may hide it) take 1.4 times as long for a training step as in float32.
    """
    if not cpuinfo.is_file():
        return False
    lines = cpuinfo.read_text(encoding="utf-8").splitlines()
    facts = {key.strip(): value.split() for key, _, value in (x.partition(":") for x in lines)}
    fast = {"amx_bf16"} if facts.get("vendor_id") == ["GenuineIntel"] else _BFLOAT16_FLAGS
    return not fast.isdisjoint(facts.get("flags", []))


def jit_compile() -> Literal["auto", False]:
    """The value for `compile`: on processors XLA makes convolutions several times slower."""
    return "auto" if tf.config.list_physical_devices("GPU") else False
