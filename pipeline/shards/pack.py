"""Packs data/raw. Only shards that are new or have changed are written."""

import hashlib
import io
import json
import os
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tarfile import TarFile

from tqdm import tqdm

from pipeline.cli import UserError
from pipeline.files import file_digest, json_text, write_atomic
from pipeline.formats import is_litter
from pipeline.listing import LeftOut, is_settled, left_out
from pipeline.listing import text as shown
from pipeline.paths import SHARDS_CACHE
from pipeline.shards.plan import MOST, Member, plan
from pipeline.shards.store import INDEX, Shard, Store
from pipeline.shards.tar import new_tar

_OURS = re.compile(r"[^/]+/(images|rest)-\d{6,}\.tar")  # the names that `plan` gives


@dataclass
class Packed:
    """What packing gave."""

    shards: dict[str, Shard] = field(default_factory=dict)
    written: int = 0
    """shards that are new or have changed"""
    removed: int = 0
    """shards that are no more"""
    aside: LeftOut = field(default_factory=left_out)
    """what is in no shard, by kind"""
    unread: list[str] = field(default_factory=list)
    """files that should be in a shard, and why they are not"""
    foreign: list[str] = field(default_factory=list)
    """tar files that are not ours; they stay"""


def pack(raw: Path, store: Store, *, drop: bool = False, most: int = MOST) -> Packed:
    """Pack all sources in `raw` into shards of at most `most` bytes. Unchanged shards stay.

    Raises UserError if there is nothing to pack, if somebody else packs at the same time, and if
    the shards have files that `raw` lacks. With `drop`, the shards lose these files.
    """
    began, packed = time.time_ns(), Packed()
    planned = plan(raw, packed.aside, most)
    if not planned:
        raise UserError(
            f"{raw} has no source to pack; collect one, or bring shards back with: "
            "python -m pipeline.shards unpack"
        )
    with store.alone():
        _pack(_Packing(raw, store, drop, planned, packed), began)
    return packed


@dataclass(frozen=True, slots=True)
class _Packing:
    """What is packed, and where to."""

    raw: Path
    store: Store
    drop: bool
    planned: Mapping[str, list[Member]]
    packed: Packed


def _pack(one: _Packing, began: int) -> None:
    """Write the shards that are new or have changed, and the index. `began` is in ns since 1970."""
    store, packed = one.store, one.packed
    earlier_index = store.stamp(INDEX)
    earlier, there = store.index(), store.tars()
    ours = {name for name in there if _OURS.fullmatch(name)} | earlier.keys()
    packed.foreign = sorted(there - ours)
    if not one.drop:
        _refuse_loss(one, earlier, ours)
    kept, put = _read_kept(store), dict[str, str | None]()
    files = sum(map(len, one.planned.values()))
    with tqdm(total=files, desc="packing", unit=" files", disable=None) as bar:
        for name, members in one.planned.items():
            known, stamps = earlier.get(name), _digest(f"{m.name}\n{m.stamp}" for m in members)
            if known and kept.get(name) == [stamps, store.stamp(name)]:
                packed.shards[name] = known
            else:
                _require_alone(store, {INDEX: earlier_index})
                lost = len(packed.unread)
                shard = packed.shards[name] = _write(one, name, known)
                packed.written += shard != known
                kept.pop(name, None)
                put[name] = store.stamp(name)
                if lost == len(packed.unread) and all(is_settled(m.stamp, began) for m in members):
                    kept[name] = [stamps, put[name]]
            bar.update(len(members))
    _require_alone(store, {INDEX: earlier_index, **put})
    store.write_index(packed.shards)
    for name in ours - packed.shards.keys():
        store.remove(name)
        packed.removed += 1
    _write_kept(store, {name: kept[name] for name in kept.keys() & packed.shards.keys()})


