"""Files and folders that appear whole or not at all; tables and JSON are written in one way."""

import csv
import hashlib
import io
import json
import os
import re
import shutil
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from pipeline.cli import UserError
from pipeline.paths import LOCKS
from pipeline.system import lock

_MARK = re.compile(r"(<{7}|={7}|>{7})(\s|$)")
_LONG_NAME = 220  # bytes; most disks take 255, and a file that is not whole has a longer name


def file_digest(path: Path, kind: str = "sha256") -> str:
    """The digest of a file's content, in hexadecimal digits. `kind` is a name of hashlib."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, kind).hexdigest()


def write_atomic(path: Path, content: bytes | str) -> None:
    """Write a file that appears whole or not at all. An OSError names `path`."""
    name = path.name if len(os.fsencode(path.name)) < _LONG_NAME else path.name[: _LONG_NAME // 4]
    part = path.with_name(f".{name}.{os.getpid()}.part")
    whole = _encoded(content) if isinstance(content, str) else content
    try:
        try:
            part.write_bytes(whole)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(whole)
        part.replace(path)
    except BaseException as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        if isinstance(error, OSError):  # it names the hidden file, or none
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def _encoded(text: str) -> bytes:
    """The text as UTF-8. A file's name that is not UTF-8 is written by its bytes."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        text.encode("utf-8", "surrogateescape")  # raises for any other text
        return text.encode("utf-8", "backslashreplace")


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    r"""A table as CSV.

    >>> csv_text(["label", "images"], [["mug, cup", 2]])
    'label,images\n"mug, cup",2\n'
    """
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows([header, *rows])
    return out.getvalue()


def json_text(value: Any) -> str:
    """A value as JSON that people can read and compare line by line.

    >>> print(json_text({"class": "Käse"}), end="")
    {
      "class": "Käse"
    }
    """
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def conflict_line(text: str) -> int | None:
    """The number of the first line that Git wrote into a file that it could not merge; else None.

    >>> conflict_line("seed: 1\\n<<<<<<< HEAD\\n"), conflict_line("seed: 1")
    (2, None)
    """
    lines = enumerate(text.splitlines(), start=1)
    return next((number for number, line in lines if _MARK.match(line)), None)


@contextmanager
def locked(path: Path, waiting: str = "") -> Iterator[BinaryIO]:
    """Wait until no other process has locked the file at `path`, and lock it in the block.

    After a second the text `waiting` is printed. A child that is given the open file keeps the lock
    too.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab", buffering=0) as file:
        told = threading.Timer(1, print, [waiting])
        told.daemon = True
        if waiting:
            told.start()
        lock(file)
        told.cancel()
        yield file


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Write to `path` in the block while no other process does: two would spoil each other's files.

    Only processes that call this too are kept away. A disk may have no locks; then none is. Raises
    UserError if another process is writing there.
    """
    with ExitStack() as stack:
        with suppress(OSError):  # no cache can be written: that costs the lock only
            LOCKS.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context((LOCKS / "-".join(path.parts)).open("ab", buffering=0))
            try:
                lock(file, wait=False)
            except BlockingIOError as error:
                raise UserError(
                    f"another command is writing {path} now; wait until it has ended, and run this "
                    "again"
                ) from error
        yield


@contextmanager
def fresh_folder(path: Path) -> Iterator[Path]:
    """A new folder to fill; it takes the place of `path` when the block ends without an error."""
    part = path.with_name(f".{path.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        yield part
        shutil.rmtree(path, ignore_errors=True)
        part.replace(path)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
