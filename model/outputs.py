"""Names of files that a command writes. A file that another program wrote is never replaced."""

import argparse
import os
from pathlib import Path

from pipeline.cli import UserError

HTML = b"<!doctype html"
_HEAD = 256  # bytes


def file_name(given: str) -> Path:
    """A file name of the command line. ArgumentTypeError for one that can't be a file.

    >>> file_name("answers.csv").name
    'answers.csv'
    """
    if not given.strip():
        raise argparse.ArgumentTypeError("the name is empty; name a file")
    if given == "-":
        raise argparse.ArgumentTypeError("- is no file; name one, as ./answers")
    return Path(given)


def folder_name(given: str) -> Path:
    """A folder name of the command line. ArgumentTypeError if it is empty.

    An empty one would mean the folder where we are, which nobody named.
    """
    if not given.strip():
        raise argparse.ArgumentTypeError("the name is empty; name a folder (. is the one here)")
    return Path(given)


def may_replace(path: Path, beginning: bytes, what: str) -> None:
    """Raise UserError if `path` is there and is not empty or one of `what`.

    `beginning` tells a file of `what` from others; upper and lower case are the same. So a wrong
    name on the command line destroys no image, and no device such as /dev/null.
    """
    if not os.path.lexists(path):
        return
    if path.is_dir():
        raise UserError(f"{path} is a folder; name a file")
    if path.exists() and not path.is_file():
        raise UserError(f"{path} is a device or a pipe; name a file")
    if not path.exists():  # a link to nothing
        return
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head and not head.lower().startswith(beginning.lower()):
        raise UserError(
            f"{path} is there and is no {what}; it is kept as it is: name another file, or move "
            "this one away"
        )
