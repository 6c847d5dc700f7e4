"""Makes folders to pack into shards, and reads what is in them."""

import json
import random
import shutil
import tarfile
from pathlib import Path

from pipeline.files import file_digest
from pipeline.shards.__main__ import main

SMALL = 4 * tarfile.RECORDSIZE  # bytes of a shard


def write(root: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def contents(root: Path) -> dict[str, bytes | None]:
    """Path → content, for all files in a folder. Empty folders have None."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes() if path.is_file() else None
        for path in root.rglob("*")
        if path.is_file() or not any(path.iterdir())
    }


def digests(shards: Path) -> dict[str, str]:
    return {
        path.relative_to(shards).as_posix(): file_digest(path) for path in shards.rglob("*.tar")
    }


def source(count: int, first: int = 0) -> dict[str, bytes]:
    """Images of a source, and its manifest. The rows have another order than the names."""
    names = [f"{'mug' if n % 3 else 'hat'}/{n * 7919 % 10007:05}.jpg" for n in range(count)]
    rows = "".join(json.dumps({"file": name}) + "\n" for name in names)
    images = {name: random.Random(name).randbytes(2000) for name in names[first:]}
    return {**images, "manifest.jsonl": rows.encode()}


def again(raw: Path) -> dict[str, bytes | None]:
    """Unpack the shards into a new folder, and return its contents."""
    shutil.rmtree("again", ignore_errors=True)
    assert main(["unpack", "--raw", "again"]) == 0
    return contents(Path("again"))
