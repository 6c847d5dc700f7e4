"""The decode-and-resize that training, evaluation and prediction share.

An image becomes upright, RGB on white (by the decoder that clean uses too), and a square of `size`
pixels: stretched, neither cropped nor padded, as Keras' `flow_from_directory` does it. A JPEG comes
out of its decoder at 1/2, 1/4 or 1/8 where that is large enough; then it is resampled once, with
antialiasing.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline import decode as decoder
from pipeline.cli import UserError
from pipeline.engine import usable_cores

AnyImage: TypeAlias = str | Path | bytes | Image.Image | NDArray[Any]
Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 128  # images that wait decoded: two batches of a network


class UnreadableImageError(UserError):
    """An image that can't be read; the message names it where it has a name."""


def decode(image: AnyImage, size: int) -> NDArray[np.uint8]:
    """An image as RGB, (size, size, 3), uint8.

    `image` is a path, the bytes of a file, a Pillow image, or a uint8 array of shape
    (height, width, 3) or (height, width). Raises UnreadableImageError.
    """
    name = str(image) if isinstance(image, str | Path) else "the image"
    try:
        upright, _ = _upright(image, size)
    except FileNotFoundError as error:
        raise UnreadableImageError(f"{name} is not there") from error
    except (OSError, ValueError, TypeError, decoder.ImageError) as error:
        raise UnreadableImageError(f"{name} can't be read: {error}") from error
    return np.asarray(upright.resize((size, size), Image.Resampling.BILINEAR))


def decode_many(
    images: Sequence[AnyImage], size: int
) -> list[NDArray[np.uint8] | UnreadableImageError]:
    """`decode` for each, on all cores; one that can't be read leaves its error in its place."""
    return list(decode_ahead(images, size))


def decode_ahead(
    images: Iterable[AnyImage | UnreadableImageError], size: int
) -> Iterator[NDArray[np.uint8] | UnreadableImageError]:
    """The same one by one: while the caller deals with an image, the next ones are decoded.

    What is an error already stays as it is.
    """

    def attempt(
        image: AnyImage | UnreadableImageError,
    ) -> NDArray[np.uint8] | UnreadableImageError:
        if isinstance(image, UnreadableImageError):
            return image
        try:
            return decode(image, size)
        except UnreadableImageError as error:
            return error

    # Pillow lets other threads run while it decodes
    return map_ahead(attempt, images, usable_cores(), _AHEAD)


def map_ahead(
    function: Callable[[Item], Result], items: Iterable[Item], threads: int, ahead: int
) -> Iterator[Result]:
    """`function` of each item, in order, by threads that are at most `ahead` items in front."""
    waiting: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(threads)
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:  # also where the caller has had enough
        pool.shutdown(cancel_futures=True)


def _upright(image: AnyImage, at_least: int) -> tuple[Image.Image, int]:
    """As the decoder returns it: the image, and which orientation it had."""
    if isinstance(image, np.ndarray):
        if image.dtype != np.uint8:
            raise ValueError(f"an array has to be uint8 (0 to 255), not {image.dtype}")
        image = Image.fromarray(image)
    if isinstance(image, Image.Image):
        return decoder.decode(b"", image.copy(), at_least)
    name = "" if isinstance(image, bytes) else str(image)
    content = image if isinstance(image, bytes) else Path(image).read_bytes()
    return decoder.decode(content, decoder.open_header(content, name), at_least)
