"""Files of a model that came to harm on their way."""

import json
import math
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from model.classifier import Classifier
from model.saved import damage, read_json
from pipeline.cli import UserError

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
ANNEX = b"/annex/objects/SHA256E-s1234--4d7a.keras\n"
CONFLICT = (
    b'{\n<<<<<<< HEAD\n  "labels": ["a", "b"]\n=======\n  "labels": ["c"]\n>>>>>>> other\n}\n'
)
HTML = b"<!DOCTYPE html><html><body>Sign in</body></html>"
DAMAGES: list[tuple[Callable[[bytes], bytes], str]] = [
    (lambda whole: b"", "it is empty"),
    (lambda whole: LFS, "a pointer of Git LFS, and `git lfs pull`"),
    (lambda whole: ANNEX, "a pointer of git-annex, and `git annex get`"),
    (lambda whole: HTML, "it is a web page"),
    (lambda whole: b"\0" * len(whole), "nothing but zeros"),
    (lambda whole: CONFLICT, "the marks of a merge conflict"),
]


@pytest.fixture
def model(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained / "results/model", tmp_path / "model"))


@pytest.mark.parametrize("name", ["classifier.keras", "classifier.json"])
@pytest.mark.parametrize(("change", "reason"), DAMAGES)
def test_a_damaged_file_of_a_model_is_named_with_reason_and_remedy(
    model: Path, name: str, change: Callable[[bytes], bytes], reason: str
) -> None:
    (model / name).write_bytes(change((model / name).read_bytes()))
    with pytest.raises(UserError) as caught:
        Classifier.load(model)
    assert str(caught.value).startswith(f"{model / name} can't be read as a ")
    assert reason in str(caught.value)
    assert "`dvc repro`" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_a_file_that_was_cut_off(model: Path, share: float) -> None:
    for name, reason in (
        ("classifier.keras", "its end is missing"),
        ("classifier.json", "it is damaged in line"),
    ):
        path = model / name
        content = path.read_bytes()
        path.write_bytes(content[: max(2, int(share * len(content)))])
        with pytest.raises(UserError, match=f"{name} can't be read as .*{reason}"):
            Classifier.load(model)
        path.write_bytes(content)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda about: [], "it holds no object"),
        (lambda about: {**about, "labels": "apple"}, "its 'labels' is 'apple'"),
        (lambda about: {**about, "image_size": "32"}, "its 'image_size' is '32'"),
        (lambda about: {k: v for k, v in about.items() if k != "labels"}, "it has no 'labels'"),
        (lambda about: {**about, "calibration": {"heat": 3}}, "heat"),
        (lambda about: {**about, "labels": [1, 2, 3]}, "must be different names"),
        (lambda about: {**about, "labels": ["a", "a", "b"]}, "must be different names"),
        (lambda about: {**about, "image_size": 0}, "'image_size' is 0, not from 1 to 4096"),
        (lambda about: {**about, "image_size": -5}, "'image_size' is -5"),
        (lambda about: {**about, "image_size": 10**6}, "'image_size' is 1000000"),
        (lambda about: {**about, "calibration": {"temperature": "hot"}}, "temperature is 'hot'"),
        (lambda about: {**about, "calibration": {"temperature": 0}}, "temperature is 0"),
        (lambda about: {**about, "calibration": {"temperature": math.nan}}, "temperature is nan"),
        (lambda about: {**about, "calibration": {"confidences": "x"}}, "confidences is 'x'"),
        (
            lambda about: {**about, "calibration": {"confidences": [0.2, None]}},
            "its .* None",
        ),
        (lambda about: {**about, "calibration": None}, "can't be read"),
        (lambda about: {**about, "labels": ["a", "b"]}, "knows 3 classes, and .* has 2"),
    ],
)
def test_a_description_that_is_another(model: Path, change: Callable, reason: str) -> None:
    path = model / "classifier.json"
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises(UserError, match=reason):
        Classifier.load(model)


