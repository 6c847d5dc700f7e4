"""The evaluate stage: data/dataset/test and results/model → results/evaluate.

    python -m model.evaluate

Probabilities are calibrated, as `model.predict` gives them: training has fitted the temperature on
the validation split. What it changes is in calibration.json and the report.
"""

import argparse
import csv
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tabulate import tabulate

from model import artifact, data, figures
from model.calibration import Array
from model.evaluate import model_card
from model.evaluate.advice import ConfusedPair, Facts, Share, Weakest, advice
from model.evaluate.metrics import metrics, per_class, slices
from model.evaluate.refusal import refusals
from model.evaluate.tested import Tested, tested
from model.origins import Origins
from pipeline.cli import UserError, run
from pipeline.files import csv_text, json_text, write_atomic
from pipeline.params import Evaluate, Train, load_params
from pipeline.paths import DATASET, EVALUATE, MODEL, RAW, TRAIN
from pipeline.report import data_uri, thumbnail, write_page

_TEMPLATE = Path(__file__).with_name("report.html")
_MISTAKES = 24
_PAIRS = 10
_GALLERY = 12  # images of each class
_LEAST_SLICE = 5  # images; the accuracy of a smaller part says nothing


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m model.evaluate",
        description="Compare the model's predictions on data/dataset/test with the true labels; "
        "metrics, predictions, figures, a report and a model card go to results/evaluate.",
    )
    parser.parse_args(arguments)
    evaluate(load_params().evaluate, DATASET, MODEL, TRAIN, EVALUATE)


def evaluate(
    options: Evaluate, dataset: Path, model: Path, log: Path, out: Path, raw: Path = RAW
) -> dict[str, float]:
    """Write all results to `out`, print the metrics and the advice, and return the metrics.

    `log` has the log of the training. The manifests in `raw` give the names of images in the
    report, and nothing else. So they are no dependency of the stage, and may be absent.

    UserError if there is no model, its labels are not those of the dataset, a split lacks a class,
    or a folder of foreign images has no image.
    """
    classifier = artifact.load(model)
    labels, present = classifier.labels, data.class_labels(dataset)
    if labels != present:
        raise UserError(
            f"the model in {model} knows {', '.join(labels)}, and {dataset} has "
            f"{', '.join(present)}; `dvc repro` trains it anew"
        )
    validation = tested(classifier, dataset, "validation")
    test = tested(classifier, dataset, "test")
    facts = _facts(classifier, validation, test, options, data.collected(dataset))
    drawn = {
        "confusion": figures.confusion(test.confusion, labels),
        "reliability": figures.reliability(test.raw, test.probabilities, test.images.classes),
        "precision_recall": figures.precision_recall(
            test.images.classes, test.probabilities, labels
        ),
    }
    _write_tables(out, facts)
    _write_predictions(out, test.images, test.probabilities)
    for name, figure in drawn.items():
        write_atomic(out / f"{name}.png", figure.png)
    model_card.write(out / "MODEL_CARD.md", dataset, classifier, facts)
    curves = {
        measure: curve
        for measure in ("loss", "accuracy")  # a figure each: beside each other, or below on a phone
        if (curve := figures.learning_curves(log / "plots", (measure,)))
    }
    sentences = advice(
        _known(classifier, dataset, log / "plots", facts["scores"], validation, test)
    )
    shown = _Shown(dataset, test, Origins(raw))
    _write_report(out, shown, facts, drawn, curves, sentences, options.reject_quantile)
    scores: dict[str, float] = facts["scores"]
    print(tabulate(scores.items(), floatfmt=".3f"))
    more = f"more in {out / 'report.html'}"
    print(*facts["refusals"]["left_out"], more, *sentences, sep="\n")
    return scores


def _write_report(
    out: Path,
    shown: "_Shown",
    facts: dict[str, Any],
    drawn: Mapping[str, figures.Drawing],
    curves: Mapping[str, figures.Drawing],
    sentences: Sequence[str],
    reject_quantile: float,
) -> None:
    write_page(
        out / "report.html",
        _TEMPLATE,
        **facts,
        advice=sentences,
        reject_quantile=reject_quantile,
        least_slice=_LEAST_SLICE,
        figures=_for_browser(drawn),
        curves=_for_browser(curves),
        mistakes=shown.worst_mistakes(),
        mistake_count=int((~shown.test.right).sum()),
        galleries=shown.galleries(),
    )


def _for_browser(drawn: Mapping[str, figures.Drawing]) -> dict[str, str]:
    return {name: data_uri(drawing.svg, "image/svg+xml") for name, drawing in drawn.items()}


