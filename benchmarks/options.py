"""Measures the effect of each option of the training recipe on the real images.

    python benchmarks/options.py                     lists the runs, and the seeds that are done
    python benchmarks/options.py RUN [--seed N]      measures one, if it is not done yet
    python benchmarks/options.py --table             writes the table into docs/training.md

Each run changes one option of a preset. The preset is clothing-residual.yaml in a short form (48
pixels, 20 epochs), or clothing-squeezenet-tuned.yaml. The figures, on validation images, go to
benchmarks/results/options/RUN-SEED.json.
"""

import argparse

from common import ROOT, write_between
from recipes import Figures, clone, dvc, machines, means, measure_once, results, seeds
from sklearn.metrics import balanced_accuracy_score
from tabulate import tabulate

from model import artifact, data
from pipeline.cli import run
from pipeline.numbers import number_from

Changes = dict[str, object]
SHORT = "presets/clothing-residual.yaml", {"image_size": 48, "epochs": 20}
TUNED: tuple[str, Changes] = "presets/clothing-squeezenet-tuned.yaml", {}
RUNS: dict[str, tuple[str, tuple[str, Changes], Changes]] = {
    "as-it-is": ("the short recipe as it is", SHORT, {}),
    "adam": ("`optimizer: adam`", SHORT, {"optimizer": "adam"}),
    "plateau": ("`schedule: plateau`", SHORT, {"schedule": "plateau"}),
    "no-warm-up": ("`warmup_epochs: 0`", SHORT, {"warmup_epochs": 0}),
    "no-smoothing": ("`label_smoothing: 0`", SHORT, {"label_smoothing": 0}),
    "no-average": ("`moving_average: null`", SHORT, {"moving_average": None}),
    "class-weights": ("`class_weights: true`", SHORT, {"class_weights": True}),
    "early-stopping": ("`early_stopping: 4`", SHORT, {"early_stopping": 4}),
    "sequential": ("`network: sequential_cnn`", SHORT, {"network": "sequential_cnn"}),
    "tuned": ("SqueezeNet fine-tuned as it is", TUNED, {}),
    "tuned-no-smoothing": ("`label_smoothing: 0`", TUNED, {"label_smoothing": 0}),
    "tuned-no-average": ("`moving_average: null`", TUNED, {"moving_average": None}),
    "tuned-class-weights": ("`class_weights: true`", TUNED, {"class_weights": True}),
}
DIGITS = {"accuracy": 3, "balanced_accuracy": 3, "minutes": 1}
RESULTS = ROOT / "benchmarks/results/options"
PAGE = ROOT / "docs/training.md"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", nargs="?", choices=RUNS, metavar="RUN")
    parser.add_argument("--seed", type=number_from(0), default=1, help="of the training (1)")
    parser.add_argument("--table", action="store_true", help="write it into docs/training.md")
    options = parser.parse_args()
    if options.table:
        write_table()
    elif options.run is None:
        rows = [(name, what, seeds(results(RESULTS, name))) for name, (what, *_) in RUNS.items()]
        print(tabulate(rows, ["run", "changed", "seeds done"]))
    else:
        measure_once(RESULTS, options.run, options.seed, lambda: measure(options.run, options.seed))


def measure(name: str, seed: int) -> Figures:
    _, (preset, base), changed = RUNS[name]
    folder = clone(preset, {**base, **changed, "seed": seed})
    seconds = dvc("repro", "--single-item", "--force", "--no-run-cache", "train")
    classifier = artifact.load(folder / "results/model")
    images = data.load_split(
        folder / "data/dataset", "validation", classifier.labels, classifier.image_size
    )
    predicted = classifier.probabilities(images.images).argmax(axis=1)
    return {
        "accuracy": float((predicted == images.classes).mean()),
        "balanced_accuracy": float(balanced_accuracy_score(images.classes, predicted)),
        "minutes": seconds / 60,
    }


def write_table() -> None:
    found = [(what, of) for name, (what, *_) in RUNS.items() if (of := results(RESULTS, name))]
    rows = [
        (what, *(f"{value:.{DIGITS[key]}f}" for key, value in means(of).items()), seeds(of))
        for what, of in found
    ]
    header = ["changed", "validation accuracy", "balanced accuracy", "minutes", "seeds"]
    table = tabulate(rows, header, "pipe", disable_numparse=True)
    text = f"On {machines([one for _, of in found for one in of])}:\n\n{table}"
    write_between(PAGE, "python benchmarks/options.py --table", text)
    print(table)


if __name__ == "__main__":
    run(main)
