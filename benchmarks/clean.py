"""Measures how fast cleaning is, beside CleanVision on the same images, and how it scales.

    python benchmarks/clean.py [ROW ...] [--rounds 3]

Each row can run alone. Times are wall clock, medians of the rounds (`million` has one). If there
is a peer, rounds of both alternate, so that other work of the machine slows both alike.
CleanVision runs with all its checks, in a virtual environment of its own. The figures also go to
benchmarks/results/clean.json, each with its commit and processor.
"""

import argparse
import dataclasses
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import ROOT, add_raw, keep, machine, params, peer, real_images, workplace
from pretend import pretend
from processes import Cost, measured
from ruamel.yaml import YAML
from tabulate import tabulate

from pipeline import paths
from pipeline.clean.__main__ import _measure_all, examine
from pipeline.clean.cache import Cache
from pipeline.clean.report import write_report
from pipeline.cli import UserError, run
from pipeline.numbers import number_from
from pipeline.raw import read_raw
from pipeline.system import usable_cores

OLD, NEW = 100_000, 100
CLEANVISION = """
import json, sys, time
from cleanvision import Imagelab
if __name__ == "__main__":
    started = time.perf_counter()
    lab = Imagelab(data_path=sys.argv[1])
    lab.find_issues(n_jobs=int(sys.argv[2]), verbose=False)
    print(json.dumps({"images": len(lab.issues), "seconds": time.perf_counter() - started}))
"""
PROPOSE = "import sys; from hashes import propose; propose(int(sys.argv[1]), sys.argv[2])"


@dataclass(frozen=True)
class Line:
    """A figure as it is printed and kept. `reach` is the goal, as text."""

    what: str
    ours: float
    unit: str
    reach: str = ""
    peer: float | None = None
    ratio: float | None = None
    more: dict[str, Any] = dataclasses.field(default_factory=dict)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(ROWS)} (all)")
    parser.add_argument(
        "--rounds", type=number_from(1), default=3, help="of which the median counts (3)"
    )
    options = parser.parse_args()
    if unknown := set(options.rows) - set(ROWS):
        raise UserError(f"there is no row {', '.join(sorted(unknown))}; choose {', '.join(ROWS)}")
    printed = []
    for name in options.rows or ROWS:
        print(f"{name} …", file=sys.stderr)
        lines = ROWS[name](max(1, options.rounds))
        keep("clean", {name: machine() | {"lines": [dataclasses.asdict(line) for line in lines]}})
        printed += [(x.what, x.ours, x.unit, x.reach, x.peer, x.ratio) for x in lines]
    headers = ["", "here", "", "reach", "CleanVision", "ratio"]
    print(tabulate(printed, headers, floatfmt=("", ",.1f", "", "", ",.1f", ".3g"), missingval=""))


def measuring(rounds: int) -> list[Line]:
    """Reading, checking, decoding, measuring and keeping. The start of Python doesn't count."""
    ours, theirs = [], []
    with real_images() as images, workplace():
        add_raw(images)
        raw = read_raw(params().sources, paths.RAW)
        for _ in range(rounds):
            with tempfile.TemporaryDirectory() as cache, Cache(Path(cache) / "it.sqlite") as kept:
                started = time.perf_counter()
                _measure_all(raw.images, kept)
                ours.append(len(images) / (time.perf_counter() - started))
            found = last_line(cleanvision())
            theirs.append(found["images"] / found["seconds"])
    return [against("measuring, images/s", ours, theirs, "≥ 5 ×")]


def stage(rounds: int) -> list[Line]:
    """`python -m pipeline.clean` from raw to data/clean and report."""
    ours, theirs = [], []
    with real_images() as images, workplace():
        add_raw(images)
        for _ in range(rounds):
            start_over()
            ours.append(len(images) / clean_stage().seconds)
            theirs.append(len(images) / measured(*cleanvision_command()).seconds)
    return [against("raw to data/clean and report, images/s", ours, theirs, "≥ 3 ×")]


