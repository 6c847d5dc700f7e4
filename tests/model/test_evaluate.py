import csv
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn import metrics as reference

from model import data, evaluate
from model.artifact import load
from model.evaluate import interval, metrics, per_class
from pipeline.cli import UserError
from pipeline.params import Evaluate

KEYS = [
    "accuracy",
    "accuracy_low",
    "accuracy_high",
    "balanced_accuracy",
    "macro_f1",
    "top_3_accuracy",
    "loss",
    "calibration_error",
]


@pytest.fixture(scope="module")
def guesses() -> tuple[np.ndarray, np.ndarray]:
    """True classes and probabilities that are often wrong; class 4 is never predicted."""
    random = np.random.default_rng(5)
    classes = np.sort(random.integers(0, 5, 300))
    logits = random.normal(0, 1.5, (300, 5)) + 2 * np.eye(5)[classes]
    logits[:, 4] = -5
    exponents = np.exp(logits)
    return classes, exponents / exponents.sum(axis=1, keepdims=True)


def test_metrics_are_scikit_learns(guesses) -> None:
    classes, probabilities = guesses
    predicted = probabilities.argmax(axis=1)
    ours = metrics(classes, probabilities)
    assert list(ours) == KEYS
    assert ours["accuracy"] == pytest.approx(reference.accuracy_score(classes, predicted))
    assert ours["balanced_accuracy"] == pytest.approx(
        np.mean([(predicted[classes == c] == c).mean() for c in range(5)])
    )
    assert ours["macro_f1"] == pytest.approx(
        reference.f1_score(classes, predicted, average="macro", zero_division=0)
    )
    assert ours["top_3_accuracy"] == pytest.approx(
        reference.top_k_accuracy_score(classes, probabilities, k=3)
    )
    assert ours["loss"] == pytest.approx(-np.log(probabilities[np.arange(300), classes]).mean())


def test_per_class_is_scikit_learns_report(guesses) -> None:
    classes, probabilities = guesses
    labels = list("abcde")
    report = reference.classification_report(
        classes,
        probabilities.argmax(axis=1),
        target_names=labels,
        output_dict=True,
        zero_division=0,
    )
    for label, row in per_class(classes, probabilities, labels).items():
        expected = report[label]
        expected["f1"] = expected.pop("f1-score")
        assert row == pytest.approx(expected)


def test_two_classes_have_no_third() -> None:
    scores = metrics(np.array([0, 1, 1]), np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]]))
    assert scores["top_3_accuracy"] == 1
    assert scores["accuracy"] == pytest.approx(2 / 3)


def test_the_interval_holds_the_truth_in_95_of_100() -> None:
    """Simulated for 100 pictures and a true accuracy of 0.8."""
    bounds = [interval(int(right), 100) for right in range(101)]
    drawn = np.random.default_rng(0).binomial(100, 0.8, 20_000)
    held = [bounds[right][0] <= 0.8 <= bounds[right][1] for right in drawn]
    assert 0.93 < np.mean(held) < 0.97


@pytest.mark.parametrize(("right", "count"), [(0, 10), (10, 10), (267, 372)])
def test_the_interval_is_wilsons(right: int, count: int) -> None:
    z = 1.959963984540054
    share, width = right / count, z * z / count
    middle = (share + width / 2) / (1 + width)
    half = z * np.sqrt(share * (1 - share) / count + width / count / 4) / (1 + width)
    assert interval(right, count) == pytest.approx((middle - half, middle + half), abs=1e-12)


