"""The files of a tar, a zip or a folder, one after the other, without trusting it.

Nothing is written here, so no path can lead outside and no link is followed; an archive that tries
is refused all the same, by the name of the file in question.
"""

import bz2
import gzip
import io
import lzma
import os
import posixpath
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import IO, cast

from pipeline.cli import UserError

_GZIP = b"\x1f\x8b"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")  # the second: an empty one
_CLAIMS_TAR = re.compile(r"\.(tar(\.(gz|bz2|xz))?|tgz|tbz2|txz)$", re.IGNORECASE)
_BUFFER = 1 << 16  # tarfile copies what is left of its buffer for each file: keep it small
_FAULTS = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    NotImplementedError,  # a zip's way of packing that Python doesn't know
)


class DamagedError(UserError):
    """An archive that is not whole, or is another than its digest says."""


class UnsafeError(UserError):
    """An archive that would write outside, or grow without measure."""


@dataclass(frozen=True)
class Caps:
    """How much an archive may hold. An image hardly packs; tables and text do by ten or so."""

    files: int = 2_000_000
    ratio: int = 200
    """unpacked bytes for each packed one, above `slack`"""
    slack: int = 256 << 20
    content: int = 1 << 30
    """bytes of one file that is read as a whole"""

    def unpacked(self, packed: int) -> int:
        return self.slack + self.ratio * packed


@dataclass(frozen=True)
class Member:
    """A file in an archive. Its content can be read until the next member is asked for."""

    path: str
    size: int
    mode: str
    """as git has it: 100644, 100755, or 120000 for a link, whose content is its target"""
    read: Callable[[], bytes]

    @cached_property
    def content(self) -> bytes:
        return self.read()

    @property
    def is_link(self) -> bool:
        return self.mode == "120000"


def members(archive: Path, name: str, caps: Caps | None = None) -> Iterator[Member]:
    """The files in `archive`, in its order (a folder's by path); a file that is no archive is one.

    `name` is what the archive is called where it comes from. Raises DamagedError or UnsafeError,
    which name the archive and the file in it.
    """
    caps = caps or Caps()
    if archive.is_dir():
        found = _folder(archive, name)
    elif _magic(archive).startswith(_ZIP):
        found = _zip(archive, name, caps)
    elif _is_tar(archive):
        found = _tar(archive, name, caps)
    elif _CLAIMS_TAR.search(name) or name.lower().endswith(".zip"):
        raise DamagedError(f"{name} is damaged: it is no archive, whatever its name says")
    else:
        found = iter([_file(archive, name, name)])
    for count, member in enumerate(found, start=1):
        if count > caps.files:
            raise UnsafeError(f"{name} is refused: it holds more than {caps.files:,} files")
        yield member


def gunzip(member: Member, limit: int = Caps.content) -> bytes:
    """A member's content, unpacked where it is gzip."""
    if not member.content.startswith(_GZIP):
        return member.content
    with faults(member.path), gzip.open(io.BytesIO(member.content)) as plain:
        content = plain.read(limit + 1)
    if len(content) > limit:
        raise UnsafeError(f"{member.path} is refused: it unpacks to more than {limit:,} bytes")
    return content


@contextmanager
def faults(name: str) -> Iterator[None]:
    """What the libraries raise for a bad archive, as a DamagedError."""
    try:
        yield
    except _FAULTS as error:
        raise DamagedError(f"{name} is damaged: {error or type(error).__name__}") from error


def _magic(path: Path) -> bytes:
    with faults(path.name), path.open("rb") as file:
        return file.read(6)


def _plain(path: Path) -> IO[bytes]:
    """The file, unpacked where it is gzip, bzip2 or xz."""
    magic = _magic(path)
    if magic.startswith(_GZIP):
        return cast("IO[bytes]", gzip.open(path))
    if magic.startswith(b"BZh"):
        return cast("IO[bytes]", bz2.open(path))
    if magic.startswith(b"\xfd7zXZ"):
        return cast("IO[bytes]", lzma.open(path))
    return path.open("rb")


def _is_tar(path: Path) -> bool:
    try:
        with _plain(path) as file:
            tarfile.TarInfo.frombuf(file.read(512), "utf-8", "surrogateescape")
    except _FAULTS:
        return False
    return True


