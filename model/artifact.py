"""The trained model on disk: classifier.keras, and classifier.json with what it means.

The folder is whole: a copy of it is all that prediction needs.
classifier.keras loads with Keras alone and takes images as 0-255. vim.npz has what tells images of
another kind by their features (see vim.py); models of earlier versions have none.
"""

import dataclasses
import functools
import json
import platform
import re
import typing
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model import batchwise, saved, vim
from model.calibration import Calibration, Outputs
from model.vim import Vim
from pipeline.cli import UserError
from pipeline.files import file_digest, fresh_folder, json_text
from pipeline.paths import MODEL

if typing.TYPE_CHECKING:
    import keras

NETWORK = "classifier.keras"
_ABOUT = "classifier.json"
_SHARED = re.compile(rb'(?<="shared_object_id": )\d+')
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
    """of classifier.keras"""
    calibration: Calibration
    vim: Vim | None = field(default=None, repr=False)

    @functools.cached_property
    def answering(self) -> "keras.Model":
        """The network, with ViM's score as a second output if the model has ViM."""
        return self.vim.beside(self.network) if self.vim else self.network

    def outputs(self, images: NDArray[np.uint8]) -> Outputs:
        """The network's outputs for decoded images (n, image_size, image_size, 3)."""
        return outputs(self.answering, images, len(self.labels))

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Probabilities of the classes, (n, classes), for images (n, image_size, image_size, 3)."""
        return self.outputs(images).probabilities


def outputs(network: "keras.Model", images: NDArray[np.uint8], classes: int) -> Outputs:
    """The outputs for decoded images of a network, with or without ViM. There may be no images."""
    parts = batchwise.outputs(network, images)
    if len(network.outputs) == 1:
        return Outputs(np.concatenate([np.empty((0, classes)), *parts]), None)
    return Outputs(
        np.concatenate([np.empty((0, classes)), *(part[0] for part in parts)]),
        np.concatenate([np.empty(0), *(part[1] for part in parts)]),
    )


def save(
    folder: Path,
    network: "keras.Model",
    labels: Sequence[str],
    image_size: int,
    calibration: Calibration,
    about: Mapping[str, Any],
    fitted: Vim | None = None,
) -> None:
    """Write the folder anew; it appears whole or not at all."""
    values: dict[str, Any] = {
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
        _without_chance(part / NETWORK)
        if fitted:
            fitted.save(part / vim.FILE)
        values["files"] = {path.name: file_digest(path) for path in sorted(part.iterdir())}
        (part / _ABOUT).write_text(json_text(values), encoding="utf-8")


def _without_chance(path: Path) -> None:
    """Write the file of a network anew. Then the same network always gives the same bytes.

    Keras writes the date into it, and numbers shared objects by their place in memory.
    """
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    numbers: dict[bytes, int] = {}
    members["config.json"] = _SHARED.sub(
        lambda found: b"%d" % numbers.setdefault(found[0], len(numbers) + 1), members["config.json"]
    )
    metadata = json.loads(members["metadata.json"]) | {"date_saved": "1980-01-01@00:00:00"}
    members["metadata.json"] = json.dumps(metadata).encode()
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(zipfile.ZipInfo(name), content)  # its date is 1980 too


def load(folder: Path = MODEL) -> Artifact:
    """Read the model in a folder. Raises UserError if there is none."""
    from model.quiet import import_keras

    for name in (NETWORK, _ABOUT):
        if not (folder / name).is_file():
            raise UserError(f"{folder / name} is not there; `dvc repro` trains the model")
    import_keras()
    about = saved.read_about(folder / _ABOUT, "a description of a model", _REMEDY)
    network = _network(folder, about)
    with saved.reading(folder / _ABOUT, "a description of a model", _REMEDY):
        # models of earlier versions have none
        calibration = Calibration(**about.pop("calibration", {}))
    fitted = _vim(folder, network, calibration)
    saved.same_files(folder, about)
    known = about.pop("files", {})
    return Artifact(
        network=network,
        labels=about.pop("labels"),
        image_size=about.pop("image_size"),
        calibration=calibration,
        about=about,
        sha256=known.get(NETWORK) or file_digest(folder / NETWORK),
        vim=fitted,
    )


def _vim(folder: Path, network: "keras.Model", calibration: Calibration) -> Vim | None:
    """ViM as it was fitted with the model; None if an earlier version trained the model."""
    if not calibration.scores:
        return None
    with saved.reading(folder / vim.FILE, "what tells images of another kind", _REMEDY):
        return Vim.load(folder / vim.FILE, network)


def _network(folder: Path, about: Mapping[str, Any]) -> "keras.Model":
    import keras

    path, versions = folder / NETWORK, about.get("versions")
    made_by = {
        name: str(number)
        for name, number in (versions.items() if isinstance(versions, dict) else ())
        if name in ("keras", "tensorflow")
    }
    with saved.reading(path, "a model of Keras", _REMEDY, made_by):
        network = keras.saving.load_model(path, compile=False)
        if not all(
            isinstance(shape, tuple) for shape in (network.input_shape, network.output_shape)
        ):
            raise ValueError("it takes more than one image, or gives more than one answer")
    saved.of_one_model(path, network.input_shape, network.output_shape[-1], about)
    return network
