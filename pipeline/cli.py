"""Runs commands, and turns their errors into messages and exit codes."""

import errno
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn


class UserError(Exception):
    """Something the person at the keyboard can mend.

    The message names the thing and the remedy; it is shown without a traceback.
    """


@contextmanager
def needs_extra(name: str) -> Iterator[None]:
    """Import modules in the block that need an extra. Raises UserError if the extra is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        command = f'pip install -e ".[{name}]"'
        raise UserError(f"this needs {error.name}; install it with: {command}") from error


def run(main: Callable[[], int | None]) -> NoReturn:
    """Run a command and exit with the code that it returns, or with 0.

    A `UserError` exits with 1, and so does a file that the system does not let us read or write: a
    sentence on stderr says what is wrong. An interrupted command exits with 130. If nobody reads
    the output any more (`| head`), the code is 141.
    """
    for stream in (sys.stdout, sys.stderr):  # a file's odd name must not fail
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = main() or 0
        sys.stdout.flush()  # the flush when Python exits would fail without a message
    except UserError as error:
        code = _fail(str(error))
    except UnicodeEncodeError:
        if sys.getfilesystemencoding() == "utf-8":
            raise
        code = _fail(
            f"names of files are {sys.getfilesystemencoding()} in this shell, which lacks letters "
            "that are needed here; run this again after: export PYTHONUTF8=1"
        )
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        code = 130
    except BrokenPipeError:
        code = 141  # the usual code of a program that SIGPIPE ended
    except OSError as error:
        if (sentence := _sentence(error)) is None:
            raise
        code = _fail(sentence)
    _let_go_of_output()
    sys.exit(code)


def _fail(sentence: str) -> int:
    print(f"error: {sentence}", file=sys.stderr)
    return 1


_REMEDIES = {
    errno.EIO: "check the disk, or the connection to it, and run this again",
    errno.ESTALE: "check the connection to its disk, and run this again",
    errno.ENAMETOOLONG: "give it a shorter name",
    errno.ENOTDIR: "a file is where a folder should be; move it away",
    errno.EISDIR: "a folder is where a file should be; move it away",
    errno.EEXIST: "a file is where a folder should be; move it away",
    errno.ELOOP: "its links lead round in a circle; correct them",
    errno.EMFILE: "too many files are open; close some programs and run this again",
    errno.EBUSY: "another program has it open; close that and run this again",
}


def _sentence(error: OSError) -> str | None:
    """A sentence that tells a person what to do about a file; None for errors without a file."""
    file = error.filename2 or error.filename  # of two files the one that is written
    path = os.fsdecode(file) if isinstance(file, str | bytes | os.PathLike) else None
    if error.errno in (errno.ENOSPC, errno.EDQUOT):  # `write` names no file
        disk = f"the disk of {path}" if path else "the disk"
        return f"{disk} is full; free some room and run this again: nothing that was done is lost"
    if path is None and error.errno in (errno.EIO, errno.ESTALE, errno.EMFILE):
        path = "a file"  # neither does `read`
    if path is None or error.strerror is None:
        return None
    if error.errno == errno.EROFS:
        return f"{path} is on a disk that may only be read; work in a folder on another"
    if error.errno in (errno.EACCES, errno.EPERM):
        folder = str(Path(path).parent)
        # the folder takes no new file, or shows none; Path's would raise where it may not look
        if not os.path.lexists(path) and os.path.isdir(folder):  # noqa: PTH112
            path = folder
        return f"{path} may not be read or written by you; change its owner or its mode"
    remedy = _REMEDIES.get(error.errno or 0)
    return f"{path} can't be used: {error.strerror}" + (f"; {remedy}" if remedy else "")


def _let_go_of_output() -> None:
    """Keep Python from trying again, when it exits, to write what cannot be written."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
