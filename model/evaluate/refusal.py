"""Measures how well "none of these" works: how many images of other things a model refuses."""

from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score, roc_curve

from model import foreign
from model.artifact import Artifact
from model.calibration import Array, Measure, Outputs
from model.images import AnyImage, UnreadableImageError, decode_many
from pipeline import listing
from pipeline.cli import UserError
from pipeline.files import file_digest

_MADE = 200  # of each kind
_SEED = 1
_BATCH = 256
_FOUND = 0.95
"""share of the foreign images that is refused for FPR95"""


def refusals(
    model: Artifact,
    own: Outputs,
    folders: Sequence[str],
    reject_quantile: float,
    dataset: Set[str] = frozenset(),
) -> dict[str, Any]:
    """What the model refuses at its threshold. `other` has the same for the other measure.

    Args:
        model: the model that refuses.
        own: calibrated outputs for images of the classes.
        folders: with foreign images, beside the flat and drawn ones that are made here.
        reject_quantile: share of the validation images that the threshold may refuse.
        dataset: SHA-256 of the images in the dataset as they were collected. They are not foreign.

    `left_out` has sentences about what is left out of the folders. `other` is None if the model has
    no ViM, or had too few validation images for a threshold. UserError if nothing of a folder is
    left.
    """
    left_out: list[str] = []
    theirs = {
        kind: _calibrated(model, list(images))[0]
        for kind, images in foreign.made(_MADE, _SEED).items()
    }
    for folder in dict.fromkeys(folders):
        # a folder may have the name of a kind that is made here
        name = f"{folder}/" if folder in theirs else folder
        theirs[name] = _in_folder(model, folder, dataset, left_out)
    used = model.calibration.refuse_by
    unused: Measure = "probability" if used == "features" else "features"
    both = model.vim and model.calibration.knows
    return {
        "knows": model.calibration.knows,
        **_refused(model, own, theirs, used, reject_quantile),
        "other": _refused(model, own, theirs, unused, reject_quantile) if both else None,
        "left_out": left_out,
    }


def _refused(
    model: Artifact, own: Outputs, theirs: Mapping[str, Outputs], by: Measure, quantile: float
) -> dict[str, Any]:
    """Share of own images kept, and for each kind of foreign ones the share refused."""
    threshold = model.calibration.threshold(quantile, by)
    ours = model.calibration.measure(own, by)
    kinds = {}
    for name, outputs in theirs.items():
        measured = model.calibration.measure(outputs, by)
        kinds[name] = {
            "images": len(measured),
            "refused": float((measured < threshold).mean()),
            **separation(ours, measured),
        }
    return {
        "by": by,
        "threshold": threshold,
        "own_kept": float((ours >= threshold).mean()),
        "foreign": kinds,
    }


def separation(own: Array, foreign: Array) -> dict[str, float]:
    """How well a measure (n,) separates own images, for which it is higher, from foreign ones.

    `auroc` is the area under the ROC curve. `fpr95` is the share of own images that is refused if
    95 % of the foreign ones are refused, as OpenOOD counts it (Yang et al., OpenOOD: Benchmarking
    Generalized Out-of-Distribution Detection, 2022). Lower is better.

    >>> separation(np.array([3.0, 4.0, 5.0, 6.0]), np.array([1.0, 2.0]))
    {'auroc': 1.0, 'fpr95': 0.0}
    """
    is_foreign = np.repeat([0, 1], [len(own), len(foreign)])
    strange = -np.concatenate([own, foreign])
    lost, found, _ = roc_curve(is_foreign, strange)
    return {
        "auroc": float(roc_auc_score(is_foreign, strange)),
        "fpr95": float(lost[np.argmax(found >= _FOUND)]),
    }


def _in_folder(model: Artifact, folder: str, dataset: Set[str], left_out: list[str]) -> Outputs:
    if not Path(folder).is_dir():
        raise UserError(f"evaluate.foreign: {folder} is no folder; correct its name or take it out")
    aside = listing.left_out()
    files = [found.path for found in listing.files(Path(folder), aside)]
    # an image in data/dataset may have other bytes, but has the SHA-256 as its name
    others = [path for path in files if not {file_digest(path), path.stem} & dataset]
    told = [*listing.aside_lines(aside)]
    if ours := len(files) - len(others):
        told.append(f"{ours} of {len(files)} files are images of the dataset, and left out")
    outputs, errors = _calibrated(model, others)
    if errors:
        told.append(
            f"{len(errors)} of {len(files)} files can't be read, and are left out; "
            f"the first: {errors[0]}"
        )
    left_out += [f"evaluate.foreign: {folder}: {sentence}" for sentence in told]
    if not len(outputs.probabilities):
        raise UserError(
            "; ".join([f"evaluate.foreign: {folder} has no foreign image; add some", *told])
        )
    return outputs


def _calibrated(
    model: Artifact, images: Sequence[AnyImage]
) -> tuple[Outputs, list[UnreadableImageError]]:
    """The outputs for the images that can be read, and why the others can't."""
    parts = [model.outputs(np.empty((0, model.image_size, model.image_size, 3), np.uint8))]
    errors = []
    for start in range(0, len(images), _BATCH):
        decoded = decode_many(images[start : start + _BATCH], model.image_size)
        errors += [image for image in decoded if isinstance(image, UnreadableImageError)]
        readable = [image for image in decoded if not isinstance(image, UnreadableImageError)]
        if readable:
            parts.append(model.outputs(np.stack(readable)))
    scores = [part.scores for part in parts if part.scores is not None]
    whole = Outputs(
        np.concatenate([part.probabilities for part in parts]),
        np.concatenate(scores) if scores else None,
    )
    return model.calibration.calibrated(whole), errors
