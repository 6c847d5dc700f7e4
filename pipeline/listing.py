"""Lists the content of a folder. All code that reads people's folders uses it.

Files that can't be used are left aside: their names are noted by kind, for a message.
"""

import os
import stat
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from pipeline.formats import is_litter
from pipeline.kinds import REMEDIES

KEEP = ".keep"  # in a folder that we make: DVC warns of an empty one
LITTER = "files of the system"
UNREADABLE = "folders and files that can't be read"
BROKEN = "broken links"
LOOPS = "links that lead back"
OUTSIDE = "links that lead out of the folder, which only kind: folder follows"
LOOSE = "files beside the class folders"
SPECIAL = "pipes, sockets and devices"

_TICK = 2_000_000_000  # nanoseconds: the clocks of some disks go in steps of this size

LeftOut: TypeAlias = defaultdict[str, list[str]]
"""names by kind"""
_Identity = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Found:
    """A file or folder that was found."""

    path: Path
    name: str
    info: os.stat_result
    above: tuple[_Identity, ...]
    """the folders that contain it; for a folder also itself"""
    within: Path | None
    """links that lead out of this folder are not followed; None: all are"""
    with_litter: bool = False
    """whether the files of the system count, and `.keep`"""

    @property
    def is_folder(self) -> bool:
        return stat.S_ISDIR(self.info.st_mode)


def left_out() -> LeftOut:
    """An empty list for names that are left aside."""
    return defaultdict(list)


def entries(
    folder: Path, aside: LeftOut, *, trusted: bool = True, with_litter: bool = False
) -> list[Found]:
    """The files and folders in a folder, sorted. `aside` gets the others.

    Links are followed, and in a folder that is not `trusted` only where they stay inside. Files of
    the system are among the others, unless `with_litter`.
    """
    try:
        whole = folder.resolve()
        above = [each.stat() for each in (whole, *whole.parents)]  # a link may lead above it
    except OSError:
        aside[UNREADABLE].append(text(str(folder)))
        return []
    identities = tuple((info.st_dev, info.st_ino) for info in above)
    within = None if trusted else whole
    return inside(Found(folder, "", above[0], identities, within, with_litter), aside)


def files(folder: Path, aside: LeftOut, *, trusted: bool = True) -> Iterator[Found]:
    """All files in a folder and its folders, each folder's entries in the order of their names.

    `aside` gets all other names by kind, as in `entries`.
    """
    for found in entries(folder, aside, trusted=trusted):
        yield from below(found, aside)


def below(found: Found, aside: LeftOut) -> Iterator[Found]:
    """The file itself, or all files in the folder."""
    if not found.is_folder:
        yield found
    else:
        for each in inside(found, aside):
            yield from below(each, aside)


def inside(folder: Found, aside: LeftOut) -> list[Found]:
    """The files and folders in a folder that was found; see `entries`."""
    try:
        names = sorted(os.listdir(folder.path))  # noqa: PTH208 - also those that are no UTF-8
    except OSError:
        aside[UNREADABLE].append(folder.name or text(str(folder.path)))
        return []
    name, above, within = folder.name, folder.above, folder.within
    with_litter = folder.with_litter
    found = []
    for each in names:
        path, inner = folder.path / each, f"{name}/{text(each)}" if name else text(each)
        if each == KEEP and not folder.with_litter:
            continue
        if is_litter(each) and not folder.with_litter:
            aside[LITTER].append(inner)
            continue
        try:
            info = path.stat()
            leads_out = within and path.is_symlink() and not path.resolve().is_relative_to(within)
        except OSError:
            # Path.is_symlink raises if only the names in a folder can be read
            is_link = os.path.islink(path)  # noqa: PTH114
            aside[BROKEN if is_link else UNREADABLE].append(inner)
            continue
        if leads_out:
            aside[OUTSIDE].append(inner)
            continue
        identity = (info.st_dev, info.st_ino)
        if stat.S_ISDIR(info.st_mode):
            if identity in above:
                aside[LOOPS].append(inner)
            else:
                found.append(Found(path, inner, info, (*above, identity), within, with_litter))
        elif stat.S_ISREG(info.st_mode):
            found.append(Found(path, inner, info, above, within, with_litter))
        else:
            aside[SPECIAL].append(inner)
    return found


def text(name: str) -> str:
    """A file's name as UTF-8. Bytes that are not UTF-8 become escapes.

    >>> text(os.fsdecode(b"caf\\xe9.jpg"))
    'caf\\\\xe9.jpg'
    """
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def aside_lines(aside: Mapping[str, Sequence[str]]) -> list[str]:
    """A line for each kind of names that are left aside: their number, first ones, and the remedy.

    >>> aside_lines({BROKEN: ["mug/a.jpg"], "PDF document": ["mug/b.pdf"]})[1]
    'left out, PDF document: 1 (mug/b.pdf); to take it, export its images as JPEG or PNG'
    """
    lines = []
    for kind, names in aside.items():
        first = ", ".join(name if name.isprintable() else repr(name) for name in names[:3])
        remedy = f"; to take it, {REMEDIES[kind]}" if kind in REMEDIES else ""
        lines.append(
            f"left out, {kind}: {len(names):,} ({first}{', …' if names[3:] else ''}){remedy}"
        )
    return lines


def stamp_of(info: os.stat_result) -> list[int]:
    """Size, times and inode of a file. An edit changes them.

    The exception is an edit within one tick of the disk's clock: see `is_settled`.
    """
    return [info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_ino]


def is_settled(stamp: Sequence[int], began: int) -> bool:
    """Whether an edit after `began` (ns since 1970) would surely change this stamp."""
    return max(stamp[1:3], default=0) < began - _TICK
