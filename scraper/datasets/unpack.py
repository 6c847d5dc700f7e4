"""Reads the files of an archive or a folder, one after the other, without trusting it.

Nothing is written here, and no link of an archive is followed, so no path can lead outside. An
archive that has such a path is refused anyway, and the message names the path.
"""

import bz2
import gzip
import html
import io
import lzma
import os
import posixpath
import re
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from pipeline import listing
from pipeline.kinds import PAGE, TEXT, kind_of
from pipeline.listing import Found, LeftOut, left_out
from scraper.datasets.foreign import HEAD, check_whole, foreign_kind, foreign_members
from scraper.datasets.member import (
    GZIP,
    UNPACK,
    Caps,
    DamagedError,
    Member,
    Opened,
    UnreadableError,
    UnsafeError,
    faults,
    git_mode,
)
from scraper.datasets.text import file_name
from scraper.datasets.zips import STARTS, zip_members

_CLAIMS = re.compile(
    r"\.(tar(\.\w+)?|t[gbxz]z2?|tzst|zipx?|7z|rar|zst|lz4?|lzh|lha|ace|arj|sitx?|cab|iso|dmg)$",
    re.IGNORECASE,
)
_BUFFER = 1 << 16  # for each file tarfile copies the rest of its buffer: keep it small


def members(
    archive: Path,
    name: str,
    caps: Caps | None = None,
    encoding: str | None = None,
    aside: LeftOut | None = None,
) -> Iterator[Member]:
    """The files in `archive`, in its order (a folder's by path). A file that is no archive is one.

    `name` is the archive's name at its origin. `encoding` is that of names which are not UTF-8.
    `aside` gets the names in a folder that can't be used, by kind. Raises UserError if a name is in
    neither encoding, or an extra is missing. Raises DamagedError or UnsafeError, which name the
    archive and the file in it. Reading a member of a folder may raise UnreadableError; the other
    members can still be read.
    """
    opened = Opened(name, caps or Caps(), encoding, left_out() if aside is None else aside)
    for count, member in enumerate(_members(archive, opened), start=1):
        if count > opened.caps.files:
            raise UnsafeError(f"{name} is refused: it holds more than {opened.caps.files:,} files")
        yield member


def check_no_page(path: Path, name: str) -> None:
    """Raise DamagedError if the file is a web page in the place of the real one."""
    head = _head(path)
    if kind_of(head, name) == PAGE:
        title = re.search(rb"(?is)<title[^>]*>(.*?)</title", head)
        words = html.unescape(title[1].decode("utf-8", "replace")).split() if title else []
        called = f" ({' '.join(words)!r})" if words else ""
        raise DamagedError(
            f"it is a web page{called} in the place of the file. Open the address in a browser: "
            "find the address of the file itself, or save the file and name its path"
        )


def _members(archive: Path, opened: Opened) -> Iterator[Member]:
    if archive.is_dir():
        return _folder(archive, opened)
    check_whole(opened.name)
    head = _head(archive)
    if head.startswith(STARTS):
        return zip_members(archive, opened)
    if _is_tar(archive):
        return _tar(archive, opened)
    if kind := foreign_kind(head):
        return foreign_members(archive, kind, opened)
    if opened.name.lower().endswith(".zip") and zipfile.is_zipfile(archive):
        return zip_members(archive, opened)  # it begins with something else
    if _CLAIMS.search(opened.name):
        raise DamagedError(
            f"{opened.name} is damaged, or of a kind that can't be read: it is no archive that is "
            f"known, but {describe(archive)}. If a program opens it, {UNPACK}"
        )
    return iter([_file(archive, opened.name, archive.stat().st_size)])


def describe(path: Path) -> str:
    """The kind of a file, by its bytes; for a text its first words."""
    head = _head(path)
    kind = kind_of(head)
    return f"{kind}: {head[:60].decode('utf-8', 'replace')!r}" if kind == TEXT else kind


