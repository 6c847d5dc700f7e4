"""Measures what imagehash costs the clean stage, beside a shorter transform of our own.

    python benchmarks/hashing.py [--rounds 5]

The stage uses `imagehash.phash`. A transform of our own would take its place only if imagehash made
the whole stage slower by more than 10 %. So this file keeps that transform. Both run in turn on the
same images, from data/raw to data/clean and the report, and must give the same hashes. Processor
seconds, of all processes together, don't depend on other work of the machine.
The figures also go to benchmarks/results/hashing.json.
"""

import argparse
import hashlib
import statistics
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from collect import Cost, measured
from common import ROOT, add_raw, keep, machine, real_images, workplace
from numpy.typing import NDArray
from PIL import Image
from tabulate import tabulate

from pipeline import paths
from pipeline.clean import __main__ as stage
from pipeline.clean import measure as measuring
from pipeline.clean.measure import Measured, NoMeasurement
from pipeline.cli import run

SIDE, GREY = 16, 64  # of the hash, and of the image that it is made of
COMMAND = "import hashing; hashing.run_stage({own})"
_k, _n = np.arange(SIDE)[:, None], np.arange(GREY)
COSINES: NDArray[np.float64] = np.cos(np.pi * _k * (2 * _n + 1) / (2 * GREY))
MIRROR = np.where(np.arange(SIDE) % 2, -1, 1)  # mirroring negates the odd cosines


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="of which the median counts (5)")
    rounds = max(1, parser.parse_args().rounds)
    runs: dict[bool, list[Cost]] = {False: [], True: []}
    hashes: dict[bool, str] = {}
    with real_images() as images:
        for number in range(2 * rounds):
            own = number % 2 == 1
            print(f"{'our own' if own else 'imagehash'} …", file=sys.stderr)
            with workplace():
                add_raw(images)
                runs[own].append(one_stage(own))
                hashes[own] = digest()
    if hashes[False] != hashes[True]:
        raise RuntimeError("the two give different hashes")
    figures: dict[str, float] = {"images": len(images)}
    for what, of in (("s", "seconds"), ("processor s", "cpu")):
        theirs, ours = (
            statistics.median(getattr(r, of) for r in runs[own]) for own in (False, True)
        )
        figures |= {f"with imagehash, {what}": theirs, f"with our own, {what}": ours}
        figures[f"slower by, % of {what}"] = 100 * (theirs / ours - 1)
    rounds_of = [[[r.seconds, r.cpu] for r in runs[own]] for own in (False, True)]
    keep("hashing", machine() | figures | {"rounds": rounds_of})
    print(tabulate(list(figures.items()), floatfmt=",.1f"))


def one_stage(own: bool) -> Cost:
    """Run the stage from data/raw to data/clean and the report."""
    command = [sys.executable, "-c", COMMAND.format(own=own)]
    path = {"PYTHONPATH": f"{ROOT}:{ROOT / 'benchmarks'}"}
    return measured(command, Path.cwd(), path)


def digest() -> str:
    """SHA-256 of all hashes that the stage found."""
    found = pq.read_table(paths.VERDICTS, columns=["sha256", "phash"]).to_pylist()
    return hashlib.sha256(repr(found).encode()).hexdigest()


def run_stage(own: bool) -> None:
    """Do what `python -m pipeline.clean` does. It runs in a process of its own."""
    if own:
        stage.measure = measure_with_our_own
    stage.main([])


def measure_with_our_own(path: Path, sha256: str, max_pixels: int) -> Measured | NoMeasurement:
    """Measure an image with our own transform. Workers run this."""
    measuring.perceptual_hashes = our_own
    return measuring.measure(path, sha256, max_pixels)


def our_own(grey: Image.Image) -> tuple[bytes, bytes]:
    """The hashes of an image and its mirror image, with the same bits as imagehash's.

    One cosine transform computes only the coefficients that are needed. Those of the mirror image
    are the same, but some have the other sign.
    """
    small = grey.resize((GREY, GREY), Image.Resampling.LANCZOS)
    low = COSINES @ np.asarray(small, dtype=np.float64) @ COSINES.T
    first, second = (
        np.packbits(each > np.median(each)).tobytes()
        for each in (low.round(6), low.round(6) * MIRROR)
    )
    return first, second


if __name__ == "__main__":
    run(main)
