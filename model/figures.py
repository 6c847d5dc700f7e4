"""Figures of an evaluation, as PNG."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from model import calibration
from model.calibration import Array

_MOST_NUMBERS = 40  # classes; with more the numbers would overlap


def confusion(matrix: NDArray[Any], labels: Sequence[str]) -> bytes:
    """A confusion matrix (true, predicted): counts as numbers, colours by share of the true row."""
    shares = matrix / matrix.sum(axis=1, keepdims=True).clip(1)
    side = max(4.0, 0.55 * len(labels) + 2)
    figure = Figure((side, side), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(labels)), labels, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(labels)), labels)
    axes.set(xlabel="predicted", ylabel="true")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    if len(labels) <= _MOST_NUMBERS:
        for row, column in np.argwhere(matrix):
            colour = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, matrix[row, column], ha="center", va="center", color=colour)
    return _png(figure)


def reliability(before: Array, after: Array, classes: NDArray[Any]) -> bytes:
    """How often the model is right at each confidence, before and after calibration."""
    figure = Figure((5, 4.5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1, label="perfect")
    for name, probabilities, style in (("before", before, "--"), ("after", after, "-")):
        rows = calibration.reliability(probabilities, classes)
        axes.plot(
            [confidence for confidence, *_ in rows],
            [accuracy for _, accuracy, *_ in rows],
            style,
            marker="o",
            markersize=4,
            label=f"{name} calibration",
        )
    axes.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1))
    axes.legend(frameon=False)
    return _png(figure)


def _png(figure: Figure) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=110, metadata={"Software": None})
    return out.getvalue()