def _head(path: Path) -> bytes:
    with faults(path.name), path.open("rb") as file:
        return file.read(HEAD)


def _plain(path: Path) -> IO[bytes]:
    """The open file. It is unpacked if it is gzip, bzip2, xz or LZMA."""
    head = _head(path)
    if head.startswith(GZIP):
        return cast("IO[bytes]", gzip.open(path))
    if head.startswith(b"BZh"):
        return cast("IO[bytes]", bz2.open(path))
    if head.startswith((b"\xfd7zXZ", b"\x5d\0\0")):
        return cast("IO[bytes]", lzma.open(path))
    return path.open("rb")


def _is_tar(path: Path) -> bool:
    try:
        with faults(path.name), _plain(path) as file:
            tarfile.TarInfo.frombuf(file.read(512), "utf-8", "surrogateescape")
    except DamagedError:
        return False
    return True


class _Metered(io.RawIOBase):
    """Counts the bytes that are read, so that a bomb is found before it fills memory or disk."""

    def __init__(self, file: IO[bytes], opened: Opened, limit: int) -> None:
        self.total = 0
        self._file, self._opened, self._limit = file, opened, limit

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.total += len(data)
        self._opened.check_total(self.total, self._limit)
        return data


def _tar(archive: Path, opened: Opened) -> Iterator[Member]:
    limit = opened.caps.unpacked(archive.stat().st_size)
    with faults(opened.name), _plain(archive) as file:
        stream = _Metered(file, opened, limit)
        with tarfile.open(
            fileobj=stream,
            mode="r|",
            bufsize=_BUFFER,
            encoding="utf-8",
            errors="surrogateescape",
        ) as tar:
            while (info := tar.next()) is not None:
                tar.members.clear()  # type: ignore[attr-defined]  # or it would remember them all
                if not info.isdir():
                    yield _tar_member(tar, info, opened)
            end = tar.offset
        while stream.read(1 << 20):
            pass  # to the checksum behind the last file
        if stream.total <= end:
            raise DamagedError(f"{opened.name} is damaged: it ends before its end mark")


def _tar_member(tar: tarfile.TarFile, info: tarfile.TarInfo, opened: Opened) -> Member:
    path = opened.inside(_name(_raw(info.name), opened))
    if info.issym() or info.islnk():
        base = posixpath.dirname(path) if info.issym() else ""
        target = _raw(info.linkname)
        opened.check_link(path, base, os.fsdecode(target))
        return Member(path, len(target), "120000", lambda: target)
    if not info.isreg():
        raise opened.special(path)

    def read() -> bytes:
        opened.check_size(path, info.size)
        with faults(opened.name):
            file = tar.extractfile(info)
            return file.read() if file else b""

    return Member(path, info.size, git_mode(info.mode), read)


def _raw(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _name(raw: bytes, opened: Opened) -> str:
    """A file's name as text. Bytes that are not UTF-8 become surrogates if no encoding is given.

    The function that reads a class from the name refuses surrogates.
    """
    if opened.encoding is None:
        return raw.decode("utf-8", "surrogateescape")
    return file_name(raw, opened.encoding, opened.name)


def folder_files(folder: Path, aside: LeftOut) -> Iterator[Found]:
    """The files of a folder in the place of an archive, by path.

    Somebody else may have packed it, so no link may lead out of it.
    """
    return listing.files(folder, aside, trusted=False)


def _folder(folder: Path, opened: Opened) -> Iterator[Member]:
    for found in folder_files(folder, opened.aside):
        raw = os.fsencode(found.path.relative_to(folder).as_posix())
        yield _file(found.path, _name(raw, opened), found.info.st_size)


def _file(file: Path, path: str, size: int) -> Member:
    def read() -> bytes:
        try:
            return file.read_bytes()
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise UnreadableError(f"{listing.text(path)} can't be read: {why}") from error

    return Member(path, size, "100644", read)
