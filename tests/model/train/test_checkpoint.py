"""A training that was killed ends as one that wasn't."""

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from dvclive.live import Live

from model import artifact
from model.train.callbacks import Best
from model.train.checkpoint import Checkpoint, key
from model.train.recipe import train
from pipeline.cli import UserError
from pipeline.params import Params

ROOT = Path(__file__).parents[3]

TRAIN = """
import sys
from pathlib import Path
from model.quiet import import_keras
from pipeline.params import Params
import_keras()
from model.train.recipe import train
folder = Path.cwd()
params = Params.model_validate_json((folder / "params.json").read_text())
train(params, folder / "dataset", folder / "model", folder / "train", folder / "cache")
"""


def killed(params: Params, folder: Path, line: str) -> None:
    """Train in a process of its own, and end it when it has printed a line that begins so."""
    (folder / "params.json").write_text(params.model_dump_json())
    with subprocess.Popen(
        [sys.executable, "-u", "-c", TRAIN],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert any(said.startswith(line) for said in process.stdout)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


def left(folder: Path) -> dict[str, object]:
    """What a training leaves: metrics and plots to the byte, weights, and what it says of them."""
    files = sorted(p for p in (folder / "train").rglob("*") if p.is_file())
    model = artifact.load(folder / "model")
    return {
        "files": {p.relative_to(folder).as_posix(): p.read_bytes() for p in files},
        "weights": [w.tobytes() for w in model.network.get_weights()],
        "about": model.about,
    }


@pytest.mark.parametrize(
    "recipe",
    [
        # a rate at which the accuracy wavers, so that the plateau's counter and the rate matter
        {"input": "image_data_generator", "learning_rate": 0.0001, "plateau_patience": 1},
        {"optimizer": "adamw", "schedule": "cosine", "moving_average": 0.9, "early_stopping": 3},
    ],
    ids=["plateau", "average"],
)
def test_killed_and_run_again(
    recipe: dict, dataset: Path, tmp_path: Path, quick_params, capsys
) -> None:
    params = quick_params(epochs=7, **recipe)
    undisturbed = tmp_path / "undisturbed"
    train(params, dataset, undisturbed / "model", undisturbed / "train", undisturbed / "cache")
    assert list((undisturbed / "cache").iterdir()) == []

    killed(params, tmp_path, "epoch   4/7")
    (state,) = (tmp_path / "cache").glob("*/state.npz")
    with np.load(state) as file:
        assert json.loads(file["about"].item())["epochs"] >= 3
    for path in (tmp_path / "train").rglob("*.*"):  # as DVC does before a stage runs again
        path.unlink()
    capsys.readouterr()
    train(params, dataset, tmp_path / "model", tmp_path / "train", tmp_path / "cache")
    assert "goes on after epoch" in capsys.readouterr().out
    assert left(tmp_path) == left(undisturbed)
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda w: b"",
        lambda w: w[:-30],
        lambda w: w[:40] + w[41:],
        lambda w: w[: (at := w.index(b"PK\1\2") + 8)] + b"\1" + w[at + 1 :],  # as if encrypted
    ],
)
def test_a_damaged_checkpoint_is_told_and_left_aside(change, tmp_path: Path, capsys) -> None:
    live = Live(str(tmp_path / "log"), dvcyaml=None, save_dvc_exp=False)
    np.savez(tmp_path / "state.npz", about=np.array('{"epochs": 3}'), best=np.arange(9.0))
    assert Checkpoint(tmp_path, Best(live), [], live).epochs == 3
    (tmp_path / "state.npz").write_bytes(change((tmp_path / "state.npz").read_bytes()))
    assert Checkpoint(tmp_path, Best(live), [], live).epochs == 0
    assert "state.npz is damaged" in capsys.readouterr().out


def test_other_parameters_or_images_are_another_training(quick_params) -> None:
    keys = {key(quick_params(), "a"), key(quick_params(seed=2), "a"), key(quick_params(), "b")}
    assert len(keys) == 3
    assert key(quick_params(), "a") in keys


def with_small_files(limit: int, params: Params, dataset: Path, folder: Path) -> None:
    """Train where no file can have more bytes."""
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, most))
    try:
        train(params, dataset, folder / "model", folder / "train", folder / "cache")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


def test_no_space_for_the_checkpoint(
    dataset: Path, tmp_path: Path, quick_params, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where DVCLive finds no repository, whose database is larger
    with pytest.raises(UserError, match=r"cache.* can't take the checkpoint of \d+ MB: File too"):
        with_small_files(30_000, quick_params(), dataset, tmp_path)
    assert not (tmp_path / "model").exists()
    assert not list((tmp_path / "cache").rglob("*.npz*"))


@pytest.fixture(autouse=True)
def _no_leftovers(tmp_path: Path) -> Iterator[None]:
    yield
    assert not list(tmp_path.rglob("*.part"))
