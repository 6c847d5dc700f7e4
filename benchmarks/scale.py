"""Measures clean on a Ray cluster beside one machine, and the cost of growing sets.

    python benchmarks/scale.py [--images 20000] [--hashes 200000]

The cluster has two nodes of one processor each, on this machine, so the wall clock says nothing.
Compared are the results, byte for byte, and the processor time of the command and of Ray's workers
with the processes that they start. `clean` makes images and cleans a quarter, a half and all of
them on one machine, and all of them on the cluster. `pairs` compares hashes with one another in the
same sizes. In a second run a fifth of the hashes crowd around forty others. Straight lines and a
parabola through the three sizes give the cost of larger sets. The figures also go to
benchmarks/results/scale.json.
"""

import argparse
import hashlib
import io
import json
import os
import resource
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from common import ROOT, add_raw, keep, machine, workplace
from PIL import Image
from processes import measured
from tabulate import tabulate

from pipeline import paths
from pipeline.cli import UserError, run

sys.path.append(str(ROOT / "tests" / "helpers"))
from raylets import Cluster, ClusterStartError

SIZES = (10**4, 10**6, 10**8)
RADIUS = 64
CLEAN = [sys.executable, "-m", "pipeline.clean"]
PROPOSE = "import sys; from scale import propose; propose(int(sys.argv[1]), sys.argv[2])"
HERE = {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "benchmarks"), *sys.path[1:]])}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=20_000, help="to clean (20000)")
    parser.add_argument("--hashes", type=int, default=200_000, help="to compare (200000)")
    options = parser.parse_args()
    try:
        with Cluster(400_000_000, **HERE) as cluster:
            images = clean(options.images, cluster)
            hashes = pairs(options.hashes, cluster)
    except ClusterStartError as error:
        raise UserError(f"Ray did not start, so nothing was measured: {error}") from error
    costs = extrapolate(images["one machine"], hashes["one machine, spread"])
    keep("scale", machine() | {"images": images, "hashes": hashes, "costs": costs})
    for rows in (images, hashes):
        lines = [{"where": where} | line for where, some in rows.items() for line in some]
        print(tabulate(lines, headers="keys", floatfmt=",.3f"), end="\n\n")
    print(tabulate(costs, headers="keys", floatfmt=",.1f"))


