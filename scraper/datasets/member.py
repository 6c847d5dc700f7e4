"""Files in an archive, the limits of an archive, and its errors."""

import gzip
import io
import lzma
import posixpath
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

from pipeline.cli import UserError
from pipeline.listing import LeftOut, left_out

GZIP = b"\x1f\x8b"
UNPACK = "unpack it, with 7-Zip say, and name the folder that it makes"
"""The remedy for every archive that can't be read here."""

_FAULTS = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    NotImplementedError,  # a newer zip than Python knows
    UnicodeError,
)


class DamagedError(UserError):
    """An archive is not whole, or is another than its digest says."""


class DownloadError(UserError):
    """A download that failed, or gave something wrong."""


class UnreadableError(UserError):
    """This user can't read a file. The other files of its folder can still be read."""


class UnsafeError(UserError):
    """An archive that would write outside, or grow without measure."""


@dataclass(frozen=True)
class Caps:
    """The limits of an archive. Images hardly shrink when packed; tables shrink to a tenth."""

    files: int = 2_000_000
    ratio: int = 200
    """unpacked bytes for each packed one, above `slack`"""
    slack: int = 256 << 20
    content: int = 1 << 30
    """bytes of one file that is read as a whole"""

    def unpacked(self, packed: int) -> int:
        return self.slack + self.ratio * packed


@dataclass(frozen=True)
class Opened:
    """The facts that code needs to read an archive."""

    name: str
    """its name at its origin"""
    caps: Caps
    encoding: str | None = None
    """the encoding of names that are not UTF-8"""
    aside: LeftOut = field(default_factory=left_out)
    """gets the names in a folder that can't be used"""

    def check_size(self, path: str, size: int) -> None:
        """Raise UnsafeError if a file is too large to be read as a whole."""
        if size > self.caps.content:
            raise UnsafeError(
                f"{self.name} is refused: {path} has {size:,} bytes, too many to be read"
            )

    def check_total(self, total: int, limit: int) -> None:
        """Raise UnsafeError if there are more unpacked bytes than `limit`."""
        if total > limit:
            raise UnsafeError(f"{self.name} is refused: it unpacks to more than {limit:,} bytes")

    def inside(self, path: str) -> str:
        """The path without empty parts; raises UnsafeError if it leads out of the archive."""
        parts = [part for part in path.split("/") if part not in ("", ".")]
        if path.startswith("/") or ".." in parts or not parts or re.match("[A-Za-z]:", parts[0]):
            raise UnsafeError(f"{self.name} is refused: {path!r} leads outside of it")
        return "/".join(parts)

    def check_link(self, path: str, base: str, target: str) -> None:
        """Raise UnsafeError if the target of a link at `path`, seen from `base`, is outside."""
        end = posixpath.normpath(posixpath.join(base, target))
        if end.startswith(("/", "../")) or end == "..":
            raise UnsafeError(
                f"{self.name} is refused: the link {path} leads outside, to {target!r}"
            )

    def special(self, path: str) -> UnsafeError:
        """The error for an entry that is no file, folder or link."""
        return UnsafeError(f"{self.name} is refused: {path} is a device or pipe")


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


def git_mode(mode: int) -> str:
    """A file's mode as git has it."""
    return "100755" if mode & 0o100 else "100644"


def gunzip(member: Member, limit: int = Caps.content) -> bytes:
    """A member's content. It is unpacked if it is gzip."""
    if not member.content.startswith(GZIP):
        return member.content
    with faults(member.path), gzip.open(io.BytesIO(member.content)) as plain:
        content = plain.read(limit + 1)
    if len(content) > limit:
        raise UnsafeError(f"{member.path} is refused: it unpacks to more than {limit:,} bytes")
    return content


@contextmanager
def faults(name: str) -> Iterator[None]:
    """Turn what the libraries raise for a bad archive into DamagedError or UnreadableError."""
    try:
        yield
    except PermissionError as error:
        raise UnreadableError(f"{name} can't be read by you; change its owner or mode") from error
    except _FAULTS as error:
        raise DamagedError(f"{name} is damaged: {error or type(error).__name__}") from error
