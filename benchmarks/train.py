"""Measures the speed and quality of training on the real images and on the demo shop.

    python benchmarks/train.py                     lists the rows, and the seeds that are done
    python benchmarks/train.py ROW [--seed N]      measures one, if it is not done yet
    python benchmarks/train.py --table             writes the table and the plot into the pages

A row's figures go to benchmarks/results/train/ROW-SEED.json with their commit. The commit is
measured in a clone of its own (.cache/benchmarks/train), not the working tree. The first row of a
commit collects and cleans there, and that time doesn't count. If a row was killed, its next run
continues from the checkpoint; it then has no time.
"""

import argparse
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import training_speed
from common import ROOT, write_between
from matplotlib.figure import Figure
from recipes import (
    EPOCH_LINE,
    OUTPUT,
    Figures,
    clone,
    dvc,
    machines,
    means,
    measure_once,
    results,
    seeds,
)
from tabulate import tabulate

from pipeline.cli import UserError, run
from pipeline.numbers import number_from

RESULTS = ROOT / "benchmarks/results/train"
PAGE = ROOT / "docs/performance.md"
PLOT = ROOT / "docs/images/training.png"  # in docs/training.md
COMMAND = "python benchmarks/train.py --table"

DEMO = "params.yaml"


@dataclass(frozen=True)
class BenchmarkRow:
    """One line of the table. `show` is the format of its text; the figures are means over seeds."""

    what: str
    reach: str
    measure: Callable[[int], Figures]
    show: str


def accuracy_of(preset: str, changes: Mapping[str, Any] | None = None) -> Callable[[int], Figures]:
    return lambda seed: reproduce(preset, {**(changes or {}), "seed": seed})


