"""Reads one file of a person's folder, and copies it to data/raw."""

import errno
import shutil
from pathlib import Path

from pipeline.kinds import IMAGE, kind_of
from pipeline.listing import stamp_of
from pipeline.manifest import Status
from scraper.examine import RejectedError, examine
from scraper.folders.note import FileFacts
from scraper.folders.walk import FolderFile

_MAX_BYTES = 256 << 20  # a scan may be large; a larger file is no image of a product
_HEAD = 4096  # bytes that tell what a file is
_FILES_FAULTS = (errno.EACCES, errno.EPERM, errno.EIO, errno.ENOENT, errno.ESTALE)


def examine_file(entry: FolderFile) -> FileFacts:
    """The facts of a file. An image is read as a whole, of another file only the beginning."""
    try:
        with entry.path.open("rb") as file:
            head = file.read(_HEAD)
            kind = kind_of(head, entry.path.name)
            if entry.stamp[0] > _MAX_BYTES:
                error = f"more than {_MAX_BYTES:,} bytes"
                return _refused(entry, Status.REJECTED_TOO_LARGE, kind, error)
            content = head + file.read()
    except OSError as error:
        return _unreadable(entry, error)
    try:
        image = examine(content, entry.path.name)
    except RejectedError as error:
        return _refused(entry, error.status, kind, str(error))
    if kind != IMAGE:  # a camera's thumbnail, a JPEG inside
        return _refused(entry, Status.REJECTED_NOT_IMAGE, kind, kind)
    return FileFacts(entry.stamp, Status.SAVED, file_name=image.file_name, **image.columns)


def _unreadable(entry: FolderFile, error: OSError) -> FileFacts:
    why = error.strerror or type(error).__name__
    return FileFacts(entry.stamp, Status.FAILED_UNREADABLE, error=f"can't be read: {why}")


def _refused(entry: FolderFile, status: Status, kind: str, error: str) -> FileFacts:
    return FileFacts(entry.stamp, status, kind=kind, error=error, bytes=entry.stamp[0])


def copied(entry: FolderFile, target: Path, found: FileFacts) -> FileFacts:
    """Copy the file to data/raw. Returns `found`, or why the file can't be read any more."""
    try:
        _copy(entry, target, found)
    except OSError as error:
        if error.errno not in _FILES_FAULTS or error.filename not in (None, str(entry.path)):
            raise  # not this file is at fault, but the disk or data/raw
        return _unreadable(entry, error)
    return found


def _copy(entry: FolderFile, target: Path, found: FileFacts) -> None:
    """Make a reflink if the disk can, because it needs no space; else a copy, never a hard link.

    DVC makes the file that it stores from the one in data/raw. With a hard link that would be the
    person's own file: DVC would make it read-only, and an edit in place would damage what it keeps.
    """
    if target.exists() and target.stat().st_size == found.bytes:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    part.unlink(missing_ok=True)
    from dvc_objects.fs.system import reflink

    try:
        reflink(str(entry.path), str(part))  # type: ignore[no-untyped-call]
    except (OSError, NotImplementedError):
        shutil.copyfile(entry.path, part)
    if stamp_of(entry.path.stat()) != entry.stamp:
        part.unlink()
        raise OSError(errno.ESTALE, "it changed while it was read")
    part.replace(target)
