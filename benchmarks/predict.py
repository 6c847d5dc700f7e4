"""Measures the speed of predict and serve, each figure in a process of its own.

    python benchmarks/predict.py [ROW ...]

The networks are untrained, because their time does not depend on their weights: the default one for
ten classes, and in the row `networks` two that come trained. The figures go to
benchmarks/results/predict.json, with the commit and the processor.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from common import ROOT, keep, machine, real_images
from load import CLIENTS, load_test
from PIL import Image
from tabulate import tabulate

from pipeline.cli import UserError, run
from pipeline.numbers import number_from
from pipeline.params import load_params
from pipeline.paths import EXPORT, MODEL

SIZE = (400, 533)  # of the image that is answered alone
REPEATS, STARTS = 200, 5
SOME = 256  # images for the pretrained networks, about
PRETRAINED = {"efficientnet_lite2": 260, "squeezenet": 227}  # image_size of their presets
USUAL = 100  # images for the usual loop, which would take too long for all images


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(ROWS)} (all)")
    parser.add_argument(
        "--requests", type=number_from(1), default=10_000, help="to the API (10,000)"
    )
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)  # a row's own process
    options = parser.parse_args()
    if unknown := set(options.rows) - set(ROWS):
        raise UserError(
            f"there is no row {', '.join(sorted(unknown))}; there are {', '.join(ROWS)}"
        )
    if options.inside:
        os.chdir(options.inside)
        paths = [Path(line) for line in Path("images.txt").read_text().splitlines()]
        print(json.dumps(ROWS[options.rows[0]](paths, options)))
        return
    with real_images() as images, tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder), images)
        results: dict[str, Any] = {}
        for row in options.rows or ROWS:
            print(f"{row} …", file=sys.stderr)
            command = [sys.executable, __file__, row, "--inside", folder]
            command += ["--requests", str(options.requests)]
            environment = os.environ | {"PYTHONPATH": str(ROOT)}
            done = subprocess.run(command, stdout=subprocess.PIPE, env=environment, check=True)
            results |= json.loads(done.stdout.splitlines()[-1])
    own = {name: value for name, value in results.items() if name.startswith("folder, ")}
    # in a file of their own, because another machine may have measured the other rows
    for file, names in (("predict_networks", own.keys()), ("predict", results.keys() - own.keys())):
        if names:
            keep(file, machine() | {name: results[name] for name in results if name in names})
    reached = [
        (name, results[name], f"{sign} {limit:g}", results[name] / limit)
        for name, (sign, limit) in REACH.items()
        if name in results
    ]
    print(tabulate(reached, ["", "measured", "reach", "ratio"], floatfmt=".3g"))
    others = [(name, value) for name, value in results.items() if name not in REACH]
    print(tabulate(others, ["", "measured"], floatfmt=".4g"))


REACH = {
    "one image: ms around the network": ("<", 10.0),
    "Classifier.load after TensorFlow: s": ("<", 3.0),
    "--engine onnx from a cold start: s": ("<", 1.5),
    "folder: times the usual loop": (">", 3.0),
    "API: errors": ("<", 1.0),
}


def prepare(folder: Path, images: list[Path]) -> None:
    """Make a model and its export, as `dvc repro` and `model.export` do, and a list of images."""
    dataset = images[0].parents[2]
    labels = sorted(path.name for path in (dataset / "test").iterdir() if path.is_dir())
    size = load_params(ROOT / "params.yaml").train.image_size
    untrained(folder / MODEL, "sequential_cnn", size, labels)
    from model.export import export  # it starts TensorFlow, which `untrained` has made quiet

    export(dataset, folder / MODEL, folder / EXPORT)
    (folder / "images.txt").write_text("\n".join(map(str, images)), encoding="utf-8")


def image_of_size(images: list[Path]) -> Path:
    for path in images:
        with Image.open(path) as image:
            if image.size in (SIZE, SIZE[::-1]):
                return path
    raise UserError(f"no image has {SIZE[0]}x{SIZE[1]} pixels")


class Timed:
    """A model that measures how long the network takes."""

    def __init__(self, model: Any) -> None:
        self.labels, self.image_size, self.sha256 = model.labels, model.image_size, model.sha256
        self.calibration = model.calibration
        self._model = model
        self.seconds = 0.0

    def outputs(self, images: Any) -> Any:
        started = time.perf_counter()
        result = self._model.outputs(images)
        self.seconds = time.perf_counter() - started
        return result


def one_image(images: list[Path], _: argparse.Namespace) -> dict[str, float]:
    from model.classifier import Classifier

    model = Timed(Classifier.load(MODEL).model)
    classifier, path = Classifier(model, 0), image_of_size(images)
    around, network = [], []
    for _ in range(REPEATS):
        started = time.perf_counter()
        classifier.classify([path])
        around.append(1000 * (time.perf_counter() - started - model.seconds))
        network.append(1000 * model.seconds)
    return {
        "one image: ms around the network": statistics.median(around[10:]),
        "one image: ms in the network": statistics.median(network[10:]),
    }


def loading(_: list[Path], __: argparse.Namespace) -> dict[str, float]:
    from model.classifier import Classifier
    from model.quiet import import_keras

    import_keras()
    started = time.perf_counter()
    Classifier.load(MODEL)
    return {"Classifier.load after TensorFlow: s": time.perf_counter() - started}


def cold_start(images: list[Path], _: argparse.Namespace) -> dict[str, float]:
    command = [sys.executable, "-m", "model.predict", images[0], "--engine", "onnx"]
    seconds = []
    before = os.times()
    for _ in range(STARTS):
        started = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        seconds.append(time.perf_counter() - started)
    after = os.times()
    used = after.children_user + after.children_system
    used -= before.children_user + before.children_system
    return {
        "--engine onnx from a cold start: s": statistics.median(seconds),
        "--engine onnx from a cold start: processor s": used / STARTS,
    }


def folder(images: list[Path], _: argparse.Namespace) -> dict[str, float]:
    """Measure a folder. The usual loop runs before and after ours: other work slows both alike."""
    from model.artifact import Artifact
    from model.classifier import Classifier

    classifier = Classifier.load(MODEL)
    model = classifier.model
    if not isinstance(model, Artifact):
        raise TypeError
    import keras

    def usual(paths: list[Path]) -> None:
        for path in paths:
            image = keras.utils.load_img(path, target_size=(model.image_size, model.image_size))
            model.network.predict(keras.utils.img_to_array(image)[None], verbose=0)

    usual(images[:5])
    classifier.classify(images[:70])
    usual_rates = [rate(lambda: usual(images[:USUAL]), USUAL)]
    ours = rate(lambda: list(classifier.answers(images)), len(images))
    usual_rates.append(rate(lambda: usual(images[-USUAL:]), USUAL))
    return {
        "folder: times the usual loop": ours / statistics.mean(usual_rates),
        "folder: images/s": ours,
        "folder: images/s of the usual loop": statistics.mean(usual_rates),
        "folder: images": len(images),
    }


def networks(images: list[Path], _: argparse.Namespace) -> dict[str, float]:
    """Measure both engines with networks that come trained, on the same images."""
    from model.classifier import Classifier
    from model.export import export

    dataset, some = images[0].parents[2], images[:: len(images) // SOME]
    for image in {path.parent.name: path for path in (dataset / "test").rglob("*.jpg")}.values():
        few = Path("few/test", image.parent.name)  # one image of a class, to compare an export on
        few.mkdir(parents=True)
        shutil.copy(image, few)
    found: dict[str, float] = {}
    for name, size in PRETRAINED.items():
        model, exported = Path(name, MODEL), Path(name, EXPORT)
        untrained(model, name, size, sorted(path.name for path in Path("few/test").iterdir()))
        export(Path("few"), model, exported)
        for engine, path in (("keras", model), ("onnx", exported)):
            classifier = Classifier.load(path)
            classifier.classify(some[:64])
            answered, used = partial(list, classifier.answers(some)), time.process_time()
            found[f"folder, {engine}, {name}: images/s"] = rate(answered, len(some))
            used = 1000 * (time.process_time() - used) / len(some)
            found[f"folder, {engine}, {name}: processor ms an image"] = used
    # other work on the machine changes the images/s, but hardly the processor time
    for engine in ("keras", "onnx"):
        one, other = (
            found[f"folder, {engine}, {name}: processor ms an image"] for name in PRETRAINED
        )
        found[f"folder, {engine}: {' against '.join(PRETRAINED)}, times the processor time"] = (
            one / other
        )
    return found


def untrained(folder: Path, name: str, size: int, labels: list[str]) -> None:
    from model.quiet import import_keras

    import_keras()
    from model import artifact
    from model.calibration import Calibration
    from model.networks import registry

    network = registry.build(name, size, len(labels))
    artifact.save(folder, network, labels, size, Calibration(), {})


def rate(work: Callable[[], object], count: int) -> float:
    started = time.perf_counter()
    work()
    return count / (time.perf_counter() - started)


def api(images: list[Path], options: argparse.Namespace) -> dict[str, float]:
    """Measure the API. The clients are in this process; the server shares the processor with it."""
    path = image_of_size(images)
    command = [sys.executable, "-m", "model.serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            line = server.stdout.readline() if server.stdout else ""
            address = urlsplit(line.split()[1]).netloc
            figures = load_test(address, path.read_bytes(), options.requests)
            status = Path(f"/proc/{server.pid}/status")
            if status.exists():
                peak = next(s for s in status.read_text().splitlines() if s.startswith("VmHWM"))
                figures["API: memory of the server at its peak, MB"] = int(peak.split()[1]) / 1024
        finally:
            server.terminate()
    bare = bare_rate(path)
    figures["API: images/s of the bare model"] = bare
    figures["API: share of the bare model's images/s"] = figures["API: requests/s"] / bare
    return figures


def bare_rate(path: Path) -> float:
    """Images/s of the network alone. A batch has as many images as there are clients."""
    from model.classifier import Classifier
    from model.images import decode

    model = Classifier.load(MODEL).model
    batch = np.stack([decode(path, model.image_size)] * CLIENTS)
    for _ in range(5):
        model.probabilities(batch)
    batches = 200
    return rate(lambda: [model.probabilities(batch) for _ in range(batches)], batches * CLIENTS)


ROWS: dict[str, Callable[[list[Path], argparse.Namespace], dict[str, float]]] = {
    "image": one_image,
    "load": loading,
    "onnx": cold_start,
    "folder": folder,
    "networks": networks,
    "api": api,
}


if __name__ == "__main__":
    run(main)
