"""Reads archives other than tar and zip if the extra `archives` is installed; else names them.

libarchive reads them (https://github.com/libarchive/libarchive): a library of the system.
"""

import logging
import os
import posixpath
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.cli import UserError
from scraper.datasets.member import UNPACK, DamagedError, Member, Opened, UnsafeError, git_mode
from scraper.datasets.text import file_name

_STARTS = (
    (0, b"7z\xbc\xaf\x27\x1c", "7z archive"),
    (0, b"Rar!\x1a\x07", "RAR archive"),
    (0, b"\x28\xb5\x2f\xfd", "file packed by zstd"),
    (0, b"\x04\x22\x4d\x18", "file packed by LZ4"),
    (0, b"LZIP", "file packed by lzip"),
    (0, b"\x1f\x9d", "file packed by compress"),
    (0, b"MSCF", "cabinet file"),
    (0, b"xar!", "xar archive"),
    (2, b"-lh", "LHA archive"),
    (0, b"ISc(", "InstallShield archive"),
    (0x8001, b"CD001", "disk image"),
)
HEAD = 0x8006
"""bytes that tell the kind of a file"""

_PART = re.compile(
    r"\.(z\d\d|r\d\d|part\d+\.rar|(zip|7z|rar|tar|tgz|tbz2|txz|gz|bz2|xz|zst)\.(\d{3}|part\w*))$",
    re.IGNORECASE,
)
_EXTRA = 'pip install -e ".[archives]"'


def check_whole(name: str) -> None:
    """Raise UserError if the name is that of one part of an archive."""
    if _PART.search(name):
        raise part_error(name)


def part_error(name: str) -> UserError:
    """The error for one part of an archive."""
    return UserError(
        f"{name} is one part of an archive. Put all parts into one folder, unpack them with 7-Zip "
        "say, and name the folder that it makes"
    )


def foreign_kind(head: bytes) -> str | None:
    """The kind of archive by the first HEAD bytes of a file; None for other files."""
    return next((kind for at, start, kind in _STARTS if head.startswith(start, at)), None)


def foreign_members(archive: Path, kind: str, opened: Opened) -> Iterator[Member]:
    """The files in an archive, in its order. Raises UserError if the extra is not installed."""
    libarchive = _libarchive(f"{opened.name} is a {kind}")
    limit, total = opened.caps.unpacked(archive.stat().st_size), 0
    try:
        with libarchive.file_reader(os.fspath(archive)) as entries:
            for entry in entries:
                total += entry.size or 0
                opened.check_total(total, limit)
                if not entry.isdir:
                    yield _member(entry, opened)
    except (libarchive.ArchiveError, ValueError) as error:
        raise _damaged(error, opened) from error


def deflate64(what: str) -> Callable[[], Any]:
    """The function that unpacks Deflate64. Without it: UserError, which begins with `what`."""
    try:
        from stream_inflate import stream_inflate64
    except ModuleNotFoundError as error:
        raise UserError(f"{what}. To read that: {_EXTRA}. Or {UNPACK}") from error
    unpack: Callable[[], Any] = stream_inflate64
    return unpack


def _libarchive(what: str) -> Any:
    try:
        import libarchive
    except ModuleNotFoundError as error:
        raise UserError(f"{what}. To read that: {_EXTRA}. Or {UNPACK}") from error
    except (AttributeError, OSError, TypeError) as error:  # the library itself is not there
        raise UserError(
            f"{what}. To read that, install your system's libarchive (apt install libarchive13, "
            f"brew install libarchive). Or {UNPACK}"
        ) from error
    return libarchive


def _member(entry: Any, opened: Opened) -> Member:
    name = _text(entry.pathname, opened)
    path = opened.inside(name.replace("\\", "/"))
    if entry.issym or entry.islnk:
        target = _text(entry.linkpath, opened)
        opened.check_link(path, posixpath.dirname(path) if entry.issym else "", target)
        content = target.encode("utf-8", "surrogateescape")
        return Member(path, len(content), "120000", lambda: content)
    if stat.S_IFMT(entry.filetype) not in (0, stat.S_IFREG):
        raise opened.special(path)
    size = entry.size or 0

    def read() -> bytes:
        opened.check_size(path, size)
        content = bytearray()
        try:
            with _warnings() as warnings:
                for block in entry.get_blocks(1 << 16):
                    content += block
                    opened.check_size(path, len(content))
                    if warnings:
                        break
        except UnsafeError:
            raise
        except Exception as error:
            raise _damaged(error, opened, path) from error
        if warnings:
            raise _damaged(ValueError(warnings[0]), opened, path)
        return bytes(content)

    return Member(path, size, git_mode(entry.mode), read)


@contextmanager
def _warnings() -> Iterator[list[str]]:
    """The warnings of libarchive, such as one of a wrong checksum. They stay out of the log."""
    warnings: list[str] = []

    def note(record: logging.LogRecord) -> bool:
        warnings.append(record.getMessage())
        return False

    log = logging.getLogger("libarchive")
    log.addFilter(note)
    try:
        yield warnings
    finally:
        log.removeFilter(note)


def _text(name: str | bytes | None, opened: Opened) -> str:
    if name is None:
        raise UserError(
            f"{opened.name} has names that this terminal's locale can't tell; "
            "set LC_ALL=C.UTF-8 and run this again"
        )
    return name if isinstance(name, str) else file_name(name, opened.encoding, opened.name)


def _damaged(error: Exception, opened: Opened, path: str = "") -> DamagedError:
    """The error for an archive. libarchive names no reason if an archive just ends."""
    where = f"{path}: " if path else ""
    why = getattr(error, "msg", None) or error.args[0] or "it ends too early"
    return DamagedError(f"{opened.name} is damaged, or is locked: {where}{why}")
