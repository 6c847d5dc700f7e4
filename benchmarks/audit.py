"""Measures how many planted wrong labels the audit finds among its first suspects.

    python benchmarks/audit.py [FOLDER] [--network efficientnet_lite2]

8 % of the labels of the real images are flipped. Each one becomes another class, and a seed draws
it evenly. Then the audit ranks the images. Precision and recall of the first 8 % are printed,
beside chance and beside a ranking by loss alone. The images have some wrong labels already, and
these count as false alarms here.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from input_pipeline import dataset_folder
from tabulate import tabulate

from model import audit, data, features
from pipeline.cli import run
from pipeline.numbers import number_from
from pipeline.params import Params, load_params

FLIPPED = 0.08
_SIZES = {"efficientnet_lite1": 240, "efficientnet_lite2": 260}  # pixels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, help="has train/ and validation/")
    parser.add_argument("--network", help="a pretrained one, whose features are taken")
    parser.add_argument("--seeds", type=number_from(0), nargs="+", default=[0, 1, 2])
    options = parser.parse_args()
    params = load_params()
    if options.network:
        size = _SIZES.get(options.network, 224)
        recipe = {"network": options.network, "weights": None, "image_size": size}
        params = params.model_copy(update={"train": params.train.model_copy(update=recipe)})
    started = time.process_time()
    with dataset_folder(options.folder) as folder:
        numbers, classes = _images(folder, params)
    print(f"{numbers.shape[1]} features of {len(classes)} images")
    rows = [_measured(numbers, classes, params, seed) for seed in options.seeds]
    print(tabulate(rows, headers="keys", floatfmt=".3f"))
    print(f"{time.process_time() - started:.0f} processor seconds in all")


def _images(folder: Path, params: Params) -> tuple[features.Features, np.ndarray]:
    labels = data.class_labels(folder)
    network = features.backbone(params.train, len(labels))
    size = features.image_size(params.train, network)
    splits = [data.load_split(folder, s, labels, size) for s in ("train", "validation")]
    return (
        np.concatenate([features.extract(split.images, network) for split in splits]),
        np.concatenate([split.classes for split in splits]),
    )


def _measured(
    numbers: features.Features, classes: np.ndarray, params: Params, seed: int
) -> dict[str, float]:
    random = np.random.default_rng(seed)
    count, kinds = len(classes), int(classes.max()) + 1
    first = round(FLIPPED * count)
    flipped = np.zeros(count, bool)
    flipped[random.choice(count, first, replace=False)] = True
    given = np.where(flipped, (classes + random.integers(1, kinds, count)) % kinds, classes)
    alone = [str(number) for number in range(count)]
    probabilities = audit.out_of_fold(numbers, given, alone, params.audit)
    suspects = audit.ranked(given, probabilities)
    loss = -np.log(probabilities[np.arange(count), given].clip(1e-12))
    return {
        "seed": seed,
        "suspects": len(suspects),
        "precision": flipped[suspects[:first]].mean(),
        "recall": flipped[suspects[:first]].sum() / first,
        "precision by loss": flipped[np.argsort(-loss, kind="stable")[:first]].mean(),
        "chance": first / count,
        "times chance": flipped[suspects[:first]].mean() / (first / count),
    }


if __name__ == "__main__":
    run(main)
