"""Helpers that the benchmarks of training share: a clone of the commit, and results by seed."""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from common import ARCHIVES, ROOT, commit, processor
from processes import measured
from ruamel.yaml import YAML

from pipeline.files import write_atomic
from pipeline.system import usable_cores

CLONE = ROOT / ".cache/benchmarks/train"
WEIGHTS = Path(os.environ.get("WEIGHTS", ROOT.parent / "shared/weights"))
OUTPUT = "output.log"  # `measured` writes it
EPOCH_LINE = r"^epoch +([0-9]+)/.* ([0-9.]+) s "
Figures = dict[str, Any]


def clone(preset: str, changes: Mapping[str, Any]) -> Path:
    """A clone of the commit, up to the split, with a preset and changes in its section `train`."""
    if not CLONE.exists():
        subprocess.run(["git", "clone", "--quiet", ROOT, CLONE], check=True)
    for command in (["fetch", "--quiet"], ["checkout", "--quiet", "--force", "--detach", commit()]):
        subprocess.run(["git", *command], cwd=CLONE, check=True)
    yaml = YAML()
    params = yaml.load(CLONE / preset)
    params["train"].update(changes)
    if params["train"]["network"] == "squeezenet" and WEIGHTS.is_dir():
        params["train"]["weights"] = str(next(WEIGHTS.glob("squeezenet*.h5")))
    yaml.dump(params, CLONE / "params.yaml")
    dvc("repro", "split")
    return CLONE


def dvc(*arguments: str) -> float:
    """Run a command of DVC in the clone. Returns the seconds that it took."""
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(CLONE),
        "DATASETS_MIRROR": str(ARCHIVES.resolve()),
    }
    return measured([sys.executable, "-m", "dvc", *arguments], CLONE, environment).seconds


def measure_once(folder: Path, row: str, seed: int, measure: Callable[[], Figures]) -> None:
    """Measure, print, and keep the figures in `folder`/ROW-SEED.json, unless that file exists."""
    path = folder / f"{row}-{seed}.json"
    if path.exists():
        print(f"{path.relative_to(ROOT)} is there; remove it to measure again")
        return
    about = {"row": row, "seed": seed, "commit": commit(), "machine": machine()}
    write_atomic(path, json.dumps({**about, "figures": measure()}, indent=2) + "\n")
    print(path.read_text(encoding="utf-8"), end="")


def results(folder: Path, row: str) -> list[dict[str, Any]]:
    """The results that `measure_once` kept for a row, sorted by seed."""
    found = [json.loads(p.read_text(encoding="utf-8")) for p in folder.glob(f"{row}-*.json")]
    return sorted((r for r in found if r["row"] == row), key=lambda result: result["seed"])


def machines(found: list[dict[str, Any]]) -> str:
    """The machines on which the results were measured."""
    return "; ".join(sorted({result["machine"] for result in found}))


def means(found: list[dict[str, Any]]) -> dict[str, float]:
    """The mean of each figure. A training that was killed has no time, and doesn't count there."""
    known = {
        key: [r["figures"][key] for r in found if r["figures"][key] is not None]
        for key in found[0]["figures"]
    }
    return {key: statistics.fmean(of) if of else float("nan") for key, of in known.items()}


def seeds(found: list[dict[str, Any]]) -> str:
    return ", ".join(str(result["seed"]) for result in found)


def machine() -> str:
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    bfloat16 = "with" if "avx512_bf16" in flags or "amx_bf16" in flags else "without"
    cores = usable_cores()
    return f"{cores} core{'s' if cores > 1 else ''} of {processor()}, {bfloat16} bfloat16"
