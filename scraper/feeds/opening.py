"""Reads files of any size as streams. It unpacks them, and finds the encoding of texts."""

import codecs
import gzip
import io
import logging
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final

from w3lib.encoding import read_bom

from scraper.datasets.member import GZIP, Caps
from scraper.datasets.text import utf_16

HEAD: Final = 1 << 16
"""number of bytes at the beginning of a file by which its kind is recognised"""
_CHUNK = 1 << 18
_ZIP = b"PK\3\4"
_TIMES = 3  # times that a file is unpacked: some servers pack a packed file again
_DECLARED = re.compile(rb"<\?xml[^>]*encoding\s*=\s*[\"']([\w.-]+)", re.IGNORECASE)
_MARKED = {"utf-8": "utf-8-sig"}  # Python's name for UTF-8 with a byte order mark
_log = logging.getLogger(__name__)


class CutShortError(ValueError):
    """A file is cut off, or damaged from some point on. What was read before is right."""


def chunks(path: Path) -> Iterator[bytes]:
    """The bytes of a file. A gzip file is unpacked, and so is a zip file with one file in it.

    Raises CutShortError if the packed file is not whole, or unpacks to far too many bytes.
    """
    limit = Caps().unpacked(path.stat().st_size)
    with path.open("rb", buffering=0) as file, ExitStack() as opened:
        member = _only_member(file, opened)
        whole: io.RawIOBase = _Raw(iter(partial(member.read1, _CHUNK), b"")) if member else file
        inner: io.BufferedReader[Any] = io.BufferedReader(whole, _CHUNK)
        total = 0
        try:
            for _ in range(_TIMES):
                if not inner.peek(2).startswith(GZIP):
                    break
                # `read1` gives what is there, but `read` gives nothing of a part that is cut off
                parts = iter(partial(gzip.GzipFile(fileobj=inner).read1, _CHUNK), b"")
                inner = io.BufferedReader(_Raw(parts), _CHUNK)
            while chunk := inner.read1(_CHUNK):
                total += len(chunk)
                if total > limit:
                    raise CutShortError(f"it unpacks to more than {limit:,} bytes")
                yield chunk
        except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile) as error:
            packed = "zip" if member else "gzip"
            raise CutShortError(f"the {packed} file is not whole: {error}") from error


def _only_member(file: io.FileIO, opened: ExitStack) -> zipfile.ZipExtFile | None:
    """The only file in a zip file; None for any other file, which is then at its beginning."""
    is_zip = file.read(len(_ZIP)) == _ZIP
    file.seek(0)
    try:
        packed = opened.enter_context(zipfile.ZipFile(file)) if is_zip else None
        listed = packed.infolist() if packed else ()
        # macOS adds files of its own
        found = [x for x in listed if not x.is_dir() and not x.filename.startswith("__MACOSX/")]
        if packed and len(found) == 1:
            return opened.enter_context(packed.open(found[0]))  # type: ignore[return-value]
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError):  # damaged, or has a password
        pass
    file.seek(0)
    return None


def head_of(path: Path) -> bytes:
    """The first HEAD bytes of the unpacked file, or fewer if no more can be read."""
    found = b""
    try:
        for chunk in chunks(path):
            found += chunk
            if len(found) >= HEAD:
                break
    except CutShortError:
        pass
    return found[:HEAD]


def encoding_of(path: Path, fallback: str | None = None) -> str:
    """The encoding of a text, by Python's name.

    A byte order mark counts first. Then comes UTF-8 if the whole text is valid UTF-8, whatever the
    file declares. Then comes `fallback`, then the encoding that the file declares. The last one is
    cp1252, with a warning.
    """
    head = head_of(path)
    if marked := read_bom(head)[0]:
        return str(_MARKED.get(marked, marked.removesuffix("-le").removesuffix("-be")))
    if half := utf_16(head):
        return half
    found = _DECLARED.search(head)
    declared = _known(found[1].decode()) if found else None
    if declared and declared.startswith("iso2022"):  # its bytes are all valid UTF-8
        return declared
    if _is_utf_8(path):
        return "utf-8"
    if fallback or (declared and declared not in ("utf-8", "ascii")):
        return fallback or str(declared)
    _log.warning("%s is not UTF-8 and names no other encoding; it is read as cp1252", path.name)
    return "cp1252"


def as_text(head: bytes) -> str:
    """The beginning of a text in any encoding, without blanks before it, to recognise its kind."""
    encoding = read_bom(head)[0] or utf_16(head) or "utf-8"
    return head.decode(encoding, "replace").lstrip("\ufeff").lstrip()


def open_text(path: Path, encoding: str, *, is_all_given: bool = False) -> io.TextIOWrapper:
    """The text as a stream. Line ends stay as they are, and invalid bytes become `\\ufffd`.

    Reading raises what `chunks` raises. If `is_all_given` is true, it first gives all text before
    the error. If not, the last line may be missing.
    """
    return io.TextIOWrapper(
        io.BufferedReader(_Raw(chunks(path), is_all_given), _CHUNK),
        encoding=encoding,
        errors="replace",
        newline="",
    )


class _Raw(io.RawIOBase):
    """A file object that reads from chunks of bytes."""

    def __init__(self, parts: Iterator[bytes], is_all_given: bool = False) -> None:
        super().__init__()
        self._parts = parts
        self._is_all_given = is_all_given
        self._error: CutShortError | None = None
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self._error:
            raise self._error
        if not self._rest:
            try:
                self._rest = memoryview(next(self._parts, b""))
            except CutShortError as error:
                if not self._is_all_given:
                    raise
                self._error = error  # the next call raises it; this one looks like the end
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


def _is_utf_8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for chunk in chunks(path):
            decoder.decode(chunk)
    except UnicodeDecodeError:
        return False
    except CutShortError:
        pass
    return True


def _known(name: str) -> str | None:
    try:
        return codecs.lookup(name).name
    except LookupError:
        return None
