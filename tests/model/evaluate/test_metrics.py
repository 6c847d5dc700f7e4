import numpy as np
import pytest
from sklearn import metrics as reference

from model.evaluate.metrics import accuracy_interval, metrics, per_class, slices


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


def answers(right: int, count: int) -> np.ndarray:
    return np.arange(count) < right


def test_the_interval_holds_the_truth_in_95_of_100() -> None:
    """Simulated for 100 images and a true accuracy of 0.8."""
    bounds = [accuracy_interval(answers(right, 100)) for right in range(101)]
    drawn = np.random.default_rng(0).binomial(100, 0.8, 20_000)
    held = [bounds[right][0] <= 0.8 <= bounds[right][1] for right in drawn]
    assert 0.93 < np.mean(held) < 0.97


def test_the_interval_by_group_holds_the_truth_in_95_of_100() -> None:
    """Simulated: 60 products with five views each, which are mostly right or wrong together.

    Wilson's interval, which takes them for 300 independent images, holds it far too seldom.
    """
    random = np.random.default_rng(3)
    groups = np.repeat(np.arange(60), 5).astype(str).tolist()
    held = {"group": 0, "image": 0}
    for _ in range(120):
        shares = np.repeat(random.beta(0.8, 0.2, 60), 5)  # of mean 0.8
        right = random.random(300) < shares
        for name, bounds in (
            ("group", accuracy_interval(right, groups)),
            ("image", accuracy_interval(right)),
        ):
            held[name] += bounds[0] <= 0.8 <= bounds[1]
    assert held["image"] < 90
    assert held["group"] > 106


def test_groups_of_one_image_are_images() -> None:
    right = answers(7, 10)
    assert accuracy_interval(right, list("abcdefghij")) == accuracy_interval(right)


def test_slices_are_of_sources_and_of_thirds() -> None:
    """Hand-made: nine images, the small ones wrong."""
    rows = [
        {
            "source": "phone" if n < 3 else "shop",
            "official_split": "",
            "width": str(100 * (n + 1)),
            "height": str(100 * (n + 1)),
            "brightness": "128.0",
        }
        for n in range(9)
    ]
    found = slices(rows, np.arange(9) >= 3)
    assert [(row["slice"], row["value"], row["count"], row["accuracy"]) for row in found] == [
        ("source", "phone", 3, 0),
        ("source", "shop", 6, 1),
        ("size", "up to 300 pixels", 3, 0),
        ("size", "up to 600 pixels", 3, 1),
        ("size", "above 600 pixels", 3, 1),
    ]
    assert found[0]["accuracy_high"] == accuracy_interval(np.zeros(3, bool))[1]


def test_without_metadata_there_are_no_slices() -> None:
    assert slices([{}, {}], np.array([True, False])) == []


@pytest.mark.parametrize(("right", "count"), [(0, 10), (10, 10), (267, 372)])
def test_the_interval_is_wilsons(right: int, count: int) -> None:
    z = 1.959963984540054
    share, width = right / count, z * z / count
    middle = (share + width / 2) / (1 + width)
    half = z * np.sqrt(share * (1 - share) / count + width / count / 4) / (1 + width)
    assert accuracy_interval(answers(right, count)) == pytest.approx(
        (middle - half, middle + half), abs=1e-12
    )
