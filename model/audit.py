"""Ranks the labels that are likely wrong, for a person to decide on. It changes nothing.

    dvc repro audit/dvc.yaml

A classifier gives each label of a training or validation image a probability. It has not seen the
image, its near-duplicates, or other views of the product. Confident learning (Northcutt, Jiang and
Chuang, Confident Learning: Estimating Uncertainty in Dataset Labels, 2021) estimates how many
labels are wrong. That many labels, the least probable ones, are suspect.
"""

import argparse
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

from model import data, features
from pipeline.cli import UserError, run
from pipeline.files import csv_text, json_text, write_atomic
from pipeline.params import Audit, Params, load_params
from pipeline.paths import AUDIT, DATASET
from pipeline.report import thumbnail, write_page

COLUMNS = ("sha256", "label", "suggested", "score", "file")
_TEMPLATE = Path(__file__).parent / "templates" / "audit.html"
_SPLITS = ("train", "validation")  # not test: the split that measures a model must not choose it
_MOST_SHOWN = 300
_COMPONENTS = 150
_LEAST = 2  # groups of a class: one is judged by the other
_STRENGTH = 3  # of the fit; 1 to 30 were tried on images of clothing with flipped labels
Fold: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64]]
"""the rows that are seen, and those that are held out"""


@dataclass(frozen=True, slots=True)
class Suspect:
    """An image whose label is likely wrong. `file` is relative to data/dataset."""

    file: str
    label: str
    suggested: str
    score: float
    """probability of its label, by a classifier that has not seen it: the lower the worse"""

    @property
    def sha256(self) -> str:
        """SHA-256 of the image as it was collected; the file is named by it."""
        return PurePosixPath(self.file).stem


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m model.audit",
        description="Look for wrong labels among the training and validation images; suspects "
        "and a page that shows them go to results/audit. A person decides which of them are "
        "wrong, in data/review.csv or on `python -m pipeline.review`.",
    )
    parser.parse_args(arguments)
    found = audit(load_params(), DATASET, AUDIT)
    print(
        f"{found['suspects']} of {found['images']} labels are suspect; "
        f"look at them in {AUDIT / 'report.html'} or with: python -m pipeline.review"
    )


def audit(params: Params, dataset: Path, out: Path) -> dict[str, float]:
    """Write suspects.csv, report.html and metrics.json to `out`, and return the metrics.

    Raises UserError if there is no dataset, or a class has too few images to be divided.
    """
    labels = data.class_labels(dataset)
    network = features.backbone(params.train, len(labels))
    size = features.image_size(params.train, network)
    splits = {name: data.load_split(dataset, name, labels, size) for name in _SPLITS}
    files = [f"{name}/{file}" for name, split in splits.items() for file in split.files]
    classes = np.concatenate([split.classes for split in splits.values()])
    numbers = np.concatenate([features.extract(s.images, network) for s in splits.values()])
    folds = divided(classes, _groups(dataset, files), labels, params.audit)
    probabilities = out_of_fold(numbers, classes, folds, params.audit.seed)

    suspects = [
        Suspect(files[i], labels[classes[i]], labels[p.argmax()], float(p[classes[i]]))
        for i in ranked(classes, probabilities)
        for p in (probabilities[i],)
    ]
    metrics = {
        "images": len(files),
        "suspects": len(suspects),
        "suspect_share": len(suspects) / len(files),
        "accuracy": float((probabilities.argmax(axis=1) == classes).mean()),
    }
    _write(out, suspects)
    write_page(
        out / "report.html",
        _TEMPLATE,
        metrics=metrics,
        by=params.train.network if network else None,
        folds=len(folds),
        suspects=[
            {"image": thumbnail(dataset / s.file), "suspect": s} for s in suspects[:_MOST_SHOWN]
        ],
    )
    write_atomic(out / "metrics.json", json_text(metrics))
    return metrics


