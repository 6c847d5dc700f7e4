"""Images as numbers that a linear classifier can tell apart, without training a network."""

import typing
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.params import Train

if typing.TYPE_CHECKING:
    import keras

Features = NDArray[np.float32]
_CHEAP_SIZE = 64  # pixels
_DIRECTIONS = 9


def backbone(recipe: Train, classes: int) -> "keras.Model | None":
    """The pretrained network of the recipe, up to its features; None if the recipe names none.

    It takes images (n, image_size, image_size, 3), 0-255. UserError if its weights can't be found.
    """
    from model.quiet import import_keras

    import_keras()
    import keras

    from model.networks import pretrained

    if recipe.network not in pretrained.names() or recipe.weights == pretrained.FROM_SCRATCH:
        return None
    network = pretrained.build(recipe.network, recipe.image_size, classes)
    pretrained.load(network, recipe.weights, None)
    return keras.Model(network.input, network.get_layer(pretrained.FEATURES).output)


def image_size(recipe: Train, network: "keras.Model | None") -> int:
    """The size of the images that `extract` takes, in pixels."""
    return recipe.image_size if network else _CHEAP_SIZE


def extract(images: NDArray[np.uint8], network: "keras.Model | None") -> Features:
    """(n, features), by the network, or by shape and colour.

    Without a network: histograms of oriented gradients (Dalal and Triggs, Histograms of Oriented
    Gradients for Human Detection, 2005) on 8 x 8 cells, and mean and deviation of the colours of
    4 x 4.
    """
    if network:
        return np.asarray(network.predict(images, batch_size=64, verbose=0), np.float32)
    parts = [_cheap(images[start : start + 256]) for start in range(0, len(images), 256)]
    return np.concatenate(parts)


def _cheap(images: NDArray[np.uint8]) -> Features:
    colours = images.astype(np.float32) / 255
    mean = _cells(colours, 4)
    deviation = np.sqrt(np.maximum(_cells(colours**2, 4) - mean**2, 0))
    parts = [_gradients(colours.mean(axis=-1)), mean, deviation]
    return np.concatenate([part.reshape(len(images), -1) for part in parts], axis=1)


def _gradients(grey: Any) -> Any:
    """Share of each direction in the gradients of a cell, against those of its neighbours."""
    down, across = np.gradient(grey, axis=(1, 2))
    strength = np.hypot(down, across)[..., None]
    angle = np.arctan2(down, across)[..., None] / np.pi * _DIRECTIONS  # a line has no sign
    away = np.abs(
        (angle - np.arange(_DIRECTIONS) + _DIRECTIONS / 2) % _DIRECTIONS - _DIRECTIONS / 2
    )
    cells = _cells(strength * np.maximum(1 - away, 0), 8)
    four = [cells[:, y : y + 7, x : x + 7] for y in (0, 1) for x in (0, 1)]
    blocks = np.concatenate(four, axis=-1)
    return blocks / np.sqrt((blocks**2).sum(axis=-1, keepdims=True) + 4e-4)


def _cells(values: Any, count: int) -> Any:
    """Means over count x count cells: (n, side, side, channels) to (n, count, count, channels)."""
    n, side, _, channels = values.shape
    size = side // count
    return values.reshape(n, count, size, count, size, channels).mean(axis=(2, 4))