def test_a_model_of_newer_versions_says_which(model: Path) -> None:
    path = model / "classifier.json"
    about = json.loads(path.read_text())
    about["versions"] |= {"keras": "99.1.0", "tensorflow": "77.0.0"}
    path.write_text(json.dumps(about))
    network = model / "classifier.keras"
    with zipfile.ZipFile(network) as whole:
        parts = {name: whole.read(name) for name in whole.namelist()}
    config = json.loads(parts["config.json"])
    config["config"]["layers"][1]["class_name"] = "LayerOfTomorrow"
    with zipfile.ZipFile(network, "w") as changed:
        for name, content in (parts | {"config.json": json.dumps(config).encode()}).items():
            changed.writestr(name, content)
    with pytest.raises(UserError) as caught:
        Classifier.load(model)
    message = str(caught.value)
    assert "classifier.keras can't be read as a model of Keras" in message
    assert "it was made by keras 99.1.0 (here 3." in message
    assert "tensorflow 77.0.0 (here 2." in message
    assert len(message) < 900


def test_an_export_that_is_not_there_asks_for_the_export(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"classifier\.onnx is not there; `python -m model\.export`"
    ):
        Classifier.load(tmp_path / "export")


def test_whole_files_show_no_damage(model: Path) -> None:
    for path in model.iterdir():
        assert damage(path) is None
    assert damage(model) == "it is a folder"
    with pytest.raises(UserError, match=r"gone\.json is not there; make it"):
        read_json(model / "gone.json", "a file", "make it", {})


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"images": "16"}, "its number of images is '16'"),
        ({"images": -1}, "its number of images is -1"),
        ({"images": True}, "its number of images is True"),
        ({"scores": ["x", "y"]}, "one of its scores is 'x', no number"),
        ({"scores": [None]}, "one of its scores is None"),
        ({"scores": {"a": 1}}, "one of its scores is 'a'"),
        ({"confidences": [2]}, "confidences is 2, no number from 0 to 1"),
        ({"temperature": True}, "its temperature is True"),
        ({"temperature": float("nan")}, "its temperature is nan"),
        ({"refuse_by": "magic"}, "its 'refuse_by' is 'magic'"),
    ],
)
def test_a_calibration_with_wrong_values(model: Path, values: dict, reason: str) -> None:
    path = model / "classifier.json"
    about = json.loads(path.read_text())
    about["calibration"] |= values
    path.write_text(json.dumps(about))
    with pytest.raises(UserError, match=f"can't be read as a description of a model: .*{reason}"):
        Classifier.load(model)


def test_a_network_for_images_of_another_size_is_refused(model: Path) -> None:
    path = model / "classifier.json"
    about = json.loads(path.read_text())
    path.write_text(json.dumps({**about, "image_size": 64}))
    with pytest.raises(UserError, match=r"takes images of 32 pixels, and .* has 64: .* two models"):
        Classifier.load(model)


@pytest.mark.parametrize("name", ["classifier.keras", "vim.npz"])
def test_a_whole_file_of_another_training_is_refused(model: Path, name: str) -> None:
    """It fits by its form, so without the check the answers would be wrong and nobody told."""
    path = model / name
    if name == "vim.npz":
        with np.load(path) as values:
            np.savez(path, **{**values, "scale": values["scale"] + 1})
    else:
        network = keras.saving.load_model(path)
        network.layers[-1].bias.assign(network.layers[-1].bias + 1)
        network.save(path)
    with pytest.raises(UserError, match=f"{name} is another file than the one that was written"):
        Classifier.load(model)


def test_a_model_of_earlier_versions_lacks_the_list_of_its_files(model: Path) -> None:
    path = model / "classifier.json"
    about = json.loads(path.read_text())
    assert sorted(about.pop("files")) == ["classifier.keras", "vim.npz"]
    path.write_text(json.dumps(about))
    Classifier.load(model)
