"""Batches of images: from memory or, by Keras' own generator, from files."""

import math
import typing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from model.data import Images, class_labels, split_files
from pipeline.cli import UserError
from pipeline.params import Augment

if typing.TYPE_CHECKING:
    import keras
    import tensorflow as tf


VALIDATION_BATCH = 64
"""images that are validated at once"""


def training_batches(
    split: Images,
    augment: Augment,
    batch_size: int,
    seed: int,
    first_epoch: int = 0,
    parts: range = range(1),
    of: int = 1,
) -> "tf.data.Dataset":
    """Endless batches of (images, one-hot classes), each epoch shuffled anew and augmented.

    An epoch is ceil(n / batch_size) batches. What epoch e shuffles and what step s draws follow
    from the seed and e or s alone, so the same seed gives the same batches in any run, also in one
    that begins with a later epoch. Where several train together, each batch is cut into `of` parts,
    and of each batch come `parts`, one after the other. No part is empty: of a batch that is
    smaller than `of`, some images are in two.
    """
    import tensorflow as tf

    from model.train.augment import RandomAffineBrightness, Transforms

    layer = RandomAffineBrightness(**augment.model_dump())
    count = len(split.files)
    as_it_is = tf.autograph.experimental.do_not_convert  # nothing to convert; looking takes long

    @as_it_is
    def epoch(number: Any) -> Any:
        order = tf.random.experimental.stateless_shuffle(tf.range(count), (seed, number))
        return tf.data.Dataset.from_tensor_slices(order).batch(batch_size)

    @tf.function(jit_compile=True, autograph=False)
    def augmented(images: Any, numbers: Any) -> Any:
        return layer.apply(images, layer.draw(numbers))

    @as_it_is
    def cut(step: Any, order: Any) -> Any:
        numbers = tf.data.Dataset.range(parts.start, parts.stop)
        return numbers.map(as_it_is(lambda part: (step, order, part)))

    @as_it_is
    def batch(step: Any, order: Any, part: Any) -> Any:
        first = part % tf.size(order, tf.int64)
        images, one_hot = _taken(split, order[first::of])
        shape = (tf.size(order), len(Transforms._fields))
        numbers = tf.random.stateless_uniform(shape, (seed, step))[first::of]
        return augmented(images, numbers), one_hot

    steps = tf.data.Dataset.counter(first_epoch).flat_map(epoch)
    steps = steps.enumerate(first_epoch * math.ceil(count / batch_size)).flat_map(cut)
    return steps.map(batch, tf.data.AUTOTUNE, deterministic=True).prefetch(tf.data.AUTOTUNE)


def plain_batches(split: Images, batch_size: int = VALIDATION_BATCH) -> "tf.data.Dataset":
    """Batches of (images, one-hot classes), once, in order, as they are (uint8)."""
    import tensorflow as tf

    order = tf.data.Dataset.range(len(split.files), output_type=tf.int32).batch(batch_size)
    batches = order.map(partial(_taken, split), tf.data.AUTOTUNE, deterministic=True)
    return batches.prefetch(tf.data.AUTOTUNE)


def parted_batches(split: Images, steps: int, parts: range, of: int) -> "tf.data.Dataset":
    """Batches for several that train together: `steps` batches of each of `parts`, in turn.

    Part p is every `of`-th image from the p-th on, so no part has more than one image more than
    another. UserError if a step of a part would have no image.
    """
    import tensorflow as tf

    count = len(split.files)
    if count // of < steps:
        raise UserError(
            f"{count} validation images are too few for {of} hosts or GPUs: each takes a part"
        )

    def batch(pair: Any) -> Any:
        step, part = pair[0], pair[1]
        mine = tf.range(part, count, of)
        size = tf.size(mine)
        return _taken(split, mine[size * step // steps : size * (step + 1) // steps])

    pairs = np.array([(step, part) for step in range(steps) for part in parts], np.int32)
    batches = tf.data.Dataset.from_tensor_slices(pairs).map(batch)
    return batches.prefetch(tf.data.AUTOTUNE)


def _taken(split: Images, order: Any) -> Any:
    """Read images from where they are kept: a tensor of all would be a second copy in memory."""
    import tensorflow as tf

    images = tf.numpy_function(
        lambda numbers: split.images[numbers], [order], tf.uint8, stateful=False
    )
    images = tf.ensure_shape(images, (None, *split.images.shape[1:]))
    return images, tf.one_hot(tf.gather(split.classes, order), len(split.labels))


def generator_batches(
    dataset: Path, augment: Augment, size: int, batch_size: int, seed: int, first_epoch: int = 0
) -> "keras.utils.PyDataset":
    """Batches of Keras' own ImageDataGenerator. It decodes and augments files in each epoch.

    It swaps the width and height of the shifts (keras#17398), so they are swapped here before.
    """
    import tensorflow as tf

    from model.train.generator import EndlessBatches

    values = augment.model_dump()
    values["width_shift_range"] = augment.height_shift_range
    values["height_shift_range"] = augment.width_shift_range
    generator = tf.keras.preprocessing.image.ImageDataGenerator(**values)
    flow = generator.flow_from_directory(
        dataset / "train",
        target_size=(size, size),
        batch_size=batch_size,
        seed=seed,
        interpolation="bilinear",  # as our own decode; its default skips pixels
        classes=class_labels(dataset),
    )
    _set_files(flow, dataset)
    return EndlessBatches(flow, first_epoch)


def _set_files(flow: Any, dataset: Path) -> None:
    """Have a flow read the files that `load_split` reads; its own listing knows other names."""
    paths = split_files(dataset, "train")
    flow.filenames = [path.relative_to(dataset / "train").as_posix() for path in paths]
    flow._filepaths = [str(path) for path in paths]
    numbers = [flow.class_indices[path.parent.name] for path in paths]
    flow.classes = np.array(numbers, np.int32)
    flow.samples = flow.n = len(paths)
