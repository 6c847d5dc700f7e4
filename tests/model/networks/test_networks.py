import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from model.networks import registry as networks
from pipeline.cli import UserError


def test_the_default_is_the_network_that_was_asked_for() -> None:
    network = networks.build("sequential_cnn", 32, 4)
    assert [type(layer).__name__ for layer in network.layers] == [
        "Rescaling",
        *["Conv2D", "MaxPooling2D", "Dropout"] * 3,
        "Flatten",
        *["Dense", "Dropout", "Dense"],
    ]
    assert network.layers[-1].activation.__name__ == "softmax"
    assert network.layers[0](np.float32([[0, 255]])).numpy().tolist() == [[-1, 1]]


NAMES = [
    *sorted(networks.NETWORKS),
    *("efficientnet_lite0", "squeezenet", "MobileNetV3Small", "ResNet50"),
]

FRESH = """
import sys, keras, numpy as np
images, expected = np.load("images.npy"), np.load("expected.npz")
for name in expected:
    network = keras.saving.load_model(f"{name}.keras")
    np.testing.assert_allclose(network.predict(images, verbose=0), expected[name], atol=1e-5)
assert not {"model", "pipeline"} & set(sys.modules)
"""


def test_every_network_is_saved_whole(tmp_path: Path) -> None:
    """A fresh process without our code gives the same probabilities for images 0-255."""
    images = np.random.default_rng(1).integers(0, 255, (3, 32, 32, 3), dtype=np.uint8)
    expected = {}
    for name in NAMES:
        network = networks.build(name, 32, 5)
        expected[name] = network.predict(images, verbose=0)
        assert expected[name].shape == (3, 5)
        np.testing.assert_allclose(expected[name].sum(axis=1), 1, rtol=1e-5)
        network.save(tmp_path / f"{name}.keras")
    np.save(tmp_path / "images.npy", images)
    np.savez(tmp_path / "expected.npz", **expected)
    subprocess.run([sys.executable, "-c", FRESH], cwd=tmp_path, check=True)


def test_the_residual_network_is_small() -> None:
    assert 1.4e6 < networks.build("residual_cnn", 96, 10).count_params() < 1.7e6


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UserError, match=r"'sequental_cn'.* nearest: sequential_cnn"):
        networks.build("sequental_cn", 32, 4)
    with pytest.raises(UserError, match="nearest: EfficientNetB0"):
        networks.build("efficientnetB0", 32, 4)
