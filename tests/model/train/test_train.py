import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model import artifact
from model.data import load_split
from model.evaluate.__main__ import evaluate
from model.images import decode
from model.predict import Classifier
from model.train.callbacks import StopAtNan
from model.train.recipe import train
from pipeline.cli import UserError

ROOT = Path(__file__).parents[3]


def test_training_leaves_a_model_metrics_and_plots(trained: Path) -> None:
    about = json.loads((trained / "results/model/classifier.json").read_text())
    assert about["labels"] == ["apple", "leaf", "sky"]
    assert about["image_size"] == 32
    assert about["parameters"]["train"]["epochs"] == 8
    assert about["parameters"]["augment"]["zoom_range"] == 0.1
    assert len(about["dataset"]) == 64
    assert set(about["versions"]) == {"python", "keras", "tensorflow", "numpy", "pillow"}
    metrics = json.loads((trained / "results/train/metrics.json").read_text())
    assert about["precision"] in {"float32", "mixed_bfloat16", "mixed_float16"}
    assert metrics["best"] == {
        "epoch": about["epoch"],
        "accuracy": about["validation_accuracy"],
    }
    for name in ("train/accuracy", "eval/accuracy", "train/loss", "eval/loss"):
        path = trained / f"results/train/plots/metrics/{name}.tsv"
        rows = list(csv.DictReader(path.open(), delimiter="\t"))
        assert [row["step"] for row in rows] == [str(n) for n in range(8)]
    best = trained / "results/train/plots/metrics/eval/accuracy.tsv"
    course = [float(row["accuracy"]) for row in csv.DictReader(best.open(), delimiter="\t")]
    assert course[about["epoch"] - 1] == max(course) == pytest.approx(about["validation_accuracy"])
    assert {p.name for p in (trained / "results/model").iterdir()} == {
        "classifier.keras",
        "vim.npz",
        "classifier.json",
    }


def test_it_learns(trained: Path) -> None:
    metrics = json.loads((trained / "results/evaluate/metrics.json").read_text())
    assert metrics["accuracy"] > 0.8


FRESH = """
import sys, json, keras, numpy as np
network = keras.saving.load_model(sys.argv[1])
images = np.load(sys.argv[2])
print(json.dumps(network.predict(images, verbose=0).tolist()))
assert not {"model", "pipeline"} & set(sys.modules)
"""


def test_the_file_needs_keras_alone(trained: Path, tmp_path: Path) -> None:
    """A fresh process without our code gives the same probabilities for images 0-255."""
    files = sorted((trained / "data/dataset/test").glob("*/*.png"))
    images = np.stack([decode(file, 32) for file in files])
    np.save(tmp_path / "images.npy", images)
    done = subprocess.run(
        [sys.executable, "-c", FRESH, trained / "results/model/classifier.keras", "images.npy"],
        cwd=tmp_path,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=True,
    )
    ours = artifact.load(trained / "results/model").probabilities(images)
    np.testing.assert_allclose(json.loads(done.stdout), ours, atol=1e-6)


def test_what_is_trained_in_bfloat16_predicts_in_float32(
    dataset: Path, tmp_path: Path, quick_params
) -> None:
    params = quick_params(precision="mixed_bfloat16")
    train(params, dataset, tmp_path / "model", tmp_path / "train", tmp_path / "cache")
    model = artifact.load(tmp_path / "model")
    assert model.about["precision"] == "mixed_bfloat16"
    assert {layer.compute_dtype for layer in model.network.layers} == {"float32"}
    images = np.stack([decode(file, 32) for file in sorted((dataset / "test").glob("*/*.png"))])
    once = model.probabilities(images)
    one_by_one = np.concatenate([model.probabilities(image[None]) for image in images])
    np.testing.assert_allclose(one_by_one, once, atol=1e-5)


@pytest.mark.parametrize("source", ["fused", "image_data_generator"])
def test_the_same_seed_gives_the_same_metrics(
    source: str, dataset: Path, tmp_path: Path, quick_params
) -> None:
    def results(name: str, seed: int) -> tuple[dict, str]:
        out = tmp_path / name
        params = quick_params(input=source, seed=seed)
        train(params, dataset, out / "model", out / "train")
        scores = evaluate(params.evaluate, dataset, out / "model", out / "log", out / "evaluate")
        return scores, (out / "train/metrics.json").read_text()

    first = results("first", seed=1)
    assert results("second", seed=1) == first
    assert results("third", seed=2) != first


