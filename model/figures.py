"""Figures of an evaluation and of a sweep: a PNG to show as a file, an SVG for a browser.

A PNG is always on white. An SVG has no background, and its ink follows the page, light or dark.
A browser has letters for which this machine may have no font. In a PNG, the number of such a class
stands in place of its name.
"""

import csv
import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, precision_recall_curve

from model import lettering
from model.calibration import Array
from model.statistics import interval

_MOST_NUMBERS = 40  # classes; with more the numbers would overlap
_MOST_NAMES = 20  # in a legend
_MOST_POINTS = 10  # of a reliability diagram
_PHONE = 4.4  # inches: so wide, the letters of a figure are still read on a phone
_INK, _LIGHT_INK = "#1c2024", "#e8eaed"  # as in pipeline/templates/page.html
_FILL = (0.10, 0.37, 0.71)  # red, green, blue from 0 to 1
_STYLE: Final[dict[str, Any]] = {
    **dict.fromkeys(
        ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), _INK
    ),
    "svg.fonttype": "none",
    "svg.hashsalt": "",
}


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
    numbers = len(labels) <= _MOST_NUMBERS
    side = max(4.0, (0.62 if numbers else 0.2) * len(labels) + 2)
    figure = Figure((side, side), layout="constrained")
    axes = figure.subplots()
    # a colour that lets the ground through fits a light page and a dark one
    axes.imshow(
        np.dstack([np.broadcast_to(color, (*shares.shape, 1)) for color in _FILL] + [shares])
    )
    size = None if numbers else 7
    style: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
    axes.set_xticks(range(len(labels)), labels, fontsize=size, **style)
    axes.set_yticks(range(len(labels)), labels, fontsize=size)
    axes.set(xlabel="predicted", ylabel="true")
    axes.spines[:].set_linewidth(0.3)
    axes.tick_params(length=0)
    for row, column in np.argwhere(matrix) if numbers else ():
        strong = shares[row, column] > 0.7
        style = {"ha": "center", "va": "center", "color": "white" if strong else _INK}
        axes.text(column, row - 0.12, f"{100 * shares[row, column]:.0f} %", **style)
        axes.text(column, row + 0.25, matrix[row, column], fontsize=8, **style)
    return figure


def reliability(before: Array, after: Array, classes: NDArray[Any]) -> Drawing:
    """A plot of how often the model is right at each confidence, before and after calibration.

    Each point stands for about the same number of images. The number is written beside it, and a
    line shows its 95 % interval.
    """
    return _drawn((), lambda _: _reliability(before, after, classes))


