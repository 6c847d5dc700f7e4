"""A model folder answers for images in every form."""

import csv
import io
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from ruamel.yaml import YAML

from model.artifact import Artifact
from model.calibration import Calibration, Outputs
from model.data import load_split
from model.images import UnreadableImageError, decode
from model.predict import Classifier, Prediction
from pipeline.cli import UserError


def assert_same(one: object, other: object) -> None:
    """To rounding: sums may be ordered differently at another place in a batch."""
    assert isinstance(one, Prediction)
    assert isinstance(other, Prediction)
    assert one.label == other.label
    assert [label for label, _ in one.top] == [label for label, _ in other.top]
    assert [p for _, p in one.top] == pytest.approx([p for _, p in other.top], abs=1e-5)


def test_every_form_of_an_image_gets_one_answer(classifier: Classifier, trained: Path) -> None:
    path = trained / "data/dataset/test/leaf/00.png"
    with Image.open(path) as image:
        forms = [path, str(path), path.read_bytes(), image.copy(), np.asarray(image)]
    answers = classifier.classify(forms)
    for answer in answers:
        assert_same(answer, answers[0])
    assert answers[0].confidence == answers[0].top[0][1]
    assert [p for _, p in answers[0].top] == sorted((p for _, p in answers[0].top), reverse=True)


def test_one_image_gets_one_answer(classifier: Classifier, trained: Path) -> None:
    path = trained / "data/dataset/test/leaf/00.png"
    with Image.open(path) as image:
        array = np.asarray(image.convert("RGB"))
    forms = [str(path), path, path.read_bytes(), io.BytesIO(path.read_bytes()), array]
    (first,) = classifier.classify([path])
    for one in forms:
        (answer,) = classifier.classify(one)
        assert_same(answer, first)
    assert len(classifier.classify(np.stack([array, array]))) == 2
    (refused,) = classifier.classify(np.empty((0, 5, 3), np.uint8))
    assert isinstance(refused, UnreadableImageError)
    with pytest.raises(UserError, match="top is 0"):
        classifier.classify(path, top=0)


def test_answers_are_those_of_evaluation(classifier: Classifier, trained: Path) -> None:
    with (trained / "results/evaluate/predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    test = trained / "data/dataset/test"
    for row, answer in zip(
        rows, classifier.classify([test / r["file"] for r in rows]), strict=True
    ):
        assert isinstance(answer, Prediction)
        assert answer.top[0][0] == row["predicted"]
        for label, probability in answer.top:
            assert probability == pytest.approx(float(row[f"p_{label}"]), abs=1e-5)


def test_top_is_as_long_as_asked(classifier: Classifier) -> None:
    grey = Image.new("L", (9, 9), 128)
    for top, length in ((1, 1), (2, 2), (9, 3)):
        (answer,) = classifier.classify([grey], top=top)
        assert isinstance(answer, Prediction)
        assert len(answer.top) == length


def test_a_bad_image_of_a_batch_fails_alone(classifier: Classifier, trained: Path) -> None:
    good = trained / "data/dataset/test/leaf/00.png"
    first, bad, last = classifier.classify([good, b"<html>", good])
    assert isinstance(bad, UnreadableImageError)
    (alone,) = classifier.classify([good])
    assert_same(first, alone)
    assert_same(last, alone)
    assert isinstance(classifier.classify([b""])[0], UnreadableImageError)
    assert classifier.classify([]) == []


def test_what_the_model_is_unsure_of_is_none_of_the_classes(classifier: Classifier) -> None:
    grey = Image.new("L", (9, 9), 128)
    sure = replace(classifier, threshold=np.inf)
    (answer,) = sure.classify([grey])
    assert isinstance(answer, Prediction)
    assert answer.label is None
    assert answer.confidence == answer.top[0][1] > 0
    never = replace(classifier, threshold=-np.inf)
    assert never.classify([grey])[0].label is not None


def test_a_copy_of_the_model_folder_is_all_there_is_to_carry(
    classifier: Classifier, trained: Path, tmp_path: Path
) -> None:
    shutil.copytree(trained / "results/model", tmp_path / "elsewhere")
    copy = Classifier.load(tmp_path / "elsewhere")
    assert copy.model.calibration == classifier.model.calibration
    assert copy.model.calibration.images == 12
    grey = Image.new("L", (9, 9), 128)
    assert_same(copy.classify([grey])[0], classifier.classify([grey])[0])


def test_confidence_is_calibrated(classifier: Classifier) -> None:
    model = classifier.model
    assert isinstance(model, Artifact)
    hot = replace(classifier, model=replace(model, calibration=Calibration(temperature=50)))
    grey = Image.new("L", (9, 9), 128)
    assert hot.classify([grey])[0].confidence == pytest.approx(1 / 3, abs=0.05)
    (answer,) = replace(classifier, model=replace(model, calibration=Calibration())).classify(
        [grey]
    )
    raw = model.probabilities(decode(grey, 32)[None])
    assert answer.confidence == pytest.approx(raw.max())


def test_a_model_of_an_earlier_version_is_as_sure_as_it_is(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained / "results/model", tmp_path / "model")
    about = json.loads((tmp_path / "model/classifier.json").read_text())
    del about["calibration"]
    (tmp_path / "model/classifier.json").write_text(json.dumps(about))
    old = Classifier.load(tmp_path / "model")
    assert (old.model.calibration, old.threshold) == (Calibration(), 0)


@pytest.mark.parametrize("quantile", [0.0, 0.5])
def test_the_threshold_follows_the_project_without_a_training(
    trained: Path, tmp_path: Path, quantile: float
) -> None:
    shutil.copytree(trained / "results/model", tmp_path / "results/model")
    yaml = YAML()
    params = yaml.load(Path(__file__).parents[2] / "params.yaml")
    params["evaluate"]["reject_quantile"] = quantile
    yaml.dump(params, tmp_path / "params.yaml")
    loaded = Classifier.load(tmp_path / "results/model")
    calibration = loaded.model.calibration
    by = {"probability": calibration.confidences, "features": calibration.scores}
    values = by[calibration.refuse_by]
    wanted = values[int(quantile * (len(values) - 1))]
    assert loaded.threshold == pytest.approx(wanted, rel=1e-3, abs=1e-3)


def test_no_model(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"classifier\.keras is not there; `dvc repro`"):
        Classifier.load(tmp_path)


def test_images_are_decoded_as_in_training(classifier: Classifier, trained: Path) -> None:
    seen = []

    class Recorder:
        labels, image_size, sha256 = classifier.model.labels, classifier.model.image_size, ""
        calibration = Calibration()

        def outputs(self, images: np.ndarray) -> Outputs:
            seen.append(images)
            return Outputs(np.full((len(images), 3), 1 / 3), None)

    split = load_split(trained / "data/dataset", "test", Recorder.labels, Recorder.image_size)
    files = [trained / "data/dataset/test" / file for file in split.files]
    Classifier(Recorder(), 0).classify(files)
    np.testing.assert_array_equal(np.concatenate(seen), split.images)


def test_more_images_than_a_batch_keep_their_order(classifier: Classifier, trained: Path) -> None:
    test = trained / "data/dataset/test"
    images = [test / label / "00.png" for label in ("leaf", "sky")] * 100
    images.insert(77, test / "gone.png")
    answers = classifier.classify(images)
    assert isinstance(answers.pop(77), UnreadableImageError)
    assert [answer.top[0][0] for answer in answers] == ["leaf", "sky"] * 100
