import json
import logging
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from model import artifact, export, onnx_engine
from model.calibration import Calibration
from model.classifier import Classifier, Prediction
from pipeline.cli import UserError

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def exported(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data/dataset, results/model, results/evaluate and results/export."""
    root = tmp_path_factory.mktemp("exported") / "root"
    shutil.copytree(trained, root)
    rows, agreement = export.export(
        root / "data/dataset", root / "results/model", root / "results/export"
    )
    assert [row["engine"] for row in rows] == ["keras", "onnx"]
    assert rows[0]["accuracy"] == rows[1]["accuracy"]
    assert agreement == 1
    return root


def test_both_engines_give_the_same_probabilities(exported: Path) -> None:
    images = sorted((exported / "data/dataset/test").rglob("*.png"))
    keras_answers = Classifier.load(exported / "results/model").classify(images)
    onnx_answers = Classifier.load(exported / "results/export").classify(images)
    for one, other in zip(keras_answers, onnx_answers, strict=True):
        assert isinstance(one, Prediction)
        assert isinstance(other, Prediction)
        assert one.label == other.label
        assert dict(one.top) == pytest.approx(dict(other.top), abs=1e-4)


def test_a_batch_has_any_size(exported: Path) -> None:
    model = onnx_engine.load(exported / "results/export")
    images = np.random.default_rng(0).integers(0, 256, (70, 32, 32, 3), dtype=np.uint8)
    whole = model.probabilities(images)
    assert whole.shape == (70, 3)
    np.testing.assert_allclose(whole[3:4], model.probabilities(images[3:4]), atol=1e-5)
    assert model.probabilities(images[:0]).shape == (0, 3)


def test_the_command_answers_without_tensorflow_and_scipy(exported: Path) -> None:
    image = exported / "data/dataset/test/leaf/00.png"
    code = (
        "import sys\nfrom model.predict import main\n"
        f"code = main([{str(image)!r}, '--engine', 'onnx', '--json'])\n"
        "assert not {'tensorflow', 'keras', 'scipy', 'sklearn'} & set(sys.modules)\n"
        "sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=exported,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["top"][0]["label"] == "leaf"


def test_a_network_with_branches_is_exported(exported: Path, tmp_path: Path) -> None:
    inputs = keras.Input((32, 32, 3))
    x = keras.layers.Rescaling(1 / 255)(inputs)
    branches = [keras.layers.Conv2D(4, n, padding="same", activation="relu")(x) for n in (1, 3)]
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Concatenate()(branches))
    network = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(x))
    artifact.save(tmp_path / "model", network, ["apple", "leaf", "sky"], 32, Calibration(), {})
    _, agreement = export.export(exported / "data/dataset", tmp_path / "model", tmp_path / "export")
    assert agreement == 1
    # the converter would show a traceback of each simplification that it can't make
    assert not logging.getLogger("tf2onnx.optimizer").isEnabledFor(logging.ERROR)


def test_an_export_that_disagrees_is_not_kept(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(exported, tmp_path / "root")
    write: Callable[..., None] = export._write_network

    def write_another(model: artifact.Artifact, path: Path) -> None:
        other = keras.models.clone_model(model.network)
        other.layers[-1].set_weights([np.zeros((128, 3)), np.array([-9.0, -9.0, 9.0])])
        write(replace(model, network=other), path)

    monkeypatch.setattr(export, "_write_network", write_another)
    monkeypatch.chdir(tmp_path / "root")
    with pytest.raises(UserError, match=r"another class than the model in 66\.7% of the test"):
        export.main([])
    assert [path.name for path in Path("results").glob("*export*")] == []


def test_the_export_of_another_model_is_refused(exported: Path, tmp_path: Path) -> None:
    shutil.copytree(exported / "results", tmp_path / "results")
    network = tmp_path / "results/model/classifier.keras"
    network.write_bytes(network.read_bytes() + b" ")
    with pytest.raises(UserError, match=r"is no export of .*`python -m model\.export` renews it"):
        Classifier.load(tmp_path / "results/export")
    shutil.rmtree(tmp_path / "results/model")  # where only the export was taken along
    there = Classifier.load(exported / "results/model")
    copy = Classifier.load(tmp_path / "results/export")
    assert copy.model.calibration == there.model.calibration
    assert copy.threshold == there.threshold != 0


def test_no_export(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"classifier\.onnx is not there; `python -m model\.export"):
        onnx_engine.load(tmp_path)


def test_the_table_of_the_command(
    exported: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(exported)
    export.main([])
    shown = capsys.readouterr().out
    assert shown.startswith("engine      accuracy    size in MB    ms an image\n")
    assert "the same class in 100.00% of the images; in results/export" in shown


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"<html>", "it is a web page"),
        (None, "can't be read as a "),  # cut off
    ],
)
@pytest.mark.parametrize("name", ["classifier.onnx", "classifier.json"])
def test_a_damaged_export_is_named_with_reason_and_remedy(
    exported: Path, tmp_path: Path, name: str, content: bytes | None, reason: str
) -> None:
    folder = Path(shutil.copytree(exported / "results/export", tmp_path / "export"))
    path = folder / name
    path.write_bytes(path.read_bytes()[:-40] if content is None else content)
    with pytest.raises(UserError) as caught:
        Classifier.load(folder)
    assert str(caught.value).startswith(f"{path} can't be read as a ")
    assert reason in str(caught.value)
    assert "`python -m model.export` writes it anew" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"image_size": 64}, "takes images of 32 pixels, and .* has 64: they are of two models"),
        ({"reject_quantile": 7.0}, "'reject_quantile' is 7.0, no number from 0 to 1"),
        ({"labels": ["a", "", "b"]}, "'labels' must be different names"),
        ({"files": {onnx_engine.NETWORK: "0" * 64}}, "is another file than the one"),
        ({"files": [1]}, "its 'files' is"),
    ],
)
def test_an_export_whose_description_is_of_another(
    exported: Path, tmp_path: Path, values: dict, reason: str
) -> None:
    folder = Path(shutil.copytree(exported / "results/export", tmp_path / "export"))
    path = folder / "classifier.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))
    with pytest.raises(UserError, match=reason):
        Classifier.load(folder)


def test_the_same_network_is_saved_as_the_same_bytes(tmp_path: Path) -> None:
    """Whenever it is saved, and wherever it lies in memory."""
    saved = []
    for name in ("one", "two"):
        policy = keras.DTypePolicy("float32")
        network = keras.Sequential(
            [
                keras.Input((8, 8, 3), name="image"),
                keras.layers.Flatten(name="flat", dtype=policy),
                keras.layers.Dense(2, "softmax", name="classes", dtype=policy),
            ],
            name="network",
        )
        network.set_weights([np.ones((192, 2)), np.zeros(2)])
        artifact.save(tmp_path / name, network, ["apple", "leaf"], 8, Calibration(), {})
        saved.append((tmp_path / name / artifact.NETWORK).read_bytes())
        with zipfile.ZipFile(tmp_path / name / artifact.NETWORK) as file:
            assert {member.date_time[0] for member in file.infolist()} == {1980}
            assert b"shared_object_id" in file.read("config.json")
    assert saved[0] == saved[1]
    assert artifact.load(tmp_path / "one").labels == ["apple", "leaf"]
