"""Decodes and resizes images. Training, evaluation and prediction all use this module.

An image is turned upright and becomes RGB on white, by the decoder that clean uses too. Then it is
stretched to a square of `size` pixels. It is neither cropped nor padded, as in Keras'
`flow_from_directory`. If 1/2, 1/4 or 1/8 of a JPEG is large enough, it is decoded at that scale.
Then it is resampled once, with antialiasing.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline import decode as decoder
from pipeline.cli import UserError
from pipeline.system import usable_cores

AnyImage: TypeAlias = (
    str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes] | Image.Image | NDArray[Any]
)
"""a path, the bytes of a file, an open file, a Pillow image, or an array"""
Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 128  # decoded images that wait: two batches of a network
_CHANNELS = (1, 3, 4)
_stream = threading.Lock()  # a list may have the same open file twice


class UnreadableImageError(UserError):
    """An image can't be read. The message names it, if it has a name."""


def decode(image: AnyImage, size: int) -> NDArray[np.uint8]:
    """An image as RGB, (size, size, 3), uint8.

    `image` is a path, the bytes of a file, a file open for reading bytes, a Pillow image, or a
    uint8 array of shape (height, width, 1, 3 or 4) or (height, width). Raises UnreadableImageError.
    """
    stretched = upright(image, size).resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(stretched)


def upright(image: AnyImage, at_least: int) -> Image.Image:
    """An image upright and as RGB, in its own shape. Raises UnreadableImageError.

    A JPEG may be decoded smaller; then its sides still have `at_least` pixels.
    """
    name = os.fspath(image) if isinstance(image, str | os.PathLike) else "the image"
    try:
        found, _ = _opened(image, at_least)
    except FileNotFoundError as error:
        raise UnreadableImageError(f"{name} is not there") from error
    except (OSError, ValueError, TypeError, decoder.ImageError) as error:
        # the system's own message has the name once more
        why = getattr(error, "strerror", None) or error
        raise UnreadableImageError(f"{name} can't be read: {why}") from error
    return found


def each_image(images: Any) -> Iterable[AnyImage]:
    """The images one by one. `images` may be a single image too.

    An array is one image if it is (height, width), or (height, width, 1, 3 or 4). An array with one
    more axis is many images, and so is (n, height, width). Tensors are taken like arrays.
    """
    if isinstance(images, Image.Image):
        return [images]
    if hasattr(images, "__array__"):
        array = np.asarray(images)
        if array.ndim == 0:
            return [array.item()]
        is_one = array.ndim == 2 or (
            array.ndim == 3 and (array.shape[-1] in _CHANNELS or array.shape[0] in _CHANNELS)
        )
        return [array] if is_one else list(array)
    is_one = isinstance(images, str | os.PathLike | bytes | bytearray | memoryview | Mapping)
    if is_one or hasattr(images, "read") or not isinstance(images, Iterable):
        return [images]  # a thing that is no image is refused later, with a reason
    return images


def decode_many(
    images: Iterable[AnyImage], size: int
) -> list[NDArray[np.uint8] | UnreadableImageError]:
    """Decode each image, on all cores. An image that can't be read gives an error in its place."""
    return list(decode_ahead(images, size))


def decode_ahead(
    images: Iterable[AnyImage | UnreadableImageError], size: int
) -> Iterator[NDArray[np.uint8] | UnreadableImageError]:
    """As `decode_many`, but one by one: while the caller uses an image, the next are decoded.

    An error among the `images` is passed on.
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
    """`function` of each item, in order. The threads are at most `ahead` items ahead of the caller.

    >>> list(map_ahead(len, ["a", "bcd"], threads=2, ahead=1))
    [1, 3]
    """
    waiting: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(threads)
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:  # the caller may stop before the end
        pool.shutdown(cancel_futures=True)


def _opened(image: AnyImage, at_least: int) -> tuple[Image.Image, int]:
    """The decoded image, and its EXIF orientation before it was turned upright."""
    if not isinstance(image, Image.Image) and hasattr(image, "__array__"):
        image = _from_array(np.asarray(image))
    if isinstance(image, Image.Image):
        if not image.width * image.height:
            raise ValueError(f"it has no pixels: {image.width}x{image.height}")
        return decoder.decode(b"", image.copy(), at_least)
    content, name = _content(image)
    return decoder.decode(content, decoder.open_header(content, name), at_least)


def _from_array(array: NDArray[Any]) -> Image.Image:
    if array.ndim == 3 and array.shape[-1] not in _CHANNELS and array.shape[0] in _CHANNELS:
        raise ValueError(
            f"an array of the shape {array.shape} has its channels first; give "
            "`np.moveaxis(array, 0, -1)`, or grey images as a list"
        )
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[-1] not in _CHANNELS):
        raise ValueError(
            f"an array must be (height, width) or (height, width, 1, 3 or 4), not {array.shape}"
        )
    if not array.size:
        raise ValueError(f"it has no pixels: an array of the shape {array.shape}")
    if array.dtype != np.uint8:
        raise ValueError(
            f"an array must be uint8 (0 to 255), not {array.dtype}; if its values are 0 to 255, "
            "`array.astype('uint8')` makes it so"
        )
    return Image.fromarray(array[..., 0] if array.shape[2:] == (1,) else array)


def _content(image: Any) -> tuple[bytes, str]:
    """The bytes of a file, and its name, or "" if it has none."""
    if isinstance(image, str | os.PathLike):
        return Path(image).read_bytes(), os.fspath(image)
    if isinstance(image, bytes | bytearray | memoryview):
        return bytes(image), ""
    if not hasattr(image, "read"):
        raise TypeError(
            f"{type(image).__name__} is none of a path, bytes, an open file, a Pillow image, "
            "an array"
        )
    with _stream:
        if image.seekable():  # a file that was just written stands at its end
            image.seek(0)
        content = image.read()
    if not isinstance(content, bytes):
        raise TypeError("the file is open for reading text; open it with mode 'rb'")
    return content, str(getattr(image, "name", ""))
