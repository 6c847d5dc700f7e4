"""Probabilities that mean what they say: a temperature, a threshold, and how far off they are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Measure: TypeAlias = Literal["features", "probability"]
"""The measure that decides if an image is none of the classes: ViM's score, or the probability."""

_PRIOR = 0.3
"""Standard deviation of the logarithm of temperatures, before any image was seen: 0.55 to 1.8."""
_NOISE = 5e-4
"""Two engines may differ by this share of a measure, or by this much if the measure is below 1."""
_QUANTILES = 1001
_KNOWN = 2
"""images from which on something is known of what to refuse"""


class Outputs(NamedTuple):
    """The outputs of a network for n images."""

    probabilities: Array
    """(n, classes), as they come or calibrated"""
    scores: Array | None
    """(n,), higher for what is more like the training images (see vim.py); None: not fitted"""


@dataclass(frozen=True)
class Calibration:
    """What the validation split tells about a model's probabilities. Without images it is empty."""

    temperature: float = 1.0
    """Divides the logits: above 1 makes a model that is too sure of itself less so."""
    images: int = 0
    """The number of images that it was fitted on."""
    confidences: Sequence[float] = ()
    """The calibrated confidences of these images, ascending; at most 1,001 quantiles of them."""
    scores: Sequence[float] = ()
    """ViM's scores, kept in the same way."""
    refuse_by: Measure = "probability"
    """The measure that a threshold is for."""

    @classmethod
    def fit(cls, outputs: Outputs, classes: NDArray[Any]) -> Self:
        """Fit it on a network's outputs for images and on their true classes (n,)."""
        temperature = fit_temperature(outputs.probabilities, classes)
        confidence = tempered(outputs.probabilities, temperature).max(axis=1, initial=0)
        scores = () if outputs.scores is None else _quantiles(outputs.scores)
        return cls(temperature, len(classes), _quantiles(confidence), scores)

    def refusing_by(self, measure: Measure) -> Self:
        """The same calibration with another measure. Without enough images the measure stays."""
        return replace(self, refuse_by=measure) if self.knows else self

    @property
    def knows(self) -> bool:
        """Whether there were enough images to know when an image is refused."""
        return self.images >= _KNOWN

    def calibrated(self, outputs: Outputs) -> Outputs:
        """The same outputs with calibrated probabilities."""
        return outputs._replace(probabilities=tempered(outputs.probabilities, self.temperature))

    def measure(self, outputs: Outputs, by: Measure | None = None) -> Array:
        """(n,), what a threshold is for, of calibrated outputs; `by`: else than `refuse_by`."""
        if (by or self.refuse_by) == "features" and outputs.scores is not None:
            return outputs.scores
        return np.asarray(outputs.probabilities.max(axis=1, initial=0))

    def threshold(self, reject_quantile: float, by: Measure | None = None) -> float:
        """An image whose measure is below this is none of the classes.

        Of the images that the calibration was fitted on it refuses at most `reject_quantile`, with
        any engine and in a batch of any size. Where there was one or none, nothing is known: the
        threshold is 0 and the measure the probability, so that no image is refused.
        """
        values = self.scores if (by or self.refuse_by) == "features" else self.confidences
        if not (self.knows and values):
            return 0.0
        value = values[int(reject_quantile * (len(values) - 1))]
        # it is the measure of an image, which another engine may find a little lower
        return value - _NOISE * max(1.0, abs(value))


def _quantiles(values: Array) -> list[float]:
    """All values in ascending order, or 1,001 of them."""
    if len(values) > _QUANTILES:
        values = np.quantile(values, np.linspace(0, 1, _QUANTILES), method="lower")
    return [float(value) for value in np.sort(values)]


def tempered(probabilities: Array, temperature: float) -> Array:
    """softmax(logits / temperature), from softmax(logits)."""
    logits = np.log(np.maximum(probabilities, np.finfo(np.float32).tiny)) / temperature
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponents / exponents.sum(axis=1, keepdims=True))


def fit_temperature(probabilities: Array, classes: NDArray[Any]) -> float:
    """The temperature that makes the true classes likeliest, 1/20 to 20 (Guo et al., On Calibration
    of Modern Neural Networks, 2017).

    Few images prove little: 24 right answers are not certainty. So the true class of each of n
    images counts as (n + 1) / (n + 2) sure, as Platt has it (Probabilistic Outputs for Support
    Vector Machines, 1999), and the fewer the images, the nearer to 1 a prior holds the temperature.
    """
    from scipy.optimize import minimize_scalar  # slow to import, and only needed here

    count, width = probabilities.shape
    if not count or width < 2:
        return 1.0
    wanted = np.full((count, width), 1 / (count + 2) / (width - 1))
    wanted[np.arange(count), classes] = (count + 1) / (count + 2)

    def loss(log_temperature: float) -> float:
        p = np.maximum(tempered(probabilities, np.exp(log_temperature)), np.finfo(float).tiny)
        return float((log_temperature / _PRIOR) ** 2 / 2 - (wanted * np.log(p)).sum())

    found = minimize_scalar(loss, bounds=(-np.log(20), np.log(20)), method="bounded")
    return float(np.exp(found.x))


def calibration_error(probabilities: Array, classes: NDArray[Any], bins: int = 15) -> float:
    """Expected calibration error: how far confidence is from accuracy, on average over images.

    Over `bins` of equal width (Naeini et al., Obtaining Well Calibrated Probabilities, 2015).
    """
    return sum(share * abs(gap) for _, _, share, gap in reliability(probabilities, classes, bins))


def reliability(
    probabilities: Array, classes: NDArray[Any], bins: int = 15
) -> list[tuple[float, float, float, float]]:
    """For each bin of confidence that has images: its mean confidence, accuracy, share, gap."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == classes
    bin_of = np.ceil(confidence * bins).astype(int)  # bins are open below, closed above
    rows = []
    for number in np.unique(bin_of):
        inside = bin_of == number
        mean, accuracy = float(confidence[inside].mean()), float(right[inside].mean())
        rows.append((mean, accuracy, float(inside.mean()), accuracy - mean))
    return rows