def read_predictions(root: Path) -> list[dict[str, str]]:
    with (root / "results/evaluate/predictions.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_test_picture_has_its_prediction(trained: Path) -> None:
    rows = read_predictions(trained)
    assert list(rows[0]) == ["file", "label", "predicted", "confidence", "apple", "leaf", "sky"]
    test = trained / "data/dataset/test"
    assert [row["file"] for row in rows] == [
        p.relative_to(test).as_posix() for p in sorted(test.glob("*/*"))
    ]
    for row in rows:
        shares = {label: float(row[label]) for label in ("apple", "leaf", "sky")}
        assert row["file"].startswith(row["label"] + "/")
        assert row["predicted"] == max(shares, key=shares.__getitem__)
        assert float(row["confidence"]) == max(shares.values())
        assert sum(shares.values()) == pytest.approx(1)


def test_metrics_follow_from_the_predictions(trained: Path) -> None:
    rows = read_predictions(trained)
    scores = json.loads((trained / "results/evaluate/metrics.json").read_text())
    assert list(scores) == KEYS
    assert scores["accuracy"] == np.mean([row["label"] == row["predicted"] for row in rows])
    assert scores["loss"] == pytest.approx(
        -np.mean([np.log(float(row[row["label"]])) for row in rows])
    )


def test_the_confusion_plot_has_a_row_for_each_picture(trained: Path) -> None:
    path = trained / "results/evaluate/confusion.csv"
    with path.open(encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["actual", "predicted"]
    assert rows[1:] == [[row["label"], row["predicted"]] for row in read_predictions(trained)]
    with Image.open(path.with_suffix(".png")) as image:
        assert min(image.size) > 300
        assert len(image.convert("L").getcolors()) > 10


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append((tag, dict(attrs)))


def test_the_report_needs_nothing_from_elsewhere(trained: Path) -> None:
    text = (trained / "results/evaluate/report.html").read_text()
    tags = Page(text).tags
    images = [attributes["src"] for tag, attributes in tags if tag == "img"]
    assert len(images) >= 2
    assert all(re.match("data:image/(png|jpeg);base64,", source) for source in images)
    assert not {"script", "link", "iframe"} & {tag for tag, _ in tags}
    for label in ("apple", "leaf", "sky"):
        assert label in text


def test_the_report_shows_the_worst_mistakes_with_their_source(
    trained: Path, tmp_path: Path
) -> None:
    """Pictures of one class filed under another are the surest mistakes."""
    shutil.copytree(trained, tmp_path / "run")
    dataset = tmp_path / "run/data/dataset"
    shutil.copy(dataset / "train/apple/00.png", dataset / "test/sky/an <apple>.png")
    (dataset / "test/metadata.csv").write_text(
        "file_name,label,source\nsky/an <apple>.png,sky,that shop\n", encoding="utf-8"
    )
    out = tmp_path / "out"
    evaluate.evaluate(Evaluate(reject_quantile=0.05), dataset, trained / "results/model", out)
    text = (out / "report.html").read_text()
    assert "sky/an &lt;apple&gt;.png" in text
    assert "that shop" in text
    assert "truly sky" in text


def test_calibration_comes_from_validation_alone(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained / "data", tmp_path / "data")
    for picture in (tmp_path / "data/dataset/test/leaf").iterdir():
        shutil.copy(trained / "data/dataset/test/sky/00.png", picture)
    evaluate.evaluate(
        Evaluate(reject_quantile=0.05),
        tmp_path / "data/dataset",
        trained / "results/model",
        tmp_path / "out",
    )
    now = json.loads((tmp_path / "out/calibration.json").read_text())
    before = json.loads((trained / "results/evaluate/calibration.json").read_text())
    for key in ("temperature", "threshold"):
        assert now[key] == before[key]
    assert now["calibration_error"]["test"] != before["calibration_error"]["test"]


def test_a_dataset_with_other_classes_is_refused(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained / "data", tmp_path / "data")
    dataset = tmp_path / "data/dataset"
    for split in ("train", "validation", "test"):
        (dataset / split / "sky").rename(dataset / split / "sea")
    with pytest.raises(UserError, match=r"knows apple, leaf, sky, and .* has apple, leaf, sea"):
        evaluate.evaluate(
            Evaluate(reject_quantile=0), dataset, trained / "results/model", tmp_path / "out"
        )
    assert not (tmp_path / "out").exists()


def test_a_test_split_that_lacks_a_class_is_refused(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained / "data", tmp_path / "data")
    shutil.rmtree(tmp_path / "data/dataset/test/sky")
    with pytest.raises(UserError, match="test has no pictures of sky"):
        evaluate.evaluate(
            Evaluate(reject_quantile=0),
            tmp_path / "data/dataset",
            trained / "results/model",
            tmp_path / "out",
        )


def test_without_a_model_it_says_what_makes_one(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="`dvc repro` trains"):
        evaluate.evaluate(
            Evaluate(reject_quantile=0), dataset, tmp_path / "model", tmp_path / "out"
        )


def test_the_artifact_predicts_in_any_batch(trained: Path) -> None:
    model = load(trained / "results/model")
    pictures = data.load_split(trained / "data/dataset", "train", model.labels, model.image_size)
    images = np.concatenate([pictures.images] * 3)
    together = model.probabilities(images)
    assert together.shape == (108, 3)
    one_by_one = np.concatenate([model.probabilities(images[i : i + 1]) for i in range(36)])
    np.testing.assert_allclose(together[:36], one_by_one, atol=1e-5)
    assert model.probabilities(images[:0]).shape == (0, 3)
