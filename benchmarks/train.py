"""Training: speed and quality on the real photos and on the demo shop, one row at a time.

    python benchmarks/train.py                     lists the rows, and what is done
    python benchmarks/train.py ROW [--seed N]      measures one; what is done already is skipped
    python benchmarks/train.py --table             writes the table into the pages

A row's figures go to benchmarks/results/train/ROW-SEED.json with the commit that they belong to.
What is measured is the commit, in a clone of its own (.cache/benchmarks/train), not the working
tree. The first row of a commit collects and cleans there, which is not counted. A row that was
killed goes on from its checkpoint when it is asked for again; it then has no time.
"""

import argparse
import itertools
import json
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import input_pipeline
import numpy as np
from collect import Run, measured
from photos import ROOT, write_between
from recipes import CLONE, Figures, clone, dvc, machines, means, measure_once, results, seeds
from tabulate import tabulate

from model.quiet import import_keras
from pipeline.cli import UserError, run
from pipeline.params import load_params

DATASET = CLONE / "data/dataset"
RESULTS = ROOT / "benchmarks/results/train"
PAGE = ROOT / "docs/performance.md"
COMMAND = "python benchmarks/train.py --table"

OUTPUT = "output.log"  # of `measured`
EPOCH_LINE = r"^epoch +([0-9]+)/.* ([0-9.]+) s "

