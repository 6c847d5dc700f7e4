"""The exported model on disk, run by ONNX Runtime: no TensorFlow, so it is there in a second.

`python -m model.export` writes classifier.onnx, and beside it classifier.json with the labels, the
image size and the calibration. The outputs of classifier.onnx are the probabilities and ViM's score
(see vim.py); exports of earlier versions have the first only.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model import artifact, saved
from model.calibration import Calibration, Outputs
from pipeline.cli import UserError, needs_extra
from pipeline.files import file_digest
from pipeline.paths import EXPORT, MODEL
from pipeline.system import usable_cores

NETWORK = "classifier.onnx"
ABOUT = "classifier.json"
_BATCH = 64
_REMEDY = "`python -m model.export` writes it anew"


@dataclass(frozen=True)
class OnnxModel:
    """An exported network and what it needs to know."""

    session: Any
    labels: list[str]
    image_size: int
    sha256: str
    """of the classifier.keras that it was made from"""
    calibration: Calibration
    reject_quantile: float
    """as it was set when the model was exported"""

    def outputs(self, images: NDArray[np.uint8]) -> Outputs:
        """The outputs for decoded images (n, image_size, image_size, 3)."""
        (name,) = (node.name for node in self.session.get_inputs())
        parts = [
            self.session.run(None, {name: images[start : start + _BATCH].astype(np.float32)})
            for start in range(0, len(images), _BATCH)
        ]
        probabilities, *scores = zip(*parts, strict=True) if parts else ([], [])
        return Outputs(
            np.concatenate([np.empty((0, len(self.labels))), *probabilities]),
            np.concatenate([np.empty(0), *scores[0]]) if self.calibration.scores else None,
        )

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Probabilities of the classes, (n, classes), for images (n, image_size, image_size, 3)."""
        return self.outputs(images).probabilities


def load(folder: Path = EXPORT) -> OnnxModel:
    """Read an export. Raises UserError if there is none, or if ONNX Runtime is not installed."""
    for name in (NETWORK, ABOUT):
        if not (folder / name).is_file():
            raise UserError(f"{folder / name} is not there; `python -m model.export` writes it")
    kinds = {"model": str, "calibration": dict, "reject_quantile": float}
    about = saved.read_about(folder / ABOUT, "a description of an export", _REMEDY, kinds)
    labels = about["labels"]
    with saved.reading(folder / ABOUT, "a description of an export", _REMEDY):
        calibration = Calibration(**about["calibration"])
    trained = folder.parent / MODEL.name / artifact.NETWORK
    if trained.is_file() and file_digest(trained) != about["model"]:
        raise UserError(f"{folder} is no export of {trained}; `python -m model.export` renews it")
    with needs_extra("onnx"):
        import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = usable_cores()  # its own count is the machine's
    with saved.reading(folder / NETWORK, "a network of ONNX", _REMEDY):
        session = onnxruntime.InferenceSession(
            folder / NETWORK, options, providers=["CPUExecutionProvider"]
        )
        (images,), (probabilities, *scores) = session.get_inputs(), session.get_outputs()
        if calibration.scores and not scores:
            raise ValueError("it lacks the score that tells images of another kind")
    outputs = probabilities.shape[-1]
    outputs = outputs if isinstance(outputs, int) else None
    saved.of_one_model(folder / NETWORK, images.shape, outputs, about)
    saved.same_files(folder, about)
    return OnnxModel(
        session, labels, about["image_size"], about["model"], calibration, about["reject_quantile"]
    )