PLOTTED = {
    "default-30": "sequential_cnn",
    "residual": "residual_cnn",
    "squeezenet": "squeezenet, frozen",
    "squeezenet-tuned": "squeezenet, fine-tuned",
    "pretrained": "efficientnet_lite2, frozen",
    "tuned": "efficientnet_lite2, fine-tuned",
}
QUALITY = "validation {validation:.3f} in {minutes:.1f} min; test {test:.3f}"
ROWS = {
    "input": BenchmarkRow(
        "input, augmented; against `flow_from_directory`, and six `Random*` layers from memory",
        "≥ 8 ×, ≥ 3.5 ×",
        lambda _: training_speed.input_rates(),
        "{ours:.0f}/s: {against_generator:.1f} ×, {against_layers:.1f} ×",
    ),
    "epoch": BenchmarkRow(
        "an epoch of the default recipe at 150×150; against the usual script",
        "≤ 0.5 × with bfloat16, else 0.85 ×",
        lambda seed: training_speed.epochs_side_by_side(seed),
        "{ratio:.2f} × ({ours:.0f} s, {usual:.0f} s)",
    ),
    "usual-30": BenchmarkRow(
        "the usual script, 30 epochs", "", lambda seed: training_speed.usual_script(seed, 30)[0],
        "validation {validation:.3f}",
    ),
    "default-30": BenchmarkRow(
        "the default recipe at 150×150, 30 epochs", "validation at most 0.02 below the usual",
        accuracy_of(training_speed.CLOTHING, training_speed.AS_WRITTEN),
        "validation {validation:.3f}; test {test:.3f}",
    ),
    "residual": BenchmarkRow(
        "`residual_cnn` from scratch", "validation ≥ 0.85 within 15 min",
        accuracy_of("presets/clothing-residual.yaml"), QUALITY,
    ),
    "normalization": BenchmarkRow(
        "a step of `residual_cnn`, processor time; against Keras' own batch normalisation", "",
        lambda seed: training_speed.normalizations(seed),
        "{ratio:.2f} × ({ours:.0f} ms, {usual:.0f} ms)",
    ),
    "squeezenet": BenchmarkRow(
        "`squeezenet`, frozen, from cleaned data to metrics", "validation ≥ 0.86 within 2.5 min",
        accuracy_of("presets/clothing-squeezenet.yaml"), QUALITY,
    ),
    "squeezenet-tuned": BenchmarkRow(
        "`squeezenet`, fine-tuned", "validation ≥ 0.91 within 12 min",
        accuracy_of("presets/clothing-squeezenet-tuned.yaml"), QUALITY,
    ),
    "pretrained": BenchmarkRow(
        "`efficientnet_lite2`, frozen, from cleaned data to metrics", "test ≥ 0.92 within 2 min",
        accuracy_of("presets/clothing-pretrained.yaml"), QUALITY,
    ),
    "tuned": BenchmarkRow(
        "`efficientnet_lite2`, fine-tuned", "validation and test ≥ 0.94 within 10 min",
        accuracy_of("presets/clothing-tuned.yaml"), QUALITY,
    ),
    "demo": BenchmarkRow(
        "the demo shop, `efficientnet_lite2`, frozen", "validation ≥ 0.95 within 3 min",
        accuracy_of("presets/demo-pretrained.yaml"), QUALITY,
    ),
    "demo-default": BenchmarkRow(
        "the demo shop, the default recipe", "", accuracy_of(DEMO), QUALITY,
    ),
    "deterministic": BenchmarkRow(
        "a training with `deterministic: true`, processor time; against without", "",
        lambda seed: training_speed.determinism(seed), "{ratio:.2f} ×",
    ),
    "hosts": BenchmarkRow(
        "the demo shop, 20 epochs of the default recipe, on two hosts; on one", "within the seeds",
        lambda seed: training_speed.two_hosts(seed),
        "validation {two:.3f}; {one:.3f}",
    ),
    "start": BenchmarkRow(
        "from TensorFlow's import to the first step, at 150×150", "< 5 s for 3,000 images",
        lambda seed: training_speed.start_up(seed), "{seconds:.1f} s for {images:.0f} images",
    ),
    "memory": BenchmarkRow(
        "peak memory beyond the decoded images, at 150×150", "≤ 1.5 GB",
        lambda seed: training_speed.memory(seed), "{beyond_gb:.2f} GB",
    ),
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("row", nargs="?", choices=ROWS, metavar="ROW")
    parser.add_argument("--seed", type=number_from(0), default=1, help="of the training (1)")
    parser.add_argument("--table", action="store_true", help="write it and the plot")
    options = parser.parse_args()
    if options.table:
        write_table()
    elif options.row is None:
        rows = [(name, row.reach, seeds(results(RESULTS, name))) for name, row in ROWS.items()]
        print(tabulate(rows, ["row", "reach", "seeds done"]))
    else:
        row = ROWS[options.row]
        measure_once(RESULTS, options.row, options.seed, lambda: row.measure(options.seed))


def write_table() -> None:
    lines, every = [], []
    for name, row in ROWS.items():
        found = results(RESULTS, name)
        if not found:
            continue
        shown = row.show.format_map(means(found))
        commits = ", ".join(sorted({r["commit"] for r in found}))
        lines.append((row.what, shown, seeds(found), commits))
        every += found
    if not lines:
        raise UserError("no row is measured yet; `python benchmarks/train.py` lists them")
    table = tabulate(lines, ["work", "measured (mean over seeds)", "seeds", "commit"], "pipe")
    write_between(PAGE, COMMAND, f"On {machines(every)}:\n\n{table}")
    plot()
    print(table)


def plot() -> None:
    """Validation accuracy against minutes: small dots are seeds, large ones means."""
    figure = Figure((7, 4.2), layout="constrained")
    axes = figure.subplots()
    for name, label in PLOTTED.items():
        found = [r for r in results(RESULTS, name) if r["figures"]["minutes"] is not None]
        if not found:
            continue
        mean = means(found)
        [large] = axes.plot(mean["minutes"], mean["validation"], "o", markersize=9)
        axes.plot(
            [result["figures"]["minutes"] for result in found],
            [result["figures"]["validation"] for result in found],
            ".", color=large.get_color(), alpha=0.6,
        )  # fmt: skip
        axes.annotate(
            label, (mean["minutes"], mean["validation"]),
            xytext=(0, -16), textcoords="offset points", ha="center",
        )  # fmt: skip
    axes.set_xscale("log")
    axes.set_xticks([1, 2, 5, 10, 20], ["1", "2", "5", "10", "20"])
    axes.set(xlabel="minutes from cleaned images to metrics", ylabel="validation accuracy")
    axes.set(xlim=(0.3, 60), ylim=(0.6, 1.0))
    axes.grid(alpha=0.3)
    figure.savefig(PLOT, dpi=130)


def reproduce(preset: str, changes: Mapping[str, Any]) -> Figures:
    """Split, train and evaluate, from cleaned data to metrics."""
    folder = clone(preset, changes)
    seconds = dvc("repro", "--single-item", "--force", "--no-run-cache",
                  "split", "train", "evaluate")  # fmt: skip
    epochs = re.findall(EPOCH_LINE, (folder / OUTPUT).read_text(encoding="utf-8"), re.MULTILINE)
    resumed = bool(epochs) and epochs[0][0] != "1"
    about = json.loads((folder / "results/model/classifier.json").read_text(encoding="utf-8"))
    scores = json.loads((folder / "results/evaluate/metrics.json").read_text(encoding="utf-8"))
    return {
        "validation": about["validation_accuracy"],
        "test": scores["accuracy"],
        "minutes": None if resumed else seconds / 60,
    }


if __name__ == "__main__":
    run(main)
