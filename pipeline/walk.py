"""What lies in a folder, and why some of it is left aside: all who look into folders do it so.

Links are followed, also those to folders; where one leads back to a folder above, the walk ends.
"""

import os
import stat
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.formats import is_litter

KEEP = ".keep"  # ours, in a folder that we make: DVC warns of an empty one
LITTER = "files of the system"
UNREADABLE = "folders and files that can't be read"
BROKEN = "broken links"
LOOPS = "links that lead back"
SPECIAL = "pipes, sockets and devices"

_TICK = 2_000_000_000  # nanoseconds: some disks' clocks go in steps of so much

Aside = defaultdict[str, list[str]]
"""Names of what is left aside, by kind: `Aside(list)` to begin with."""
_Identity = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Found:
    """A file or a folder. `name` is its path below the root, as text, with `/`."""

    path: Path
    name: str
    info: os.stat_result
    above: tuple[_Identity, ...]
    """the folders on the way to it, and itself where it is one"""

    @property
    def is_folder(self) -> bool:
        return stat.S_ISDIR(self.info.st_mode)


def root_of(path: Path) -> Found:
    """The folder where a walk begins. Raises OSError where it is not there.

    A link from in there to a folder that contains it leads back too.
    """
    whole = path.resolve()
    above = [folder.stat() for folder in (whole, *whole.parents)]
    return Found(path, "", above[0], tuple((info.st_dev, info.st_ino) for info in above))


def entries(folder: Found, aside: Aside) -> list[Found]:
    """The files and folders in one folder, sorted by name; what can't be used goes `aside`."""
    try:
        names = sorted(os.listdir(folder.path))  # noqa: PTH208 - names, also those that are no UTF-8
    except OSError:
        aside[UNREADABLE].append(folder.name or as_text(str(folder.path)))
        return []
    found = []
    for each in names:
        path = folder.path / each
        name = f"{folder.name}/{as_text(each)}" if folder.name else as_text(each)
        if each == KEEP:
            continue
        if is_litter(each):
            aside[LITTER].append(name)
            continue
        try:
            info = path.stat()
        except OSError:
            aside[BROKEN if path.is_symlink() else UNREADABLE].append(name)
            continue
        identity = (info.st_dev, info.st_ino)
        if stat.S_ISDIR(info.st_mode):
            if identity in folder.above:
                aside[LOOPS].append(name)
            else:
                found.append(Found(path, name, info, (*folder.above, identity)))
        elif stat.S_ISREG(info.st_mode):
            found.append(Found(path, name, info, folder.above))
        else:
            aside[SPECIAL].append(name)
    return found


def files(folder: Found, aside: Aside) -> Iterator[Found]:
    """All files in a folder and in its folders, folder by folder, sorted by name."""
    for found in entries(folder, aside):
        if found.is_folder:
            yield from files(found, aside)
        else:
            yield found


def stamp_of(info: os.stat_result) -> list[int]:
    """What changes when a file does, but for an edit in the same tick of the disk's clock."""
    return [info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_ino]


def is_settled(stamp: Sequence[int], began: int) -> bool:
    """Whether an edit later than `began` (ns since 1970) would give a file another stamp."""
    return max(stamp[1:3], default=0) < began - _TICK


def as_text(name: str) -> str:
    """A name that is not UTF-8, as text that is and tells its bytes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def aside_lines(aside: Mapping[str, Sequence[str]]) -> list[str]:
    """A line for each kind of what is left aside: how many, and the first of them."""
    lines = []
    for kind, names in aside.items():
        first = ", ".join(name if name.isprintable() else repr(name) for name in names[:3])
        lines.append(f"left out, {kind}: {len(names):,} ({first}{', …' if names[3:] else ''})")
    return lines
