"""What it takes to push and pull many images, as files and as shards.

    python benchmarks/stores.py [--images 10000]

The store is moto's server on this machine, which speaks S3. Each way begins with a repository of
its own and ends with the same files in a clone of it; the bytes are compared. Times are those of
the wall clock. The figures go to benchmarks/results/stores.json too.
"""

import argparse
import hashlib
import random
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from common import ROOT, keep, machine
from tabulate import tabulate

from pipeline.cli import run
from pipeline.manifest import Manifest, Row, Status
from pipeline.paths import MANIFEST, RAW, SHARDS

sys.path.append(str(ROOT / "tests" / "helpers"))
from bucket import KEYS, NAME, bucket
from repository import Repository, begin

SHARDING = [sys.executable, "-m", "pipeline.shards"]
WAYS: Mapping[str, tuple[Path, Sequence[str], Sequence[str]]] = {
    "files": (RAW, (), ()),
    "shards": (SHARDS, ("pack",), ("unpack",)),
}
"""what DVC stores, and the commands before `dvc add` and behind `dvc pull`"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=10_000, help="to push and pull (10000)")
    parser.add_argument("--bytes", type=int, default=20_000, help="of one image (20000)")
    options = parser.parse_args()
    rows = {}
    with bucket() as address, tempfile.TemporaryDirectory(prefix="stores-") as folder:
        for way in WAYS:
            rows[way] = once(way, address, Path(folder) / way, options.images, options.bytes)
    for row in rows.values():
        row |= {"push and pull": row["push"] + row["pull"], "all": sum(row.values())}
    compared = ("push", "pull", "push and pull", "all")
    ratios = {step: rows["files"][step] / rows["shards"][step] for step in compared}
    found = {"images": options.images, "bytes": options.bytes, "seconds": rows, "times": ratios}
    keep("stores", machine() | found)
    lines = [{"way": way} | row for way, row in [*rows.items(), ("times as fast", ratios)]]
    print(tabulate(lines, headers="keys", floatfmt=",.1f"))


def once(way: str, address: str, folder: Path, count: int, size: int) -> dict[str, float]:
    """Push the images from one repository, and pull them in a clone: seconds of each step."""
    stored, (*before,), (*behind,) = WAYS[way]
    variables = KEYS | {"PYTHONPATH": str(ROOT)}
    here = Repository(folder / "here", **variables)
    there = Repository(folder / "there", **variables)
    here.root.mkdir(parents=True)
    begin(here.root)
    (here.root / ".gitignore").write_text("/.cache/\n")
    make_images(here.root / RAW / "own", count, size)
    here.run("dvc", "remote", "add", "--default", "storage", f"s3://{NAME}/{way}")
    here.run("dvc", "remote", "modify", "storage", "endpointurl", address)
    took = {}
    for step, repository, command in (
        ("pack", here, [*SHARDING, *before] if before else []),
        ("add", here, ["dvc", "add", str(stored)]),
        ("push", here, ["dvc", "push"]),
        ("pull", there, ["dvc", "pull"]),
        ("unpack", there, [*SHARDING, *behind] if behind else []),
    ):
        if step == "pull":
            here.commit("images")
            here.run("git", "clone", "-q", str(here.root), str(there.root))
        started = time.perf_counter()
        if command:
            repository.run(*command)
        took[step] = time.perf_counter() - started
    if digests(here.root / RAW) != digests(there.root / RAW):
        raise RuntimeError(f"{way}: the clone has other files")
    return took


def make_images(folder: Path, count: int, size: int) -> None:
    """Bytes instead of images: nothing here decodes them."""
    folder.mkdir(parents=True)
    rng = random.Random(1)
    with Manifest(folder / MANIFEST) as manifest:
        for number in range(count):
            content = rng.randbytes(size)
            sha256 = hashlib.sha256(content).hexdigest()
            file = f"{('mug', 'hat')[number % 2]}/{sha256}.jpg"
            (folder / file).parent.mkdir(exist_ok=True)
            (folder / file).write_bytes(content)
            url = f"http://127.0.0.1/{number}.jpg"
            label = file.partition("/")[0]
            row = Row(status=Status.SAVED, label=label, image_url=url, file=file, sha256=sha256)
            manifest.append(row)


def digests(folder: Path) -> dict[str, str]:
    """Of all files below a folder, by path."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".gitignore"
    }


if __name__ == "__main__":
    run(main)
