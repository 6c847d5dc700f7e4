"""Networks that come trained: EfficientNet-Lite, SqueezeNet, and those of keras.applications.

Each takes images as 0-255: what its weights expect (mean, scale, order of the channels) is a 1x1
convolution before it, so that the saved file needs Keras alone.
"""

import sys
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from model.networks import efficientnet_lite, lite_weights
from model.networks.weights import load_weights
from pipeline.cli import UserError
from pipeline.params import Train

FROM_SCRATCH = "none"
"""for `train.weights`"""
BACKBONE, FEATURES, STANDARD, HEAD = "backbone", "features", "standardised", "head"
"""names of layers: the network without its classifier, its pooled output, the same with mean 0 and
deviation 1 over the training images, the classifier"""


def names() -> list[str]:
    """Of all networks here."""
    applications = (name for name in dir(keras.applications) if name[0].isupper())
    return [*efficientnet_lite.NAMES, "squeezenet", *applications]


def comes_trained(recipe: Train) -> bool:
    """Whether the recipe's network, which must be known, starts from trained weights.

    UserError for options that only such a network has.
    """
    if recipe.network in names() and recipe.weights != FROM_SCRATCH:
        return True
    for key in ("weights", "fine_tune_from"):
        value = getattr(recipe, key)
        if value not in (None, FROM_SCRATCH):
            raise UserError(
                f"train.{key} is {value!r}, but {recipe.network} starts from scratch here; "
                "make it null"
            )
    if not recipe.epochs:
        raise UserError("train.epochs is 0, which only suits a network with pretrained weights")
    return False


def build(name: str, image_size: int, classes: int) -> keras.Model:
    """The network `name` without trained weights, and a classifier on its features.

    The features are the mean and the maximum of each of its channels. While a pretrained network is
    tuned its batch normalisations go on with ImageNet's statistics: see `load`.
    """
    try:
        backbone, preprocess = backbone_of(name, image_size)
    except ValueError as error:  # most have a smallest image that they take
        raise UserError(f"train.image_size {image_size} doesn't suit {name}: {error}") from error
    # Keras would count on across networks; a saved file and a weights file know it by this name
    backbone.name = BACKBONE
    images = keras.Input((image_size, image_size, 3))
    maps = backbone(_preprocessed(images, preprocess))
    pooled = [layers.GlobalAveragePooling2D()(maps), layers.GlobalMaxPooling2D()(maps)]
    features = layers.Concatenate(name=FEATURES)(pooled)
    # Without this, weights of very different sizes would be fitted. Adam's first steps change all
    # weights by the same amount, so a tuning would destroy the small ones.
    standardised = layers.BatchNormalization(
        center=False, scale=False, epsilon=1e-12, trainable=False, dtype="float32", name=STANDARD
    )(features)
    head = layers.Dense(classes, activation="softmax", dtype="float32", name=HEAD)
    return keras.Model(images, head(layers.Dropout(0.2)(standardised)), name=name)


def load(network: keras.Model, weights: str | None, fine_tune_from: str | None) -> None:
    """Give a network from `build` its trained weights, and say which layers are trained further.

    Args:
        weights: a path or an address; None: ImageNet's own, of an installed package or downloaded
            by Keras.
        fine_tune_from: the first layer that is trained, by its name or the beginning of it, and
            all behind it; None trains the classifier only.

    UserError where the weights can't be had or don't fit, or there is no such layer.
    """
    backbone = network.get_layer(BACKBONE)
    first = _first_trained(network.name, backbone, fine_tune_from)
    if weights is None:
        backbone.set_weights(_imagenet(network))
    else:
        load_weights(backbone, network.name, weights)
    # a few thousand images would only spoil the statistics that ImageNet gave
    fixed = [layers.BatchNormalization]
    if network.name in efficientnet_lite.NAMES:
        fixed.append(layers.DepthwiseConv2D)  # slow on a processor, and good as they are
    for number, layer in enumerate(backbone.layers):
        layer.trainable = number >= first and not isinstance(layer, tuple(fixed))


