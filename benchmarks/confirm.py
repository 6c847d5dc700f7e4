"""Measures how fast the second look confirms near-duplicates, on real images.

    python benchmarks/confirm.py [ROW ...] [--count N]

`pairs` takes the second look at many pairs of images in parallel, and compares a sample of them
with one process. `crowd` finds all near-duplicates of an artificial set that is as crowded as real
images are. Among 3,781 images of clothes, 41 of 7.1 million pairs pass the look at 8x8 pixels, so
each of a million images has six neighbours. The hashes of this set are made up; its levels are
those of real images. The figures also go to benchmarks/results/confirm.json.
"""

import argparse
import hashlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from common import keep, machine, real_images
from tabulate import tabulate

from pipeline.clean.measure import Measured, measure
from pipeline.clean.near_duplicates import HashedImage, confirmed, find_pairs
from pipeline.clean.second_look import confirm
from pipeline.cli import UserError, run
from pipeline.engine import map_images
from pipeline.numbers import number_from

PAIRS, CROWD = 300_000, 1_000_000
SAMPLE = 2_000
NEIGHBOURS = 6
FLIPPED = 20  # bits, at most, between an image's hash and the centre of its cluster
RADIUS = 64


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(ROWS)} (all)")
    parser.add_argument(
        "--count", type=number_from(1), help="of pairs or images, in place of each row's own"
    )
    options = parser.parse_args()
    if unknown := set(options.rows) - set(ROWS):
        raise UserError(f"there is no row {', '.join(sorted(unknown))}; choose {', '.join(ROWS)}")
    levels = image_levels()
    lines = []
    for name in options.rows or ROWS:
        count, row = ROWS[name]
        figures = row(levels, options.count or count)
        keep("confirm", {name: machine() | figures})
        lines += [(name, what, figure) for what, figure in figures.items()]
    print(tabulate(lines, floatfmt=",.3f"))


def image_levels() -> list[bytes]:
    """The levels of each real image, which the second look compares."""
    with real_images() as images:
        tasks = [(image, hashlib.sha256(image.read_bytes()).hexdigest()) for image in images]
        results = list(map_images(measure, tasks, "measuring"))
    return [result.levels for result in results if isinstance(result, Measured)]


def pairs(levels: list[bytes], count: int) -> dict[str, Any]:
    """Pairs of any two images. Each pair has an image that the pair before it does not have."""
    rng = np.random.default_rng(1)
    rows = np.sort(rng.integers(0, len(levels), (count, 2)), axis=1)
    rows = np.column_stack([rows[np.lexsort(rows.T[::-1])], np.zeros(count, dtype=np.int64)])
    names = [str(number) for number in range(len(levels))]
    started = time.perf_counter()
    parts = confirmed(rows, names, lambda name: levels[int(name)])
    found = np.concatenate([differences for _, differences in parts])
    seconds = time.perf_counter() - started
    some = np.sort(rng.choice(count, min(SAMPLE, count), replace=False))
    if not np.array_equal(found[some], confirm(levels, rows[some])):
        raise RuntimeError("one process finds other differences")
    return {"pairs": count, "seconds": seconds, "ms a pair": 1000 * seconds / count}


def crowd(levels: list[bytes], count: int) -> dict[str, Any]:
    """Clusters in which each image has six neighbours by its hash and its 8x8 pixels."""
    rng = np.random.default_rng(1)
    clusters = -(-count // (NEIGHBOURS + 1))
    hashes = rng.integers(0, 256, (clusters, 32), dtype=np.uint8)
    tiny = rng.integers(0, 256, (clusters, 192), dtype=np.uint8)
    candidates = []
    for number in range(count):
        cluster = number % clusters
        bits = np.zeros(256, dtype=np.uint8)
        bits[rng.integers(0, 256, FLIPPED)] = 1
        phash = (hashes[cluster] ^ np.packbits(bits)).tobytes()
        candidates.append(HashedImage(f"{number:08}", phash, phash, tiny[cluster].tobytes()))
    started = time.perf_counter()
    found = find_pairs([], candidates, lambda name: levels[int(name) % len(levels)], RADIUS, False)
    confirmed_pairs = sum(1 for _ in found)
    return {
        "images": count,
        "seconds": time.perf_counter() - started,
        "pairs to confirm": count * NEIGHBOURS // 2,
        "reported": confirmed_pairs,
    }


ROWS: dict[str, tuple[int, Callable[[list[bytes], int], dict[str, Any]]]] = {
    "pairs": (PAIRS, pairs),
    "crowd": (CROWD, crowd),
}

if __name__ == "__main__":
    run(main)
