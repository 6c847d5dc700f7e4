"""Reads dataset folders. Images are decoded once and kept in memory, so epochs decode nothing.

data/dataset/{train,validation,test}/<class>/ holds the images. The classes are the folders of
train, in the order of their names.
"""

import csv
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.images import UnreadableImageError, decode_many
from pipeline.cli import UserError
from pipeline.files import file_digest
from pipeline.listing import Found, entries, left_out
from pipeline.paths import SPLITS


@dataclass(frozen=True)
class Images:
    """The images of one split. `files` are paths in its folder: `<class>/<name>`."""

    files: list[str]
    images: NDArray[np.uint8]  # (n, size, size, 3)
    classes: NDArray[np.int64]  # (n,), positions in `labels`
    labels: list[str]

    @property
    def one_hot(self) -> NDArray[np.float32]:
        """The classes as (n, number of classes)."""
        return np.eye(len(self.labels), dtype=np.float32)[self.classes]


def class_labels(dataset: Path) -> list[str]:
    """The sorted class folders of train. UserError if there are fewer than two."""
    train = dataset / "train"
    if not train.is_dir():
        raise UserError(f"{train} is not there; `dvc repro split` makes it")
    labels = _classes(train)
    if len(labels) < 2:
        found = f"only the class {labels[0]!r}" if labels else "no class"
        raise UserError(f"{train} has {found}; a classifier needs images of two classes at least")
    return labels


def in_memory(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """A new array for images, in memory."""
    return np.empty(shape, np.uint8)


def load_split(
    dataset: Path,
    split: str,
    labels: Sequence[str],
    size: int,
    new_array: Callable[[tuple[int, ...]], NDArray[np.uint8]] = in_memory,
) -> Images:
    """All images of a split, decoded and resized to (n, size, size, 3).

    `new_array` makes the array that they are written to. UserError if a class has no images, a
    folder is no class, or an image can't be read.
    """
    folder = dataset / split
    found = set(_classes(folder))
    if foreign := sorted(found - set(labels)):
        raise UserError(f"{folder} has classes that the model doesn't: {', '.join(foreign)}")
    paths = [_files(folder / label) for label in labels]
    if missing := [label for label, of_class in zip(labels, paths, strict=True) if not of_class]:
        raise UserError(
            f"{folder} has no images of {', '.join(missing)}; gather more, or give "
            f"{split} a larger share in the section `split` of params.yaml"
        )
    files = [path for of_class in paths for path in of_class]
    images = new_array((len(files), size, size, 3))
    for start in range(0, len(files), 256):
        for i, image in enumerate(decode_many(files[start : start + 256], size), start):
            if isinstance(image, UnreadableImageError):
                raise image
            images[i] = image
    return Images(
        files=[path.relative_to(folder).as_posix() for path in files],
        images=images,
        classes=np.repeat(np.arange(len(labels)), [len(of_class) for of_class in paths]),
        labels=list(labels),
    )


def dataset_digest(dataset: Path) -> str:
    """SHA-256 over the names and contents of all images of all splits."""
    digest = hashlib.sha256()
    for split in SPLITS:
        for label in _classes(dataset / split):
            for path in _files(dataset / split / label):
                content = file_digest(path)
                digest.update(f"{path.relative_to(dataset).as_posix()} {content}\n".encode())
    return digest.hexdigest()


def class_counts(dataset: Path, split: str) -> dict[str, int]:
    """The number of images of each class in a split."""
    return {label: len(_files(dataset / split / label)) for label in _classes(dataset / split)}


def metadata(dataset: Path, split: str) -> dict[str, dict[str, str]]:
    """The rows of a split's metadata.csv by file name; empty if there is no such file."""
    path = dataset / split / "metadata.csv"
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {row["file_name"]: row for row in csv.DictReader(file)}


def collected(dataset: Path) -> set[str]:
    """SHA-256 of the collected images that are in the dataset, as far as metadata.csv tells."""
    rows = [row for split in SPLITS for row in metadata(dataset, split).values()]
    return {row["sha256"] for row in rows if row.get("sha256")}


def split_files(dataset: Path, split: str) -> list[Path]:
    """The images of a split, sorted by class and by name."""
    folder = dataset / split
    return [path for label in _classes(folder) for path in _files(folder / label)]


def _files(folder: Path) -> list[Path]:
    return [found.path for found in _listed(folder) if not found.is_folder]


def _classes(folder: Path) -> list[str]:
    return [found.path.name for found in _listed(folder) if found.is_folder]


def _listed(folder: Path) -> list[Found]:
    return entries(folder, left_out()) if folder.is_dir() else []
