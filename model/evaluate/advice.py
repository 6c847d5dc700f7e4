"""Says in one or two sentences what would help most, from the numbers of an evaluation.

Rules about training come first, because they need no test image. Then comes a rule that asks if the
test split is large enough, and only then the rules about its results. Suspicious labels are not
counted here; a sentence only names the command that finds them. The audit is a pipeline of its
own, and the same commit must give the same report whether the audit has run or not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix

from model.evaluate.metrics import accuracy_interval
from pipeline.params import Train

GOOD = 0.95
"""With at least this accuracy, nobody is told to train in another way."""
LOW = 0.8
"""A lower accuracy is low whatever the number of images, in training too."""
FEW = 500
"""Fewer training images of a class are few. With about 300 images in each class, a pretrained
network is still far better than every network from scratch (docs/performance.md)."""
GAP = 0.1
"""A larger difference between training and validation accuracy is a sign of overfitting."""
RARE = 0.5
"""A class with a smaller share of the median number of training images of the others is rare."""
WIDE = 0.2
"""A wider 95 % interval of the accuracy is wide."""
OFTEN = 0.1
"""A class is often mistaken if at least this share of its test images is taken for another one."""
_MOST = 2  # sentences
_TRAIN_KEYS = ("network", "weights", "image_size", "epochs")


@dataclass(frozen=True, slots=True)
class Share:
    """A share of images, with its 95 % interval; all three from 0 to 1."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, hits: NDArray[np.bool_], groups: Sequence[str]) -> "Share":
        """The share of True in `hits`. `groups` has each image's group: see `accuracy_interval`."""
        return cls(float(hits.mean()), *accuracy_interval(hits, groups))


@dataclass(frozen=True, slots=True)
class SplitAnswers:
    """A model's answers to the images of a split. `classes` (the right ones) and `predicted` are
    positions in `labels`."""

    labels: Sequence[str]
    classes: NDArray[np.int64]
    predicted: NDArray[np.int64]
    groups: Sequence[str]

    @property
    def right(self) -> NDArray[np.bool_]:
        return np.asarray(self.predicted == self.classes)

    def share(self, hits: NDArray[np.bool_], among: NDArray[np.bool_]) -> Share:
        """The share of `hits` among the images for which `among` is True."""
        return Share.of(hits[among], [self.groups[i] for i in np.flatnonzero(among).tolist()])


@dataclass(frozen=True, slots=True)
class Weakest:
    """The class with the lowest recall; `others` is the recall of all other classes together."""

    label: str
    recall: Share
    others: Share

    @classmethod
    def of(cls, answers: SplitAnswers) -> "Weakest":
        """Find the class. Each class must have an image."""
        right, classes = answers.right, answers.classes
        lowest = int(np.argmin([right[classes == c].mean() for c in range(len(answers.labels))]))
        inside = classes == lowest
        return cls(
            answers.labels[lowest], answers.share(right, inside), answers.share(right, ~inside)
        )