def test_the_rate_falls_on_a_plateau(dataset: Path, tmp_path: Path, quick_params) -> None:
    params = quick_params(epochs=4, learning_rate=1e-9, plateau_patience=1, plateau_factor=0.25)
    train(params, dataset, tmp_path / "model", tmp_path / "train")
    rows = (tmp_path / "train/plots/metrics/train/learning_rate.tsv").read_text().split()[2:]
    rates = [float(rate) for rate in rows[1::2]]
    assert rates[0] == pytest.approx(1e-9)
    assert rates[-1] <= 0.25e-9 * 1.01


def test_a_loss_that_is_nan_stops_with_epoch_and_rate(
    dataset: Path, tmp_path: Path, quick_params
) -> None:
    params = quick_params(learning_rate=1e30)
    with pytest.raises(UserError, match=r"NaN in epoch 1 at a learning rate of 1e\+30"):
        train(params, dataset, tmp_path / "model", tmp_path / "train")
    assert not (tmp_path / "model").exists()


def test_the_best_model_until_then_is_kept(
    dataset: Path, tmp_path: Path, quick_params, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FromTheSecondEpoch(StopAtNan):
        def on_epoch_end(self, epoch: int, logs: dict) -> None:
            super().on_epoch_end(epoch, {"loss": float("nan")} if epoch else logs)

    monkeypatch.setattr("model.train.recipe.StopAtNan", FromTheSecondEpoch)
    with pytest.raises(UserError, match=r"NaN in epoch 2 at a learning rate of 0\.002"):
        train(quick_params(epochs=3), dataset, tmp_path / "model", tmp_path / "train")
    assert artifact.load(tmp_path / "model").about["epoch"] == 1


def test_an_unknown_network_is_said_before_anything_is_read(
    tmp_path: Path, dataset: Path, quick_params
) -> None:
    (dataset / "train/leaf/99.png").write_bytes(b"not an image")
    with pytest.raises(UserError, match="nearest: sequential_cnn"):
        train(quick_params(network="sequentialcnn"), dataset, tmp_path / "m", tmp_path / "t")


def test_a_damaged_image_leaves_no_model(tmp_path: Path, dataset: Path, quick_params) -> None:
    (dataset / "train/leaf/99.png").write_bytes(b"not an image")
    with pytest.raises(UserError, match=r"99\.png"):
        train(quick_params(), dataset, tmp_path / "model", tmp_path / "train")
    assert not (tmp_path / "model").exists()


def test_images_of_any_size_and_mode_are_trained_on(
    tmp_path: Path, dataset: Path, quick_params
) -> None:
    Image.new("LA", (7, 300), (90, 120)).save(dataset / "train/leaf/98.png")
    Image.new("L", (500, 9), 10).save(dataset / "train/leaf/99.webp")
    train(quick_params(epochs=1), dataset, tmp_path / "model", tmp_path / "train")
    assert (tmp_path / "model/classifier.keras").is_file()


def test_real_photos_from_folders_to_answers(
    real_photos: Path, tmp_path: Path, quick_params
) -> None:
    dataset = tmp_path / "dataset"
    for split, count in (("train", 16), ("validation", 4), ("test", 4)):
        for label in ("hat", "pants", "shoes"):
            (dataset / split / label).mkdir(parents=True)
            for photo in sorted((real_photos / split / label).iterdir())[:count]:
                shutil.copy(photo, dataset / split / label)
    params = quick_params()
    train(params, dataset, tmp_path / "model", tmp_path / "train")
    scores = evaluate(
        params.evaluate, dataset, tmp_path / "model", tmp_path / "log", tmp_path / "evaluate"
    )
    photos = sorted((dataset / "test").glob("*/*.jpg"))
    answers = Classifier.load(tmp_path / "model").classify(photos)
    right = [a.top[0][0] == photo.parent.name for a, photo in zip(answers, photos, strict=True)]
    assert scores["accuracy"] == sum(right) / len(right)


def test_the_command_says_what_is_missing_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    done = subprocess.run(
        [sys.executable, "-m", "model.train"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "error: data/dataset/train is not there; `dvc repro split` makes it"
    ]
    assert not (tmp_path / "results").exists()


def test_a_model_trained_with_fused_normalizations_needs_keras_alone(
    dataset: Path, tmp_path: Path, quick_params
) -> None:
    params = quick_params(network="residual_cnn", epochs=4, precision="float32")
    train(params, dataset, tmp_path / "model", tmp_path / "train", tmp_path / "cache")
    classifier = artifact.load(tmp_path / "model")
    assert {type(layer).__module__.split(".")[0] for layer in classifier.network.layers} == {
        "keras"
    }
    images = load_split(dataset, "validation", classifier.labels, classifier.image_size)
    predicted = classifier.probabilities(images.images).argmax(axis=1)
    accuracy = pytest.approx((predicted == images.classes).mean())  # Keras says it in float32
    assert classifier.about["validation_accuracy"] == accuracy
    assert classifier.about["validation_accuracy"] > 0.6
