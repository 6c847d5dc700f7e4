"""Networks that come trained: EfficientNet-Lite, SqueezeNet, and those of keras.applications.

Each one takes images as 0-255. A 1x1 convolution before the network makes the input that its
weights expect (mean, scale, order of the channels). So the saved file needs nothing but Keras.
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
"""the value of `train.weights` for random weights"""
BACKBONE, FEATURES, STANDARD, HEAD = "backbone", "features", "standardised", "head"
"""names of layers: the network without its classifier; its pooled output; the pooled output with
mean 0 and deviation 1 over the training images; the classifier"""


def names() -> list[str]:
    """The names of all networks that come trained."""
    applications = (name for name in dir(keras.applications) if name[0].isupper())
    return [*efficientnet_lite.NAMES, "squeezenet", *applications]


def comes_trained(recipe: Train) -> bool:
    """Whether the recipe's network starts from trained weights. The network must be a known one.

    UserError if it starts from scratch and the recipe has options for trained weights.
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
    """The network `name` with random weights, and a classifier on its features.

    The features are the mean and the maximum of each channel. `load` gives trained weights.
    """
    try:
        backbone, preprocess = backbone_of(name, image_size)
    except ValueError as error:  # most networks need images of a minimal size
        raise UserError(f"train.image_size {image_size} doesn't suit {name}: {error}") from error
    # Keras would number the backbones of a process; saved files and weight files need a fixed name
    backbone.name = BACKBONE
    images = keras.Input((image_size, image_size, 3))
    maps = backbone(_preprocessed(images, preprocess))
    pooled = [layers.GlobalAveragePooling2D()(maps), layers.GlobalMaxPooling2D()(maps)]
    features = layers.Concatenate(name=FEATURES)(pooled)
    # Without this layer, the classifier's weights would have very different sizes. Adam's first
    # steps change all weights by the same amount, so tuning would destroy the small ones.
    standardised = layers.BatchNormalization(
        center=False, scale=False, epsilon=1e-12, trainable=False, dtype="float32", name=STANDARD
    )(features)
    head = layers.Dense(classes, activation="softmax", dtype="float32", name=HEAD)
    return keras.Model(images, head(layers.Dropout(0.2)(standardised)), name=name)


def load(network: keras.Model, weights: str | None, fine_tune_from: str | None) -> None:
    """Give a network from `build` its trained weights, and set which layers are trained further.

    Args:
        network: what `build` returned.
        weights: a path or an address. None takes the ImageNet weights, from an installed package
            or as Keras downloads them.
        fine_tune_from: the name of the first layer that is trained, or the beginning of its name.
            All layers behind it are trained too. None trains the classifier only.

    Batch normalisations are never trained. UserError if the weights can't be found or don't fit,
    if there is no such layer, or if there is nothing to train from it on.
    """
    backbone = network.get_layer(BACKBONE)
    trained = _trained(network.name, backbone, fine_tune_from)
    if weights is None:
        backbone.set_weights(_imagenet(network))
    else:
        load_weights(backbone, network.name, weights)
    for layer in backbone.layers:
        layer.trainable = layer.name in trained


def backbone_of(
    name: str, image_size: int, weights: str | None = None
) -> tuple[keras.Model, Callable[[Any], Any]]:
    """The network without a classifier, and the function that makes its input from 0-255."""
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
    """SqueezeNet 1.1 up to fire9 (Iandola et al., SqueezeNet, 2016).

    Its layers are in Caffe's order, because files of weights rely on it.
    """

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
    """The images after `preprocess`, which becomes a 1x1 convolution.

    `preprocess` only scales and swaps channels. So its results for black and for three pure colours
    give the bias and the kernel.
    """
    black_and_colours = np.concatenate([np.zeros((1, 3)), 255 * np.eye(3)]).astype(np.float32)
    black, *colours = preprocess(black_and_colours.reshape(4, 1, 1, 3)).reshape(4, 3)
    kernel = (np.stack(colours) - black) / 255
    if np.array_equal(kernel, np.eye(3)) and not black.any():  # newer networks preprocess inside
        return images
    layer = layers.Conv2D(3, 1, dtype="float32", trainable=False, name="preprocessing")
    result = layer(images)
    layer.set_weights([kernel[None, None], black])
    return result


def _trained(name: str, backbone: keras.Model, prefix: str | None) -> set[str]:
    """The layers that are trained: those from the first on whose name begins with `prefix`."""
    if prefix is None:
        return set()
    # a few thousand images would only make the statistics of ImageNet worse
    fixed = [layers.BatchNormalization]
    if name in efficientnet_lite.NAMES:
        fixed.append(layers.DepthwiseConv2D)  # slow to train on a processor, for no gain
    able = [
        layer.name
        for layer in backbone.layers
        if layer.weights and not isinstance(layer, tuple(fixed))
    ]
    names = [layer.name for layer in backbone.layers]
    # each name begins with ""; `-S train.fine_tune_from=` must not train the whole network
    first = next((each for each in names if prefix and each.startswith(prefix)), None)
    if first is None:
        problem = f"has no layer {prefix!r}"
    elif found := {*names[names.index(first) :]}.intersection(able):
        return found
    else:
        problem = f"has nothing that could be trained from {first} on"
    raise UserError(f"train.fine_tune_from: {name} {problem}; it has {', '.join(able)}")


def _imagenet(network: keras.Model) -> list[NDArray[np.float32]]:
    """The ImageNet weights of a network, in the form that `set_weights` takes."""
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
            f"the ImageNet weights of {network.name} can't be fetched: {error}; give train.weights "
            f"a path, or {FROM_SCRATCH!r} to train from scratch"
        ) from error
    return list(trained.get_weights())
