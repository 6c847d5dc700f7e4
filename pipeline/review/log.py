"""Writes `data/review.csv` at once, whole, and without losing what somebody else writes."""

import csv
import io
import os
import stat
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from pipeline.cli import UserError
from pipeline.decisions import COLUMNS, Choice, Decision, ReviewTable, parse, read_decisions
from pipeline.files import write_atomic
from pipeline.system import lock


@dataclass(frozen=True, slots=True)
class State:
    """The decisions by SHA-256, and a name for this state of the file."""

    version: str
    decisions: Mapping[str, Decision]


class DecisionLog:
    """The file of decisions, for any number of threads and processes that use this class.

    The file itself is locked, so that nothing else is left on disk. Where there are no locks (some
    network shares), only the threads of one process wait for each other.
    Every method raises UserError if a person's edit has left the file ill-formed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = threading.Lock()
        self._state = State("", {})

    def read(self) -> State:
        """Return what the file says now. It is parsed only if it has changed."""
        with self._locked() as file:
            return self._read(file)

    def decide(
        self, sha256: str | Sequence[str], choice: Choice, label: str | None, note: str
    ) -> Decision:
        """Add a line for each image: all of the lines, or none.

        The lines are on disk on return, and all have the same `decided_at`.
        """
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        decision = Decision(choice, label, note, now)
        out = io.StringIO()
        with self._locked() as file:
            self._read(file)  # an open quote would swallow the line
            delimiter = self._table(file).delimiter
            writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
            for one in _several(sha256):
                writer.writerow([one, choice, label or "", note, decision.decided_at])
            try:
                _append(file, out.getvalue().encode())
            except OSError as error:
                raise UserError(f"{self._path} could not be written: {error.strerror}") from error
        return decision

    def undo(self, sha256: str | Sequence[str], decided_at: str) -> list[str]:
        """Take out the last line about each image, so that the line before it counts.

        Returns the images for which this was done. An image whose last line is not the one of
        `decided_at` stays as it is, because somebody has decided about it since.
        """
        with self._locked() as file:
            self._read(file)
            last = {record.values[0]: record for record in self._table(file).records}
            ours = [
                last[one]
                for one in dict.fromkeys(_several(sha256))
                if one in last and last[one].values[COLUMNS.index("decided_at")] == decided_at
            ]
            if ours:
                file.seek(0)
                lines = list(io.StringIO(file.read().decode(), newline=""))
                for record in sorted(ours, key=lambda record: -record.start):
                    del lines[record.start : record.end]
                self._replace(file, "".join(lines).encode())
        return [record.values[0] for record in ours]

    def _replace(self, file: BinaryIO, content: bytes) -> None:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        try:
            write_atomic(self._path.resolve(), content)  # what a link leads to, not the link
        except PermissionError:  # Windows replaces no open file, and some folders take no new one
            file.seek(0)
            _write(file, content)
            file.truncate()
        else:
            self._path.chmod(mode)  # others may write it too

    def _table(self, file: BinaryIO) -> ReviewTable:
        file.seek(0)
        return parse(file.read().decode(), self._path)

    def _read(self, file: BinaryIO) -> State:
        status = os.fstat(file.fileno())
        version = f"{status.st_ino}-{status.st_size}-{status.st_mtime_ns}"
        if version != self._state.version:
            self._state = State(version, read_decisions(self._path))
        return self._state

    @contextmanager
    def _locked(self) -> Iterator[BinaryIO]:
        """Give the file, unbuffered, while nobody else has it."""
        with self._threads:
            while True:
                with self._open() as file:
                    lock(file)
                    if _is_at(self._path, file):
                        yield file
                        return
                # else it was replaced while we waited: try the new one

    def _open(self) -> BinaryIO:
        while True:
            try:
                return self._path.open("rb+", buffering=0)
            except FileNotFoundError:
                read_decisions(self._path)  # says how to make it
            except PermissionError as error:
                raise UserError(f"{self._path} may not be written; change its mode") from error


def _several(sha256: str | Sequence[str]) -> Sequence[str]:
    return [sha256] if isinstance(sha256, str) else sha256


def _is_at(path: Path, file: BinaryIO) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _append(file: BinaryIO, line: bytes) -> None:
    """Add a line: all of it, or nothing."""
    size = file.seek(0, os.SEEK_END)
    file.seek(size - 1)
    if file.read(1) != b"\n":  # some editors end without
        line = b"\n" + line
    try:
        _write(file, line)
    except OSError:
        file.truncate(size)
        raise


def _write(file: BinaryIO, content: bytes) -> None:
    """Write all of it, and onto the disk. An unbuffered file may take it in parts."""
    while content:
        content = content[file.write(content) :]
    os.fsync(file.fileno())
