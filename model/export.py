"""results/model → results/export: the network as ONNX, proved to answer as the Keras model does.

python -m model.export
"""

import argparse
import dataclasses
import logging
import shutil
import statistics
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tabulate import tabulate

from model import artifact, data, onnx_engine
from model.artifact import Artifact
from model.classifier import Model, reject_quantile
from pipeline.cli import UserError, needs_extra, run
from pipeline.files import file_digest, fresh_folder, json_text
from pipeline.paths import DATASET, EXPORT, MODEL

MOST_DISAGREEMENT = 0.005
"""Share of the test images that the export may file under another class than the model."""
_TIMED = 30


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m model.export",
        description="Write the model in results/model as ONNX to results/export, and compare both "
        "on data/dataset/test. An export that differs in more than "
        f"{MOST_DISAGREEMENT:.1%} of the images is an error, and is not kept.",
    )
    parser.parse_args(arguments)
    rows, agreement = export(DATASET, MODEL, EXPORT)
    print(tabulate(rows, headers="keys", floatfmt=("", ".3f", ".2f", ".1f")))
    print(f"the same class in {agreement:.2%} of the images; in {EXPORT}")


def export(dataset: Path, model: Path, out: Path) -> tuple[list[dict[str, Any]], float]:
    """Write `out`. Returns a row for each engine, and the share of test images on which they agree.

    `out` appears whole. If the two engines disagree too often, it does not appear, and UserError is
    raised. UserError also if there is no model or no test split.
    """
    if (model / onnx_engine.NETWORK).is_file():
        raise UserError(f"{model} is an export already; name the folder of the Keras model")
    keras_model = artifact.load(model)
    test = data.load_split(dataset, "test", keras_model.labels, keras_model.image_size)
    about: dict[str, Any] = {
        "labels": keras_model.labels,
        "image_size": keras_model.image_size,
        "model": keras_model.sha256,
        "calibration": dataclasses.asdict(keras_model.calibration),
        "reject_quantile": reject_quantile(model),
    }
    shutil.rmtree(out, ignore_errors=True)  # an earlier export may be another model's
    with fresh_folder(out) as part:
        _write_network(keras_model, part / onnx_engine.NETWORK)
        network = part / onnx_engine.NETWORK
        about["files"] = {network.name: file_digest(network)}
        (part / onnx_engine.ABOUT).write_text(json_text(about), encoding="utf-8")
        exported = onnx_engine.load(part)
        rows, agreement = _compared(
            test,
            [
                ("keras", keras_model, model / artifact.NETWORK),
                ("onnx", exported, part / onnx_engine.NETWORK),
            ],
        )
        if 1 - agreement > MOST_DISAGREEMENT:
            raise UserError(
                f"the export names another class than the model in {1 - agreement:.1%} of the "
                f"test images, more than {MOST_DISAGREEMENT:.1%}; it is not kept, "
                "use the Keras model"
            )
    return rows, agreement


def _write_network(model: Artifact, path: Path) -> None:
    model.probabilities(np.zeros((1, model.image_size, model.image_size, 3), np.uint8))  # builds it
    # where the converter can't simplify a network, it leaves it as it is and shows a traceback
    logging.getLogger("tf2onnx.optimizer").setLevel(logging.CRITICAL)
    with warnings.catch_warnings(), needs_extra("onnx"):
        warnings.simplefilter("ignore", FutureWarning)  # the converter's warnings
        model.answering.export(path, format="onnx", verbose=False)


def _compared(
    test: data.Images, engines: Sequence[tuple[str, Model, Path]]
) -> tuple[list[dict[str, Any]], float]:
    rows, answers = [], []
    for name, model, file in engines:
        predicted = model.outputs(test.images).probabilities.argmax(axis=1)
        answers.append(predicted)
        rows.append(
            {
                "engine": name,
                "accuracy": float((predicted == test.classes).mean()),
                "size in MB": file.stat().st_size / 1e6,
                "ms an image": 1000 * _latency(model, test.images[:1]),
            }
        )
    return rows, float((answers[0] == answers[1]).mean())


def _latency(model: Model, image: Any) -> float:
    """Seconds for one image alone, at the median."""
    times = []
    for _ in range(_TIMED):
        started = time.perf_counter()
        model.outputs(image)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


if __name__ == "__main__":
    run(main)
