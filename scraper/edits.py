"""Finds images in data/raw that a person edited in place: other bytes are another image."""

import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.files import file_digest, write_atomic
from pipeline.listing import is_settled, stamp_of
from pipeline.manifest import Manifest, Row, Status
from scraper.examine import RejectedError, examine
from scraper.raw_folder import now


def follow_edits(folder: Path, manifest: Manifest, note: Path) -> int:
    """Take in images that were edited in place, under their new digests. Returns their number.

    They keep what is known of them, but not their addresses: these lead to the bytes as they were.
    `note` is that of `edited_files`.
    """
    by_file: dict[str, list[Row]] = defaultdict(list)
    for row in manifest.rows.values():
        if row.status.has_file and row.file:
            by_file[row.file].append(row)
    edited = edited_files(folder, {file: rows[0].sha256 for file, rows in by_file.items()}, note)
    for file, digest in edited.items():
        _edited(manifest, folder / file, digest, by_file[file])
    return len(edited)


def edited_files(folder: Path, digests: Mapping[str, str | None], note: Path) -> dict[str, str]:
    """The files in `folder` that have another digest than `digests` says, and that digest.

    `note` has the stamps of files whose digests were compared before: as Git does, only what has
    another size, time or inode since is read. Without the note all is read, once.
    """
    began = time.time_ns()
    stamps = _stamps(note)
    kept: dict[str, list[int]] = {}
    edited = {}
    for file, expected in digests.items():
        path = folder / file
        try:
            stamp = stamp_of(path.stat())
            if stamps.get(file) != stamp:
                digest = file_digest(path)
                if digest != expected:
                    edited[file] = digest
                    continue
        except OSError:
            continue  # it is gone, or clean says why it can't be read
        if is_settled(stamp, began):
            kept[file] = stamp
    with suppress(OSError):  # without the note, the next run reads all again
        write_atomic(note, json.dumps(kept))
    return edited


def _stamps(note: Path) -> dict[str, list[int]]:
    try:
        found = json.loads(note.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _edited(manifest: Manifest, path: Path, digest: str, rows: Sequence[Row]) -> None:
    """Rename a file that has the old digest as its name: a crawl may fetch the old bytes again."""
    new = path if path.stem != rows[0].sha256 else path.with_stem(digest)
    file = f"{rows[0].file}".removesuffix(path.name) + new.name
    error = f"edited in place; it is {file} now"
    label = rows[0].label
    others = (row for row in manifest.rows.values() if row.status.has_file and row not in rows)
    is_known = any((row.label, row.sha256) == (label, digest) for row in others)
    for row in rows:
        if row.image_url != file:
            gone: dict[str, Any] = {"status": Status.FAILED_MISSING, "file": None, "error": error}
            manifest.append(replace(row, **gone, fetched_at=now()))
    path.replace(new)
    found: dict[str, Any]
    content = new.read_bytes()
    try:
        image = examine(content, new.name)
    except RejectedError as rejected:
        found = {"status": rejected.status, "file": None, "error": str(rejected), "sha256": None}
    else:
        status = Status.DUPLICATE if is_known else Status.SAVED
        found = {"status": status, "file": file, "error": None, **image.columns}
    found["bytes"] = len(content)
    manifest.append(replace(rows[0], image_url=file, **found, fetched_at=now()))
