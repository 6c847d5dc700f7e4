"""Compares the files in a source's folder with its manifest, offline and without decoding."""

import sys
import unicodedata
from collections.abc import Iterator, Set
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pipeline.cli import UserError
from pipeline.listing import Found, below, entries, left_out, text
from pipeline.manifest import Manifest, Row, Status, safe_label
from scraper.settings import DOWNLOAD_MAXSIZE

PERMANENT_HTTP: Final = frozenset((404, 410))
"""an image answered with these is gone: it is not asked for again"""


def now() -> str:
    """The time now, UTC, ISO 8601, to the second. All rows of one second share one string."""
    return sys.intern(datetime.now(UTC).isoformat(timespec="seconds"))


def is_here(folder: Path, row: Row) -> bool:
    """Whether the row's file is there with its old length. DVC verifies the bytes."""
    if row.file is None:
        return False
    try:
        return (folder / row.file).stat().st_size == row.bytes
    except OSError:
        return False


def missing(folder: Path, manifest: Manifest) -> list[Row]:
    """Rows whose file has vanished."""
    rows = manifest.rows.values()
    return [row for row in rows if row.status.has_file and not is_here(folder, row)]


def is_by_hand(row: Row) -> bool:
    """A person put it there: its address is its path, and it can't be fetched again."""
    return row.image_url == row.file


def reconcile(folder: Path, manifest: Manifest, license: str | None) -> None:  # noqa: A002 - column
    """Append a row for each file that has vanished, and for each one that a person has added.

    Sub-folders are classes. Files in them may have any name, and links are followed. Litter of the
    system is skipped. Raises UserError, before it writes, for a folder that can't be a class.
    """
    found = list(_files(folder))
    for part in folder.glob("*/.*.part"):  # a killed run was writing it
        part.unlink()
    for row in missing(folder, manifest):
        error = f"{row.file} is gone"
        manifest.append(
            replace(row, status=Status.FAILED_MISSING, file=None, error=error, fetched_at=now())
        )
    held = {row.file for row in manifest.rows.values()}
    here = {(row.label, row.sha256) for row in manifest.rows.values() if row.status.has_file}
    for label, file in found:
        if file.name not in held and not _is_judged(manifest.rows.get((label, file.name)), file):
            row = _adopted(here, label, file, license)
            manifest.append(row)
            if row.status.has_file:
                here.add((label, row.sha256))


def _files(folder: Path) -> Iterator[tuple[str, Found]]:
    aside = left_out()
    for top in entries(folder, aside):
        if not top.is_folder:
            continue
        label = unicodedata.normalize("NFC", text(top.path.name))  # some systems take names apart
        if (safe := safe_label(label)) != label:
            raise UserError(
                f"{top.path} can't be the folder of a class; rename it, to {safe!r} say"
            )
        yield from ((label, file) for file in below(top, aside))


def _is_judged(row: Row | None, file: Found) -> bool:
    return (
        row is not None
        and row.status is not Status.FAILED_MISSING
        and row.bytes == file.info.st_size
    )


def _adopted(
    here: Set[tuple[str, str | None]],
    label: str,
    file: Found,
    license: str | None,  # noqa: A002
) -> Row:
    from scraper.examine import RejectedError, examine  # imports Pillow

    name, size = file.name, file.info.st_size
    row = Row(
        status=Status.SAVED,
        label=label,
        image_url=name,
        file=name,
        bytes=size,
        license=license,
        fetched_at=now(),
    )
    if size > DOWNLOAD_MAXSIZE:
        error = f"more than {DOWNLOAD_MAXSIZE:,} bytes"
        return replace(row, status=Status.REJECTED_TOO_LARGE, file=None, error=error)
    if not _is_writable(file):
        error = "its name is no UTF-8, so no row can lead to it; rename it"
        return replace(row, status=Status.FAILED_UNREADABLE, file=None, error=error)
    try:
        image = examine(file.path.read_bytes(), file.path.name)
    except OSError as error:
        why = f"can't be read: {error.strerror or type(error).__name__}"
        return replace(row, status=Status.FAILED_UNREADABLE, file=None, bytes=None, error=why)
    except RejectedError as rejected:
        return replace(row, status=rejected.status, file=None, error=str(rejected))
    status = Status.DUPLICATE if (label, image.sha256) in here else Status.SAVED
    return replace(row, status=status, **image.columns)


def _is_writable(file: Found) -> bool:
    """Whether a manifest can hold the path."""
    return text(str(file.path)) == str(file.path)
