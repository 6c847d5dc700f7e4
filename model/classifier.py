"""Classes of new images: a trained model, or its export, with its calibration."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from model import artifact, onnx_engine
from model.calibration import Calibration, Outputs
from model.images import AnyImage, UnreadableImageError, decode, decode_ahead, each_image
from model.notebook import AnswerList, Explanation, html_of
from model.occlusion import importance, occluded
from pipeline.cli import UserError
from pipeline.paths import EXPORT, MODEL, PARAMS

_BATCH = 64
_REJECT_QUANTILE = 0.05


class Model(Protocol):
    """A network, with any engine that runs it."""

    @property
    def labels(self) -> list[str]: ...
    @property
    def image_size(self) -> int: ...
    @property
    def calibration(self) -> Calibration: ...
    @property
    def sha256(self) -> str:
        """SHA-256 of the model's classifier.keras."""

    def outputs(self, images: NDArray[np.uint8]) -> Outputs:
        """The outputs for decoded images (n, image_size, image_size, 3)."""


class Judged(NamedTuple):
    """A classifier's results for n images."""

    probabilities: NDArray[np.float64]
    """(n, classes), calibrated"""
    known: NDArray[np.bool_]
    """(n,), False for an image that is none of the classes"""


@dataclass(frozen=True, slots=True)
class Prediction:
    """An answer. `top` has the likeliest classes with their probabilities, likeliest first."""

    label: str | None  # None: none of the classes
    confidence: float  # of the likeliest class
    top: list[tuple[str, float]]

    def _repr_html_(self) -> str:
        return html_of(self)


@dataclass(frozen=True)
class Classifier:
    """A trained model that takes images in any form."""

    model: Model
    threshold: float
    """An image is none of the classes if its measure is below this: its highest probability, or how
    much it is like the training images. `model.calibration.refuse_by` tells which."""

    @classmethod
    def load(cls, path: Path = MODEL) -> Self:
        """The model in `path`, or an export that `model.export` wrote there.

        The threshold follows from `evaluate.reject_quantile` as it is now, but for an export from
        its value at the time of the export. UserError if there is no model.
        """
        if path.name == EXPORT.name or (path / onnx_engine.NETWORK).is_file():
            exported = onnx_engine.load(path)
            return cls(exported, exported.calibration.threshold(exported.reject_quantile))
        model = artifact.load(path)
        return cls(model, model.calibration.threshold(reject_quantile(path)))

    def classify(self, images: AnyImage | Iterable[AnyImage], top: int = 3) -> AnswerList:
        """An answer for each image, in order; one that can't be read has its error instead.

        `images` is one image or many: paths, bytes of files, open files, Pillow images, or uint8
        arrays (height, width) or (height, width, 1, 3 or 4), alone or stacked. The answer to one
        image is a list too, and a notebook shows it beside the images. UserError where `top` is
        below 1.
        """
        return AnswerList.to(each_image(images), lambda noted: self.answers(noted, top))

    def explain(self, image: AnyImage, label: str | None = None) -> Explanation:
        """The areas of an image that speak most for the class `label`, or for its likeliest class.

        A notebook shows them on the image. UnreadableImageError if the image can't be read,
        UserError if the model doesn't know the class.
        """
        labels = self.model.labels
        if label is not None and label not in labels:
            raise UserError(f"there is no class {label!r}; the model knows {', '.join(labels)}")
        probabilities = self.probabilities(occluded(decode(image, self.model.image_size)))
        column = int(probabilities[0].argmax()) if label is None else labels.index(label)
        of_class = probabilities[:, column]
        return Explanation(labels[column], float(of_class[0]), importance(of_class), image)

    def answers(
        self, images: Iterable[AnyImage | UnreadableImageError], top: int = 3
    ) -> Iterator[Prediction | UnreadableImageError]:
        """The answers one by one. While the network has a batch, the next one is decoded."""
        if top < 1:
            raise UserError(f"top is {top}; an answer has 1 class at least")
        decoded = decode_ahead(images, self.model.image_size)
        while batch := list(islice(decoded, _BATCH)):
            readable = [image for image in batch if not isinstance(image, UnreadableImageError)]
            judged = zip(*self.judge(np.stack(readable)), strict=True) if readable else iter(())
            for image in batch:
                if isinstance(image, UnreadableImageError):
                    yield image
                else:
                    yield self.prediction(*next(judged), top)

    def judge(self, images: NDArray[np.uint8]) -> Judged:
        """Classify decoded images (n, image_size, image_size, 3)."""
        outputs = self.model.calibration.calibrated(self.model.outputs(images))
        known = self.model.calibration.measure(outputs) >= self.threshold
        return Judged(outputs.probabilities, known)

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Calibrated, (n, classes), for decoded images (n, image_size, image_size, 3)."""
        return self.judge(images).probabilities

    def prediction(self, probabilities: NDArray[Any], known: bool, top: int) -> Prediction:
        """The answer that one image's probabilities (classes,) mean, if it is known."""
        order = np.argsort(-probabilities, kind="stable")
        best = [(self.model.labels[i], float(probabilities[i])) for i in order]
        label, confidence = best[0]
        return Prediction(label if known else None, confidence, best[:top])


def reject_quantile(folder: Path) -> float:
    """`evaluate.reject_quantile` of the project whose results/model `folder` is; else 0.05."""
    from pipeline.params import (
        load_params,
    )  # it takes a tenth of a second to import, and an export doesn't need it

    whole = folder.resolve()
    params = whole.parents[1] / PARAMS
    if whole.parts[-2:] == MODEL.parts and params.is_file():
        return load_params(params).evaluate.reject_quantile
    return _REJECT_QUANTILE
