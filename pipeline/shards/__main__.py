"""`python -m pipeline.shards pack|unpack`: data/raw as few large files, and back."""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from pipeline.cli import UserError, run
from pipeline.listing import UNREADABLE, aside_lines
from pipeline.paths import RAW, SHARDS
from pipeline.shards.pack import Packed, pack
from pipeline.shards.store import Store
from pipeline.shards.unpack import DIFFERS, Unpacked, unpack

_NO_ADDRESS = re.compile(r"[a-z][a-z0-9+.]+:")  # a drive of Windows has one letter
_SHOWN = 3  # examples of each kind
_FORCE = "--force overwrites those"
_BRING = "bring them again, for example by dvc pull, or pack again where the files are"


def main(argv: Sequence[str] | None = None) -> int:
    """Pack or unpack. The exit code is 1 if something could not be packed or unpacked."""
    options = _parser().parse_args(argv)
    store, raw = Store(options.shards), Path(options.raw)
    _check_apart(options.shards, raw)
    if options.command == "pack":
        return _tell_packed(pack(raw, store, drop=options.drop), store)
    return _tell_unpacked(unpack(store, raw, force=options.force), raw)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.shards",
        description="Pack data/raw into shards: tar files of at most 256 MB, which DVC and buckets "
        "move much faster than many small files. Or unpack them: the same files, with the same "
        "bytes and names. docs/scale.md shows when and how.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("pack", help="write the shards that are new or have changed")
    packing.add_argument(
        "--drop", action="store_true", help="shards may lose files that are no longer in data/raw"
    )
    unpacking = commands.add_parser("unpack", help="write the files that are missing in data/raw")
    unpacking.add_argument(
        "--force", action="store_true", help="overwrite files that differ from those in the shards"
    )
    for command in (packing, unpacking):
        command.add_argument(
            "shards",
            nargs="?",
            default=str(SHARDS),
            help="folder of the shards, or an address such as s3://bucket/shards (%(default)s)",
        )
        command.add_argument("--raw", default=str(RAW), help="folder of the files (%(default)s)")
    return parser


def _check_apart(shards: str, raw: Path) -> None:
    """Raise UserError for what can't be meant as the place of the shards."""
    if not shards:
        raise UserError(f"the place of the shards is empty; name a folder, such as {SHARDS}")
    place = shards.removeprefix("file://")
    if "://" in place:
        return
    if found := _NO_ADDRESS.match(place):
        raise UserError(f"{shards} is no address; two slashes follow the colon: {found[0]}//…")
    one, other = Path(place).resolve(), raw.resolve()
    if one.is_relative_to(other) or other.is_relative_to(one):
        raise UserError(f"{shards} and {raw} lie in one another; name two folders that do not")


def _tell_packed(packed: Packed, store: Store) -> int:
    shards = packed.shards.values()
    print(
        f"{store.address}: {sum(shard.members for shard in shards):,} files, "
        f"{len(shards):,} shards, {sum(shard.bytes for shard in shards) / 1e6:,.1f} MB; "
        f"{packed.written:,} shards are new or have changed, {packed.removed:,} are gone"
    )
    for line in aside_lines(packed.aside):
        print(line)
    _tell("files that could not be packed", packed.unread, "run this again when they can be read")
    _tell("tar files that are not ours, and stay as they are", packed.foreign)
    return 1 if packed.unread or UNREADABLE in packed.aside else 0


def _tell_unpacked(done: Unpacked, raw: Path) -> int:
    print(f"{raw}: {done.new:,} new files; {done.same:,} were there already")
    for why, names in done.refused.items():
        _tell(f"files that {why}", names, _FORCE if why == DIFFERS else "")
    lost = [f"{name} {why}" for name, why in done.lost.items()]
    _tell("shards that could not be unpacked", lost, _BRING)
    _tell("tar files that index.json does not list; they were not unpacked", done.foreign)
    return 1 if lost or done.refused else 0


def _tell(what: str, names: Sequence[str], remedy: str = "") -> None:
    if names:
        print(f"{what}: {len(names):,}{remedy and f'; {remedy}'}:", file=sys.stderr)
        for name in names[:_SHOWN]:
            print(f"  {name if name.isprintable() else ascii(name)}", file=sys.stderr)
        if len(names) > _SHOWN:
            print(f"  and {len(names) - _SHOWN:,} more", file=sys.stderr)


if __name__ == "__main__":
    run(main)
