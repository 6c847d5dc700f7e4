"""What is like the training images scores higher, by every network and from few images."""

from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp

from model.networks import registry
from model.vim import MOST_IMAGES, Vim, some_of_each

random = np.random.default_rng(1)


def linear(features: int = 12, classes: int = 3) -> keras.Model:
    """A network whose features are the first pixels of an image (4, 4, 3), as they are."""
    images = keras.Input((4, 4, 3))
    flat = keras.layers.Flatten()(images)[:, :features]
    network = keras.Model(images, keras.layers.Dense(classes, activation="softmax")(flat))
    network.layers[-1].set_weights([random.normal(size=(features, classes)), np.arange(classes)])
    return network


NETWORK = linear()


def images(features: np.ndarray) -> np.ndarray:
    """Those that `linear` sees so."""
    rest = np.zeros((len(features), 48 - features.shape[1]))
    return np.concatenate([features, rest], axis=1).reshape(-1, 4, 4, 3).astype(np.float32)


def scores(vim: Vim, network: keras.Model, shown: np.ndarray) -> np.ndarray:
    return np.asarray(vim.beside(network).predict_on_batch(shown)[1])


def test_it_is_the_formula_of_the_paper() -> None:
    features = random.normal(size=(40, 12)) * np.linspace(1, 20, 12)
    others = random.normal(size=(5, 12)) * 9
    vim = Vim.fit(NETWORK, images(features))
    kernel, bias = NETWORK.layers[-1].get_weights()
    origin = -np.linalg.pinv(kernel.T) @ bias
    values, vectors = np.linalg.eigh((features - origin).T @ (features - origin))
    rest = vectors[:, : 12 - 6]  # half of the directions are kept
    outside = [np.linalg.norm((x - origin) @ rest, axis=1) for x in (features, others)]
    alpha = (features @ kernel + bias).max(axis=1).mean() / outside[0].mean()
    expected = logsumexp(others @ kernel + bias, axis=1) - alpha * outside[1]
    assert values.min() > 0
    np.testing.assert_allclose(scores(vim, NETWORK, images(others)), expected, rtol=1e-3)


def test_what_lies_outside_of_the_training_images_scores_lower() -> None:
    plane = random.normal(size=(2, 12)) * 10
    inside = [images(random.normal(size=(n, 2)) @ plane) for n in (60, 20)]
    noise = random.normal(size=(60, 48)).reshape(-1, 4, 4, 3) / 10
    vim = Vim.fit(NETWORK, inside[0] + noise)
    outside = images(random.normal(size=(20, 12)) * 10)
    own, foreign = scores(vim, NETWORK, inside[1]), scores(vim, NETWORK, outside)
    assert own.min() > foreign.max()


@settings(max_examples=8, deadline=None)
@given(st.integers(2, 40), st.sampled_from([0.0, 1.0, 255.0]))
def test_few_images_or_all_the_same_give_numbers(count: int, spread: float) -> None:
    features = 100 + spread * np.random.default_rng(count).normal(size=(count, 12))
    vim = Vim.fit(NETWORK, images(features))
    assert vim.directions.shape == (12, min(6, count // 2))
    assert np.isfinite(scores(vim, NETWORK, images(features))).all()


@pytest.mark.parametrize("name", ["sequential_cnn", "residual_cnn", "squeezenet"])
def test_every_network_keeps_its_probabilities(name: str) -> None:
    network = registry.build(name, 48, 3)
    shown = random.integers(0, 256, (6, 48, 48, 3), dtype=np.uint8)
    probabilities, score = Vim.fit(network, shown).beside(network).predict_on_batch(shown)
    np.testing.assert_allclose(probabilities, network.predict_on_batch(shown), atol=1e-6)
    assert np.isfinite(score).all()
    assert np.shape(score) == (6,)


def test_the_same_images_give_the_same_bytes(tmp_path: Path) -> None:
    shown = images(random.normal(size=(30, 12)))
    for name in ("a.npz", "b.npz"):
        Vim.fit(NETWORK, shown).save(tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    loaded = Vim.load(tmp_path / "a.npz", NETWORK)
    fitted = Vim.fit(NETWORK, shown)
    np.testing.assert_array_equal(scores(loaded, NETWORK, shown), scores(fitted, NETWORK, shown))
    with pytest.raises(ValueError, match="for 12 features, and the network beside it has 9"):
        Vim.load(tmp_path / "a.npz", linear(9))


@pytest.mark.parametrize("count", [1, 999, 1000, 1001, 2500])
def test_many_images_are_taken_evenly(count: int) -> None:
    taken = some_of_each(np.arange(count)).tolist()
    assert len(taken) == min(count, -(-count // -(-count // MOST_IMAGES)))
    assert taken[0] == 0
    assert len(set(np.diff(taken).tolist())) <= 1
