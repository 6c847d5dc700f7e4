"""A tiny dataset that a network learns at once, and a model trained on it."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from model.predict import Classifier
from model.quiet import import_keras
from pipeline.params import Params, load_params

import_keras()

COLOURS = {"apple": (200, 30, 30), "leaf": (30, 160, 40), "sky": (60, 90, 220)}
COUNTS = {"train": 12, "validation": 4, "test": 5}


def draw(label: str, seed: int, size: tuple[int, int] = (48, 40)) -> Image.Image:
    """A blot of the class's colour somewhere on noise."""
    random = np.random.default_rng(seed)
    image = Image.fromarray(random.integers(0, 255, (size[1], size[0], 3), dtype=np.uint8))
    x, y = random.integers(0, 10, 2)
    ImageDraw.Draw(image).ellipse((x, y, x + 36, y + 28), fill=COLOURS[label])
    return image


def write_dataset(root: Path) -> Path:
    for s, (split, count) in enumerate(COUNTS.items()):
        for c, label in enumerate(COLOURS):
            folder = root / split / label
            folder.mkdir(parents=True)
            for n in range(count):
                draw(label, seed=s * 1000 + c * 100 + n).save(folder / f"{n:02}.png")
    return root


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "dataset")


def quick(**train: object) -> Params:
    """The project's parameters, with a recipe for seconds."""
    params = load_params(Path(__file__).parents[2] / "params.yaml")
    recipe = {"image_size": 32, "batch_size": 6, "epochs": 2, "learning_rate": 0.002, **train}
    return params.model_copy(update={"train": params.train.model_copy(update=recipe)})


@pytest.fixture(scope="session")
def quick_params() -> object:
    return quick


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data/dataset, results/model and results/evaluate."""
    from model.evaluate.__main__ import evaluate
    from model.train.recipe import train

    root = tmp_path_factory.mktemp("trained")
    dataset = write_dataset(root / "data/dataset")
    params = quick(epochs=8)
    train(params, dataset, root / "results/model", root / "results/train")
    results = root / "results"
    evaluate(params.evaluate, dataset, results / "model", results / "train", results / "evaluate")
    return root


@pytest.fixture(scope="module")
def classifier(trained: Path) -> Classifier:
    return Classifier.load(trained / "results/model")


@pytest.fixture
def here(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The command runs where results/ is."""
    monkeypatch.chdir(trained)
    return trained


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    """Two images in folders, and what is to be left out."""
    root = tmp_path / "photos"
    (root / "more" / ".cache").mkdir(parents=True)
    test = trained / "data/dataset/test"
    shutil.copy(test / "leaf/00.png", root / "b.PNG")
    shutil.copy(test / "sky/00.png", root / "more" / "a.png")
    shutil.copy(test / "sky/01.png", root / "more" / ".cache" / "c.png")
    shutil.copy(test / "sky/01.png", root / ".hidden.png")
    (root / "notes.txt").write_text("not an image, and not called one")
    return root
