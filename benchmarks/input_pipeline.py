"""Measures training input, in images/s: ImageDataGenerator, six Random* layers, and ours.

    python benchmarks/input_pipeline.py [FOLDER]

All three read the same files, with the augmentation of params.yaml, and nothing trains during that.
Ours and the Random* layers decode once before; that time is printed too. Rounds of the three
alternate, so that other work of the machine slows all alike. Medians are compared.
"""

import argparse
import itertools
import os
import statistics
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tabulate import tabulate

from model import data
from model.quiet import import_keras
from model.train.batches import generator_batches, training_batches
from pipeline.cli import UserError, run
from pipeline.numbers import number_from
from pipeline.params import Augment, load_params
from pipeline.paths import DATASET
from pipeline.system import usable_cores

ARCHIVES = Path(os.environ.get("DATASETS_MIRROR", "../shared/datasets"))
ROUNDS, WARM_UP, SECONDS = 3, 5, 4.0
OURS = "ours"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        help="has train/<class>/ (default: the archive of real images in DATASETS_MIRROR or "
        "../shared/datasets, else data/dataset)",
    )
    parser.add_argument("--size", type=number_from(1), default=150, help="pixels (150)")
    parser.add_argument("--batch", type=number_from(1), default=32, help="images in a batch (32)")
    options = parser.parse_args()
    import_keras()
    with dataset_folder(options.folder) as folder:
        table(folder, load_params().augment, options.size, options.batch)


@contextmanager
def dataset_folder(folder: Path | None) -> Iterator[Path]:
    """A folder that has train/<class>/: `folder`, or the unpacked archive, or data/dataset."""
    archives = sorted(ARCHIVES.glob("clothing-dataset-small-*.tar.gz"))
    if folder or not archives:
        folder = folder or DATASET
        if not (folder / "train").is_dir():
            raise UserError(f"{folder}/train is not there; give a folder that has train/<class>/")
        yield folder
        return
    with tempfile.TemporaryDirectory() as scratch, tarfile.open(archives[0]) as tar:
        tar.extractall(scratch, filter="data")
        yield next(Path(scratch).iterdir())


def table(folder: Path, augment: Augment, size: int, batch: int) -> None:
    rates = measure(folder, augment, size, batch)
    rows = [(name, rate, rates[OURS] / rate) for name, rate in rates.items()]
    print(
        tabulate(rows, ["input", "images/s", "ours is × as fast"], floatfmt=(".0f", ".0f", ".1f"))
    )


def measure(folder: Path, augment: Augment, size: int, batch: int) -> dict[str, float]:
    """Images per second of each input. Ours is the last."""
    started = time.perf_counter()
    images = data.load_split(folder, "train", data.class_labels(folder), size)
    decoding = time.perf_counter() - started
    what = f"{len(images.files)} images at {size}×{size}, batches of {batch}"
    print(f"{what}, {usable_cores()} cores")
    print(f"decoded once, before: {len(images.files) / decoding:.0f} images/s")
    inputs: dict[str, Iterator[Any]] = {
        "ImageDataGenerator.flow_from_directory": generator_batches(
            folder, augment, size, batch, seed=1
        ).flow,
        "six Random* layers, from memory": iter(random_layers(images, augment, batch)),
        OURS: iter(training_batches(images, augment, batch, seed=1)),
    }
    rates: dict[str, list[float]] = {name: [] for name in inputs}
    for _ in range(ROUNDS):
        for name, batches in inputs.items():
            rates[name].append(rate(batches))
    return {name: statistics.median(of_input) for name, of_input in rates.items()}


def rate(batches: Iterator[Any]) -> float:
    """Images per second over a few seconds."""
    for _ in itertools.islice(batches, WARM_UP):
        pass
    count, started = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - started) < SECONDS:
        count += len(next(batches)[0])
    return count / elapsed


def random_layers(images: data.Images, augment: Augment, batch: int) -> Any:
    """Batches from Keras' own layers, with nearly the same augmentation as ours."""
    import keras
    import tensorflow as tf

    layers: list[Callable[..., Any]] = [
        keras.layers.RandomRotation(augment.rotation_range / 360, fill_mode="nearest"),
        keras.layers.RandomTranslation(
            augment.height_shift_range, augment.width_shift_range, fill_mode="nearest"
        ),
        keras.layers.RandomShear(augment.shear_range / 57.3, fill_mode="nearest"),
        keras.layers.RandomZoom(augment.zoom_range, augment.zoom_range, fill_mode="nearest"),
        keras.layers.RandomFlip("horizontal"),
        keras.layers.RandomBrightness(0.2),
    ]

    def augmented(images: Any, one_hot: Any) -> Any:
        images = tf.cast(images, tf.float32)
        for layer in layers:
            images = layer(images, training=True)
        return images, one_hot

    batches = tf.data.Dataset.from_tensor_slices((images.images, images.one_hot))
    batches = batches.shuffle(len(images.files), seed=1).repeat().batch(batch)
    return batches.map(augmented, tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


if __name__ == "__main__":
    run(main)