CLOTHING, DEMO = "presets/clothing.yaml", "params.yaml"
AS_WRITTEN = {  # the recipe as people write it, of which an epoch is compared, and 30 of them
    "image_size": 150, "batch_size": 32, "epochs": 30, "learning_rate": 1e-4, "plateau_patience": 2,
    "input": "fused", "precision": "auto",
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One line of the table. `show` makes its text of the figures, which are means over seeds."""

    what: str
    reach: str
    measure: Callable[[int], Figures]
    show: str


def accuracy_of(preset: str, changes: Mapping[str, Any] | None = None) -> Callable[[int], Figures]:
    return lambda seed: reproduce(preset, {**(changes or {}), "seed": seed})


QUALITY = "validation {validation:.3f} in {minutes:.1f} min; test {test:.3f}"
ROWS = {
    "input": Row(
        "input, augmented; against `flow_from_directory`, and six `Random*` layers from memory",
        "≥ 8 ×, ≥ 3.5 ×",
        lambda _: input_rates(),
        "{ours:.0f}/s: {against_generator:.1f} ×, {against_layers:.1f} ×",
    ),
    "epoch": Row(
        "an epoch of the default recipe at 150×150; against the usual script",
        "≤ 0.5 × with bfloat16, else 0.85 ×",
        lambda seed: epochs_side_by_side(seed),
        "{ratio:.2f} × ({ours:.0f} s, {usual:.0f} s)",
    ),
    "usual-30": Row(
        "the usual script, 30 epochs", "", lambda seed: usual_script(seed, 30)[0],
        "validation {validation:.3f}",
    ),
    "default-30": Row(
        "the default recipe at 150×150, 30 epochs", "validation at most 0.02 below the usual",
        accuracy_of(CLOTHING, AS_WRITTEN), "validation {validation:.3f}; test {test:.3f}",
    ),
    "residual": Row(
        "`residual_cnn` from scratch", "validation ≥ 0.85 within 15 min",
        accuracy_of("presets/clothing-residual.yaml"), QUALITY,
    ),
    "normalization": Row(
        "a step of `residual_cnn`, processor time; against Keras' own batch normalisation", "",
        lambda seed: normalizations(seed), "{ratio:.2f} × ({ours:.0f} ms, {usual:.0f} ms)",
    ),
    "squeezenet": Row(
        "`squeezenet`, frozen, from cleaned data to metrics", "validation ≥ 0.86 within 2.5 min",
        accuracy_of("presets/clothing-squeezenet.yaml"), QUALITY,
    ),
    "squeezenet-tuned": Row(
        "`squeezenet`, fine-tuned", "validation ≥ 0.91 within 12 min",
        accuracy_of("presets/clothing-squeezenet-tuned.yaml"), QUALITY,
    ),
    "demo": Row(
        "the demo shop, `efficientnet_lite2`, frozen", "validation ≥ 0.95 within 3 min",
        accuracy_of("presets/demo-pretrained.yaml"), QUALITY,
    ),
    "demo-default": Row(
        "the demo shop, the default recipe", "", accuracy_of(DEMO), QUALITY,
    ),
    "deterministic": Row(
        "a training with `deterministic: true`, processor time; against without", "",
        lambda seed: determinism(seed), "{ratio:.2f} ×",
    ),
    "start": Row(
        "from TensorFlow's import to the first step, at 150×150", "< 5 s for 3,000 images",
        lambda seed: start_up(seed), "{seconds:.1f} s for {images:.0f} images",
    ),
    "memory": Row(
        "peak memory beyond the decoded images, at 150×150", "≤ 1.5 GB",
        lambda seed: memory(seed), "{beyond_gb:.2f} GB",
    ),
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("row", nargs="?", choices=ROWS, metavar="ROW")
    parser.add_argument("--seed", type=int, default=1, help="of the training (1)")
    parser.add_argument("--table", action="store_true", help="write it into the pages")
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
    print(table)


def reproduce(preset: str, changes: Mapping[str, Any]) -> Figures:
    """From cleaned data to metrics."""
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


def input_rates() -> Figures:
    augment = load_params(clone(CLOTHING, AS_WRITTEN) / "params.yaml").augment
    import_keras()
    rates = input_pipeline.measure(DATASET, augment, 150, 32)
    ours = rates.pop(input_pipeline.OURS)
    generator, layers = rates.values()
    return {"ours": ours, "against_generator": ours / generator, "against_layers": ours / layers}


def usual_script(seed: int, epochs: int) -> tuple[Figures, list[float]]:
    """ImageDataGenerator and fit in float32, as people write it; and the seconds of each epoch."""
    folder = clone(CLOTHING, {**AS_WRITTEN, "seed": seed})
    augment = load_params(folder / "params.yaml").augment.model_dump()
    import_keras()
    import keras
    import tensorflow as tf

    from model.networks.registry import build

    keras.utils.set_random_seed(seed)
    generator = tf.keras.preprocessing.image.ImageDataGenerator
    size = {"target_size": (150, 150), "batch_size": 32}
    training = generator(rescale=1 / 255, **augment).flow_from_directory(
        DATASET / "train", seed=seed, **size
    )
    validation = generator(rescale=1 / 255).flow_from_directory(
        DATASET / "validation", shuffle=False, **size
    )
    ours = build("sequential_cnn", 150, training.num_classes)
    network = keras.Sequential([keras.Input((150, 150, 3)), *ours.layers[1:]])  # less the scaling
    network.compile(keras.optimizers.Adam(1e-4), "categorical_crossentropy", metrics=["accuracy"])
    ends = [time.perf_counter()]
    history = network.fit(
        training,
        validation_data=validation,
        epochs=epochs,
        callbacks=[
            keras.callbacks.ReduceLROnPlateau("val_accuracy", 0.5, 2),
            keras.callbacks.LambdaCallback(
                on_epoch_end=lambda *_: ends.append(time.perf_counter())
            ),
        ],
        verbose=2,
    ).history
    figures = {"validation": max(history["val_accuracy"]), "minutes": (ends[-1] - ends[0]) / 60}
    return figures, [end - start for start, end in itertools.pairwise(ends)]


def epochs_side_by_side(seed: int) -> Figures:
    """Two epochs of each, three times by turns; the first of each compiles and doesn't count."""
    usual, ours = [], []
    for _ in range(3):
        usual.append(usual_script(seed, 2)[1][1])
        _, said = training({"seed": seed, "epochs": 2})
        _, second = re.findall(EPOCH_LINE, said, re.MULTILINE)
        ours.append(float(second[1]))
    fast, slow = statistics.median(ours), statistics.median(usual)
    return {"ours": fast, "usual": slow, "ratio": fast / slow}


def normalizations(seed: int) -> Figures:
    """Thirty steps of a batch each, three times by turns; the first of each compiles."""
    params = load_params(clone("presets/clothing-residual.yaml", {"seed": seed}) / "params.yaml")
    recipe = params.train
    import_keras()
    import keras
    import tensorflow as tf

    from model.networks import registry as networks
    from model.train import hardware, optimization

    keras.utils.set_random_seed(seed)
    drawn = np.random.default_rng(seed)
    size, classes = recipe.image_size, 10
    images = drawn.integers(0, 256, (recipe.batch_size, size, size, 3)).astype(np.float32)
    one_hot = np.eye(classes, dtype=np.float32)[drawn.integers(0, classes, recipe.batch_size)]
    batches = tf.data.Dataset.from_tensors((images, one_hot)).repeat()
    with hardware.arithmetic(hardware.precision(recipe.precision)):
        usual = networks.build(recipe.network, size, classes)
        ours = hardware.for_training(usual)
    spent: dict[str, list[float]] = {"usual": [], "ours": []}
    for network in (usual, ours):
        optimization.compile_network(network, recipe)
        network.fit(batches, steps_per_epoch=1, verbose=0)
    for _ in range(3):
        for name, network in (("usual", usual), ("ours", ours)):
            started = time.process_time()
            network.fit(batches, steps_per_epoch=30, verbose=0)
            spent[name].append((time.process_time() - started) / 30 * 1000)
    slow, fast = statistics.median(spent["usual"]), statistics.median(spent["ours"])
    return {"ours": fast, "usual": slow, "ratio": fast / slow}


def determinism(seed: int) -> Figures:
    """Two epochs, start-up included, each way twice by turns."""
    seconds: dict[bool, float] = {True: 0.0, False: 0.0}
    for way in (True, False, True, False):
        took, _ = training({"seed": seed, "epochs": 2, "deterministic": way})
        seconds[way] += took.cpu
    return {"ratio": seconds[True] / seconds[False]}


def memory(seed: int) -> Figures:
    """Of a training of one epoch with all images in memory."""
    took, _ = training({"seed": seed, "epochs": 1})
    files = [f for split in ("train", "validation") for f in DATASET.glob(f"{split}/*/*")]
    images = len(files) * 150 * 150 * 3
    return {"beyond_gb": (took.peak - images) / 1e9, "images_gb": images / 1e9}


def training(changes: Mapping[str, Any]) -> tuple[Run, str]:
    """The default recipe at 150×150 by its command, in a folder of its own; and what it printed."""
    folder = clone(CLOTHING, {**AS_WRITTEN, **changes})
    scratch = CLONE.with_name("training")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    (scratch / "data").symlink_to(folder / "data")
    shutil.copy(folder / "params.yaml", scratch)
    command = [sys.executable, "-m", "model.train"]
    took = measured(command, scratch, {"PYTHONPATH": str(folder)})
    return took, (scratch / OUTPUT).read_text(encoding="utf-8")


def start_up(seed: int) -> Figures:
    """Decoding included. The system has read the files before, as after a clean."""
    folder = clone(CLOTHING, {**AS_WRITTEN, "seed": seed})
    images = len(list(DATASET.glob("train/*/*.jpg")))
    import_keras()
    from model.train import recipe

    class FirstStepError(Exception):
        pass

    class First(recipe.EpochLine):
        def on_train_batch_end(self, _batch: int, logs: Any = None) -> None:  # noqa: ARG002
            raise FirstStepError

    recipe.EpochLine = First
    with tempfile.TemporaryDirectory() as name, suppress(FirstStepError):
        model, log, cache = (Path(name) / part for part in ("model", "train", "cache"))
        started = time.perf_counter()
        recipe.train(load_params(folder / "params.yaml"), DATASET, model, log, cache)
    return {"seconds": time.perf_counter() - started, "images": images}


if __name__ == "__main__":
    run(main)
