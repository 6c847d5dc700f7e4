import numpy as np
import pytest

from model import networks
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


@pytest.mark.parametrize("name", sorted(networks.NETWORKS))
def test_every_network_gives_probabilities_of_bytes(name: str) -> None:
    images = np.random.default_rng(1).integers(0, 255, (3, 32, 32, 3), dtype=np.uint8)
    probabilities = networks.build(name, 32, 5).predict(images, verbose=0)
    assert probabilities.shape == (3, 5)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UserError, match=r"'sequental_cn'.* nearest: sequential_cnn"):
        networks.build("sequental_cn", 32, 4)
