"""Makes a project in which many images seem to be measured already, without so many images."""

import dataclasses
import hashlib
import os
from pathlib import Path

import numpy as np
from common import params

from pipeline import paths
from pipeline.clean.cache import Cache
from pipeline.clean.measure import Measured, measure
from pipeline.manifest import Row, Status


def pretend(count: int, image: Path, cache: Cache) -> None:
    """Write raw files and the cache, as if `count` images had been measured and compared."""
    content = image.read_bytes()
    result = measure(image, hashlib.sha256(content).hexdigest())
    if not isinstance(result, Measured):
        raise TypeError(f"{image} can't be measured")
    rng = np.random.default_rng(1)
    names = [hashlib.sha256(str(n).encode()).hexdigest() for n in range(count)]
    folder = paths.RAW / "own"
    results, rows = [], []
    for number, sha256 in enumerate(names):
        label = f"class {number % 10}"
        path = folder / label / f"{sha256}.jpg"
        if number % 10_000 < 10:  # the others are hard links, and a file can't have more of them
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"decoding this would be noticed")
        else:
            os.link(folder / label / f"{names[number // 10_000 * 10_000 + number % 10]}.jpg", path)
        fields = dataclasses.replace(
            result.measurement,
            phash=rng.bytes(32),
            mirrored_phash=rng.bytes(32),
            tiny=rng.bytes(192),
            pixels=rng.bytes(16),
        )
        results.append((sha256, Measured(fields, result.thumbnail, result.levels)))
        row = Row(
            status=Status.SAVED,
            label=label,
            image_url=f"file:{number}",
            file=f"{label}/{sha256}.jpg",
            sha256=sha256,
            bytes=len(content),
        )
        rows.append(row.to_json() + "\n")
    (folder / paths.MANIFEST).write_text("".join(rows), encoding="utf-8")
    cache.add(results)
    rule = params().clean.near_duplicate
    cache.compared(rule.radius, rule.mirrored)
    cache.add_pairs(names, [])
