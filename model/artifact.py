"""The trained model on disk: classifier.keras, and classifier.json with what it means.

The folder is whole: a copy of it is all that prediction needs.
classifier.keras loads with Keras alone and takes images as 0-255.
"""

import dataclasses
import hashlib
import json
import platform
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model import saved
from model.calibration import Calibration
from pipeline.cli import UserError
from pipeline.files import fresh_folder
from pipeline.paths import MODEL

if typing.TYPE_CHECKING:
    import keras

NETWORK = "classifier.keras"
_ABOUT = "classifier.json"
_BATCH = 64
_REMEDY = (
    "copy the folder anew from where it was trained, `dvc checkout` what was stored, or train it "
    "by `dvc repro`; a model of newer versions needs these"
)


@dataclass(frozen=True)
class Artifact:
    """A network and what it needs to know. `about` is the rest of classifier.json."""

    network: "keras.Model"
    labels: list[str]
    image_size: int
    about: dict[str, Any]
    sha256: str
    """`digest` of classifier.keras"""
    calibration: Calibration

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Of each class, (n, classes), for decoded images (n, image_size, image_size, 3)."""
        return probabilities(self.network, images, len(self.labels))


def probabilities(
    network: "keras.Model", images: NDArray[np.uint8], classes: int
) -> NDArray[np.float64]:
    """What `network` answers, (n, classes), for decoded images; there may be none."""
    parts = [
        network.predict_on_batch(images[start : start + _BATCH])
        for start in range(0, len(images), _BATCH)
    ]
    return np.concatenate([np.empty((0, classes)), *parts])


def save(
    folder: Path,
    network: "keras.Model",
    labels: Sequence[str],
    image_size: int,
    calibration: Calibration,
    about: Mapping[str, Any],
) -> None:
    """Write the folder anew; it appears whole or not at all."""
    values = {
        "labels": labels,
        "image_size": image_size,
        "calibration": dataclasses.asdict(calibration),
        **about,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("keras", "tensorflow", "numpy", "pillow")},
        },
    }
    with fresh_folder(folder) as part:
        network.save(part / NETWORK)
        (part / _ABOUT).write_text(
            json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
        )


def load(folder: Path = MODEL) -> Artifact:
    """Raises UserError where there is no model."""
    from model.quiet import import_keras

    for name in (NETWORK, _ABOUT):
        if not (folder / name).is_file():
            raise UserError(f"{folder / name} is not there; `dvc repro` trains the model")
    import_keras()
    about = saved.read_json(
        folder / _ABOUT, "a description of a model", _REMEDY, {"labels": list, "image_size": int}
    )
    labels = about.pop("labels")
    with saved.reading(folder / _ABOUT, "a description of a model", _REMEDY):
        # models of earlier versions have none
        calibration = Calibration(**about.pop("calibration", {}))
    return Artifact(
        network=_network(folder, labels, about),
        labels=labels,
        image_size=about.pop("image_size"),
        calibration=calibration,
        about=about,
        sha256=digest(folder / NETWORK),
    )


def _network(folder: Path, labels: Sequence[str], about: Mapping[str, Any]) -> "keras.Model":
    import keras

    path, versions = folder / NETWORK, about.get("versions")
    made_by = {
        name: str(number)
        for name, number in (versions.items() if isinstance(versions, dict) else ())
        if name in ("keras", "tensorflow")
    }
    with saved.reading(path, "a model of Keras", _REMEDY, made_by):
        network = keras.saving.load_model(path, compile=False)
    saved.same_classes(path, network.output_shape[-1], labels)
    return network


def digest(network: Path) -> str:
    """SHA-256 of classifier.keras: which model it is."""
    return hashlib.sha256(network.read_bytes()).hexdigest()
