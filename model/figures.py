"""Figures of an evaluation: as PNG for all who show files, as SVG for a browser.

A browser has letters that this machine may have no font for: in a PNG such a class is its number.
"""

import csv
import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, precision_recall_curve

from model import calibration, lettering
from model.calibration import Array

_MOST_NUMBERS = 40  # classes; with more the numbers would overlap
_MOST_NAMES = 20  # in a legend


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure in both forms."""

    png: bytes
    svg: bytes


def confusion(matrix: NDArray[Any], labels: Sequence[str]) -> Drawing:
    """A confusion matrix (true, predicted): shares of the true row in %, over counts."""
    return _drawn(labels, lambda shown: _confusion(matrix, shown))


def _confusion(matrix: NDArray[Any], labels: Sequence[str]) -> Figure:
    shares = matrix / matrix.sum(axis=1, keepdims=True).clip(1)
    side = max(4.0, 0.62 * len(labels) + 2)
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
            style: dict[str, Any] = {
                "ha": "center",
                "va": "center",
                "color": "white" if shares[row, column] > 0.5 else "black",
            }
            axes.text(column, row - 0.12, f"{100 * shares[row, column]:.0f} %", **style)
            axes.text(column, row + 0.25, matrix[row, column], fontsize=7, **style)
    return figure


def reliability(before: Array, after: Array, classes: NDArray[Any]) -> Drawing:
    """How often the model is right at each confidence, before and after calibration."""
    return _drawn((), lambda _: _reliability(before, after, classes))


def _reliability(before: Array, after: Array, classes: NDArray[Any]) -> Figure:
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
    return figure


def precision_recall(classes: NDArray[Any], probabilities: Array, labels: Sequence[str]) -> Drawing:
    """A curve for each class against all others, with its average precision."""
    return _drawn(labels, lambda shown: _precision_recall(classes, probabilities, shown))


def _precision_recall(classes: NDArray[Any], probabilities: Array, labels: Sequence[str]) -> Figure:
    figure = Figure((6.5, 4.5), layout="constrained")
    axes = figure.subplots()
    colours = colormaps["tab10" if len(labels) <= 10 else "turbo"].resampled(len(labels))
    for number, label in enumerate(labels):
        positive, score = classes == number, probabilities[:, number]
        precision, recall, _ = precision_recall_curve(positive, score)
        name = f"{label} {average_precision_score(positive, score):.2f}"
        axes.step(recall, precision, where="post", color=colours(number), label=name)
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.01), ylim=(0, 1.01))
    if len(labels) <= _MOST_NAMES:
        figure.legend(
            title="average precision", loc="outside right upper", frameon=False, fontsize=8
        )
    return figure


def learning_curves(plots: Path) -> bytes | None:
    """Loss and accuracy by epoch, from the files that DVCLive wrote; None without two epochs."""
    first = plots / "metrics" / "train" / "loss.tsv"
    if not first.is_file() or len(first.read_text(encoding="utf-8").splitlines()) < 3:
        return None
    figure = Figure((8, 3.2), layout="constrained")
    for axes, name in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for split, title in (("train", "training"), ("eval", "validation")):
            with (plots / "metrics" / split / f"{name}.tsv").open(encoding="utf-8") as lines:
                rows = list(csv.DictReader(lines, delimiter="\t"))
            epochs = [int(row["step"]) + 1 for row in rows]
            axes.plot(epochs, [float(row[name]) for row in rows], label=title)
        axes.set(xlabel="epoch", ylabel=name)
        axes.legend(frameon=False)
    return _png(figure)


def spread(accuracies: Mapping[str, Mapping[str, Sequence[float]]]) -> bytes:
    """Accuracies of runs by setting and split: a dot for each, their mean and deviation. PNG."""
    return _drawn(list(accuracies), lambda shown: _spread(accuracies, shown)).png


def _spread(
    accuracies: Mapping[str, Mapping[str, Sequence[float]]], settings: Sequence[str]
) -> Figure:
    figure = Figure((8, 1.4 + 0.55 * len(accuracies)), layout="constrained")
    axes = figure.subplots()
    for place, by_split in enumerate(accuracies.values()):
        for number, (split, values) in enumerate(by_split.items()):
            y, colour = place + 0.3 * number - 0.15, f"C{number}"
            axes.plot(values, [y] * len(values), "o", color=colour, alpha=0.5, markersize=5)
            axes.errorbar(
                np.mean(values),
                y,
                xerr=np.std(values, ddof=1) if len(values) > 1 else None,
                fmt="|",
                markersize=14,
                color=colour,
                capsize=3,
                label=None if place else split,
            )
    axes.set_yticks(range(len(accuracies)), settings)
    axes.invert_yaxis()
    axes.set(xlabel="accuracy: a dot for each run, their mean and standard deviation")
    axes.legend(frameon=False)
    return figure


def _drawn(labels: Sequence[str], draw: Callable[[Sequence[str]], Figure]) -> Drawing:
    """Draw it with the labels as this machine's fonts have them, and as a browser's have them."""
    fonts = lettering.families(labels)
    legible = lettering.legible(labels, fonts)
    with rc_context({"font.family": fonts, "svg.fonttype": "none", "svg.hashsalt": ""}):
        png = _png(draw([*map(lettering.plain, legible)]))
        figure = draw([*map(lettering.plain, labels)])
        if legible != list(labels) and (engine := figure.get_layout_engine()):
            engine.set(rect=(0.1, 0.1, 0.85, 0.85))  # type: ignore[call-arg] # letters are wider
        out = io.BytesIO()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of letters without a font: the browser has them
            figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return Drawing(png, out.getvalue())


def _png(figure: Figure) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=110, metadata={"Software": None})
    return out.getvalue()
