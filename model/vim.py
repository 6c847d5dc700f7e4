"""Measures how similar an image is to the training images, by a network's features of it.

ViM (Wang, Li, Feng and Zhang, ViM: Out-Of-Distribution with Virtual-logit Matching, 2022). The
features of training images vary in a few directions only. An image of another kind has a part
outside of these directions. The score is how sure the network is of any class (the logarithm of the
summed exponentials of the logits), minus the length of that part.

Features are the input of the network's last layer, the classifier.
"""

import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from model import batchwise

if typing.TYPE_CHECKING:
    import keras

FILE = "vim.npz"
MOST_IMAGES = 1000
"""training images to fit on: more gain nothing (docs/training.md) and cost a pass each"""
_COMPONENTS = 128


@dataclass(frozen=True)
class Vim:
    """The values that are fitted on the features of training images."""

    origin: NDArray[np.float32]
    """(features,): where all logits are 0, or as near to it as can be"""
    directions: NDArray[np.float32]
    """(features, components): those in which training images vary most, from the origin"""
    scale: float
    """what a length outside of the directions counts, in logits"""

    @classmethod
    def fit(cls, network: "keras.Model", images: NDArray[np.uint8]) -> Self:
        """Fit it on training images (n, image_size, image_size, 3), or on some of each class.

        With few images or few features there are fewer components, half as many at most. Else no
        length would be left outside of the directions.
        """
        kernel, bias = _classifier(network)
        features = _features(network, images).astype(np.float64)
        origin = -np.linalg.pinv(kernel.T) @ bias
        away = features - origin
        count = min(_COMPONENTS, *(side // 2 for side in away.shape))
        directions = np.linalg.svd(away, full_matrices=False)[2][:count].T
        outside = np.linalg.norm(away - away @ directions @ directions.T, axis=1).mean()
        highest = (features @ kernel + bias).max(axis=1).mean()
        # both are of one size then, as the paper has it; there may be nothing outside at all
        scale = max(highest, 0) / outside if outside > 0 else 0.0
        return cls(origin.astype(np.float32), directions.astype(np.float32), float(scale))

    def beside(self, network: "keras.Model") -> "keras.Model":
        """The network with a second output: the score (n,), higher for what is more alike."""
        import keras
        from keras import ops

        kernel, bias = _classifier(network)
        features = network.layers[-1].input
        away = features - self.origin
        inside = ops.matmul(away, self.directions)
        outside = ops.relu(ops.sum(away**2, axis=-1) - ops.sum(inside**2, axis=-1))
        sure = ops.logsumexp(ops.matmul(features, kernel) + bias, axis=-1)
        score = sure - self.scale * ops.sqrt(outside)
        return keras.Model(network.inputs, [network.outputs[0], score])

    def save(self, path: Path) -> None:
        """Write it; the same numbers give the same bytes."""
        np.savez(path, origin=self.origin, directions=self.directions, scale=self.scale)

    @classmethod
    def load(cls, path: Path, network: "keras.Model") -> Self:
        """Read the saved values. ValueError if they were fitted on another network's features."""
        with np.load(path) as file:
            found = cls(file["origin"], file["directions"], float(file["scale"]))
        width = network.layers[-1].input.shape[-1]
        if found.origin.shape != (width,) or found.directions.shape[:1] != (width,):
            raise ValueError(
                f"it is for {found.origin.size} features, and the network beside it has {width}"
            )
        return found


def some_of_each(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """At most MOST_IMAGES of the images, evenly spaced, because the images are sorted by class."""
    return images[:: -(-len(images) // MOST_IMAGES)]


def _classifier(network: "keras.Model") -> tuple[Any, Any]:
    """Kernel (features, classes) and bias (classes,) of the last layer."""
    kernel, bias = network.layers[-1].get_weights()
    return kernel, bias


def _features(network: "keras.Model", images: NDArray[np.uint8]) -> NDArray[Any]:
    """(n, features)"""
    import keras

    extractor = keras.Model(network.inputs, network.layers[-1].input)
    return np.concatenate(batchwise.outputs(extractor, images))
