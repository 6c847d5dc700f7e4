"""Tar files, which anybody may have made: what is wrong with one, and with a name in it."""

import os
import tarfile
from pathlib import Path
from typing import Final

BAD_TAR: Final = (
    tarfile.TarError,
    ValueError,
    ArithmeticError,
    RecursionError,
    MemoryError,
    OSError,
)
"""what `tarfile` raises for a damaged tar file, or for one that was made to do harm"""


def bad_tar(error: Exception) -> str:
    """What is wrong with a tar file at which `tarfile` raised one of BAD_TAR."""
    return f"is no tar file that can be read: {error or type(error).__name__}"


def leads_out(name: str) -> bool:
    """Whether a name from a foreign file could lead out of the folder that it is put into.

    >>> leads_out("own/mug/1.jpg"), leads_out("own/../../1.jpg")
    (False, True)
    """
    parts = name.split("/")
    if os.name == "nt" and ("\\" in name or ":" in name):  # which lead out there
        return True
    return "\0" in name or any(part in ("", ".", "..") for part in parts)


def new_tar(path: Path) -> tarfile.TarFile:
    """A tar file to write. Its names are the bytes that the disk has, also if they are no UTF-8."""
    kind = tarfile.GNU_FORMAT
    return tarfile.open(path, "w", format=kind, encoding="utf-8", errors="surrogateescape")


def read_tar(path: Path) -> tarfile.TarFile:
    """A tar file to read, which is not compressed. Raises TarError for another file."""
    return tarfile.open(path, "r:", encoding="utf-8", errors="surrogateescape")
