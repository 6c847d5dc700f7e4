"""Finds all pairs among made-up hashes, in a process of its own so that its memory is measured."""

import json
import time

import numpy as np
from numpy.typing import NDArray

from pipeline.clean.near_duplicates import pairs_within

SAMPLE = 100  # rows of hashes that are compared with brute force


def propose(count: int, kind: str) -> None:
    """Find all pairs, compare a sample of rows with brute force, and print times and counts."""
    hashes = made_hashes(count, kind)
    radius = 64
    rng = np.random.default_rng(2)
    rows = np.sort(rng.choice(count, SAMPLE, replace=False))
    is_sample = np.zeros(count, dtype=np.bool_)
    is_sample[rows] = True
    total, ours = 0, set()
    started, cpu = time.perf_counter(), time.process_time()
    for i, j, _ in pairs_within(hashes, radius):
        total += len(i)
        chosen = is_sample[i] | is_sample[j]
        ours.update(zip(i[chosen].tolist(), j[chosen].tolist(), strict=True))
    times = {"seconds": time.perf_counter() - started, "processor": time.process_time() - cpu}
    brute = set()
    for row in rows.tolist():
        near = np.bitwise_count(hashes ^ hashes[row]).sum(axis=1) <= radius
        brute.update((min(row, other), max(row, other)) for other in np.flatnonzero(near).tolist())
    brute -= {(row, row) for row in rows.tolist()}
    if ours != brute:
        raise RuntimeError(f"{len(ours ^ brute)} pairs are not those of brute force")
    print(json.dumps(times | {"pairs": total, "pairs of the sample": len(ours)}))


def made_hashes(count: int, kind: str) -> NDArray[np.uint8]:
    """Random hashes. A fifth of them are copies of others with up to 80 bits changed.

    If `kind` is "crowded", that fifth are copies of ten hashes instead. Every second copy differs
    by exactly 30 bits, and the others are equal.
    """
    rng = np.random.default_rng(1)
    hashes = rng.integers(0, 256, (count, 32), dtype=np.uint8)
    some = count // 5
    crowded = kind == "crowded"
    base = hashes[some : some + 10] if crowded else hashes[some : 2 * some]
    changed = np.where(np.arange(some) % 2, 30, 0) if crowded else rng.integers(0, 81, some)
    for at in range(0, some, 10_000):
        part = slice(at, min(at + 10_000, some))
        order = rng.random((part.stop - at, 256), dtype=np.float32).argsort(axis=1)
        flips = np.packbits(order < changed[part, None], axis=1)
        hashes[part] = base[np.arange(at, part.stop) % len(base)] ^ flips
    rng.shuffle(hashes)
    return hashes