def out_of_fold(
    numbers: features.Features, classes: NDArray[Any], folds: Sequence[Fold], seed: int
) -> NDArray[np.float64]:
    """Return probabilities (n, classes), each row by a classifier fitted on the other folds.

    There are two passes. Images that are suspect after the first are left out of the second
    fitting, so that wrong labels mislead it less.
    """
    first = _fitted(numbers, classes, folds, np.ones(len(classes), bool), seed)
    trusted = np.ones(len(classes), bool)
    trusted[ranked(classes, first)] = False
    return _fitted(numbers, classes, folds, trusted, seed)


def divided(
    classes: NDArray[Any], groups: Sequence[str], labels: Sequence[str], options: Audit
) -> list[Fold]:
    """Divide the images into `options.folds` parts that keep groups whole.

    A class with fewer groups is in some of the parts only. There are fewer parts if one would be
    empty, or would have all images of a class. UserError names the classes that have one group.
    """
    of_class: dict[int, set[str]] = {number: set() for number in range(len(labels))}
    for number, group in zip(classes, groups, strict=True):
        of_class[int(number)].add(group)
    most = max(len(its) for its in of_class.values())
    for count in range(min(options.folds, most), 1, -1):
        division = StratifiedGroupKFold(count, shuffle=True, random_state=options.seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of each class that has few images
            folds = list(division.split(classes, classes, groups))
        if all(len(held) and {*classes[held]} <= {*classes[seen]} for seen, held in folds):
            return folds
    few = [labels[number] for number, its in of_class.items() if len(its) < _LEAST]
    raise UserError(
        "an audit needs two images of each class at least that are neither near-duplicates "
        f"nor views of one product; these classes have fewer: {', '.join(few or labels)}; gather "
        "more, or take them out of params.yaml"
    )


def _fitted(
    numbers: features.Features,
    classes: NDArray[Any],
    folds: Sequence[Fold],
    trusted: NDArray[np.bool_],
    seed: int,
) -> NDArray[np.float64]:
    """Return probabilities of the rows that each fold holds out, by a fit on the trusted others."""
    probabilities = np.zeros((len(classes), int(classes.max()) + 1))
    for seen, held_out in tqdm(folds, "auditing", unit=" folds", disable=None):
        taught = seen[trusted[seen]]
        if len(set(classes[taught])) < 2:  # next to nothing is trusted
            taught = seen
        components = min(_COMPONENTS, len(taught), numbers.shape[1])
        classifier = make_pipeline(
            StandardScaler(),
            PCA(components, svd_solver="randomized", random_state=seed),
            # a weak fit: one that is sure of everything it has seen believes the wrong labels too
            LogisticRegression(C=_STRENGTH / len(taught), max_iter=200, tol=1e-3),
        ).fit(numbers[taught], classes[taught])
        known = classifier.classes_
        probabilities[np.ix_(held_out, known)] = classifier.predict_proba(numbers[held_out])
    return probabilities


def ranked(classes: NDArray[Any], probabilities: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the rows whose class is likely wrong, the least probable first.

    Raises UserError if cleanlab is not installed.
    """
    try:
        from cleanlab.count import num_label_issues
        from cleanlab.rank import get_label_quality_scores
    except ImportError as error:
        raise UserError("an audit needs cleanlab: pip install 'cleanlab>=2.7'") from error
    order = np.argsort(get_label_quality_scores(classes, probabilities), kind="stable")
    order = order[: num_label_issues(classes, probabilities)]
    return np.asarray(order[probabilities[order].argmax(axis=1) != classes[order]])


def _groups(dataset: Path, files: Sequence[str]) -> list[str]:
    """Return the group of each image, which no fold divides; the image alone if none is named."""
    rows = {split: data.metadata(dataset, split) for split in _SPLITS}
    found = []
    for file in files:
        split, _, name = file.partition("/")
        found.append(rows[split].get(name, {}).get("group") or file)
    return found


def _write(out: Path, suspects: Sequence[Suspect]) -> None:
    told = [{name: getattr(one, name) for name in COLUMNS} for one in suspects]
    rows = [list((one | {"score": f"{one['score']:.4f}"}).values()) for one in told]
    write_atomic(out / "suspects.csv", csv_text(COLUMNS, rows))


if __name__ == "__main__":
    run(main)