@dataclass(frozen=True, slots=True)
class ConfusedPair:
    """The two classes that are most often taken for each other.

    `there` is the share of the first one's images that are taken for the second one, `back` the
    other way.
    """

    first: str
    second: str
    there: Share
    back: Share

    @classmethod
    def of(cls, answers: SplitAnswers) -> "ConfusedPair | None":
        """Find the pair; None if no two classes are mistaken both ways.

        Each class must have an image.
        """
        labels, classes, predicted = answers.labels, answers.classes, answers.predicted
        shares = confusion_matrix(classes, predicted, labels=range(len(labels)), normalize="true")
        both_ways = np.triu(np.minimum(shares, shares.T), 1)
        a, b = np.unravel_index(both_ways.argmax(), both_ways.shape)
        if not both_ways[a, b]:
            return None
        return cls(
            labels[a],
            labels[b],
            answers.share(predicted == b, classes == a),
            answers.share(predicted == a, classes == b),
        )


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules need from an evaluation. `accuracy` is that on the test split."""

    recipe: Train
    comes_trained: bool
    """see `pretrained.comes_trained`"""
    own: bool
    """whether all images come from the source `own`"""
    training_images: Mapping[str, int]
    """by class"""
    test_images: int
    accuracy: Share
    validation: Share
    training: float | None
    """accuracy in the epoch that was kept; None if no log has that epoch"""
    kept_epoch: int
    """from 1; 0 is the classifier that was fitted before the first epoch"""
    weakest: Weakest
    pair: ConfusedPair | None


def advice(facts: Facts) -> list[str]:
    """One or two sentences, the most useful first; commands and keys stand in backquotes."""
    right = _percent(facts.accuracy.value)
    well = (
        f"All is well: {right} of the test images are right, and nothing measured calls for more."
    )
    return [sentence for rule in _RULES if (sentence := rule(facts))][:_MOST] or [well]


def _from_scratch(facts: Facts) -> str | None:
    accuracy, images = facts.accuracy.value, median(facts.training_images.values())
    if facts.comes_trained or accuracy >= GOOD or (images >= FEW and accuracy >= LOW):
        return None
    if facts.own:
        remedy = (
            "`cp presets/own.yaml params.yaml` (it replaces the whole file), set "
            "`sources.own.path`, then `dvc repro`"
        )
    else:
        keys = ", ".join(f"`train.{key}`" for key in _TRAIN_KEYS)
        remedy = f"set {keys} as in presets/demo-pretrained.yaml, then `dvc repro`"
    return (
        f"The network learned from scratch, from {images:.0f} images of a class (median), and gets "
        f"{_percent(accuracy)} of the test images right; on photos a pretrained one usually does "
        f"better: {remedy}."
    )


def _fits_too_little(facts: Facts) -> str | None:
    recipe, training = facts.recipe, _training(facts)
    if training is None or training >= LOW or training - facts.validation.value >= GAP:
        return None
    start = f"Only {_percent(training)} of the training images are right: "
    if recipe.epochs and facts.kept_epoch == recipe.epochs:
        return (
            f"{start}the last epoch was the best one, so train longer, for example "
            f"`dvc exp run -S train.epochs={2 * recipe.epochs}`."
        )
    if facts.comes_trained and recipe.fine_tune_from is None:
        return (
            f"{start}train more than the classifier, with `train` of params.yaml as in "
            "presets/clothing-tuned.yaml, then `dvc repro`."
        )
    return f"{start}a larger network may learn more; docs/training.md lists them."


def _uncertain(facts: Facts) -> str | None:
    share, count = facts.accuracy, facts.test_images
    if (width := share.high - share.low) <= WIDE:
        return None
    enough = 10 * ceil(count * (width / WIDE) ** 2 / 10)  # the width falls with the square root
    return (
        f"The accuracy itself is uncertain, {_percent(share.low)} to {_percent(share.high)} from "
        f"{count} test images; about {enough} would narrow that to {100 * WIDE:.0f} points: add "
        "images, or raise `split.test`."
    )


def _rare(facts: Facts) -> str | None:
    weakest, counts = facts.weakest, facts.training_images
    label = weakest.label
    others = median(count for name, count in counts.items() if name != label)
    if counts[label] > RARE * others or weakest.recall.high >= weakest.others.low:
        return None
    return (
        f"More images of {label} would help: {_percent(weakest.recall.value)} of its test images "
        f"are right and {_percent(weakest.others.value)} of the others, and it has "
        f"{counts[label]} training images where the others have {others:.0f} (median)."
    )


def _confused(facts: Facts) -> str | None:
    pair = facts.pair
    if pair is None or min(pair.there.low, pair.back.low) < OFTEN:
        return None
    return (
        f"{pair.first} and {pair.second} are taken for each other ({_percent(pair.there.value)} "
        f"and {_percent(pair.back.value)} of their test images): more images that show what tells "
        "them apart would help, or one class for both."
    )


def _fits_too_closely(facts: Facts) -> str | None:
    training, validation = _training(facts), facts.validation
    if training is None or training < max(validation.value + GAP, validation.high):
        return None
    # the features of a classifier that is only fitted are computed once, without augmentation
    stronger = ", or stronger augmentation (`augment` in params.yaml)" if facts.kept_epoch else ""
    return (
        f"{_percent(training)} of the training images are right and only "
        f"{_percent(validation.value)} in validation: more images would help{stronger}."
    )


def _labels(facts: Facts) -> str | None:
    if facts.accuracy.value >= GOOD:
        return None
    return (
        "Some labels may be wrong: `dvc repro audit/dvc.yaml` looks for them, and "
        "`python -m pipeline.review` shows them."
    )


_RULES = (
    _from_scratch,
    _fits_too_little,
    _uncertain,
    _rare,
    _confused,
    _fits_too_closely,
    _labels,
)
"""The first rules give the most useful advice."""


def _training(facts: Facts) -> float | None:
    """Accuracy in training; None if it is unknown or leads to no advice."""
    # after advice to take a pretrained network, the curves of this network say nothing more
    return None if facts.accuracy.value >= GOOD or _from_scratch(facts) else facts.training


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
