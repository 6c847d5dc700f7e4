"""The last step of a training: what tells images that are none of the classes."""

import keras
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from model import artifact, foreign
from model.calibration import Calibration, Measure, Outputs
from model.data import Images
from model.images import decode
from model.vim import Vim, some_of_each

_MADE = 100  # foreign images of each kind
_SEED = 3
"""not that of the evaluation, which measures on other images"""
_MEASURES: tuple[Measure, ...] = ("features", "probability")


def fit_refusal(
    network: keras.Model, training: Images, validation: Images
) -> tuple[Vim, Calibration, dict[str, float]]:
    """Fit ViM on training images, and the calibration on validation images.

    A small network may see less in its features than its probabilities say. So the better of the
    two refuses: the one with the larger area under the ROC curve, validation images against flat
    and drawn ones. The third value has these areas, means over both kinds.
    """
    vim = Vim.fit(network, some_of_each(training.images))
    scored, width = vim.beside(network), len(validation.labels)
    own = artifact.outputs(scored, validation.images, width)
    calibration = Calibration.fit(own, validation.classes)
    own = calibration.calibrated(own)
    others = [
        calibration.calibrated(artifact.outputs(scored, images, width))
        for images in _foreign(validation.images.shape[1])
    ]
    areas: dict[str, float] = {
        by: float(np.mean([_area(calibration, own, other, by) for other in others]))
        for by in _MEASURES
    }
    best = max(_MEASURES, key=lambda by: areas[by])
    return vim, calibration.refusing_by(best), areas


def _area(calibration: Calibration, own: Outputs, other: Outputs, by: Measure) -> float:
    measured = [calibration.measure(outputs, by) for outputs in (own, other)]
    ours = np.repeat([1, 0], [len(values) for values in measured])
    return float(roc_auc_score(ours, np.concatenate(measured)))


def _foreign(size: int) -> list[NDArray[np.uint8]]:
    """(n, size, size, 3), for each kind."""
    made = foreign.made(_MADE, _SEED)
    return [np.stack([decode(image, size) for image in kind]) for kind in made.values()]
