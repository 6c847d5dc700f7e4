"""Whoever answers (Keras, ONNX, an older model) refuses what is none of the classes alike."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model import artifact, data, export, foreign, vim
from model.calibration import Calibration, Outputs
from model.classifier import Classifier
from model.evaluate import __main__ as evaluate
from model.evaluate.refusal import separation
from model.images import decode
from model.train.refusal import fit_refusal
from pipeline.cli import UserError
from pipeline.params import Evaluate

SIZE = 32


@pytest.fixture(scope="module")
def model(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model that refuses by features."""
    folder = tmp_path_factory.mktemp("refusal") / "model"
    shutil.copytree(trained / "results/model", folder)
    change(folder, refuse_by="features")
    return folder


def change(folder: Path, **calibration: object) -> None:
    about = json.loads((folder / "classifier.json").read_text())
    about["calibration"].update(calibration)
    (folder / "classifier.json").write_text(json.dumps(about))


def others() -> np.ndarray:
    kinds = foreign.made(20, seed=9).values()
    return np.stack([decode(image, SIZE) for kind in kinds for image in kind])


def test_keras_and_onnx_refuse_the_same(trained: Path, model: Path, tmp_path: Path) -> None:
    export.export(trained / "data/dataset", model, tmp_path / "export")
    ours, theirs = Classifier.load(model), Classifier.load(tmp_path / "export")
    assert ours.threshold == theirs.threshold
    keras, onnx = (one.model.outputs(others()) for one in (ours, theirs))
    np.testing.assert_allclose(keras.probabilities, onnx.probabilities, atol=1e-4)
    np.testing.assert_allclose(keras.scores, onnx.scores, rtol=1e-3, atol=1e-3)
    known = ours.judge(others()).known
    np.testing.assert_array_equal(known, theirs.judge(others()).known)
    assert known.mean() < 0.5
    for classifier in (ours, theirs):
        assert classifier.model.outputs(others()[:0]).scores.shape == (0,)


def test_an_image_of_another_thing_has_no_label_and_keeps_its_probabilities(model: Path) -> None:
    classifier = Classifier.load(model)
    image = Image.new("RGB", (48, 48), (250, 240, 10))
    for threshold, label in ((np.inf, None), (-np.inf, classifier.classify(image)[0].top[0][0])):
        (answer,) = replace(classifier, threshold=threshold).classify(image)
        assert answer.label == label
        assert answer.confidence == answer.top[0][1] > 0


def test_what_training_records_is_what_was_measured(trained: Path) -> None:
    loaded = artifact.load(trained / "results/model")
    areas = loaded.about["separation"]
    assert loaded.calibration.refuse_by == max(areas, key=lambda by: areas[by])
    assert all(0 <= area <= 1 for area in areas.values())
    assert len(loaded.calibration.scores) == loaded.calibration.images


def test_the_choice_falls_on_the_better_measure(trained: Path) -> None:
    dataset = trained / "data/dataset"
    loaded = artifact.load(trained / "results/model")
    splits = [data.load_split(dataset, s, loaded.labels, SIZE) for s in ("train", "validation")]
    head = loaded.network.layers[-1]
    head.set_weights([np.zeros_like(weight) for weight in head.get_weights()])
    _, calibration, areas = fit_refusal(loaded.network, *splits)  # all probabilities are equal
    assert areas["probability"] == pytest.approx(0.5)
    expected = "features" if areas["features"] >= 0.5 else "probability"
    assert calibration.refuse_by == expected


def test_a_model_of_an_earlier_version_goes_on_by_probability(
    trained: Path, tmp_path: Path
) -> None:
    old = tmp_path / "results/model"
    shutil.copytree(trained / "results/model", old)
    (old / vim.FILE).unlink()
    about = json.loads((old / "classifier.json").read_text())
    for key in ("scores", "refuse_by"):
        del about["calibration"][key]
    del about["separation"]
    (old / "classifier.json").write_text(json.dumps(about))
    classifier = Classifier.load(old)
    outputs = classifier.model.outputs(others())
    assert outputs.scores is None
    np.testing.assert_array_equal(
        classifier.judge(others()).known,
        classifier.probabilities(others()).max(axis=1) >= classifier.threshold,
    )
    options = Evaluate(reject_quantile=0.05, foreign=None)
    log = trained / "results/train"
    evaluate.evaluate(options, trained / "data/dataset", old, log, tmp_path / "out")
    found = json.loads((tmp_path / "out/calibration.json").read_text())["none_of_these"]
    assert (found["by"], found["other"]) == ("probability", None)
    assert "trained by an earlier version" in (tmp_path / "out/report.html").read_text()
    export.export(trained / "data/dataset", old, tmp_path / "export")
    assert Classifier.load(tmp_path / "export").model.outputs(others()).scores is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "is not there"),
        (b"", "it is empty"),
        (b"<html>", "it is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"no archive", "can't be read"),
    ],
)
def test_a_folder_that_lacks_a_part_is_named(
    model: Path, tmp_path: Path, content: bytes | None, reason: str
) -> None:
    shutil.copytree(model, tmp_path / "model")
    (tmp_path / "model" / vim.FILE).unlink()
    if content is not None:
        (tmp_path / "model" / vim.FILE).write_bytes(content)
    with pytest.raises(UserError, match=rf"vim\.npz .*{reason}.*copy the folder anew"):
        Classifier.load(tmp_path / "model")


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_validation_images_refuse_nothing(count: int) -> None:
    outputs = Outputs(np.full((count, 2), 0.5), np.full(count, -9.0))
    fitted = Calibration.fit(outputs, np.zeros(count, int)).refusing_by("features")
    assert not fitted.knows
    assert (fitted.refuse_by, fitted.threshold(0.9)) == ("probability", 0)


def test_two_validation_images_know_a_threshold() -> None:
    outputs = Outputs(np.full((2, 2), 0.5), np.array([3.0, -9.0]))
    fitted = Calibration.fit(outputs, np.zeros(2, int)).refusing_by("features")
    assert fitted.threshold(0.05) == pytest.approx(-9, rel=1e-3)
    assert fitted.measure(outputs).tolist() == [3, -9]
    assert fitted.measure(outputs, "probability").tolist() == [0.5, 0.5]


def test_separation_by_hand() -> None:
    own, strange = np.array([3.0, 4, 5, 6]), np.array([1.0, 2, 3.5])
    assert separation(own, strange) == {"auroc": pytest.approx(11 / 12), "fpr95": 0.25}
    assert separation(own, own - 10) == {"auroc": 1, "fpr95": 0}
    assert separation(own, own)["auroc"] == 0.5


def test_made_images_come_again_and_differ_by_seed() -> None:
    def pixels(seed: int) -> dict[str, list[bytes]]:
        kinds = foreign.made(3, seed)
        return {name: [image.tobytes() for image in kind] for name, kind in kinds.items()}

    assert pixels(1) == pixels(1)
    assert list(pixels(1)) == ["flat", "drawn"]
    assert not set(pixels(1)["drawn"]) & set(pixels(3)["drawn"])


def test_the_report_and_the_card_tell_both_measures(trained: Path) -> None:
    results = trained / "results/evaluate"
    report = (results / "report.html").read_text()
    card = (results / "MODEL_CARD.md").read_text()
    for word in ("AUROC", "FPR95"):
        assert word in report
        assert word in card
    assert "features (not used)" in report or "probability (not used)" in report
    assert "would refuse" in card
