from pathlib import Path

import keras
import pytest

from model import hardware
from model.networks import build


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("fpu avx2 avx512_bf16", True), ("fpu amx_bf16 amx_tile", True), ("fpu avx2 avx512f", False)],
)
def test_processors_with_bfloat16(tmp_path: Path, flags: str, expected: bool) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor\t: 0\nflags\t\t: {flags}\nbugs\t\t: none\n\n" * 2)
    assert hardware.has_bfloat16(cpuinfo) is expected


def test_a_system_that_does_not_say(tmp_path: Path) -> None:
    assert not hardware.has_bfloat16(tmp_path / "cpuinfo")


def test_what_is_asked_for_is_taken() -> None:
    assert hardware.precision("mixed_float16") == "mixed_float16"
    assert hardware.precision("auto") in {"float32", "mixed_bfloat16", "mixed_float16"}


def test_layers_compute_as_asked_and_the_answer_is_float32() -> None:
    with hardware.arithmetic("mixed_bfloat16"):
        network = build("sequential_cnn", 32, 3)
    assert network.layers[1].compute_dtype == "bfloat16"
    assert network.layers[1].variable_dtype == "float32"
    assert network.outputs[0].dtype == "float32"
    assert keras.config.dtype_policy().name == "float32"
