"""EfficientNet-Lite0 to 2 without their classifiers. These networks are fast on a processor.

They are EfficientNet (Tan and Le, EfficientNet: Rethinking Model Scaling, 2019) as Google
simplified it for small devices: without squeeze-and-excitation, with ReLU6 in place of swish, and
with a first and a last stage of fixed depth. The layers have the names that they have in
keras.applications' EfficientNet.

There are no batch normalisations: lite_weights.py makes them part of the convolutions before them.
The network computes the same function, but faster.
"""

import math
from typing import Any

import keras
from keras import layers

_SCALES = {
    "efficientnet_lite0": (1.0, 1.0),
    "efficientnet_lite1": (1.0, 1.1),
    "efficientnet_lite2": (1.1, 1.2),
}
"""factors of the number of channels, and of the number of blocks in a stage"""
NAMES = tuple(_SCALES)
"""They were trained with images of 224, 240 and 260 pixels."""
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
"""for each stage: blocks, kernel size, stride of the first block, how many times wider a block is
inside, channels"""


def build(name: str, image_size: int) -> keras.Model:
    """The network `name`, one of NAMES. It takes what `preprocess` gives, and gives n×h×w×1280.

    Its weights are random; `lite_weights.imagenet` has the trained ones.
    """
    width, depth = _SCALES[name]
    images = keras.Input((image_size, image_size, 3))
    x = _convolution(images, 32, "stem", kernel=3, stride=2, activated=True)
    for number, (blocks, kernel, stride, expand, channels) in enumerate(_STAGES, start=1):
        wide = int(channels * width + 4) // 8 * 8  # to the nearest multiple of 8
        count = math.ceil(blocks * depth) if 1 < number < len(_STAGES) else blocks
        for block in range(count):
            step = 1 if block else stride
            x = _block(x, wide, kernel, step, expand, f"block{number}{chr(ord('a') + block)}")
    return keras.Model(images, _convolution(x, 1280, "top", activated=True), name=name)


def preprocess(pixels: Any) -> Any:
    """The input that the weights expect, from pixels of 0 to 255."""
    return (pixels - 127.0) / 128.0


def _block(x: Any, channels: int, kernel: int, stride: int, expand: int, name: str) -> Any:
    """An inverted residual block with `channels` channels; `stride` divides width and height."""
    inputs, before = x, x.shape[-1]
    if expand > 1:
        x = _convolution(x, before * expand, f"{name}_expand", activated=True)
    x = layers.DepthwiseConv2D(
        kernel,
        strides=stride,
        padding="same",
        # with stride 2 it is slow in bfloat16
        dtype="float32" if stride > 1 else None,
        name=f"{name}_dwconv",
    )(x)
    x = layers.ReLU(6, name=f"{name}_activation")(x)
    x = _convolution(x, channels, f"{name}_project")
    if stride == 1 and channels == before:
        x = layers.Add(name=f"{name}_add")([x, inputs])
    return x


def _convolution(
    x: Any, channels: int, name: str, kernel: int = 1, stride: int = 1, activated: bool = False
) -> Any:
    x = layers.Conv2D(channels, kernel, strides=stride, padding="same", name=f"{name}_conv")(x)
    return layers.ReLU(6, name=f"{name}_activation")(x) if activated else x
