"""Unpacks downloads that a server has packed once more, although we asked it not to."""

import gzip
import re
from pathlib import Path

from pipeline.files import file_digest
from scraper.datasets.catalog import File
from scraper.datasets.member import GZIP, Caps, DamagedError, DownloadError, faults

_GZIP_NAME = re.compile(r"\.(t?gz|gzip)$", re.IGNORECASE)


def decoded(path: Path, file: File, encoding: str) -> Path:
    """The download at `path`. It is unpacked in place if its Content-Encoding is true.

    Some servers give a .tar.gz its own packing as encoding; then it stays. Raises DownloadError for
    an encoding other than gzip, DamagedError if the file is not whole.
    """
    if encoding in ("", "identity"):
        return path
    if encoding not in ("gzip", "x-gzip"):
        raise DownloadError(f"it comes in the encoding {encoding!r}, which was not asked for")
    with path.open("rb") as raw:
        if raw.read(2) != GZIP:
            return path
    kind, _, wanted = (file.digest or "").partition(":")
    if kind in ("md5", "sha256") and file_digest(path, kind) == wanted:
        return path
    with faults(file.base_name), gzip.open(path) as plain:
        is_meant = bool(wanted) or not _GZIP_NAME.search(file.base_name) or plain.read(2) == GZIP
    return _unpack(path, file) if is_meant else path


def _unpack(path: Path, file: File) -> Path:
    unpacked, limit = path.with_name(path.name + ".plain"), Caps().unpacked(path.stat().st_size)
    try:
        with faults(file.base_name), gzip.open(path) as plain, unpacked.open("wb") as out:
            while chunk := plain.read(1 << 20):
                out.write(chunk)
                if out.tell() > limit:
                    raise DamagedError(f"it unpacks to more than {limit:,} bytes")
        return unpacked.replace(path)
    finally:
        unpacked.unlink(missing_ok=True)
