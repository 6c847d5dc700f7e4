"""Measures how well "none of these" works: how many images of other things a model refuses."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score, roc_curve

from model import foreign
from model.artifact import Artifact
from model.calibration import Array, Measure, Outputs
from model.images import AnyImage, UnreadableImageError, decode_many
from pipeline.cli import UserError

_MADE = 200  # of each kind
_SEED = 1
_BATCH = 256
_FOUND = 0.95
"""share of the foreign images that is refused for FPR95"""


def refusals(
    model: Artifact, own: Outputs, folders: Sequence[str], reject_quantile: float
) -> dict[str, Any]:
    """What the model refuses at its threshold. `other` has the same for the other measure.

    `own` has calibrated outputs for images of the classes. Foreign images are flat and drawn
    images, and the files of each folder in `folders`. `other` is None if the model has no ViM, or
    had too few validation images for a threshold. UserError if a folder has no image.
    """
    kinds: dict[str, Iterator[AnyImage]] = {**foreign.made(_MADE, _SEED)}
    theirs = {
        name: _outputs(model, name, list(images))
        for name, images in {**kinds, **{folder: _files(folder) for folder in folders}}.items()
    }
    used = model.calibration.refuse_by
    unused: Measure = "probability" if used == "features" else "features"
    both = model.vim and model.calibration.knows
    return {
        "knows": model.calibration.knows,
        **_refused(model, own, theirs, used, reject_quantile),
        "other": _refused(model, own, theirs, unused, reject_quantile) if both else None,
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


def _files(folder: str) -> Iterator[Path]:
    if not Path(folder).is_dir():
        raise UserError(f"evaluate.foreign: {folder} is no folder")
    yield from sorted(path for path in Path(folder).rglob("*") if path.is_file())


def _outputs(model: Artifact, name: str, images: Sequence[AnyImage]) -> Outputs:
    """Calibrated, for each image that can be read."""
    parts = []
    for start in range(0, len(images), _BATCH):
        decoded = decode_many(images[start : start + _BATCH], model.image_size)
        readable = [image for image in decoded if not isinstance(image, UnreadableImageError)]
        if readable:
            parts.append(model.calibration.calibrated(model.outputs(np.stack(readable))))
    if not parts:
        raise UserError(f"evaluate.foreign: {name} has no image that can be read")
    scores = [part.scores for part in parts if part.scores is not None]
    return Outputs(
        np.concatenate([part.probabilities for part in parts]),
        np.concatenate(scores) if scores else None,
    )