def clean(count: int, cluster: Cluster) -> dict[str, list[dict[str, Any]]]:
    """Clean a quarter, a half and all of the images here, and all of them on the cluster."""
    alone, found = [], {}
    for some in (count // 4, count // 2, count):
        with workplace() as folder:
            images = folder / "images" / "mug"
            images.mkdir(parents=True)
            add_raw(made_images(images, some))
            alone.append(clean_once(some, HERE))
            before = written()
            if some == count:
                for path in (paths.CLEAN, paths.CLEAN_CACHE, paths.RESULTS):
                    path.rename(f"{path}-before")
                with watched() as workers:
                    line = clean_once(some, HERE | cluster.environment)
                line |= compared(line, workers, alone[-1], written() == before)
                found = {"one machine": alone, "cluster": [line]}
    return found


def clean_once(count: int, environment: dict[str, str]) -> dict[str, Any]:
    took = measured(CLEAN, Path.cwd(), environment)
    return {
        "count": count,
        "seconds": took.seconds,
        "processor, s": took.cpu,
        "peak, MB": took.peak / 1e6,
        "cache, MB": (paths.CLEAN_CACHE / "findings.sqlite").stat().st_size / 1e6,
    }


def compared(
    line: dict[str, Any], workers: dict[int, float], alone: dict[str, Any], same: bool
) -> dict[str, Any]:
    """The cluster's processor time beside one machine's. RuntimeError if the results differ."""
    if not same:
        raise RuntimeError("the cluster gives other results than one machine")
    total = line["processor, s"] + sum(workers.values())
    return {
        "processor, s": total,
        "of one machine's": total / alone["processor, s"],
        "identical": True,
    }


def made_images(folder: Path, count: int) -> Iterator[Path]:
    """Make images that resemble no other. Each file is deleted when the next one is made."""
    for number in range(count):
        squares = np.random.default_rng(number).integers(0, 256, (12, 16, 3), dtype=np.uint8)
        out = io.BytesIO()
        large = Image.fromarray(squares).resize((640, 480), Image.Resampling.NEAREST)
        large.save(out, "JPEG", quality=90)
        path = folder / f"{number}.jpg"
        path.write_bytes(out.getvalue())
        yield path
        path.unlink()


def written() -> dict[str, str]:
    """The digests of all files that clean wrote."""
    files = [file for folder in (paths.CLEAN, paths.RESULTS) for file in folder.rglob("*")]
    return {
        str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.is_file()
    }


def pairs(count: int, cluster: Cluster) -> dict[str, list[dict[str, Any]]]:
    """Compare all hashes with one another, here and on the cluster."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="pairs-") as folder:
        for kind in ("spread", "crowded"):
            sizes = (count // 4, count // 2, count) if kind == "spread" else (count,)
            alone = [propose_once(some, kind, Path(folder), HERE) for some in sizes]
            with watched() as workers:
                line = propose_once(count, kind, Path(folder), HERE | cluster.environment)
            line |= compared(line, workers, alone[-1], line["digest"] == alone[-1]["digest"])
            found |= {f"one machine, {kind}": alone, f"cluster, {kind}": [line]}
    return found


def propose_once(
    count: int, kind: str, folder: Path, environment: dict[str, str]
) -> dict[str, Any]:
    took = measured([sys.executable, "-c", PROPOSE, str(count), kind], folder, environment)
    lines = (folder / "output.log").read_text().splitlines()
    said = json.loads(next(line for line in lines if line.startswith("{")))  # Ray says more
    return {"count": count, "seconds": took.seconds, "processor, s": took.cpu - said["made"]} | {
        name: value for name, value in said.items() if name != "made"
    }


def propose(count: int, kind: str) -> None:
    """Find pairs for the second look. It runs in a process of its own: its memory is measured."""
    from pipeline.clean.near_duplicates import HashedImage, _proposed

    rng = np.random.default_rng(1)
    hashes = rng.integers(0, 256, (count, 32), dtype=np.uint8)
    some = count // 5
    if kind == "crowded":  # about forty centres, at a distance of 0 to 40 bits
        flips = rng.random((some, 256), dtype=np.float32) < rng.uniform(0, 0.12, (some, 1))
        hashes[:some] = hashes[rng.integers(some, some + 40, some)] ^ np.packbits(flips, axis=1)
    rng.shuffle(hashes)
    candidates = []
    for number in range(count):
        phash, tiny = hashes[number].tobytes(), rng.bytes(192)
        if number % 1000 == 1:  # a copy of the one before it
            phash, tiny = candidates[-1].phash, candidates[-1].tiny
        candidates.append(HashedImage(f"{number:064}", phash, phash, tiny))
    usage = resource.getrusage(resource.RUSAGE_SELF)
    rows = _proposed([], candidates, RADIUS, mirrored=False)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    said = {
        "made": usage.ru_utime + usage.ru_stime,
        "pairs": len(rows),
        "driver, MB": peak / 1e3,
        "digest": hashlib.sha256(rows.tobytes()).hexdigest()[:16],
    }
    print(json.dumps(said))


@contextmanager
def watched() -> Iterator[dict[int, float]]:
    """Processor seconds of the cluster's workers during the block, by process.

    A worker's time includes the processes that it started, after they have ended.
    """
    spent: dict[int, float] = {}
    ended = threading.Event()
    watch = threading.Thread(target=_watch, args=(spent, ended))
    watch.start()
    before = _workers()
    try:
        yield spent
    finally:
        ended.set()
        watch.join()
        for pid, seconds in before.items():
            spent[pid] = spent.get(pid, seconds) - seconds


def _watch(spent: dict[int, float], ended: threading.Event) -> None:
    while not ended.wait(0.2):
        spent.update(_workers())


def _workers() -> dict[int, float]:
    found = {}
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            title = " ".join(process.cmdline()[:3])
            if "ray::" in title and "Agent" not in title:
                found[process.pid] = float(sum(process.cpu_times()[:4]))
    return found


def extrapolate(
    images: Iterable[dict[str, Any]], hashes: Iterable[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The cost of sets of other sizes, from least squares through three sizes."""

    def per_item(name: str) -> float:
        counts, values = zip(*((line["count"], line[name]) for line in images), strict=True)
        return float(np.polyfit(counts, values, 1)[0])

    squares, seconds = zip(*((h["count"] ** 2, h["processor, s"]) for h in hashes), strict=True)
    per_square = float(np.polyfit(squares, seconds, 1)[0])
    return [
        {
            "images": f"{count:,}",
            "measuring, judging, writing: core hours": count * per_item("processor, s") / 3600,
            "all pairs: core hours": count**2 * per_square / 3600,
            "memory, GB": count * per_item("peak, MB") / 1e3,
            "findings.sqlite, GB": count * per_item("cache, MB") / 1e3,
        }
        for count in SIZES
    ]


if __name__ == "__main__":
    run(main)
