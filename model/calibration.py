"""Probabilities that mean what they say: a temperature, a threshold, and how far off they are."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """What evaluation learns from the validation split about a model's probabilities."""

    temperature: float
    """Divides the logits: above 1 makes a model that is too sure of itself less so."""
    threshold: float
    """An image whose highest probability is below this is none of the classes."""
    model: str
    """SHA-256 of the model's file: no other model's probabilities are meant."""

    @classmethod
    def fit(
        cls, model: str, probabilities: Array, classes: NDArray[Any], reject_quantile: float
    ) -> Self:
        """From (n, classes) probabilities of images and their true classes (n,).

        The temperature makes the true classes likeliest (Guo et al., On Calibration of Modern
        Neural Networks, 2017); the threshold refuses at most `reject_quantile` of the images.
        """
        temperature = fit_temperature(probabilities, classes)
        confidence = tempered(probabilities, temperature).max(axis=1)
        threshold = float(np.quantile(confidence, reject_quantile, method="lower"))
        return cls(temperature, threshold, model)

    @classmethod
    def load(cls, path: Path) -> Self:
        values = json.loads(path.read_text(encoding="utf-8"))
        return cls(**{field.name: values[field.name] for field in dataclasses.fields(cls)})


def tempered(probabilities: Array, temperature: float) -> Array:
    """softmax(logits / temperature), from softmax(logits)."""
    logits = np.log(np.maximum(probabilities, np.finfo(np.float32).tiny)) / temperature
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponents / exponents.sum(axis=1, keepdims=True))


def fit_temperature(probabilities: Array, classes: NDArray[Any]) -> float:
    """The temperature, 1/20 to 20, with the least cross-entropy."""
    from scipy.optimize import minimize_scalar  # slow to import, and only needed here

    def loss(log_temperature: float) -> float:
        p = tempered(probabilities, np.exp(log_temperature))
        return -float(np.log(p[np.arange(len(p)), classes]).mean())

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
