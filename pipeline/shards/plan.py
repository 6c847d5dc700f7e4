"""Decides which file of data/raw goes into which shard.

Only the files count, and not what was packed before. So the same data/raw gives the same shards on
each machine. The images of a source keep the order of its manifest, which only grows. So new images
change the last shard and add others. If an image is removed, few shards change: see `_ends_shard`.
"""

import hashlib
import json
import os
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from pipeline.cli import UserError
from pipeline.listing import LITTER, Found, LeftOut, entries, inside, left_out, stamp_of
from pipeline.names import safe_source
from pipeline.paths import MANIFEST

MOST: Final = 256_000_000
"""bytes of a shard, unless a single file in it is larger"""
_LONGEST: Final = 200  # bytes of a folder's name; disks take 255
_UNFINISHED: Final = ".part"  # the end of a name; DVC ignores such files too


@dataclass(frozen=True, slots=True)
class Member:
    """A file or an empty folder, to be packed. `name` is its path below data/raw, with `/`."""

    name: str
    path: Path
    size: int
    stamp: tuple[int, ...]
    """as of `stamp_of`"""
    is_folder: bool = False

    @property
    def header(self) -> tarfile.TarInfo:
        """The header in a tar file. It has no time and no owner, so it is the same everywhere."""
        info = tarfile.TarInfo(self.name)
        if self.is_folder:
            info.type, info.mode = tarfile.DIRTYPE, 0o755
        else:
            info.size = self.size
        return info

    @property
    def cost(self) -> int:
        """The bytes that it takes in a tar file."""
        blocks = -(-self.size // tarfile.BLOCKSIZE)
        header = self.header.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
        return len(header) + blocks * tarfile.BLOCKSIZE


def plan(raw: Path, aside: LeftOut, most: int = MOST) -> dict[str, list[Member]]:
    """The members of each shard, by the shard's name. Nothing is written.

    `aside` gets the names of what goes into no shard, by kind.
    """
    planned: dict[str, list[Member]] = {}
    for top in entries(raw, aside) if raw.is_dir() else []:
        if not top.is_folder:
            aside["files beside the folders of sources"].append(top.name)
            continue
        members = {m.name: m for m in _members(raw, top, aside)}
        source = top.path.name
        images = [
            members.pop(name)
            for name in (f"{source}/{file}" for file in _in_order(top.path / MANIFEST))
            if name in members
        ]
        rest = sorted(members.values(), key=lambda member: os.fsencode(member.name))
        for kind, some in (("images", images), ("rest", rest)):
            for number, shard in enumerate(_divided(some, most)):
                planned[f"{_folder_of(source)}/{kind}-{number:06}.tar"] = shard
    return planned


def _members(raw: Path, top: Found, aside: LeftOut) -> Iterator[Member]:
    """All files in a source's folder, and its empty folders. Links are followed.

    Hidden files are packed too, since DVC stores them. Unfinished files are not.
    """
    whole = entries(top.path, below := left_out(), with_litter=True)
    yield from _of(raw, top, whole, below)
    for kind, names in below.items():
        aside[kind] += [f"{top.name}/{name}" for name in names]


def _of(raw: Path, folder: Found, found: Sequence[Found], aside: LeftOut) -> Iterator[Member]:
    if not found:
        yield Member(folder.path.relative_to(raw).as_posix(), folder.path, 0, (), is_folder=True)
    for each in found:
        if each.is_folder:
            yield from _of(raw, each, inside(each, aside), aside)
        elif each.name.endswith(_UNFINISHED):
            aside[LITTER].append(each.name)
        else:
            name = each.path.relative_to(raw).as_posix()
            yield Member(name, each.path, each.info.st_size, tuple(stamp_of(each.info)))


def _in_order(manifest: Path) -> list[str]:
    """The files that a manifest names, in the order in which it first names them.

    All lines count, not only the last one of an image: the last one moves when an image is fetched
    again. A line that can't be read is passed over; clean says what is wrong with it.
    """
    found: dict[str, None] = {}
    try:
        lines = manifest.read_bytes().splitlines()
    except OSError:
        return []
    for line in lines:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict) and isinstance(row.get("file"), str):
            found[row["file"]] = None
    return list(found)


def _folder_of(source: str) -> str:
    """The folder of a source's shards: the source's name if each store takes it, or else escaped.

    No two sources have the same folder, and none has the name of the index.

    >>> _folder_of("demo_shop"), _folder_of("my shop"), _folder_of("index.json")
    ('demo_shop', 'my%20shop', 'index%2Ejson')
    """
    try:
        if safe_source(source) == source:
            return source
    except UserError:
        pass
    escaped = quote(os.fsencode(source), safe="").replace(".", "%2E")
    if len(escaped) <= _LONGEST:
        return escaped
    return f"{escaped[:_LONGEST]}-{hashlib.sha256(os.fsencode(source)).hexdigest()[:16]}"


def _divided(members: Iterable[Member], most: int) -> Iterator[list[Member]]:
    """The members of each shard. A shard ends when it is full, or with a member that ends it."""
    end = tarfile.RECORDSIZE  # the most bytes that a tar file has behind its members
    shard: list[Member] = []
    size = end
    for member in members:
        cost = member.cost
        if shard and size + cost > most:
            yield shard
            shard, size = [], end
        shard.append(member)
        size += cost
        if size >= most // 4 and _ends_shard(member, cost, most // 4):
            yield shard
            shard, size = [], end
    if shard:
        yield shard


def _ends_shard(member: Member, cost: int, apart: int) -> bool:
    """Whether this member ends a shard that is large enough. In `apart` bytes about one does.

    The member's name decides, not its place. So if a file before it is removed, the shard still
    ends here, and all later shards stay the same.
    """
    number = int.from_bytes(hashlib.sha256(os.fsencode(member.name)).digest()[:8], "big")
    return number / 2**64 < cost / apart
