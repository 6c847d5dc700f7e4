"""Training with `epochs: 0`: only the classifier of a pretrained network is fitted."""

from pathlib import Path

import numpy as np
import pytest

from model import artifact
from model.train.recipe import train
from pipeline.params import Train


def test_without_epochs_it_is_said_which_keys_change_nothing(
    dataset: Path, tmp_path: Path, quick_params, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each key of `train` is either named there, or may change the model."""
    others = {
        "fine_tune_from": "block6",
        "input": "image_data_generator",
        "batch_size": 5,
        "optimizer": "adamw",
        "learning_rate": 0.1,
        "weight_decay": 0.5,
        "schedule": "cosine",
        "warmup_epochs": 3,
        "plateau_patience": 1,
        "plateau_factor": 0.1,
        "label_smoothing": 0.3,
        "moving_average": 0.5,
        "early_stopping": 1,
    }
    models = []
    for name, changes in (("one", {}), ("other", others)):
        params = quick_params(network="efficientnet_lite0", weights=None, epochs=0, **changes)
        train(params, dataset, tmp_path / name, tmp_path / f"{name} log", tmp_path / "cache")
        models.append(artifact.load(tmp_path / name).network.get_weights())
        said = capsys.readouterr().out
        assert f"of `train` change nothing: {', '.join(others)}\n" in said
        assert "kept the classifier as it was fitted" in said
        assert "epoch 0" not in said
    for one, other in zip(*models, strict=True):
        np.testing.assert_array_equal(one, other)
    effective = {"network", "weights", "image_size", "epochs", "class_weights", "precision", "seed"}
    assert set(Train.model_fields) == {*others, *effective, "cache_gb", "deterministic"}
