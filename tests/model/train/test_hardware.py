from pathlib import Path

import keras
import numpy as np
import pytest

from model.networks.registry import build
from model.train import hardware


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("fpu avx2 avx512_bf16", True), ("fpu amx_bf16 amx_tile", True), ("fpu avx2 avx512f", False)],
)
def test_processors_with_bfloat16(tmp_path: Path, flags: str, expected: bool) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor\t: 0\nflags\t\t: {flags}\nbugs\t\t: none\n\n" * 2)
    assert hardware.has_bfloat16(cpuinfo) is expected


@pytest.mark.parametrize(("flags", "expected"), [("avx512_bf16", False), ("amx_bf16", True)])
def test_intel_is_fast_at_it_in_tiles_alone(tmp_path: Path, flags: str, expected: bool) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"vendor_id\t: GenuineIntel\nflags\t\t: fpu {flags}\n\n" * 2)
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


@pytest.fixture
def processor_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tensorflow.config.list_physical_devices", lambda _kind=None: [])


def normalised(scale: bool = True) -> keras.Model:
    images = keras.Input((6, 6, 3))
    inner = keras.Input((6, 6, 3))
    middle = keras.Model(inner, keras.layers.BatchNormalization(momentum=0.5)(inner), name="inner")
    maps = keras.layers.BatchNormalization(momentum=0.9, scale=scale)(middle(images))
    return keras.Model(images, keras.layers.Flatten()(maps))


@pytest.mark.usefixtures("processor_only")
def test_a_training_step_with_fused_normalizations_is_the_same() -> None:
    keras.utils.set_random_seed(1)
    images = keras.random.normal((16, 6, 6, 3), mean=3, stddev=5)
    usual = normalised()
    usual.set_weights([w + keras.random.normal(w.shape, stddev=0.1) for w in usual.weights])
    fast = hardware.for_training(usual)
    kinds = {type(fast.get_layer("inner").layers[1]), type(fast.layers[2])}
    assert len(kinds) == 1
    assert keras.layers.BatchNormalization not in kinds

    before = fast.predict(images, verbose=0)
    np.testing.assert_allclose(before, usual.predict(images, verbose=0), atol=1e-5)
    for network in (usual, fast):
        network.compile("sgd", "mse")
        network.train_on_batch(images, keras.ops.zeros((16, 108)))
    for mine, expected in zip(fast.weights, usual.weights, strict=True):
        # 16 x 6 x 6 = 576 values: the moving variance is of 575 of them
        tolerance = 2 / 575 if "variance" in mine.path else 1e-4
        np.testing.assert_allclose(mine, expected, rtol=tolerance, atol=1e-5, err_msg=mine.path)


def test_a_network_without_what_can_be_fused_stays_itself() -> None:
    for network in (build("sequential_cnn", 32, 3), build("squeezenet", 64, 3)):
        assert hardware.for_training(network) is network


@pytest.mark.usefixtures("processor_only")
def test_a_normalization_of_another_kind_stays_itself() -> None:
    fast = hardware.for_training(normalised(scale=False))
    assert type(fast.get_layer("inner").layers[1]) is not keras.layers.BatchNormalization
    assert type(fast.layers[2]) is keras.layers.BatchNormalization


@pytest.mark.usefixtures("processor_only")
def test_the_arithmetic_stays() -> None:
    with hardware.arithmetic("mixed_bfloat16"):
        usual = build("residual_cnn", 32, 3)
        fast = hardware.for_training(usual)
    dtypes = [[layer.compute_dtype for layer in network.layers] for network in (usual, fast)]
    assert dtypes[0] == dtypes[1]
    assert "bfloat16" in dtypes[1]
