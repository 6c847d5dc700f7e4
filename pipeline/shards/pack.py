"""Packs data/raw. Only shards that are new or have changed are written."""

import hashlib
import io
import json
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tarfile import TarError, TarFile

from tqdm import tqdm

from pipeline.cli import UserError
from pipeline.files import file_digest, json_text, write_atomic
from pipeline.formats import is_litter
from pipeline.listing import LeftOut, is_settled, left_out
from pipeline.paths import SHARDS_CACHE
from pipeline.shards.plan import MOST, Member, plan
from pipeline.shards.store import (
    DamagedShardError,
    Shard,
    Store,
    new_tar,
    read_tar,
)


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


def pack(raw: Path, store: Store, *, drop: bool = False, most: int = MOST) -> Packed:
    """Pack all sources in `raw` into shards of at most `most` bytes. Unchanged shards stay.

    Raises UserError if there is nothing to pack, and if the shards have files that `raw` lacks.
    With `drop`, the shards lose these files.
    """
    began, packed = time.time_ns(), Packed()
    planned = plan(raw, packed.aside, most)
    if not planned:
        raise UserError(
            f"{raw} has no source to pack; collect one, or bring shards back with: "
            "python -m pipeline.shards unpack"
        )
    earlier = store.index()
    if not drop:
        _refuse_loss(raw, store, earlier, planned)
    kept = _read_kept(store)
    files = sum(map(len, planned.values()))
    with tqdm(total=files, desc="packing", unit=" files", disable=None) as bar:
        for name, members in planned.items():
            known, stamps = earlier.get(name), _digest(f"{m.name}\n{m.stamp}" for m in members)
            if known and kept.get(name) == [stamps, store.stamp(name)]:
                packed.shards[name] = known
            else:
                lost = len(packed.unread)
                shard = packed.shards[name] = _write(name, members, store, known, packed.unread)
                packed.written += shard != known
                kept.pop(name, None)
                if lost == len(packed.unread) and all(is_settled(m.stamp, began) for m in members):
                    kept[name] = [stamps, store.stamp(name)]
            bar.update(len(members))
    store.write_index(packed.shards)
    for name in earlier.keys() - packed.shards.keys():
        store.remove(name)
        packed.removed += 1
    _write_kept(store, {name: kept[name] for name in kept.keys() & packed.shards.keys()})
    return packed


def _write(
    name: str, members: Sequence[Member], store: Store, known: Shard | None, unread: list[str]
) -> Shard:
    """Write a shard. `unread` gets the files that can't be read, and why; they are left out."""
    written = []
    with store.fresh_file() as path:
        with new_tar(path) as tar:
            for member in members:
                if why := _add(tar, member):
                    unread.append(f"{member.name}: {why}")
                else:
                    written.append(member.name)
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


def _refuse_loss(
    raw: Path, store: Store, earlier: Mapping[str, Shard], planned: Mapping[str, list[Member]]
) -> None:
    """Raise UserError if a file of the earlier shards would be in no shard any more."""
    here = {member.name for members in planned.values() for member in members}
    gone = []
    for name, shard in earlier.items():
        if shard.names == _digest(member.name for member in planned.get(name, ())):
            continue
        try:
            with store.fetched(shard) as path, read_tar(path) as tar:
                gone += [i.name for i in tar if i.isreg() and i.name not in here]
        except (DamagedShardError, TarError):
            continue  # nothing can be had of it, so nothing is lost
    gone = [name for name in gone if not is_litter(name.rpartition("/")[2])]
    if gone:
        raise UserError(
            f"{store.address} has files that {raw} lacks: {len(gone):,}, such as {gone[0]}; bring "
            "them back with: python -m pipeline.shards unpack. If they may go: "
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
