"""The networks by name. Each takes images as 0-255 and gives class probabilities.

If a network needs another scale, a layer of Keras inside it makes that. So the saved file loads
with Keras alone.
"""

import difflib
from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from model.networks import pretrained
from pipeline.cli import UserError


def sequential_cnn(image_size: int, classes: int) -> keras.Model:
    """Three times convolution, pooling and dropout; a dense layer with dropout; softmax."""
    return keras.Sequential(
        [
            keras.Input((image_size, image_size, 3)),
            layers.Rescaling(1 / 127.5, offset=-1),  # -1 to 1: with mean 0 Adam learns sooner
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
            layers.Dense(classes, activation="softmax", dtype="float32"),
        ],
        name="sequential_cnn",
    )


def residual_cnn(image_size: int, classes: int) -> keras.Model:
    """Four stages of one residual block (He et al., Deep Residual Learning, 2015), 1.6 M weights.

    Width and height are halved before the first stage and in each of the three others. The
    classifier sees the mean and the maximum of each channel of these three stages, because texture
    alone tells some classes apart.
    """
    images = keras.Input((image_size, image_size, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1)(images)
    x = layers.ReLU()(_convolution(x, 32, stride=2))
    pooled = []
    for filters, stride in ((64, 1), (96, 2), (160, 2), (256, 2)):
        x = _residual_block(x, filters, stride)
        if stride == 2:
            pooled += [layers.GlobalAveragePooling2D()(x), layers.GlobalMaxPooling2D()(x)]
    x = layers.Dropout(0.2)(layers.Concatenate()(pooled))
    outputs = layers.Dense(classes, activation="softmax", dtype="float32")(x)
    return keras.Model(images, outputs, name="residual_cnn")


def _residual_block(x: Any, filters: int, stride: int) -> Any:
    """A residual block with `filters` channels; `stride` divides width and height."""
    change = layers.ReLU()(_normalised_convolution(x, filters, stride))
    change = _normalised_convolution(change, filters, gamma="zeros")  # at first it changes nothing
    shortcut = x if stride == 1 else layers.AveragePooling2D(stride, padding="same")(x)
    shortcut = _convolution(shortcut, filters, kernel=1)
    return layers.ReLU()(layers.Add()([change, shortcut]))


def _normalised_convolution(x: Any, filters: int, stride: int = 1, gamma: str = "ones") -> Any:
    x = _convolution(x, filters, stride=stride, use_bias=False)  # the normalisation has a bias
    return layers.BatchNormalization(momentum=0.99, gamma_initializer=gamma)(x)


def _convolution(
    x: Any, filters: int, kernel: int = 3, stride: int = 1, use_bias: bool = True
) -> Any:
    return layers.Conv2D(
        filters,
        kernel,
        strides=stride,
        padding="same",
        use_bias=use_bias,
        kernel_initializer="he_normal",
    )(x)


NETWORKS: dict[str, Callable[[int, int], keras.Model]] = {
    "sequential_cnn": sequential_cnn,
    "residual_cnn": residual_cnn,
}


def build(name: str, image_size: int, classes: int) -> keras.Model:
    """A new network for images (n, image_size, image_size, 3), with random weights.

    UserError if the name is unknown, or if the network doesn't take the size.
    """
    if name in NETWORKS:
        return NETWORKS[name](image_size, classes)
    if name in pretrained.names():
        return pretrained.build(name, image_size, classes)
    known = {_plain(each): each for each in (*NETWORKS, *pretrained.names())}
    near = [known[each] for each in difflib.get_close_matches(_plain(name), known, n=3)]
    remedy = f"nearest: {', '.join(near)}" if near else f"there are {', '.join(known.values())}"
    raise UserError(f"train.network is {name!r}, which is no known network; {remedy}")


def _plain(name: str) -> str:
    """The letters and digits of a name, for comparing: people write EfficientNet-Lite0, resnet50.

    >>> _plain("EfficientNet-Lite0")
    'efficientnetlite0'
    """
    return "".join(each for each in name.lower() if each.isalnum())