def backbone_of(
    name: str, image_size: int, weights: str | None = None
) -> tuple[keras.Model, Callable[[Any], Any]]:
    """The network without a classifier, and what makes its input from images 0-255."""
    if name in efficientnet_lite.NAMES:
        return efficientnet_lite.build(name, image_size), efficientnet_lite.preprocess
    if name == "squeezenet":
        return _squeezenet(image_size), keras.applications.imagenet_utils.preprocess_input
    application = getattr(keras.applications, name)
    network = application(
        include_top=False, weights=weights, input_shape=(image_size, image_size, 3)
    )
    return network, sys.modules[application.__module__].preprocess_input


def _squeezenet(image_size: int) -> keras.Model:
    """SqueezeNet 1.1 up to fire9 (Iandola et al., SqueezeNet, 2016); layers in Caffe's order."""

    def fire(x: Any, number: int, squeeze: int, expand: int) -> Any:
        def convolution(filters: int, kernel: int, name: str) -> layers.Layer:
            return layers.Conv2D(
                filters, kernel, padding="same", activation="relu", name=f"fire{number}_{name}"
            )

        x = convolution(squeeze, 1, "squeeze1x1")(x)
        expanded = [convolution(expand, k, f"expand{k}x{k}")(x) for k in (1, 3)]
        return layers.Concatenate(name=f"fire{number}_concat")(expanded)

    images = keras.Input((image_size, image_size, 3))
    x = layers.Conv2D(64, 3, strides=2, activation="relu", name="conv1")(images)
    x = layers.MaxPooling2D(3, 2, name="pool1")(x)
    x = fire(fire(x, 2, 16, 64), 3, 16, 64)
    x = layers.MaxPooling2D(3, 2, name="pool3")(x)
    x = fire(fire(x, 4, 32, 128), 5, 32, 128)
    x = layers.MaxPooling2D(3, 2, name="pool5")(x)
    x = fire(fire(x, 6, 48, 192), 7, 48, 192)
    x = fire(fire(x, 8, 64, 256), 9, 64, 256)
    return keras.Model(images, x)


def _preprocessed(images: Any, preprocess: Callable[[Any], Any]) -> Any:
    """`preprocess`, which mixes and scales channels, as a convolution with what it does to four."""
    black_and_colours = np.concatenate([np.zeros((1, 3)), 255 * np.eye(3)]).astype(np.float32)
    black, *colours = preprocess(black_and_colours.reshape(4, 1, 1, 3)).reshape(4, 3)
    kernel = (np.stack(colours) - black) / 255
    if np.array_equal(kernel, np.eye(3)) and not black.any():  # newer networks do it themselves
        return images
    layer = layers.Conv2D(3, 1, dtype="float32", trainable=False, name="preprocessing")
    result = layer(images)
    layer.set_weights([kernel[None, None], black])
    return result


def _first_trained(name: str, backbone: keras.Model, prefix: str | None) -> int:
    """The position of a layer in the network."""
    if prefix is None:
        return len(backbone.layers)
    for number, layer in enumerate(backbone.layers):
        if layer.name.startswith(prefix):
            return number
    known = ", ".join(layer.name for layer in backbone.layers if layer.weights)
    raise UserError(f"train.fine_tune_from: {name} has no layer {prefix!r}; it has {known}")


def _imagenet(network: keras.Model) -> list[NDArray[np.float32]]:
    """As `set_weights` takes them."""
    if network.name in efficientnet_lite.NAMES:
        return lite_weights.imagenet(network.name)
    if network.name == "squeezenet":
        raise UserError(
            "train.weights: squeezenet needs a path or an address of its weights; "
            "presets/clothing-squeezenet.yaml has one"
        )
    try:
        trained, _ = backbone_of(network.name, network.input_shape[1], weights="imagenet")
    except Exception as error:  # Keras' download raises nothing narrower
        raise UserError(
            f"the ImageNet weights of {network.name} can't be had: {error}; give train.weights "
            f"a path, or {FROM_SCRATCH!r} to train from scratch"
        ) from error
    return list(trained.get_weights())
