"""Stores the images of an archive in data/raw/<source>: all of them, or none."""

import json
import shutil
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from pipeline.files import json_text, write_atomic
from pipeline.manifest import Manifest, Row, Status
from scraper.examine import RejectedError, examine
from scraper.raw_folder import is_here

_NOTE = "complete.json"
MAX_IMAGE = 64 << 20
"""bytes; a larger file is no photo of a product"""


class Store:
    """Takes images aside; `adopt` moves them to their classes, with their rows.

    Whatever stops the process before that leaves the source as it was. Killed while it adopts, the
    next run adopts the rest: a file is moved before its row is written.
    """

    def __init__(
        self, folder: Path, manifest: Manifest, before: Collection[tuple[str, str]] = ()
    ) -> None:
        """`before` are the keys of the rows that this source's archives gave before."""
        self.rows: dict[tuple[str, str], Row] = {}
        self.folder, self._manifest, self._before = folder, manifest, before
        self._part = folder / ".part"
        self.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        shutil.rmtree(self._part, ignore_errors=True)

    def clear(self) -> None:
        """Forget the images that were taken."""
        shutil.rmtree(self._part, ignore_errors=True)
        self.rows.clear()
        self._staged: set[str] = set()
        self._folders: set[str] = set()
        self._first = {
            (row.label, row.sha256): row.image_url
            for row in self._manifest.rows.values()
            if row.status is Status.SAVED and row.key not in self._before
        }

    def take(self, row: Row, content: bytes) -> None:
        """Keep an image's bytes as they are. A file that is no image gets a row that says so."""
        try:
            image = examine(content)
        except RejectedError as error:
            self.reject(row, error.status, str(error))
            return
        file = f"{row.label}/{image.file_name}"
        first = self._first.setdefault((row.label, image.sha256), row.image_url)
        row = replace(
            row,
            status=Status.SAVED if first == row.image_url else Status.DUPLICATE,
            file=file,
            **image.columns,
        )
        self.rows[row.key] = row
        if file not in self._staged and not is_here(self.folder, row):
            if row.label not in self._folders:
                (self._part / row.label).mkdir(parents=True, exist_ok=True)
                self._folders.add(row.label)
            (self._part / file).write_bytes(content)
            self._staged.add(file)

    def reject(self, row: Row, status: Status, error: str) -> None:
        self.rows[row.key] = replace(row, status=status, error=error)

    def adopt(self) -> None:
        """Move the images to their place. Files that are there stay.

        If another image has come under the name of an old one, the old file gets a row of its own.
        Without a row it would look like an image that a person has put there.
        """
        files = {row.file for row in self.rows.values()}
        for label in self._folders:
            (self.folder / label).mkdir(parents=True, exist_ok=True)
        for row in self.rows.values():
            if row.file in self._staged:
                (self._part / row.file).replace(self.folder / row.file)
                self._staged.remove(row.file)
            old = self._manifest.rows.get(row.key)
            if old is None or replace(row, fetched_at=old.fetched_at) != old:
                if old and old.status.has_file and old.file not in files:
                    self._manifest.append(_replaced(old))
                self._manifest.append(row)


def _replaced(row: Row) -> Row:
    """The row of an image whose name another one has now. It is no image of the source any more."""
    return replace(
        row,
        image_url=f"{row.image_url}#{row.sha256}",
        status=Status.REJECTED_CLASS,
        error="the source has another image under this name now",
    )


def archives_before(folder: Path) -> list[str]:
    """The addresses of the archives of the last run that was complete."""
    note = _note(folder)
    return list(note["asked"]["files"]) if note else []


def is_complete(folder: Path, asked: dict[str, Any], rows: Collection[Row]) -> bool:
    """Whether an earlier run took all images of `asked`, and every file of `rows` is here.

    `rows` are the last rows of the archives that were asked for.
    """
    note = _note(folder)
    return (
        note is not None
        and note["asked"] == asked
        and note["rows"] <= len(rows)
        and all((folder / row.file).exists() for row in rows if row.file)
        and not any(row.status is Status.FAILED_MISSING for row in rows)
    )


def _note(folder: Path) -> dict[str, Any] | None:
    """The note of `note_complete`; None if no run was complete."""
    try:
        note: dict[str, Any] = json.loads((folder / _NOTE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return note


def note_complete(folder: Path, asked: dict[str, Any], rows: int) -> None:
    """Note for the next run that all was taken. Without a date, equal runs leave equal notes."""
    write_atomic(folder / _NOTE, json_text({"asked": asked, "rows": rows}))
