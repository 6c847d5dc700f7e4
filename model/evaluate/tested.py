"""A split of the dataset, and what the model says of its images."""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix

from model import artifact, data
from model.calibration import Array, Outputs, calibration_error
from model.evaluate.advice import SplitAnswers


@dataclass(frozen=True)
class Tested:
    """A split, and what the model says of its images."""

    images: data.Images
    rows: list[dict[str, str]]
    """of metadata.csv"""
    raw: Array
    """(n, classes), as the network gives them"""
    outputs: Outputs
    """calibrated"""

    @property
    def probabilities(self) -> Array:
        """(n, classes), calibrated"""
        return self.outputs.probabilities

    @functools.cached_property
    def right(self) -> NDArray[np.bool_]:
        return np.asarray(self.probabilities.argmax(axis=1) == self.images.classes)

    @functools.cached_property
    def groups(self) -> list[str]:
        files = zip(self.rows, self.images.files, strict=True)
        return [row.get("group") or file for row, file in files]

    @functools.cached_property
    def confusion(self) -> NDArray[Any]:
        every = range(len(self.images.labels))
        predicted = self.probabilities.argmax(axis=1)
        return np.asarray(confusion_matrix(self.images.classes, predicted, labels=every))

    @property
    def answers(self) -> SplitAnswers:
        return SplitAnswers(
            labels=self.images.labels,
            classes=self.images.classes,
            predicted=self.probabilities.argmax(axis=1),
            groups=self.groups,
        )

    @property
    def errors(self) -> dict[str, float]:
        """The calibration error before and after."""
        return {
            "before": calibration_error(self.raw, self.images.classes),
            "after": calibration_error(self.probabilities, self.images.classes),
        }


def tested(classifier: artifact.Artifact, dataset: Path, split: str) -> Tested:
    """Have the model answer for a split of the dataset."""
    images = data.load_split(dataset, split, classifier.labels, classifier.image_size)
    about = data.metadata(dataset, split)
    raw = classifier.outputs(images.images)
    rows = [about.get(file, {}) for file in images.files]
    return Tested(images, rows, raw.probabilities, classifier.calibration.calibrated(raw))