def added(rounds: int) -> list[Line]:
    """New images beside many that are measured already. The files of these have no image."""
    seconds, pages, size = [], [], 0
    with real_images() as images, workplace(), Cache(Path(".cache/it.sqlite")) as cache:
        new = images[:: len(images) // (NEW * rounds)]
        pretend(OLD, images[0], cache)
        for number in range(rounds):
            add_raw(new[number * NEW : (number + 1) * NEW])
            started = time.perf_counter()
            findings = examine(params(), cache)
            seconds.append(time.perf_counter() - started)
            unread = sum(v.reason is not None and not v.duplicate_of for v in findings.verdicts)
            if unread or len(findings.verdicts) != OLD + (number + 1) * NEW:
                raise RuntimeError(f"{unread} images were looked at that should not have been")
            started = time.perf_counter()
            write_report(findings, paths.RESULTS / "report.html", cache.thumbnail)
            pages.append(time.perf_counter() - started)
            size = (paths.RESULTS / "report.html").stat().st_size
    return [
        Line(
            f"{NEW} new on top of {OLD:,}: measuring and judging",
            statistics.median(seconds),
            "s",
            "< 5 s",
        ),
        Line(f"the report of {OLD:,}", statistics.median(pages), "s", more={"bytes": size}),
    ]


def repro(rounds: int) -> list[Line]:
    """`dvc repro clean split` in a copy of the repository with the real images.

    It runs again after a change of a threshold that drops no image, and again with new images.
    """
    seconds, thresholds = [], []
    files = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    command = [sys.executable, "-m", "dvc", "repro", "clean", "split"]
    with real_images() as images, workplace():
        for file in files:
            if file and file not in ("params.yaml", "dvc.lock", "data/review.csv"):
                Path(file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / file, file)
        subprocess.run(["git", "init", "--quiet"], check=True)
        new = images[:: len(images) // (NEW * rounds)][: NEW * rounds]
        _put(set(images) - set(new))
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        here = {"PYTHONPATH": str(Path.cwd()), "PATH": path}
        first = measured(command, Path.cwd(), here).seconds
        for number in range(rounds):
            _change_threshold(number)
            thresholds.append(measured(command, Path.cwd(), here).seconds)
            _put(new[number * NEW : (number + 1) * NEW])
            seconds.append(measured(command, Path.cwd(), here).seconds)
    what = f"`dvc repro clean split`, {NEW} new on top of {len(images) - NEW * rounds:,}"
    other = "`dvc repro clean split`, only a threshold is new"
    more = {"the first, s": first}
    return [
        Line(what, statistics.median(seconds), "s", more=more),
        Line(other, statistics.median(thresholds), "s", more=more),
    ]


def _change_threshold(number: int) -> None:
    yaml = YAML()
    values = yaml.load(paths.PARAMS)
    values["clean"]["dark"]["max_brightness"] = 70 - number  # darker than any of the images
    yaml.dump(values, paths.PARAMS)


def _put(images: Iterable[Path]) -> None:
    """Copy images into the folder of the source `own`, as a person would."""
    for image in images:
        folder = paths.OWN / image.parent.name
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(image, folder / image.name)


def pairs(rounds: int) -> list[Line]:
    return [proposals(100_000, "spread", rounds, "< 4 s")]


def crowd(rounds: int) -> list[Line]:
    return [proposals(100_000, "crowded", rounds, "< 8 s")]


def million(_: int) -> list[Line]:
    return [proposals(1_000_000, "spread", 1, "< 300 s, < 2,000 MB")]


def proposals(count: int, kind: str, rounds: int, reach: str) -> Line:
    found, peaks = [], []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            command = [sys.executable, "-c", PROPOSE, str(count), kind]
            took = measured(command, Path(folder), {"PYTHONPATH": f"{ROOT}:{ROOT / 'benchmarks'}"})
            found.append(last_line((Path(folder) / "output.log").read_text()))
            peaks.append(took.peak / 1e6)
    seconds = statistics.median(each["seconds"] for each in found)
    more = found[0] | {"peak, MB": statistics.median(peaks)}
    what = f"all pairs among {count:,} hashes{', crowded' if kind == 'crowded' else ''}"
    return Line(
        f"{what} ({more['pairs']:,}; {more['peak, MB']:.0f} MB)", seconds, "s", reach, more=more
    )


def memory(_: int) -> list[Line]:
    """The peak memory of the whole stage, all processes together, with n and 4 n images."""
    peaks = {}
    with real_images() as images:
        for some in (images[::4], images):
            with workplace():
                add_raw(some)
                peaks[len(some)] = clean_stage().peak / 1e6
    (n, small), (_, large) = peaks.items()
    what = "memory of the whole stage at {:,} images"
    return [
        Line(what.format(n), small, "MB"),
        Line(what.format(len(images)), large, "MB", "bounded", ratio=large / small),
    ]


def clean_stage() -> Cost:
    command = [sys.executable, "-m", "pipeline.clean"]
    return measured(command, Path.cwd(), {"PYTHONPATH": str(ROOT)})


def start_over() -> None:
    for folder in (paths.CLEAN_CACHE, paths.CLEAN, paths.RESULTS):
        shutil.rmtree(folder, ignore_errors=True)


def cleanvision_command() -> tuple[list[str | Path], Path]:
    command = [peer("cleanvision"), "-c", CLEANVISION, paths.RAW.resolve(), str(usable_cores())]
    return command, Path.cwd()


def cleanvision() -> str:
    command, folder = cleanvision_command()
    measured(command, folder)
    return (folder / "output.log").read_text()


def last_line(output: str) -> Any:
    return json.loads(output.strip().splitlines()[-1])


def against(what: str, ours: Sequence[float], theirs: Sequence[float], reach: str) -> Line:
    mine, other = statistics.median(ours), statistics.median(theirs)
    return Line(what, mine, "", reach, other, mine / other, {"rounds": [ours, theirs]})


ROWS: dict[str, Callable[[int], list[Line]]] = {
    "measuring": measuring,
    "stage": stage,
    "added": added,
    "repro": repro,
    "pairs": pairs,
    "crowd": crowd,
    "memory": memory,
    "million": million,
}

if __name__ == "__main__":
    run(main)
