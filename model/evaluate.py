"""The evaluate stage: data/dataset/test and results/model → results/evaluate.

    python -m model.evaluate

Probabilities are calibrated: the temperature is fitted on the validation split, and everything
written here, like `model.predict`, uses it. What it changes is in calibration.json and the report.
"""

import argparse
import csv
import dataclasses
import io
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.metrics import (
    balanced_accuracy_score,
    confusion_matrix,
    f1_score,
    log_loss,
    precision_recall_fscore_support,
)
from tabulate import tabulate

from model import artifact, data, figures
from model.calibration import Array, Calibration, calibration_error, tempered
from pipeline.cli import UserError, run
from pipeline.manifest import write_atomic
from pipeline.params import Evaluate, load_params
from pipeline.paths import DATASET, EVALUATE, MODEL
from pipeline.report import data_uri, thumbnail, write_page

_TEMPLATE = Path(__file__).parent / "templates" / "evaluate.html"
_MISTAKES = 24
_PAIRS = 10


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m model.evaluate",
        description="Compare the model's predictions on data/dataset/test with the true labels; "
        "metrics, predictions, figures and a report go to results/evaluate.",
    )
    parser.parse_args(arguments)
    scores = evaluate(load_params().evaluate, DATASET, MODEL, EVALUATE)
    print(tabulate(scores.items(), floatfmt=".3f"))
    print(f"more in {EVALUATE / 'report.html'}")


def evaluate(options: Evaluate, dataset: Path, model: Path, out: Path) -> dict[str, float]:
    """Write everything to `out` and return the metrics.

    UserError where there is no model, its labels are not the dataset's, or a split lacks a class.
    """
    classifier = artifact.load(model)
    labels, present = classifier.labels, data.class_labels(dataset)
    if labels != present:
        raise UserError(
            f"the model in {model} knows {', '.join(labels)}, and {dataset} has "
            f"{', '.join(present)}; `dvc repro` trains it anew"
        )
    validation = data.load_split(dataset, "validation", labels, classifier.image_size)
    test = data.load_split(dataset, "test", labels, classifier.image_size)
    before = classifier.probabilities(validation.images)
    calibration = Calibration.fit(
        classifier.sha256, before, validation.classes, options.reject_quantile
    )
    raw = classifier.probabilities(test.images)
    probabilities = tempered(raw, calibration.temperature)

    scores = metrics(test.classes, probabilities)
    by_class = per_class(test.classes, probabilities, labels)
    offness = {  # calibration error by split, before and after
        name: {
            "before": calibration_error(p, pictures.classes),
            "after": calibration_error(tempered(p, calibration.temperature), pictures.classes),
        }
        for name, p, pictures in (("validation", before, validation), ("test", raw, test))
    }
    predicted = probabilities.argmax(axis=1)
    matrix = confusion_matrix(test.classes, predicted, labels=range(len(labels)))
    confusion = figures.confusion(matrix, labels)

    _write_json(out / "metrics.json", scores)
    _write_json(out / "per_class.json", by_class)
    _write_json(
        out / "calibration.json",
        {**dataclasses.asdict(calibration), "calibration_error": offness},
    )
    _write_predictions(out, test, probabilities)
    write_atomic(out / "confusion.png", confusion)
    write_page(
        out / "report.html",
        _TEMPLATE,
        scores=scores,
        by_class=by_class,
        calibration=calibration,
        offness=offness,
        reject_quantile=options.reject_quantile,
        about=classifier.about,
        count=len(test.files),
        confusion=data_uri(confusion, "image/png"),
        reliability=data_uri(figures.reliability(raw, probabilities, test.classes), "image/png"),
        pairs=_confused_pairs(matrix, labels),
        mistakes=_worst_mistakes(dataset, test, probabilities),
        mistake_count=int((predicted != test.classes).sum()),
    )
    return scores


def metrics(classes: NDArray[Any], probabilities: Array) -> dict[str, float]:
    """From true classes (n,) and probabilities (n, classes). Shares are from 0 to 1.

    `accuracy_low` and `accuracy_high` are `interval`'s; loss is cross-entropy in nats.
    """
    every = np.arange(probabilities.shape[1])
    predicted = probabilities.argmax(axis=1)
    right = int((predicted == classes).sum())
    low, high = interval(right, len(classes))
    best_three = np.argsort(-probabilities, axis=1, kind="stable")[:, :3]
    return {
        "accuracy": right / len(classes),
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


def interval(right: int, count: int) -> tuple[float, float]:
    """The 95 % interval of an accuracy of right / count (Wilson, Probable Inference, 1927)."""
    found = binomtest(right, count).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)


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


def _write_json(path: Path, values: Any) -> None:
    write_atomic(path, json.dumps(values, indent=2, ensure_ascii=False) + "\n")


def _write_predictions(out: Path, test: data.Pictures, probabilities: Array) -> None:
    rows = [
        (file, test.labels[true], test.labels[p.argmax()], p.max(), *p)
        for file, true, p in zip(test.files, test.classes, probabilities, strict=True)
    ]
    header = ("file", "label", "predicted", "confidence", *test.labels)
    _write_csv(out / "predictions.csv", header, rows)
    _write_csv(out / "confusion.csv", ("actual", "predicted"), [row[1:3] for row in rows])


def _write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([header, *rows])
    write_atomic(path, text.getvalue())


def _confused_pairs(matrix: NDArray[Any], labels: Sequence[str]) -> list[dict[str, Any]]:
    """The most frequent mistakes: true label, predicted label, how often, of how many."""
    pairs = Counter(
        {
            (true, predicted): int(matrix[true, predicted])
            for true, predicted in zip(*np.nonzero(matrix), strict=True)
            if true != predicted
        }
    )
    return [
        {"true": labels[t], "predicted": labels[p], "count": n, "of": int(matrix[t].sum())}
        for (t, p), n in pairs.most_common(_PAIRS)
    ]


def _worst_mistakes(
    dataset: Path, test: data.Pictures, probabilities: Array
) -> list[dict[str, Any]]:
    """The mistakes that the model was surest of."""
    metadata = data.metadata(dataset, "test")
    confidence, predicted = probabilities.max(axis=1), probabilities.argmax(axis=1)
    wrong = np.flatnonzero(predicted != test.classes)
    return [
        {
            "picture": thumbnail(dataset / "test" / test.files[i]),
            "true": test.labels[test.classes[i]],
            "predicted": test.labels[predicted[i]],
            "confidence": confidence[i],
            "file": test.files[i],
            "source": metadata.get(test.files[i], {}).get("source"),
        }
        for i in wrong[np.argsort(-confidence[wrong], kind="stable")][:_MISTAKES]
    ]


if __name__ == "__main__":
    run(main)
