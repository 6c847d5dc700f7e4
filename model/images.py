"""The decode-and-resize that training, evaluation and prediction share.

A picture becomes upright (EXIF), opaque (on white), RGB, and a square of `size` pixels: stretched,
not cropped or padded, as Keras' `flow_from_directory` does it. One antialiased resample; of a JPEG
the decoder gives a reduced scale already (1/2, 1/4 or 1/8, never below `size`).
"""

import io
import os
import struct
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from pipeline.cli import UserError

Picture: TypeAlias = str | Path | bytes | Image.Image | NDArray[Any]

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF")
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".avif", ".gif", ".bmp", ".tif", ".tiff"}
_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    IndexError,
    EOFError,
    struct.error,
    Image.DecompressionBombError,
)  # all that Pillow's decoders raise for bytes that are no picture


class PictureError(UserError):
    """A picture that can't be read; the message names it where it has a name."""


def decode(picture: Picture, size: int) -> NDArray[np.uint8]:
    """A picture as RGB, (size, size, 3), uint8.

    `picture` is a path, the bytes of a file, a Pillow picture, or a uint8 array of shape
    (height, width, 3) or (height, width). Raises PictureError.
    """
    try:
        if isinstance(picture, np.ndarray):
            return _square(_from_array(picture), size)
        if isinstance(picture, Image.Image):
            return _square(picture, size)
        source = io.BytesIO(picture) if isinstance(picture, bytes) else picture
        with Image.open(source, formats=FORMATS) as image:
            image.draft("RGB", (size, size))
            return _square(image, size)
    except FileNotFoundError as error:
        raise PictureError(f"{error.filename} is not there") from error
    except _BROKEN as error:
        name = str(picture) if isinstance(picture, str | Path) else "the picture"
        raise PictureError(f"{name} can't be read as a picture: {error}") from error


def decode_many(pictures: Sequence[Picture], size: int) -> list[NDArray[np.uint8] | PictureError]:
    """`decode` for each, on all cores; one that can't be read leaves its error in its place."""

    def attempt(picture: Picture) -> NDArray[np.uint8] | PictureError:
        try:
            return decode(picture, size)
        except PictureError as error:
            return error

    with ThreadPoolExecutor(cores()) as pool:  # Pillow lets go of the interpreter while it decodes
        return list(pool.map(attempt, pictures))


def cores() -> int:
    """How many processor cores this process may use, which can be fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _from_array(array: NDArray[Any]) -> Image.Image:
    if array.dtype != np.uint8:
        raise ValueError(f"an array has to be uint8 (0 to 255), not {array.dtype}")
    return Image.fromarray(array)


def _square(image: Image.Image, size: int) -> NDArray[np.uint8]:
    rgb = _opaque(ImageOps.exif_transpose(image))
    return np.asarray(rgb.resize((size, size), Image.Resampling.BILINEAR))


def _opaque(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits: Pillow's own conversion would clip all but the black
        levels = np.asarray(image).astype(np.int64) >> 8
        return Image.fromarray(levels.clip(0, 255).astype(np.uint8)).convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
