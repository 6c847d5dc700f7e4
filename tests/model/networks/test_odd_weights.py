"""Weights of other networks and of other libraries, misspelt layers, and damaged caches."""

import pickle
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from model.networks import lite_weights, pretrained
from model.networks import registry as networks
from pipeline.cli import UserError


def other_network() -> keras.Model:
    return pretrained.backbone_of("efficientnet_lite1", 32)[0]


def pytorch_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", pickle.dumps({}))
        file.writestr("archive/data/0", b"\0" * 40)


def other_hdf5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["table"] = np.zeros(3)


LAYERS = "doesn't fit efficientnet_lite0 without its classifier: block"
ODD: dict[str, tuple[Callable[[Path], object], str]] = {
    "lite1.h5": (lambda path: other_network().save(path), "classifier: .* in the file block"),
    "lite1.keras": (lambda path: other_network().save(path), LAYERS),
    "lite1.weights.h5": (lambda path: other_network().save_weights(path), LAYERS),
    "new.pth": (pytorch_zip, "it is a file of PyTorch"),
    "old.pth": (lambda path: path.write_bytes(pickle.dumps({}, 2)), "it is a file of PyTorch"),
    "jit.bin": (lambda path: path.write_bytes(pickle.dumps({}, 5)), "it is a file of PyTorch"),
    "arrays.npz": (lambda path: np.savez(path, np.zeros(3)), "it is neither HDF5 nor a file of K"),
    "table.h5": (other_hdf5, "doesn't fit efficientnet_lite0"),
    "a folder": (lambda path: path.mkdir(), "it is a folder; give the path or the address"),
    "imagenet": (lambda path: None, "is not there; .*null takes the weights of ImageNet"),
}


@pytest.mark.filterwarnings("ignore")  # Keras calls its older format legacy
@pytest.mark.parametrize("name", ODD)
def test_a_file_of_another_network_or_library_is_told_in_a_sentence(
    name: str, tmp_path: Path
) -> None:
    write, message = ODD[name]
    write(tmp_path / name)
    network = networks.build("efficientnet_lite0", 32, 3)
    with pytest.raises(UserError, match=message) as error:
        pretrained.load(network, str(tmp_path / name), None)
    assert len(str(error.value)) < 700
    assert "\n" not in str(error.value)


def test_no_name_is_no_path() -> None:
    with pytest.raises(UserError, match=r"train\.weights: '' is not there; give"):
        pretrained.load(networks.build("squeezenet", 48, 3), "", None)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("", "has no layer ''; it has conv1, fire2"),
        ("Fire8", "has no layer 'Fire8'; it has conv1, fire2"),
        ("block5a", "has no layer 'block5a'; it has conv1, fire2"),
        ("fire9_concat", "has nothing that could be trained from fire9_concat on; it has conv1"),
    ],
)
def test_a_layer_to_train_from_must_be_there(layer: str, message: str) -> None:
    """And something to train behind it. Else a training would quietly be another one."""
    network = networks.build("squeezenet", 48, 3)
    with pytest.raises(UserError, match=message):
        pretrained.load(network, "not looked for", layer)


def test_a_damaged_cache_is_made_anew(tmp_path: Path) -> None:
    whole = lite_weights.imagenet("efficientnet_lite0", tmp_path)
    (kept,) = tmp_path.iterdir()
    content = kept.read_bytes()
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 255
    for damaged in (b"", content[:-100], content[: len(content) // 2], b"text", bytes(flipped)):
        kept.write_bytes(damaged)
        for mine, its in zip(
            lite_weights.imagenet("efficientnet_lite0", tmp_path), whole, strict=True
        ):
            np.testing.assert_array_equal(mine, its)
        assert kept.read_bytes() == content


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("EfficientNet-Lite0", "efficientnet_lite0"),
        ("efficientnet_b0", "EfficientNetB0"),
        ("resnet-50", "ResNet50"),
        ("MOBILENET_V3_SMALL", "MobileNetV3Small"),
        ("residual", "residual_cnn"),
        ("Squeeze Net", "squeezenet"),
    ],
)
def test_names_as_people_write_them(name: str, nearest: str) -> None:
    with pytest.raises(UserError, match=f"nearest: {nearest}(,|$)"):
        networks.build(name, 32, 3)


def test_a_name_like_no_other_lists_all() -> None:
    with pytest.raises(UserError, match=re.escape("there are sequential_cnn, residual_cnn, eff")):
        networks.build("vit", 32, 3)
