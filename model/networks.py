"""The networks by name. Each takes pictures as 0-255 and gives class probabilities.

What a network needs before its first weights (a scale, say) is a built-in layer inside it, so that
its saved file loads with Keras alone.
"""

import difflib
from collections.abc import Callable

import keras
from keras import layers

from pipeline.cli import UserError


def sequential_cnn(image_size: int, classes: int) -> keras.Model:
    """Three times convolution, pooling and dropout; a dense layer with dropout; softmax."""
    return keras.Sequential(
        [
            keras.Input((image_size, image_size, 3)),
            layers.Rescaling(1 / 127.5, offset=-1),  # centred: Adam at 0.0001 gets going sooner
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Dropout(0.1),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Dropout(0.1),
            layers.Conv2D(128, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Dropout(0.1),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.3),
            layers.Dense(classes, activation="softmax"),
        ],
        name="sequential_cnn",
    )


NETWORKS: dict[str, Callable[[int, int], keras.Model]] = {"sequential_cnn": sequential_cnn}


def build(name: str, image_size: int, classes: int) -> keras.Model:
    """A new network for pictures (n, image_size, image_size, 3); UserError for an unknown name."""
    if name not in NETWORKS:
        near = difflib.get_close_matches(name, NETWORKS, n=1, cutoff=0)[0]
        raise UserError(f"train.network is {name!r}, which is no known network; nearest: {near}")
    return NETWORKS[name](image_size, classes)
