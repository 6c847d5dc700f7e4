"""Measures the speed and the memory of training, for `train.py`."""

import itertools
import json
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import input_pipeline
import numpy as np
from collect import Cost, measured
from common import ROOT
from recipes import CLONE, EPOCH_LINE, OUTPUT, Figures, clone

from model.quiet import import_keras
from pipeline.params import load_params

sys.path.append(str(ROOT / "tests" / "helpers"))
from loopback import free_addresses

DATASET = CLONE / "data/dataset"

CLOTHING = "presets/clothing.yaml"
AS_WRITTEN = {  # the recipe as people usually write it
    "image_size": 150, "batch_size": 32, "epochs": 30, "learning_rate": 1e-4, "plateau_patience": 2,
    "input": "fused", "precision": "auto",
}  # fmt: skip


def input_rates() -> Figures:
    augment = load_params(clone(CLOTHING, AS_WRITTEN) / "params.yaml").augment
    import_keras()
    rates = input_pipeline.measure(DATASET, augment, 150, 32)
    ours = rates.pop(input_pipeline.OURS)
    generator, layers = rates.values()
    return {"ours": ours, "against_generator": ours / generator, "against_layers": ours / layers}


def usual_script(seed: int, epochs: int) -> tuple[Figures, list[float]]:
    """Train with ImageDataGenerator in float32, as people usually do. Also the epochs' seconds."""
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
    """Two epochs of each, three times in turn. The first one compiles and doesn't count."""
    usual, ours = [], []
    for _ in range(3):
        usual.append(usual_script(seed, 2)[1][1])
        _, said = training({"seed": seed, "epochs": 2})
        _, second = re.findall(EPOCH_LINE, said, re.MULTILINE)
        ours.append(float(second[1]))
    fast, slow = statistics.median(ours), statistics.median(usual)
    return {"ours": fast, "usual": slow, "ratio": fast / slow}


def normalizations(seed: int) -> Figures:
    """Thirty steps with each network, three times in turn, after one step that compiles."""
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
    """Two epochs each way, twice in turn. The start of the command counts."""
    seconds: dict[bool, float] = {True: 0.0, False: 0.0}
    for way in (True, False, True, False):
        took, _ = training({"seed": seed, "epochs": 2, "deterministic": way})
        seconds[way] += took.cpu
    return {"ratio": seconds[True] / seconds[False]}


def memory(seed: int) -> Figures:
    """Peak memory of a training of one epoch, beyond the images, which are all in memory."""
    took, _ = training({"seed": seed, "epochs": 1})
    files = [f for split in ("train", "validation") for f in DATASET.glob(f"{split}/*/*")]
    images = len(files) * 150 * 150 * 3
    return {"beyond_gb": (took.peak - images) / 1e9, "images_gb": images / 1e9}


def two_hosts(seed: int) -> Figures:
    """The demo shop's training, shortened to 20 epochs: on one host, and then on two.

    The hosts are two processes of this machine. Each has half of the cores' time.
    """
    folder = clone("params.yaml", {"seed": seed, "epochs": 20})
    one, first, second = (_scratch(name, folder) for name in ("training", "first", "second"))
    _train(one, folder)
    workers = free_addresses(2)
    with ThreadPoolExecutor() as pool:
        hosts = [
            pool.submit(_train, scratch, folder, TF_CONFIG=json.dumps({
                "cluster": {"worker": workers}, "task": {"type": "worker", "index": index},
            }))
            for index, scratch in enumerate((first, second))
        ]  # fmt: skip
    for host in hosts:
        host.result()
    alone, together = (
        json.loads((each / "results/model/classifier.json").read_text(encoding="utf-8"))
        for each in (one, first)
    )
    return {"one": alone["validation_accuracy"], "two": together["validation_accuracy"]}


def training(changes: Mapping[str, Any]) -> tuple[Cost, str]:
    """Run the default recipe at 150×150 in a folder of its own. Returns its cost and its output."""
    folder = clone(CLOTHING, {**AS_WRITTEN, **changes})
    scratch = _scratch("training", folder)
    took = _train(scratch, folder)
    return took, (scratch / OUTPUT).read_text(encoding="utf-8")


def _scratch(name: str, folder: Path) -> Path:
    """A new folder with the parameters and the images of the clone, in which a host trains."""
    scratch = CLONE.with_name(name)
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    (scratch / "data").symlink_to(folder / "data")
    shutil.copy(folder / "params.yaml", scratch)
    return scratch


def _train(scratch: Path, folder: Path, **environment: str) -> Cost:
    command = [sys.executable, "-m", "model.train"]
    return measured(command, scratch, {"PYTHONPATH": str(folder), **environment})


def start_up(seed: int) -> Figures:
    """Seconds to the first step, with decoding. The system has read the files before."""
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