def _require_alone(store: Store, stamps: Mapping[str, str | None]) -> None:
    """Raise UserError if one of these files has changed since it got its stamp."""
    if changed := [name for name, stamp in stamps.items() if store.stamp(name) != stamp]:
        raise UserError(
            f"somebody else packs into {store.address} at the same time: {changed[0]} has changed. "
            "Wait until the other one has ended. Then take what that one packed with: python -m "
            "pipeline.shards unpack, and pack again. The other one has to pack again too"
        )


def _write(one: _Packing, name: str, known: Shard | None) -> Shard:
    """Write a shard, without the files that can't be read. Packed.unread says why.

    If the known shard has such a file, that shard stays: it may have the only good copy.
    """
    store, written, unread = one.store, [], dict[str, str]()
    with store.fresh_file() as path:
        with new_tar(path) as tar:
            for member in one.planned[name]:
                if why := _add(tar, member):
                    unread[member.name] = why
                else:
                    written.append(member.name)
        one.packed.unread += [f"{file}: {why}" for file, why in unread.items()]
        if known and unread and not one.drop:
            there = set(store.names(name, known)[0])
            if not there.isdisjoint(unread):
                why = f"its shard {name} stays as it was, since it has a file that can't be read"
                one.packed.unread += [f"{file}: {why}" for file in written if file not in there]
                return known
        size, digest = path.stat().st_size, file_digest(path)
        shard = Shard(name, size, digest, len(written), _digest(written))
        store.put(path, shard, known)
    return shard


def _add(tar: TarFile, member: Member) -> str | None:
    """Add a member to a tar file. Gives back why it could not be read, or None."""
    if member.is_folder:
        tar.addfile(member.header)
        return None
    try:
        with member.path.open("rb") as file:
            if os.fstat(file.fileno()).st_size != member.size:
                return "it has changed meanwhile"
            content = file.read()
    except OSError as error:
        return str(error.strerror)
    if len(content) != member.size:
        return "it has changed meanwhile"
    tar.addfile(member.header, io.BytesIO(content))
    return None


def _refuse_loss(one: _Packing, earlier: Mapping[str, Shard], ours: Iterable[str]) -> None:
    """Raise UserError if a file of the earlier shards would be in no shard any more.

    A shard that no index lists counts too: the index may be lost, or a run was killed.
    """
    here = {member.name for members in one.planned.values() for member in members}
    gone, address = list[str](), one.store.address
    for name in sorted(ours):
        shard = earlier.get(name)
        names = _digest(member.name for member in one.planned.get(name, ()))
        if shard and shard.names == names:
            continue
        found, wrong = one.store.names(name, shard)
        gone += [file for file in found if file not in here]
        if wrong and _digest(found) != names:  # these are the names after a run that was killed
            raise UserError(
                f"{address}/{name} {wrong}. So nobody can say whether {one.raw} has all files of "
                "it; bring it again, for example by dvc pull. If no file is missing: "
                "python -m pipeline.shards pack --drop"
            )
    gone = [name for name in gone if not is_litter(name.rpartition("/")[2])]
    if gone:
        raise UserError(
            f"{address} has files that {one.raw} lacks: {len(gone):,}, such as {shown(gone[0])}; "
            "bring them back with: python -m pipeline.shards unpack. If they may go: "
            "python -m pipeline.shards pack --drop"
        )


def _digest(texts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(os.fsencode(text) + b"\0")
    return digest.hexdigest()


def _read_kept(store: Store) -> dict[str, list[str | None]]:
    """What was packed, by shard: a digest of its members' stamps, and the stamp of its file."""
    try:
        found: dict[str, dict[str, list[str | None]]] = json.loads(SHARDS_CACHE.read_bytes())
    except (OSError, ValueError):
        return {}
    return found.get(store.address, {})


def _write_kept(store: Store, kept: Mapping[str, list[str | None]]) -> None:
    write_atomic(SHARDS_CACHE, json_text({store.address: kept}))