class _Metered(io.RawIOBase):
    """Counts what is read, so that a bomb is found before it fills memory or disk."""

    def __init__(self, file: IO[bytes], name: str, limit: int) -> None:
        self.total = 0
        self._file, self._name, self._limit = file, name, limit

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.total += len(data)
        if self.total > self._limit:
            raise UnsafeError(
                f"{self._name} is refused: it unpacks to more than {self._limit:,} bytes"
            )
        return data


def _tar(archive: Path, name: str, caps: Caps) -> Iterator[Member]:
    limit = caps.unpacked(archive.stat().st_size)
    with faults(name), _plain(archive) as file:
        stream = _Metered(file, name, limit)
        with tarfile.open(fileobj=stream, mode="r|", bufsize=_BUFFER) as tar:
            while (info := tar.next()) is not None:
                tar.members.clear()  # type: ignore[attr-defined]  # or it would remember them all
                if not info.isdir():
                    yield _tar_member(tar, info, name, caps)
            end = tar.offset
        while stream.read(1 << 20):
            pass  # to the checksum behind the last file
        if stream.total <= end:
            raise DamagedError(f"{name} is damaged: it ends before its end mark")


def _tar_member(tar: tarfile.TarFile, info: tarfile.TarInfo, name: str, caps: Caps) -> Member:
    path = _inside(info.name, name)
    if info.issym() or info.islnk():
        base = posixpath.dirname(path) if info.issym() else ""
        _link_inside(path, base, info.linkname, name)
        target = os.fsencode(info.linkname)
        return Member(path, len(target), "120000", lambda: target)
    if not info.isreg():
        raise UnsafeError(f"{name} is refused: {path} is a device or pipe")

    def read() -> bytes:
        _readable(path, info.size, name, caps)
        with faults(name):
            file = tar.extractfile(info)
            return file.read() if file else b""

    return Member(path, info.size, "100755" if info.mode & 0o100 else "100644", read)


def _zip(archive: Path, name: str, caps: Caps) -> Iterator[Member]:
    limit = caps.unpacked(archive.stat().st_size)
    with faults(name), zipfile.ZipFile(archive) as packed:
        if sum(info.file_size for info in packed.infolist()) > limit:
            raise UnsafeError(f"{name} is refused: it unpacks to more than {limit:,} bytes")
        for info in packed.infolist():
            if not info.is_dir():
                yield _zip_member(packed, info, name, caps)


def _zip_member(packed: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, caps: Caps) -> Member:
    path = _inside(info.filename.replace("\\", "/"), name)
    if info.flag_bits & 1:
        raise UserError(f"{name} can't be read: {path} is locked with a password")

    def read() -> bytes:
        _readable(path, info.file_size, name, caps)
        with faults(name):
            return packed.read(info)

    mode = info.external_attr >> 16
    if stat.S_ISLNK(mode):
        _link_inside(path, posixpath.dirname(path), os.fsdecode(read()), name)
        return Member(path, info.file_size, "120000", read)
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise UnsafeError(f"{name} is refused: {path} is a device or pipe")
    return Member(path, info.file_size, "100755" if mode & 0o100 else "100644", read)


def _folder(folder: Path, name: str) -> Iterator[Member]:
    for root, folders, names in os.walk(folder):
        folders.sort()
        for file in (Path(root, file) for file in sorted(names)):
            path = file.relative_to(folder).as_posix()
            if file.is_symlink():
                target = os.fsencode(file.readlink())
                yield Member(path, len(target), "120000", partial(bytes, target))
            elif file.is_file():
                yield _file(file, path, name)


def _file(file: Path, path: str, name: str) -> Member:
    def read() -> bytes:
        with faults(name):
            return file.read_bytes()

    return Member(path, file.stat().st_size, "100644", read)


def _inside(path: str, name: str) -> str:
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if path.startswith("/") or ".." in parts or not parts or re.match("[A-Za-z]:", parts[0]):
        raise UnsafeError(f"{name} is refused: {path!r} leads outside of it")
    return "/".join(parts)


def _link_inside(path: str, base: str, target: str, name: str) -> None:
    end = posixpath.normpath(posixpath.join(base, target))
    if end.startswith(("/", "../")) or end == "..":
        raise UnsafeError(f"{name} is refused: the link {path} leads outside, to {target!r}")


def _readable(path: str, size: int, name: str, caps: Caps) -> None:
    if size > caps.content:
        raise UnsafeError(f"{name} is refused: {path} has {size:,} bytes, too many to be read")
