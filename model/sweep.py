"""Several settings, each with several seeds: which helps, and what is noise?

    python -m model.sweep -S train.learning_rate=0.0001,0.0003 -S train.batch_size=8,16 --seeds 1 2
    python -m model.sweep --setting train.epochs=40 --setting train.epochs=80 train.batch_size=16

Each run is a DVC experiment of the current commit. Its name tells its settings and ends in a digest
of all parameters: what is finished under that name is not run again, so a sweep that was stopped
goes on where it was.
"""

import argparse
import hashlib
import json
import re
import shlex
import shutil
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from tabulate import tabulate

from model import experiment, figures, side_by_side, workspace
from model.revisions import Revision
from pipeline.cli import UserError, run
from pipeline.files import csv_text, write_atomic
from pipeline.numbers import number_from
from pipeline.params import load_params
from pipeline.paths import EVALUATE, PARAMS, RESULTS, TRAIN

SWEEP = RESULTS / "sweep"
_METRICS = {  # the metrics that are compared, and their places
    "validation": (TRAIN / "metrics.json", ("best", "accuracy")),
    "test": (EVALUATE / "metrics.json", ("accuracy",)),
}


@dataclass(frozen=True, slots=True)
class Run:
    """One experiment. `settings` are as given to `dvc exp run -S`, without the seed."""

    settings: tuple[str, ...]
    seed: int | None
    """None takes the seed in params.yaml"""
    name: str

    @property
    def overrides(self) -> list[str]:
        return _with_seed(self.settings, self.seed)


@dataclass(frozen=True, slots=True)
class Result:
    """The accuracies of a finished run, from 0 to 1, by what they were measured on."""

    run: Run
    accuracy: dict[str, float]


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    with workspace.alone() as place:
        workspace.restore()  # a killed sweep may have left its parameters
        runs = plan(_settings(options.grid, options.settings), options.seeds)
        if not runs:
            raise UserError("-S names no value, so there is nothing to run; give KEY=VALUE,VALUE")
        finished = _finished()
        todo = [run for run in runs if run.name not in finished]
        if len(todo) < len(runs):
            print(f"{len(runs) - len(todo)} of {len(runs)} runs are finished already")
        failed = _run_all(todo, options.jobs, place) if todo else {}
        finished = _finished()
        others = {one for one in runs if one.name in finished and not _is(one, finished[one.name])}
        counting = [one for one in runs if one.name in finished and one not in others]
        results = [_result(one, finished[one.name]) for one in counting]
    if results:
        _report(results)
    for one, reason in failed.items():
        print(
            f"error: {one.name} failed; the same command tries it again. Reason: {reason}",
            file=sys.stderr,
        )
    for one in sorted(others, key=lambda one: one.name):
        print(
            f"error: {one.name} was run with other parameters than its name says, so it does not "
            f"count; `dvc exp remove {shlex.quote(one.name)}`, and the same command runs it again",
            file=sys.stderr,
        )
    return 1 if failed or others else 0


def _run_all(runs: Sequence[Run], jobs: int, place: BinaryIO) -> dict[Run, str]:
    """Run each one in the workspace, or several at once in clones. Returns why some failed.

    Afterwards params.yaml is as it was before. UserError if a person has changed it in that time,
    or if DVC can't run anything.
    """
    workspace.require_stored()
    if jobs > 1:
        reasons = side_by_side.run_all({one.name: one.overrides for one in runs}, jobs, place)
        return {one: reasons[one.name] for one in runs if one.name in reasons}
    failed = {}
    try:
        for number, one in enumerate(runs, start=1):
            print(f"run {number} of {len(runs)}: {' '.join(one.overrides)}", flush=True)
            workspace.keep()
            workspace.set_to(one.overrides)
            if reason := experiment.run(one.name, one.overrides, place):
                failed[one] = reason
            workspace.restore(is_whole=not reason)
    finally:
        workspace.restore()
    return failed


def plan(settings: Sequence[tuple[str, ...]], seeds: Sequence[int] | None) -> list[Run]:
    """All runs: each setting with each seed, none twice. UserError where a value is not allowed."""
    repeats: list[int | None] = [*dict.fromkeys(seeds)] if seeds else [None]
    return [Run(one, seed, _name(one, seed)) for one in settings for seed in repeats]


