"""What each option of the training recipe is worth on the real photos, one run for each and seed.

    python benchmarks/options.py                     lists the runs, and what is done
    python benchmarks/options.py RUN [--seed N]      measures one; what is done already is skipped
    python benchmarks/options.py --table             writes the table into docs/training.md

Every run is presets/clothing-residual.yaml made short (48 pixels, 20 epochs) with one option
changed. Its figures, on validation pictures, go to benchmarks/results/options/RUN-SEED.json.
"""

import argparse
import json
import sys

import train
from photos import ROOT, commit, write_between
from sklearn.metrics import balanced_accuracy_score
from tabulate import tabulate

from model import artifact, data
from pipeline.manifest import write_atomic

PRESET = "presets/clothing-residual.yaml"
SHORT = {"image_size": 48, "epochs": 20}
RUNS: dict[str, tuple[str, dict[str, object]]] = {
    "as-it-is": ("the short recipe as it is", {}),
    "adam": ("`optimizer: adam`", {"optimizer": "adam"}),
    "plateau": ("`schedule: plateau`", {"schedule": "plateau"}),
    "no-warm-up": ("`warmup_epochs: 0`", {"warmup_epochs": 0}),
    "no-smoothing": ("`label_smoothing: 0`", {"label_smoothing": 0}),
    "no-average": ("`moving_average: null`", {"moving_average": None}),
    "class-weights": ("`class_weights: true`", {"class_weights": True}),
    "early-stopping": ("`early_stopping: 4`", {"early_stopping": 4}),
    "sequential": ("`network: sequential_cnn`", {"network": "sequential_cnn"}),
}
RESULTS = ROOT / "benchmarks/results/options"
PAGE = ROOT / "docs/training.md"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", nargs="?", choices=RUNS, metavar="RUN")
    parser.add_argument("--seed", type=int, default=1, help="of the training (1)")
    parser.add_argument("--table", action="store_true", help="write it into docs/training.md")
    options = parser.parse_args()
    if options.table:
        write_table()
    elif options.run is None:
        print(tabulate([(run, *row[1:]) for run, row in zip(RUNS, rows(), strict=True)]))
    else:
        one(options.run, options.seed)


def one(name: str, seed: int) -> None:
    path = RESULTS / f"{name}-{seed}.json"
    if path.exists():
        sys.exit(f"{path.relative_to(ROOT)} is there; remove it to measure again")
    about = {"run": name, "seed": seed, "commit": commit(), "machine": train.machine()}
    folder = train.clone(PRESET, {**SHORT, **RUNS[name][1], "seed": seed})
    seconds = train.dvc("repro", "--single-item", "--force", "--no-run-cache", "train")
    classifier = artifact.load(folder / "results/model")
    pictures = data.load_split(
        folder / "data/dataset", "validation", classifier.labels, classifier.image_size
    )
    predicted = classifier.probabilities(pictures.images).argmax(axis=1)
    figures = {
        "accuracy": float((predicted == pictures.classes).mean()),
        "balanced_accuracy": float(balanced_accuracy_score(pictures.classes, predicted)),
        "minutes": seconds / 60,
    }
    write_atomic(path, json.dumps({**about, "figures": figures}, indent=2) + "\n")
    print(path.read_text(encoding="utf-8"), end="")


def rows() -> list[tuple[str, ...]]:
    """What was changed; validation accuracy, balanced accuracy, minutes; seeds."""
    found = []
    for name, (what, _) in RUNS.items():
        results = [
            json.loads(p.read_text(encoding="utf-8")) for p in RESULTS.glob(f"{name}-?.json")
        ]
        shown = [
            f"{train.mean([r['figures'][key] for r in results]):.{digits}f}" if results else ""
            for key, digits in (("accuracy", 3), ("balanced_accuracy", 3), ("minutes", 1))
        ]
        seeds = ", ".join(str(seed) for seed in sorted(r["seed"] for r in results))
        found.append((what, *shown, seeds))
    return found


def write_table() -> None:
    done = [row for row in rows() if row[-1]]
    header = ["changed", "validation accuracy", "balanced accuracy", "minutes", "seeds"]
    table = tabulate(done, header, "pipe", disable_numparse=True)
    results = [json.loads(p.read_text(encoding="utf-8")) for p in RESULTS.glob("*.json")]
    text = f"On {train.machines(results)}:\n\n{table}"
    write_between(PAGE, "python benchmarks/options.py --table", text)
    print(table)


if __name__ == "__main__":
    main()
