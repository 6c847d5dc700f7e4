"""The trained model on disk: classifier.keras, and classifier.json with what it means.

classifier.keras loads with Keras alone and takes pictures as 0-255.
"""

import json
import platform
import typing
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.cli import UserError
from pipeline.manifest import fresh_folder
from pipeline.paths import MODEL

if typing.TYPE_CHECKING:
    import keras

_NETWORK = "classifier.keras"
_ABOUT = "classifier.json"
_BATCH = 64


@dataclass(frozen=True)
class Artifact:
    """A network and what it needs to know. `about` is the rest of classifier.json."""

    network: "keras.Model"
    labels: list[str]
    image_size: int
    about: dict[str, Any]

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Of each class, (n, classes), for decoded pictures (n, image_size, image_size, 3)."""
        parts = [
            self.network.predict_on_batch(images[start : start + _BATCH])
            for start in range(0, len(images), _BATCH)
        ]
        return np.concatenate([np.empty((0, len(self.labels))), *parts])


def save(folder: Path, artifact: Artifact) -> None:
    """Write the folder anew; it appears whole or not at all."""
    about = {
        "labels": artifact.labels,
        "image_size": artifact.image_size,
        **artifact.about,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("keras", "tensorflow", "numpy", "pillow")},
        },
    }
    with fresh_folder(folder) as part:
        artifact.network.save(part / _NETWORK)
        (part / _ABOUT).write_text(
            json.dumps(about, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
        )


def load(folder: Path = MODEL) -> Artifact:
    """Raises UserError where there is no model."""
    from model.quiet import import_keras

    for name in (_NETWORK, _ABOUT):
        if not (folder / name).is_file():
            raise UserError(f"{folder / name} is not there; `dvc repro` trains the model")
    import_keras()
    import keras

    about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
    return Artifact(
        network=keras.saving.load_model(folder / _NETWORK, compile=False),
        labels=about.pop("labels"),
        image_size=about.pop("image_size"),
        about=about,
    )