def _facts(
    classifier: artifact.Artifact,
    validation: Tested,
    test: Tested,
    options: Evaluate,
    collected: Set[str],
) -> dict[str, Any]:
    """The content of the tables, the report and the model card."""
    classes, calibration = test.images.classes, classifier.calibration
    errors = {"validation": validation.errors, "test": test.errors}
    return {
        "scores": metrics(classes, test.probabilities, test.groups),
        "by_class": per_class(classes, test.probabilities, classifier.labels),
        "by_slice": slices(test.rows, test.right),
        "pairs": _confused_pairs(test.confusion, classifier.labels),
        "refusals": refusals(
            classifier, test.outputs, options.foreign or [], options.reject_quantile, collected
        ),
        "calibration": {
            "temperature": calibration.temperature,
            "images": calibration.images,
            "refuse_by": calibration.refuse_by,
            "threshold": calibration.threshold(options.reject_quantile),
            "model": classifier.sha256,
        },
        "calibration_errors": errors,
        # as the table shows them, in tenths of a percent
        "calibrated_worse": [
            split
            for split, error in errors.items()
            if round(error["after"], 3) > round(error["before"], 3)
        ],
        "about": classifier.about,
        "count": len(test.rows),
        "groups": len(set(test.groups)),
    }


def _write_tables(out: Path, facts: dict[str, Any]) -> None:
    write_atomic(out / "metrics.json", json_text(facts["scores"]))
    write_atomic(out / "per_class.json", json_text(facts["by_class"]))
    write_atomic(out / "slices.json", json_text(facts["by_slice"]))
    about_confidence = {
        **facts["calibration"],
        "calibration_error": facts["calibration_errors"],
        "none_of_these": facts["refusals"],
    }
    write_atomic(out / "calibration.json", json_text(about_confidence))


def _write_predictions(out: Path, test: data.Images, probabilities: Array) -> None:
    rows = [
        (file, test.labels[true], test.labels[p.argmax()], p.max(), *p)
        for file, true, p in zip(test.files, test.classes, probabilities, strict=True)
    ]
    # no column of ours begins with this, so any class name is possible
    header = ("file", "label", "predicted", "confidence", *(f"p_{label}" for label in test.labels))
    write_atomic(out / "predictions.csv", csv_text(header, rows))
    pairs = csv_text(("actual", "predicted"), [row[1:3] for row in rows])
    write_atomic(out / "confusion.csv", pairs)


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


def _known(
    classifier: artifact.Artifact,
    dataset: Path,
    plots: Path,
    scores: Mapping[str, float],
    validation: Tested,
    test: Tested,
) -> Facts:
    """The facts on which the advice is based."""
    from model.networks.pretrained import (
        comes_trained,  # starts TensorFlow, which the model has by now
    )

    # it was validated before it was trained with
    recipe = Train.model_construct(**classifier.about["parameters"]["train"])
    epoch = classifier.about["epoch"]
    sources = {row.get("source") for row in test.rows}
    return Facts(
        recipe=recipe,
        comes_trained=comes_trained(recipe),
        own=sources == {"own"},
        training_images=data.class_counts(dataset, "train"),
        test_images=len(test.rows),
        accuracy=Share(*(scores[key] for key in ("accuracy", "accuracy_low", "accuracy_high"))),
        validation=Share.of(validation.right, validation.groups),
        training=_training_accuracy(plots, epoch, recipe.epochs),
        kept_epoch=epoch,
        weakest=Weakest.of(test.answers),
        pair=ConfusedPair.of(test.answers),
    )


def _training_accuracy(plots: Path, epoch: int, epochs: int) -> float | None:
    """Training accuracy in that epoch, on augmented images; None if DVCLive logged none.

    `epoch` 0 is the classifier that was fitted before the first of the `epochs`. If there are no
    epochs, the log has only its accuracy.
    """
    path = plots / "metrics" / "train" / "accuracy.tsv"
    if not path.is_file():
        return None
    with path.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    logged = {int(row["step"]) + 1: float(row["accuracy"]) for row in rows}
    return logged.get(epoch if epochs else 1)


@dataclass(frozen=True)
class _Shown:
    """The test images that the report shows, each with its name and the answer of the model."""

    dataset: Path
    test: Tested
    origins: Origins

    def worst_mistakes(self) -> list[dict[str, Any]]:
        """The mistakes that the model was surest of."""
        confidence, wrong = self.test.probabilities.max(axis=1), np.flatnonzero(~self.test.right)
        worst = wrong[np.argsort(-confidence[wrong], kind="stable")][:_MISTAKES]
        return [self._figure(i) for i in worst]

    def galleries(self) -> dict[str, list[dict[str, Any]]]:
        """Some images of each class, from the likeliest to the least likely of it."""
        galleries = {}
        for number, label in enumerate(self.test.images.labels):
            members = np.flatnonzero(self.test.images.classes == number)
            ranked = members[np.argsort(-self.test.probabilities[members, number], kind="stable")]
            places = np.unique(np.linspace(0, len(ranked) - 1, _GALLERY).round().astype(int))
            galleries[label] = [self._figure(i) for i in ranked[places]]
        return galleries

    def _figure(self, i: int) -> dict[str, Any]:
        images, about = self.test.images, self.test.rows[i]
        file = images.files[i]
        return {
            "image": thumbnail(self.dataset / "test" / file),
            "true": images.labels[images.classes[i]],
            "predicted": images.labels[self.test.probabilities[i].argmax()],
            "confidence": self.test.probabilities[i].max(),
            "source": about.get("source"),
            "file": file,
            "name": self.origins.name(about) or file,
        }


if __name__ == "__main__":
    run(main)
