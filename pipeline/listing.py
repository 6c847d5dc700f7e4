"""What lies in a folder, and what is left out: one listing for all code that reads folders."""

import os
import stat
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from pipeline.formats import is_litter

KEEP = ".keep"  # in a folder that we make: DVC warns of an empty one
LITTER = "files of the system"
UNREADABLE = "folders and files that can't be read"
BROKEN = "broken links"
LOOPS = "links that lead back"
SPECIAL = "pipes, sockets and devices"

_TICK = 2_000_000_000  # nanoseconds: some disks' clocks go in steps of so much

LeftOut: TypeAlias = defaultdict[str, list[str]]
"""names by kind"""
_Identity = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Found:
    path: Path
    name: str
    info: os.stat_result
    above: tuple[_Identity, ...]
    """the folders on the way to it, and itself where it is one"""

    @property
    def is_folder(self) -> bool:
        return stat.S_ISDIR(self.info.st_mode)


def left_out() -> LeftOut:
    """An empty record of what is left out."""
    return defaultdict(list)


def entries(folder: Path, aside: LeftOut) -> list[Found]:
    """The files and folders in a folder, sorted; links are followed. `aside` gets the others."""
    try:
        whole = folder.resolve()
        above = [each.stat() for each in (whole, *whole.parents)]  # a link may lead above it
    except OSError:
        aside[UNREADABLE].append(text(str(folder)))
        return []
    identities = tuple((info.st_dev, info.st_ino) for info in above)
    return inside(Found(folder, "", above[0], identities), aside)


def files(folder: Path, aside: LeftOut) -> Iterator[Found]:
    """All files in a folder and its folders, each folder's entries in the order of their names."""
    for found in entries(folder, aside):
        yield from below(found, aside)


def below(found: Found, aside: LeftOut) -> Iterator[Found]:
    """The file itself, or all files in the folder."""
    if not found.is_folder:
        yield found
    else:
        for each in inside(found, aside):
            yield from below(each, aside)


def inside(folder: Found, aside: LeftOut) -> list[Found]:
    """The files and folders in a folder that was found, as `entries` gives them."""
    try:
        names = sorted(os.listdir(folder.path))  # noqa: PTH208 - also those that are no UTF-8
    except OSError:
        aside[UNREADABLE].append(folder.name or text(str(folder.path)))
        return []
    name, above = folder.name, folder.above
    found = []
    for each in names:
        path, inner = folder.path / each, f"{name}/{text(each)}" if name else text(each)
        if each == KEEP:
            continue
        if is_litter(each):
            aside[LITTER].append(inner)
            continue
        try:
            info = path.stat()
        except OSError:
            aside[BROKEN if path.is_symlink() else UNREADABLE].append(inner)
            continue
        identity = (info.st_dev, info.st_ino)
        if stat.S_ISDIR(info.st_mode):
            if identity in above:
                aside[LOOPS].append(inner)
            else:
                found.append(Found(path, inner, info, (*above, identity)))
        elif stat.S_ISREG(info.st_mode):
            found.append(Found(path, inner, info, above))
        else:
            aside[SPECIAL].append(inner)
    return found


def text(name: str) -> str:
    r"""A file's name as text; bytes that are not UTF-8 are shown as numbers.

    >>> print(text(os.fsdecode(b"caf\xe9.jpg")))
    caf\xe9.jpg
    """
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def aside_lines(aside: Mapping[str, Sequence[str]]) -> list[str]:
    """A line for each kind of what is left aside: how many, and the first of them."""
    lines = []
    for kind, names in aside.items():
        first = ", ".join(name if name.isprintable() else repr(name) for name in names[:3])
        lines.append(f"left out, {kind}: {len(names):,} ({first}{', …' if names[3:] else ''})")
    return lines


def stamp_of(info: os.stat_result) -> list[int]:
    """Numbers that change when a file does, but for an edit within one tick of the disk's clock."""
    return [info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_ino]


def is_settled(stamp: Sequence[int], began: int) -> bool:
    """Whether an edit later than `began` (ns since 1970) would give a file another stamp."""
    return max(stamp[1:3], default=0) < began - _TICK
