import math

import keras
import numpy as np
import pytest

from model.data import Images
from model.networks import registry as networks
from model.train import optimization
from pipeline.params import Train


@pytest.fixture
def recipe(quick_params):
    def made(**options: object) -> Train:
        return quick_params(**options).train

    return made


def test_the_cosine_rises_evenly_and_falls_to_nearly_nothing(recipe) -> None:
    train = recipe(schedule="cosine", epochs=12, warmup_epochs=2, learning_rate=0.01)
    rates = [optimization.cosine(train, epoch) for epoch in range(12)]
    assert rates[:2] == pytest.approx([0.0025, 0.0075])
    assert rates[2:] == sorted(rates[2:], reverse=True)
    assert rates[2] == pytest.approx(0.005 * (1 + math.cos(math.pi * 0.05)))
    assert rates[-1] < 0.0001
    short = recipe(schedule="cosine", epochs=2, warmup_epochs=5, learning_rate=0.01)
    assert optimization.cosine(short, 1) == pytest.approx(0.0075)


def fitted(train: Train, epochs: int = 3) -> tuple[keras.Model, keras.callbacks.History]:
    """The default network after some epochs on noise of two colours."""
    keras.utils.set_random_seed(1)
    network = networks.build("sequential_cnn", 32, 2)
    optimization.compile_network(network, train)
    classes = np.arange(24) % 2
    images = (
        np.random.default_rng(1).integers(0, 150, (24, 32, 32, 3))
        + 100 * classes[:, None, None, None]
    )
    truth = np.eye(2, dtype=np.float32)[classes]
    history = network.fit(
        images,
        truth,
        epochs=epochs,
        batch_size=8,
        verbose=0,
        validation_data=(images, truth),
        callbacks=optimization.callbacks(train),
    )
    return network, history


def test_the_schedule_sets_the_rate_of_each_epoch(recipe) -> None:
    train = recipe(schedule="cosine", epochs=3, warmup_epochs=1)
    _, history = fitted(train)
    expected = [optimization.cosine(train, epoch) for epoch in range(3)]
    assert history.history["learning_rate"] == pytest.approx(expected)


def test_the_moving_average_is_what_is_validated_and_kept(recipe) -> None:
    """Hardly moving, it stays where the first step has left it."""
    network, history = fitted(recipe(moving_average=0.999999))
    assert history.history["val_loss"][0] == pytest.approx(
        history.history["val_loss"][-1], rel=1e-3
    )
    _, plain = fitted(recipe())
    assert plain.history["val_loss"][-1] < 0.95 * history.history["val_loss"][-1]
    assert network.optimizer.ema_momentum == 0.999999


def test_weight_decay_leaves_biases_alone(recipe) -> None:
    optimizer = fitted(recipe(optimizer="adamw", weight_decay=0.1), epochs=1)[0].optimizer
    decayed = {v.name for v in optimizer._trainable_variables if optimizer._use_weight_decay(v)}
    assert decayed == {"kernel"}


def test_label_smoothing_is_in_the_loss(recipe) -> None:
    network = networks.build("sequential_cnn", 32, 2)
    optimization.compile_network(network, recipe(label_smoothing=0.2))
    sure = network.loss(np.float32([[1, 0]]), np.float32([[0.9, 0.1]]))
    assert float(sure) == pytest.approx(-0.9 * math.log(0.9) - 0.1 * math.log(0.1))


def test_training_stops_early(recipe) -> None:
    _, history = fitted(recipe(early_stopping=1, learning_rate=1e-12), epochs=9)
    assert len(history.epoch) == 2


def test_rare_classes_count_for_more(recipe) -> None:
    images = Images([], np.empty(0, np.uint8), np.array([0, 0, 0, 1]), ["a", "b"])
    assert optimization.class_weights(recipe(), images) is None
    weights = optimization.class_weights(recipe(class_weights=True), images)
    assert weights == pytest.approx({0: 4 / 6, 1: 2})
