"""Files of any size as streams: unpacked, and as text whatever their encoding."""

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
"""bytes that tell what a file is"""
_CHUNK = 1 << 18
_ZIP = b"PK\3\4"
_TIMES = 3  # unpacked: some servers pack what is packed
_DECLARED = re.compile(rb"<\?xml[^>]*encoding\s*=\s*[\"']([\w.-]+)", re.IGNORECASE)
_MARKED = {"utf-8": "utf-8-sig"}
_log = logging.getLogger(__name__)


class CutShortError(ValueError):
    """A file ends before its end, or is damaged from there on. What came before it is sound."""


def chunks(path: Path) -> Iterator[bytes]:
    """The bytes of a file, unpacked where it is gzip, or a zip file with one file inside.

    Raises CutShortError where the packed file is not whole, or grows without measure.
    """
    limit = Caps().unpacked(path.stat().st_size)
    with path.open("rb", buffering=0) as file, ExitStack() as opened:
        alone = _alone(file, opened)
        whole: io.RawIOBase = _Raw(iter(partial(alone.read1, _CHUNK), b"")) if alone else file
        inner: io.BufferedReader[Any] = io.BufferedReader(whole, _CHUNK)
        total = 0
        try:
            for _ in range(_TIMES):
                if not inner.peek(2).startswith(GZIP):
                    break
                # by `read1`, which gives what there is: the others fail as a whole at a cut
                parts = iter(partial(gzip.GzipFile(fileobj=inner).read1, _CHUNK), b"")
                inner = io.BufferedReader(_Raw(parts), _CHUNK)
            while chunk := inner.read1(_CHUNK):
                total += len(chunk)
                if total > limit:
                    raise CutShortError(f"it unpacks to more than {limit:,} bytes")
                yield chunk
        except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile) as error:
            packed = "zip" if alone else "gzip"
            raise CutShortError(f"the {packed} file is not whole: {error}") from error


def _alone(file: io.FileIO, opened: ExitStack) -> zipfile.ZipExtFile | None:
    """The only file of a zip file; else None, and `file` is at its beginning."""
    is_zip = file.read(len(_ZIP)) == _ZIP
    file.seek(0)
    try:
        packed = opened.enter_context(zipfile.ZipFile(file)) if is_zip else None
        listed = packed.infolist() if packed else ()
        # the Mac's program adds notes of its own
        found = [x for x in listed if not x.is_dir() and not x.filename.startswith("__MACOSX/")]
        if packed and len(found) == 1:
            return opened.enter_context(packed.open(found[0]))  # type: ignore[return-value]
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError):  # damaged, or has a password
        pass
    file.seek(0)
    return None


def head_of(path: Path) -> bytes:
    """The beginning, unpacked, of a file; as much as can be read."""
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
    """The encoding of a text, which Python knows.

    A byte order mark counts first, then UTF-8 where all of the text is valid, whatever the file
    declares. Then comes `fallback`, then what the file declares, then cp1252, which is logged.
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
    """The beginning of a text of any encoding, to tell what it is."""
    encoding = read_bom(head)[0] or utf_16(head) or "utf-8"
    return head.decode(encoding, "replace").lstrip("\ufeff").lstrip()


def open_text(path: Path, encoding: str, *, is_all_given: bool = False) -> io.TextIOWrapper:
    """The text as a stream, with its line ends as they are. What is not in `encoding` is `\\ufffd`.

    Reading raises what `chunks` raises. `is_all_given`: only after it has given all that there is;
    else what is behind the last whole line may be kept back.
    """
    return io.TextIOWrapper(
        io.BufferedReader(_Raw(chunks(path), is_all_given), _CHUNK),
        encoding=encoding,
        errors="replace",
        newline="",
    )


class _Raw(io.RawIOBase):
    """Chunks as a file."""

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
