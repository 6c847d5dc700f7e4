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
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix
from tabulate import tabulate

from model import artifact, data, figures
from model.calibration import Array, Calibration, calibration_error, tempered
from model.evaluate import foreign, model_card
from model.evaluate.advice import Answers, Facts, Pair, Share, Weakest, advice
from model.evaluate.metrics import metrics, per_class, slices
from pipeline.cli import UserError, run
from pipeline.manifest import write_atomic
from pipeline.params import Evaluate, Train, load_params
from pipeline.paths import DATASET, EVALUATE, MODEL, TRAIN
from pipeline.report import data_uri, thumbnail, write_page

_TEMPLATE = Path(__file__).with_name("report.html")
_MISTAKES = 24
_PAIRS = 10
_GALLERY = 12  # images of each class


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m model.evaluate",
        description="Compare the model's predictions on data/dataset/test with the true labels; "
        "metrics, predictions, figures, a report and a model card go to results/evaluate.",
    )
    parser.parse_args(arguments)
    evaluate(load_params().evaluate, DATASET, MODEL, TRAIN, EVALUATE)


def evaluate(
    options: Evaluate, dataset: Path, model: Path, log: Path, out: Path
) -> dict[str, float]:
    """Write everything to `out` and return the metrics, which it prints with what would help most.

    `log` has the course of the training.

    UserError where there is no model, its labels are not the dataset's, a split lacks a class, or
    a folder of foreign images has none.
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
    about = data.metadata(dataset, "test")
    rows = [about.get(file, {}) for file in test.files]
    before = classifier.probabilities(validation.images)
    calibration = Calibration.fit(
        classifier.sha256, before, validation.classes, options.reject_quantile
    )
    raw = classifier.probabilities(test.images)
    probabilities = tempered(raw, calibration.temperature)
    predicted = probabilities.argmax(axis=1)

    answers = _answers(dataset, "test", test, probabilities)
    matrix = confusion_matrix(test.classes, predicted, labels=range(len(labels)))
    facts: dict[str, Any] = {
        "scores": metrics(test.classes, probabilities, answers.groups),
        "by_class": per_class(test.classes, probabilities, labels),
        "by_slice": slices(rows, predicted == test.classes),
        "pairs": _confused_pairs(matrix, labels),
        "refusals": foreign.refusals(classifier, calibration, probabilities, options.foreign or []),
        "calibration": calibration,
        "calibration_errors": {
            "validation": _errors(before, validation.classes, calibration),
            "test": _errors(raw, test.classes, calibration),
        },
        "about": classifier.about,
        "count": len(test.files),
        "groups": len(set(answers.groups)),
    }
    drawn = {
        "confusion": figures.confusion(matrix, labels),
        "reliability": figures.reliability(raw, probabilities, test.classes),
        "precision_recall": figures.precision_recall(test.classes, probabilities, labels),
    }
    _write_tables(out, facts)
    _write_predictions(out, test, probabilities)
    for name, content in drawn.items():
        write_atomic(out / f"{name}.png", content)
    model_card.write(out / "MODEL_CARD.md", dataset, classifier, facts)
    curves = figures.learning_curves(log / "plots")
    validated = _answers(dataset, "validation", validation, before)
    sentences = advice(
        _known(classifier, dataset, log / "plots", facts["scores"], validated, answers)
    )
    write_page(
        out / "report.html",
        _TEMPLATE,
        **facts,
        advice=sentences,
        reject_quantile=options.reject_quantile,
        figures={name: data_uri(content, "image/png") for name, content in drawn.items()},
        curves=curves and data_uri(curves, "image/png"),
        mistakes=_worst_mistakes(dataset, test, rows, probabilities),
        mistake_count=int((predicted != test.classes).sum()),
        galleries=_galleries(dataset, test, probabilities),
    )
    scores: dict[str, float] = facts["scores"]
    print(tabulate(scores.items(), floatfmt=".3f"))
    print(f"more in {out / 'report.html'}", *sentences, sep="\n")
    return scores


def _errors(raw: Array, classes: NDArray[Any], calibration: Calibration) -> dict[str, float]:
    """The calibration error before and after."""
    after = tempered(raw, calibration.temperature)
    return {
        "before": calibration_error(raw, classes),
        "after": calibration_error(after, classes),
    }


def _write_tables(out: Path, facts: dict[str, Any]) -> None:
    _write_json(out / "metrics.json", facts["scores"])
    _write_json(out / "per_class.json", facts["by_class"])
    _write_json(out / "slices.json", facts["by_slice"])
    about_confidence = {
        **dataclasses.asdict(facts["calibration"]),
        "calibration_error": facts["calibration_errors"],
        "none_of_these": facts["refusals"],
    }
    _write_json(out / "calibration.json", about_confidence)


def _write_json(path: Path, values: Any) -> None:
    write_atomic(path, json.dumps(values, indent=2, ensure_ascii=False) + "\n")


def _write_predictions(out: Path, test: data.Images, probabilities: Array) -> None:
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


def _answers(dataset: Path, split: str, images: data.Images, probabilities: Array) -> Answers:
    about = data.metadata(dataset, split)
    return Answers(
        labels=images.labels,
        classes=images.classes,
        predicted=probabilities.argmax(axis=1),
        groups=[about.get(file, {}).get("group") or file for file in images.files],
    )


def _known(
    classifier: artifact.Artifact,
    dataset: Path,
    plots: Path,
    scores: Mapping[str, float],
    validation: Answers,
    test: Answers,
) -> Facts:
    """What advice is given from."""
    from model.networks.pretrained import (
        comes_trained,  # starts TensorFlow, which the model has by now
    )

    # it was validated before it was trained with
    recipe = Train.model_construct(**classifier.about["parameters"]["train"])
    epoch = classifier.about["epoch"]
    sources = {row.get("source") for row in data.metadata(dataset, "test").values()}
    return Facts(
        recipe=recipe,
        comes_trained=comes_trained(recipe),
        own=sources == {"own"},
        training_images=data.class_counts(dataset, "train"),
        test_images=len(test.groups),
        accuracy=Share(*(scores[key] for key in ("accuracy", "accuracy_low", "accuracy_high"))),
        validation=Share.of(validation.right, validation.groups),
        training=_training_accuracy(plots, epoch, recipe.epochs),
        kept_epoch=epoch,
        weakest=Weakest.of(test),
        pair=Pair.of(test),
    )


def _training_accuracy(plots: Path, epoch: int, epochs: int) -> float | None:
    """Of that epoch, on images as they were augmented; None where DVCLive logged none.

    `epoch` 0 is the classifier that was fitted before the first of the `epochs`; without any it is
    what was logged.
    """
    path = plots / "metrics" / "train" / "accuracy.tsv"
    if not path.is_file():
        return None
    with path.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    logged = {int(row["step"]) + 1: float(row["accuracy"]) for row in rows}
    return logged.get(epoch if epochs else 1)


def _worst_mistakes(
    dataset: Path, test: data.Images, rows: Sequence[dict[str, str]], probabilities: Array
) -> list[dict[str, Any]]:
    """The mistakes that the model was surest of."""
    confidence, predicted = probabilities.max(axis=1), probabilities.argmax(axis=1)
    wrong = np.flatnonzero(predicted != test.classes)
    worst = wrong[np.argsort(-confidence[wrong], kind="stable")][:_MISTAKES]
    return [
        {
            **_shown(dataset, test, probabilities, i),
            "true": test.labels[test.classes[i]],
            "source": rows[i].get("source"),
        }
        for i in worst
    ]


def _galleries(
    dataset: Path, test: data.Images, probabilities: Array
) -> dict[str, list[dict[str, Any]]]:
    """Some images of each class, from the likeliest to the least likely of it."""
    galleries = {}
    for number, label in enumerate(test.labels):
        members = np.flatnonzero(test.classes == number)
        ranked = members[np.argsort(-probabilities[members, number], kind="stable")]
        places = np.unique(np.linspace(0, len(ranked) - 1, _GALLERY).round().astype(int))
        galleries[label] = [_shown(dataset, test, probabilities, i) for i in ranked[places]]
    return galleries


def _shown(dataset: Path, test: data.Images, probabilities: Array, i: int) -> dict[str, Any]:
    return {
        "image": thumbnail(dataset / "test" / test.files[i]),
        "predicted": test.labels[probabilities[i].argmax()],
        "confidence": probabilities[i].max(),
        "file": test.files[i],
    }


if __name__ == "__main__":
    run(main)
