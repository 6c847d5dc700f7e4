"""Reads files of a state of the project: a commit, tag, branch, experiment, or the workspace."""

import csv
import io
import typing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pipeline.cli import UserError
from pipeline.paths import EVALUATE

if typing.TYPE_CHECKING:
    from dvc.api import DVCFileSystem

WORKSPACE = "workspace"
PREDICTIONS = EVALUATE / "predictions.csv"
COLUMNS = ["file", "label", "predicted", "confidence"]
"""of predictions.csv, before those of the classes"""


class Revision:
    """A state of the project, its files read through Git and DVC (cache, then default remote)."""

    def __init__(self, name: str) -> None:
        """UserError where Git and DVC know nothing of that name."""
        self.name = name
        self._files = None if name == WORKSPACE else _files_at(name)

    def read(self, path: Path) -> bytes:
        """The content of a file, by its path from the root. UserError if it can't be read."""
        if self._files is None:
            if not path.is_file():
                raise UserError(f"{path} is not there; `dvc repro` makes it")
            return path.read_bytes()
        try:
            return bytes(self._files.cat_file(path.as_posix()))
        except FileNotFoundError as error:
            raise UserError(self._missing(path)) from error

    def _missing(self, path: Path) -> str:
        assert self._files is not None
        name = path.as_posix()
        if self._files.exists(name) and "md5" in self._files.info(name):
            return (
                f"{path} of {self.name} is neither in DVC's cache nor in a remote; `dvc push` "
                f"where it was made, or make it again: `git checkout {self.name}` (an experiment: "
                f"`dvc exp apply {self.name}`), then `dvc repro`"
            )
        return (
            f"{self.name} has no {path}: `git checkout {self.name} && dvc repro` makes it, and "
            "committing dvc.lock keeps it"
        )


def _files_at(name: str) -> "DVCFileSystem":
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    if not name.strip():
        raise UserError(f"a revision's name is empty; {WORKSPACE!r} is the state of the files here")
    try:
        with Repo() as here:  # a revision from before there was a remote is looked for there too
            files = DVCFileSystem(rev=name, config=here.config)
        files.info("")  # it opens on first use
    except DvcException as error:
        raise UserError(
            f"{name!r} can't be opened: {error}. `git log`, `git tag` and `dvc exp list` name "
            f"what can be; {WORKSPACE!r} is the state of the files here"
        ) from error
    except AttributeError as error:  # DVC finds it in Git, and takes it for a commit
        raise UserError(
            f"{name!r} is a file or a folder in Git, and no commit; name the commit, tag or branch"
        ) from error
    return files


@dataclass(frozen=True, slots=True)
class PredictionRow:
    """One row of predictions.csv. `sha256` is of the image as it was collected."""

    file: str
    label: str
    predicted: str
    confidence: float

    def __post_init__(self) -> None:
        """ValueError if a name is empty, or the confidence is no probability."""
        if not (self.file and self.label and self.predicted and 0 <= self.confidence <= 1):
            raise ValueError

    @property
    def sha256(self) -> str:
        """SHA-256 of the image, which is the name of its file in any dataset."""
        return PurePosixPath(self.file).stem

    @property
    def right(self) -> bool:
        return self.label == self.predicted


def predictions(revision: Revision) -> list[PredictionRow]:
    """The revision's predictions on its test split. UserError if there are none."""
    text = revision.read(PREDICTIONS).decode("utf-8", "replace")
    header, *lines = list(csv.reader(io.StringIO(text, newline=""))) or [[]]
    if not set(COLUMNS) <= set(header):
        raise UserError(
            f"{PREDICTIONS} of {revision.name} is no table of predictions (it has the columns "
            f"{', '.join(COLUMNS)}); `dvc repro evaluate` writes it"
        )
    if not lines:
        raise UserError(f"{PREDICTIONS} of {revision.name} has no row; `dvc repro` fills it")
    # in older tables a class that is called like a column of ours has a second one, behind ours
    places = [header.index(name) for name in COLUMNS]
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            file, label, predicted, confidence = (line[place] for place in places)
            found.append(PredictionRow(file, label, predicted, float(confidence)))
        except (IndexError, ValueError) as error:
            raise UserError(
                f"{PREDICTIONS} of {revision.name} is damaged: row {number} is {','.join(line)!r}; "
                "`dvc repro evaluate` writes it anew"
            ) from error
    return found
