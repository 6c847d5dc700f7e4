"""ImageDataGenerator's augmentation as one Keras layer: one matrix, one resample per image.

The parameters have the names and units of `keras.preprocessing.image.ImageDataGenerator`, and mean
what they say: its `width_shift_range` moves images up and down (keras#17398), ours
sideways. The order is its own: rotation · shift · shear · zoom about the centre, bilinear, the
border repeated, then the flip, then brightness.
"""

import math
from typing import Any, NamedTuple

import keras
from keras import ops


class Transforms(NamedTuple):
    """The changes for each image of a batch. Every field is a tensor (n,) of float32."""

    rotation: Any  # radians
    shift_x: Any  # share of the width
    shift_y: Any  # share of the height
    shear: Any  # radians
    zoom_x: Any  # above 1 zooms out
    zoom_y: Any
    flip: Any  # -1 mirrors left and right, 1 doesn't
    brightness: Any  # factor


@keras.saving.register_keras_serializable(package="product_classification")
class RandomAffineBrightness(keras.layers.Layer):
    """Rotates, shifts, shears, zooms, mirrors and brightens images at random, in training.

    In: images 0-255, (n, height, width, channels), any type. Out: the same shape, floats, 0-255.

    Args:
        rotation_range: degrees to either side.
        width_shift_range, height_shift_range: share of that side, in either direction.
        shear_range: degrees to either side.
        zoom_range: z draws factors from 1 - z to 1 + z, one for each axis.
        horizontal_flip: mirrors half of the images.
        brightness_range: (lowest, highest) factor; None leaves brightness alone.
        seed: of the draws.
    """

    def __init__(
        self,
        rotation_range: float = 0,
        width_shift_range: float = 0,
        height_shift_range: float = 0,
        shear_range: float = 0,
        zoom_range: float = 0,
        horizontal_flip: bool = False,
        brightness_range: tuple[float, float] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.rotation_range = rotation_range
        self.width_shift_range = width_shift_range
        self.height_shift_range = height_shift_range
        self.shear_range = shear_range
        self.zoom_range = zoom_range
        self.horizontal_flip = horizontal_flip
        self.brightness_range = tuple(brightness_range) if brightness_range else None
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, images: Any, training: bool = False) -> Any:
        if not training:
            return ops.cast(images, self.compute_dtype)
        numbers = keras.random.uniform(
            (ops.shape(images)[0], len(Transforms._fields)), seed=self.seed_generator
        )
        return ops.cast(self.apply(images, self.draw(numbers)), self.compute_dtype)

    def draw(self, numbers: Any) -> Transforms:
        """Transforms from uniform random numbers: (n, 8), 0 to 1."""
        column = dict(zip(Transforms._fields, ops.unstack(numbers, axis=1), strict=True))

        def either_side(field: str, reach: float) -> Any:
            return (2 * column[field] - 1) * reach

        low, high = self.brightness_range or (1, 1)
        flipped = 0.5 if self.horizontal_flip else 0.0
        return Transforms(
            rotation=either_side("rotation", math.radians(self.rotation_range)),
            shift_x=either_side("shift_x", self.width_shift_range),
            shift_y=either_side("shift_y", self.height_shift_range),
            shear=either_side("shear", math.radians(self.shear_range)),
            zoom_x=1 + either_side("zoom_x", self.zoom_range),
            zoom_y=1 + either_side("zoom_y", self.zoom_range),
            flip=ops.where(column["flip"] < flipped, -1.0, 1.0),
            brightness=low + column["brightness"] * (high - low),
        )

    def apply(self, images: Any, transforms: Transforms) -> Any:
        """Transformed images: (n, height, width, channels), float32, 0-255."""
        height, width = images.shape[1:3]
        moved = resample(images, matrices(transforms, height, width))
        return ops.clip(moved * ops.reshape(transforms.brightness, (-1, 1, 1, 1)), 0, 255)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "rotation_range": self.rotation_range,
            "width_shift_range": self.width_shift_range,
            "height_shift_range": self.height_shift_range,
            "shear_range": self.shear_range,
            "zoom_range": self.zoom_range,
            "horizontal_flip": self.horizontal_flip,
            "brightness_range": self.brightness_range,
            "seed": self.seed,
        }


def matrices(transforms: Transforms, height: int, width: int) -> Any:
    """The place in the image from which each pixel (x, y) of the result comes.

    It is (n, 2, 3), times (x, y, 1): the product rotation · shift · shear · zoom · flip, multiplied
    out, about the centre ((width - 1) / 2, (height - 1) / 2):

        | f·zx·cos r   -zy·sin(r + s)   cos r·dx - sin r·dy |
        | f·zx·sin r    zy·cos(r + s)   sin r·dx + cos r·dy |
    """
    t = transforms
    cos, sin = ops.cos(t.rotation), ops.sin(t.rotation)
    dx, dy = t.shift_x * width, t.shift_y * height
    xx, xy = t.flip * t.zoom_x * cos, -t.zoom_y * ops.sin(t.rotation + t.shear)
    yx, yy = t.flip * t.zoom_x * sin, t.zoom_y * ops.cos(t.rotation + t.shear)
    centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
    from_x = cos * dx - sin * dy + centre_x - xx * centre_x - xy * centre_y
    from_y = sin * dx + cos * dy + centre_y - yx * centre_x - yy * centre_y
    return ops.stack(
        [ops.stack([xx, xy, from_x], axis=1), ops.stack([yx, yy, from_y], axis=1)], axis=1
    )


def resample(images: Any, matrices: Any) -> Any:
    """Bilinear, the border repeated: (n, height, width, channels) of any type, (n, 2, 3) → float32.

    `keras.ops.image.affine_transform` does the same; this, compiled by XLA, takes a third of its
    processor time, since it works out where a pixel comes from once and not for each channel.
    """
    count, (height, width, channels) = ops.shape(images)[0], images.shape[1:]
    columns = ops.reshape(ops.arange(width, dtype="float32"), (1, 1, -1))
    rows = ops.reshape(ops.arange(height, dtype="float32"), (1, -1, 1))

    def coordinate(axis: int, last: int) -> tuple[Any, Any, Any]:
        """The two pixels around each place along an axis, and how far it is to the second."""
        by_column, by_row, offset = (matrices[:, axis, i, None, None] for i in range(3))
        place = ops.clip(by_column * columns + by_row * rows + offset, 0, last)
        before = ops.floor(place)
        first = ops.cast(before, "int32")
        return first, ops.minimum(first + 1, last), ops.expand_dims(place - before, -1)

    left, right, share_x = coordinate(0, width - 1)
    upper, lower, share_y = coordinate(1, height - 1)
    pixels = ops.reshape(images, (-1, channels))
    start = ops.reshape(ops.arange(count) * (height * width), (-1, 1, 1))

    def between(row: Any) -> Any:
        a, b = (
            ops.cast(ops.take(pixels, start + row * width + column, axis=0), "float32")
            for column in (left, right)
        )
        return a * (1 - share_x) + b * share_x

    return between(upper) * (1 - share_y) + between(lower) * share_y