def _settings(grid: Sequence[str], listed: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """The grid's product, by Hydra's grammar (as in `dvc exp run --queue`), times the list."""
    from dvc.utils.hydra import get_hydra_sweeps
    from hydra.errors import OverrideParseException

    try:
        points = get_hydra_sweeps({PARAMS.name: list(grid)})
    except OverrideParseException as error:
        raise UserError(f"-S takes KEY=VALUE,VALUE,…: {error}") from error
    product = [tuple(point[PARAMS.name]) for point in points]
    return list(dict.fromkeys((*one, *more) for one in product for more in listed or [()]))


def _with_seed(settings: Sequence[str], seed: int | None) -> list[str]:
    return [*settings, *([] if seed is None else [f"train.seed={seed}"])]


def _name(settings: Sequence[str], seed: int | None) -> str:
    """Readable, fit for a Git reference, and no other for other parameters."""
    overrides = _with_seed(settings, seed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / PARAMS.name
        shutil.copy(PARAMS, path)
        workspace.apply(path, overrides)
        try:
            digest = _digest(path)
        except UserError as error:  # it names the copy, which nobody knows
            new = f"{PARAMS.name} with {' '.join(overrides)}" if overrides else PARAMS.name
            raise UserError(str(error).replace(str(path), new)) from error
    told = ",".join(map(_told, overrides)) or "as-it-is"
    fit = re.sub(r"[^\w=,.-]+|[.][.]+", "_", told)
    return f"{fit[:80]}-{digest}"


def _digest(params: Path) -> str:
    """A digest of all values in a parameter file."""
    values = load_params(params).model_dump_json()
    return hashlib.sha256(values.encode()).hexdigest()[:8]


def _is(one: Run, revision: str) -> bool:
    """Whether the experiment has the parameters in its name."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / PARAMS.name
        path.write_bytes(Revision(revision).read(PARAMS))
        try:
            return one.name.endswith(_digest(path))
        except UserError:  # another version of the project wrote it
            return False


def _told(override: str) -> str:
    key, _, value = override.partition("=")
    return f"{key.rpartition('.')[2]}={value}"


def _finished() -> dict[str, str]:
    """The experiments of this commit: name to Git revision."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            listed = repo.experiments.ls()
    except DvcException as error:
        raise UserError(
            f"experiments need a Git repository with a commit, and DVC: {error}"
        ) from error
    return {name: revision for of_commit in listed.values() for name, revision in of_commit}


def _result(one: Run, revision: str) -> Result:
    files = Revision(revision)
    found = {}
    for name, (path, keys) in _METRICS.items():
        try:
            value: Any = json.loads(files.read(path))
            for key in keys:
                value = value[key]
            found[name] = float(value)
        except (ValueError, TypeError, KeyError) as error:
            raise UserError(
                f"{path} of {one.name} is damaged ({error!r}); `dvc exp remove "
                f"{shlex.quote(one.name)}`, and the same command runs it again"
            ) from error
    return Result(one, found)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m model.sweep",
        description="Run several settings of params.yaml as DVC experiments. A table, and a plot "
        "in results/sweep, say which is better, and by how much seeds alone differ.",
        epilog="A sweep that was stopped goes on by the same command. params.yaml stays as it "
        "is, results/ hold the last run; `dvc exp apply NAME` takes one. Commit code and data "
        "first: a run is known by its parameters and the commit.",
    )
    parser.add_argument(
        "-S",
        "--set-param",
        dest="grid",
        action="append",
        default=[],
        metavar="KEY=VALUE,VALUE,…",
        help="a key and its values; several make a grid: each with each",
    )
    parser.add_argument(
        "--setting",
        dest="settings",
        action="append",
        nargs="+",
        default=[],
        metavar="KEY=VALUE",
        help="keys that go together; given several times a list of settings (times the grid)",
    )
    parser.add_argument(
        "--seeds",
        type=number_from(0, 2**32 - 1),
        nargs="+",
        metavar="N",
        help="repeat each with these train.seed",
    )
    parser.add_argument(
        "--jobs",
        type=number_from(1),
        default=1,
        metavar="N",
        help="so many runs at once, each in a clone; results/ stay as they are (1)",
    )
    return parser.parse_args(arguments)


def _report(results: Sequence[Result]) -> None:
    by_setting: dict[tuple[str, ...], list[Result]] = {}
    for result in results:
        by_setting.setdefault(result.run.settings, []).append(result)
    accuracies = {
        " ".join(map(_told, one)) or "as it is": {
            name: [result.accuracy[name] for result in by_setting[one]] for name in _METRICS
        }
        for one in sorted(by_setting, key=lambda one: -_mean(by_setting[one], "validation"))
    }
    rows = [
        (setting, len(of["validation"]), *map(_spread, of.values()))
        for setting, of in accuracies.items()
    ]
    headers = ["setting", "runs", *(f"{name} accuracy" for name in _METRICS)]
    print(tabulate(rows, headers=headers, disable_numparse=True))
    print(
        "mean ± standard deviation over runs; choose by validation, the test split is for the end"
    )
    _write(results)
    write_atomic(SWEEP / "sweep.png", figures.spread(accuracies))
    print(f"every run is in {SWEEP / 'runs.csv'}, a plot in {SWEEP / 'sweep.png'}")


def _mean(results: Sequence[Result], name: str) -> float:
    return statistics.fmean(result.accuracy[name] for result in results)


def _spread(values: Sequence[float]) -> str:
    mean = f"{statistics.fmean(values):.3f}"
    return mean if len(values) == 1 else f"{mean} ± {statistics.stdev(values):.3f}"


def _write(results: Sequence[Result]) -> None:
    rows = [
        [one.run.name, " ".join(one.run.settings), one.run.seed, *one.accuracy.values()]
        for one in results
    ]
    write_atomic(SWEEP / "runs.csv", csv_text(["experiment", "setting", "seed", *_METRICS], rows))


if __name__ == "__main__":
    run(main)
