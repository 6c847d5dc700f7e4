"""Asks a network for its outputs, some images at a time: all at once would not fit into memory."""

import typing
from typing import Any

import numpy as np
from numpy.typing import NDArray

if typing.TYPE_CHECKING:
    import keras

_BATCH = 64
"""images at a time"""


def outputs(network: "keras.Model", images: NDArray[np.uint8]) -> list[Any]:
    """What `predict_on_batch` gives for each batch of the images (n, height, width, 3).

    TensorFlow traces a network, which is slow, for each shape that comes, and warns of it. So the
    network is traced here once, for batches of any size: the last one has fewer images.
    """
    if len(images) and network.predict_function is None:
        import tensorflow as tf

        batch = tf.TensorSpec((None, *images.shape[1:]), images.dtype)
        network.make_predict_function()
        predict: Any = network.predict_function
        predict.get_concrete_function([(batch,)])
    return [
        network.predict_on_batch(images[start : start + _BATCH])
        for start in range(0, len(images), _BATCH)
    ]
