"""Figures of merit, from true classes (n,) and probabilities (n, classes) alone.

Shares are from 0 to 1.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import (
    balanced_accuracy_score,
    f1_score,
    log_loss,
    precision_recall_fscore_support,
)

from model.calibration import Array, calibration_error
from model.statistics import interval

_RESAMPLES = 2000
_NAMED = ("source", "official_split")  # columns of metadata.csv
_THIRDS = {"size": "pixels", "brightness": "of 255"}


def metrics(
    classes: NDArray[Any], probabilities: Array, groups: Sequence[str] | None = None
) -> dict[str, float]:
    """The metrics in metrics.json. `accuracy_interval` gives `accuracy_low` and `accuracy_high`.

    The loss is cross-entropy in nats.
    """
    every = np.arange(probabilities.shape[1])
    predicted = probabilities.argmax(axis=1)
    right = predicted == classes
    low, high = accuracy_interval(right, groups)
    best_three = np.argsort(-probabilities, axis=1, kind="stable")[:, :3]
    return {
        "accuracy": float(right.mean()),
        "accuracy_low": low,
        "accuracy_high": high,
        "balanced_accuracy": float(balanced_accuracy_score(classes, predicted)),
        "macro_f1": float(
            f1_score(classes, predicted, labels=every, average="macro", zero_division=0)
        ),
        "top_3_accuracy": float((best_three == classes[:, None]).any(axis=1).mean()),
        "loss": float(log_loss(classes, probabilities, labels=every)),
        "calibration_error": calibration_error(probabilities, classes),
    }


def accuracy_interval(
    right: NDArray[np.bool_], groups: Sequence[str] | None = None
) -> tuple[float, float]:
    """The 95 % interval of an accuracy. `right` says which images were answered right.

    Wilson's interval (Probable Inference, 1927) takes images as independent. Images of one group
    (for example views of one product) are not. If there are such groups, whole groups are also
    drawn anew (Field and Welsh, Bootstrapping Clustered Data, 2007). On each side the wider bound
    counts.
    """
    low, high = interval(int(right.sum()), len(right))
    if groups is None or len(set(groups)) == len(right):
        return low, high
    _, group_of = np.unique(np.asarray(groups), return_inverse=True)
    rights, sizes = np.bincount(group_of, weights=right), np.bincount(group_of)
    random = np.random.default_rng(0)
    accuracies = []
    for _ in range(_RESAMPLES):
        drawn = random.integers(0, len(sizes), len(sizes))
        accuracies.append(rights[drawn].sum() / sizes[drawn].sum())
    by_group = np.quantile(accuracies, [0.025, 0.975])
    return min(low, float(by_group[0])), max(high, float(by_group[1]))


def per_class(
    classes: NDArray[Any], probabilities: Array, labels: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Precision, recall, F1 and support of each class; never predicted: precision 0."""
    columns = precision_recall_fscore_support(
        classes, probabilities.argmax(axis=1), labels=np.arange(len(labels)), zero_division=0
    )
    return {
        label: {
            "precision": float(precision),
            "recall": float(recall),
            "f1": float(f1),
            "support": int(support),
        }
        for label, precision, recall, f1, support in zip(labels, *columns, strict=True)
    }


def slices(
    rows: Sequence[Mapping[str, str]], right: NDArray[np.bool_]
) -> list[dict[str, str | int | float]]:
    """Accuracy by source and official split, and by thirds of size and brightness.

    `rows` are those of metadata.csv; size is the side of a square with as many pixels. What all
    images share makes no slice.
    """
    found: list[dict[str, str | int | float]] = []
    for name, values in _slice_values(rows).items():
        names = list(dict.fromkeys(sorted(values, key=lambda value: value[0])))
        if len(names) < 2:
            continue
        for value in names:
            inside = np.array([v == value for v in values])
            low, high = accuracy_interval(right[inside])
            found.append(
                {
                    "slice": name,
                    "value": value[1],
                    "count": int(inside.sum()),
                    "accuracy": float(right[inside].mean()),
                    "accuracy_low": low,
                    "accuracy_high": high,
                }
            )
    return found


def _slice_values(rows: Sequence[Mapping[str, str]]) -> dict[str, list[tuple[Any, str]]]:
    """For each slicing the value of each image: (what to sort by, its name)."""
    named = {
        name: [(row[name], row[name] or "none") for row in rows]
        for name in _NAMED
        if all(name in row for row in rows)
    }
    if not all(row.get("width") and row.get("brightness") for row in rows):
        return named
    numbers = {
        "size": [np.sqrt(float(row["width"]) * float(row["height"])) for row in rows],
        "brightness": [float(row["brightness"]) for row in rows],
    }
    return named | {name: _thirds(values, _THIRDS[name]) for name, values in numbers.items()}


def _thirds(values: Sequence[float], unit: str) -> list[tuple[Any, str]]:
    edges = np.unique(np.quantile(values, [1 / 3, 2 / 3], method="lower"))
    names = [f"up to {edge:.0f} {unit}" for edge in edges] + [f"above {edges[-1]:.0f} {unit}"]
    return [(int(third), names[third]) for third in np.searchsorted(edges, values)]
