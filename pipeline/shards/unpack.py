"""Unpacks shards into data/raw. What is there already stays, and nothing is written elsewhere."""

import os
import tarfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from pipeline.cli import UserError
from pipeline.listing import text
from pipeline.paths import MANIFEST
from pipeline.shards.store import INDEX, DamagedShardError, Shard, Store, is_full
from pipeline.shards.tar import BAD_TAR, bad_tar, leads_out, read_tar

DIFFERS = "differ from those that are there"
_NEW, _SAME = "new", "same"


@dataclass
class Unpacked:
    """What unpacking gave. `lost` and `refused` are empty if all went well."""

    new: int = 0
    same: int = 0
    """files that were there already"""
    lost: dict[str, str] = field(default_factory=dict)
    """shard: what is wrong with it"""
    foreign: list[str] = field(default_factory=list)
    """tar files that the index does not list; nothing of them was unpacked"""
    refused: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """names of members that were not written, by reason"""


def unpack(store: Store, raw: Path, *, force: bool = False) -> Unpacked:
    """Write the files of all shards below `raw`, each whole or not at all.

    If another file is at its place, that one stays. With `force` it is overwritten, and so is a
    manifest that is the beginning of the new one. A shard or a file that fails stops no other.
    Raises UserError if there are no shards.
    """
    shards = store.index()
    if not shards:
        raise UserError(
            f"{store.address} has no shards: {INDEX} is missing there or lists none; bring it, for "
            "example by dvc pull, or name another folder"
        )
    done = Unpacked(foreign=sorted(store.tars() - shards.keys()))
    for name, shard in tqdm(shards.items(), "unpacking", unit=" shards", disable=None):
        try:
            with store.fetched(shard) as path:
                _extract(path, shard, raw, done, force=force)
        except DamagedShardError as error:
            done.lost[name] = str(error)
    return done


def _extract(path: Path, shard: Shard, raw: Path, done: Unpacked, *, force: bool) -> None:
    count = 0
    try:
        with read_tar(path) as tar:
            for info in tar:
                count += 1
                if count > shard.members:  # a tar file can be made to lead round in a circle
                    break
                ended = why_unsafe(info) or _write(tar, info, raw, force=force)
                if ended == _NEW:
                    done.new += 1
                elif ended == _SAME:
                    done.same += 1
                else:
                    done.refused[ended].append(text(info.name))
    except BAD_TAR as error:
        if is_full(error):
            raise
        raise DamagedShardError(bad_tar(error)) from error
    if count != shard.members:
        more = "more" if count > shard.members else f"{count:,}"
        raise DamagedShardError(f"has {more} members, and not {shard.members:,}")


def why_unsafe(info: tarfile.TarInfo) -> str | None:
    """Why a member of a tar file must not be written; None if it may be.

    Anybody may have made the tar file. So links and devices are refused, and names that lead out of
    the folder.
    """
    if not (info.isreg() or info.isdir()) or info.issparse():
        return "are links, devices or others that are no plain files"
    if leads_out(info.name):
        return "have a name that leads out of the folder"
    if info.isreg() and "/" not in info.name:
        return "lie beside the folders of sources"
    return None


def _write(tar: tarfile.TarFile, info: tarfile.TarInfo, raw: Path, *, force: bool) -> str:
    """Write a member below `raw`. Gives back _NEW, _SAME, or why it was not written."""
    target = raw / info.name
    try:
        if info.isdir():
            is_new = not target.is_dir()
            target.mkdir(parents=True, exist_ok=True)
            return _NEW if is_new else _SAME
        file = tar.extractfile(info)
        content = file.read() if file else b""
        if os.path.lexists(target):
            there = target.read_bytes()
            if there == content:
                return _SAME
            has_grown = target.name == MANIFEST and content.startswith(there)
            if not (force or has_grown):
                return DIFFERS
        # not in the folder of the class: there, what a killed run leaves would count as an image
        # two runs at once must not write into the same file
        part = raw / info.name.partition("/")[0] / f".unpack.{os.getpid()}.part"
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(content)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        if is_full(error):
            raise  # the next one would not have room either
        return f"can't be written ({error.strerror})"
    return _NEW