def _reliability(before: Array, after: Array, classes: NDArray[Any]) -> Figure:
    figure = Figure((_PHONE, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="0.6", linewidth=1, label="perfect")
    for name, probabilities, style in (("before", before, "--C1"), ("after", after, "-C0")):
        points = _points(probabilities, classes)
        confidence, accuracy = [p.confidence for p in points], [p.accuracy for p in points]
        axes.plot(
            confidence, accuracy, style, marker="o", markersize=5, label=f"{name} calibration"
        )
        if name == "after":
            axes.vlines(
                confidence, [p.low for p in points], [p.high for p in points], "C0", alpha=0.4
            )
            for p in points:
                axes.annotate(
                    str(p.images),
                    (p.confidence, p.accuracy),
                    xytext=(5, -11),
                    textcoords="offset points",
                    fontsize=9,
                )
    axes.set(xlabel="confidence", ylabel="accuracy", xlim=(-0.02, 1.04), ylim=(-0.04, 1.04))
    axes.legend(
        loc="lower right",
        frameon=False,
        title="a number: images at a point",
        title_fontsize=9,
        fontsize=9,
    )
    return figure


class _Point(NamedTuple):
    """Images of similar confidence: their means, and the 95 % interval of their accuracy."""

    confidence: float
    accuracy: float
    low: float
    high: float
    images: int


def _points(probabilities: Array, classes: NDArray[Any]) -> list[_Point]:
    """Divide the images into as many points as the cube root of their number.

    With more points the line would zigzag by chance. Images of the same confidence are in the same
    point.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == classes
    steps = np.linspace(0, 1, min(_MOST_POINTS, max(1, int(len(classes) ** (1 / 3)))) + 1)
    edges = np.unique(np.quantile(confidence, steps[1:-1], method="lower"))
    point_of = np.searchsorted(edges, confidence)
    points = []
    for number in np.unique(point_of):
        inside = point_of == number
        hits, images = int(right[inside].sum()), int(inside.sum())
        low, high = interval(hits, images)
        points.append(_Point(float(confidence[inside].mean()), hits / images, low, high, images))
    return points


def precision_recall(classes: NDArray[Any], probabilities: Array, labels: Sequence[str]) -> Drawing:
    """A curve for each class against all others, with its average precision."""
    return _drawn(labels, lambda shown: _precision_recall(classes, probabilities, shown))


def _precision_recall(classes: NDArray[Any], probabilities: Array, labels: Sequence[str]) -> Figure:
    named = len(labels) <= _MOST_NAMES
    # narrow, with the legend below: a phone shows it without making the letters much smaller
    figure = Figure((_PHONE, 3.6 + 0.21 * (len(labels) + 1 if named else 0)), layout="constrained")
    axes = figure.subplots()
    colours = _hues(len(labels))
    for number, label in enumerate(labels):
        positive, score = classes == number, probabilities[:, number]
        precision, recall, _ = precision_recall_curve(positive, score)
        name = f"{label} {average_precision_score(positive, score):.2f}"
        style = ("-", "--", ":")[number % 3]
        axes.step(
            recall, precision, style, where="post", color=colours[number], linewidth=2, label=name
        )
    # beyond 0 and 1, so that the curve of a perfect class does not lie on the frame
    axes.set(xlabel="recall", ylabel="precision", xlim=(-0.04, 1.04), ylim=(-0.04, 1.06))
    if named:
        figure.legend(
            title="average precision", loc="outside lower left", frameon=False, fontsize=9
        )
    return figure


def _hues(count: int) -> NDArray[Any]:
    """So many colours (count, 3), as light as each other: they stand out from white and black.

    They go round the circle of hues in Oklab (Ottosson, A perceptual color space, 2020).
    """
    angle = 2 * np.pi * (np.arange(count) / count + 0.7)
    a, b = 0.13 * np.cos(angle), 0.13 * np.sin(angle)
    roots = 0.62 + np.array([[0.3963, 0.2158], [-0.1056, -0.0639], [-0.0895, -1.2915]]) @ [a, b]
    to_rgb = [[4.0767, -3.3077, 0.2310], [-1.2684, 2.6098, -0.3413], [-0.0042, -0.7034, 1.7076]]
    linear = np.clip(to_rgb @ roots**3, 0, 1)
    return np.asarray(
        np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear).T
    )


def learning_curves(plots: Path, measures: Sequence[str] = ("loss", "accuracy")) -> Drawing | None:
    """Measures by epoch, side by side, as DVCLive logged them; None without two epochs."""
    first = plots / "metrics" / "train" / "loss.tsv"
    if not first.is_file() or len(first.read_text(encoding="utf-8").splitlines()) < 3:
        return None
    return _drawn((), lambda _: _learning_curves(plots, measures))


def _learning_curves(plots: Path, measures: Sequence[str]) -> Figure:
    figure = Figure((4 * len(measures), 3.2), layout="constrained")
    several = figure.subplots(1, len(measures), squeeze=False)[0]
    for axes, name in zip(several, measures, strict=True):
        for split, title in (("train", "training"), ("eval", "validation")):
            with (plots / "metrics" / split / f"{name}.tsv").open(encoding="utf-8") as lines:
                rows = list(csv.DictReader(lines, delimiter="\t"))
            epochs = [int(row["step"]) + 1 for row in rows]
            axes.plot(epochs, [float(row[name]) for row in rows], label=title)
        axes.set(xlabel="epoch", ylabel=name)
        axes.legend(frameon=False)
    return figure


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
    axes.set(xlabel="accuracy: a dot for each run, their mean and standard deviation")
    axes.set_ylim(len(accuracies) - 0.5, -0.5)  # the first setting is on top
    axes.margins(x=0.08)
    figure.legend(loc="outside right upper", frameon=False)
    return figure


def _drawn(labels: Sequence[str], draw: Callable[[Sequence[str]], Figure]) -> Drawing:
    """Draw it with the labels as this machine's fonts have them, and as a browser's have them."""
    fonts = lettering.families(labels)
    legible = lettering.legible(labels, fonts)
    with rc_context({"font.family": fonts, **_STYLE}):
        png = draw([*map(lettering.plain, legible)])
        svg = draw([*map(lettering.plain, labels)])
        if legible != list(labels) and (engine := svg.get_layout_engine()):
            engine.set(rect=(0.1, 0.1, 0.85, 0.85))  # type: ignore[call-arg] # letters are wider
        return Drawing(_png(png), _svg(svg))


def _png(figure: Figure) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=110, facecolor="white", metadata={"Software": None})
    return out.getvalue()


def _svg(figure: Figure) -> bytes:
    """Let the ink be dark on a light page and light on a dark one, even in an `<img>`."""
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of letters without a font: the browser has them
        figure.savefig(
            out, format="svg", transparent=True, metadata={"Date": None, "Creator": None}
        )
    light, dark = (f":root {{ --ink: {ink} }}" for ink in (_INK, _LIGHT_INK))
    inks = f"{light} @media (prefers-color-scheme: dark) {{ {dark} }}"
    text = out.getvalue().decode().replace(_INK, "var(--ink)")
    return text.replace("</style>", f" {inks}</style>", 1).encode()
