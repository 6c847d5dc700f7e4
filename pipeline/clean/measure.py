"""Measures an image, which is decoded once. The rules in rules.py judge the measurements."""

import hashlib
import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from pipeline.clean.second_look import levels
from pipeline.decode import FileError, ImageError, decode, frames, open_header, read
from pipeline.formats import MOST_PIXELS, least_pixels
from pipeline.manifest import Reason

VERSION = 6
"""Raise it with every change of what is measured or how: then all images are measured again."""

_SHARPNESS = 256  # pixels of the longer side
# A JPEG's decoder may reduce the shorter and the longer side to these pixels. The hash needs no
# more. Of an image with fewer than twice as many it is exactly the one of the whole image.
_DECODED = 192, _SHARPNESS
_THUMBNAIL = 128
_SMALL = 16
_HASH, _HASH_GREY = 16, 64  # imagehash: hash_size, and that times highfreq_factor


@dataclass(frozen=True, slots=True)
class Measurement:
    """The measurements of an image. Levels and deviations are on a scale of 0 to 255."""

    format: str
    """Pillow's name"""
    mode: str
    frames: int
    orientation: int
    """EXIF, 1 to 8; all that follows is of the upright image"""
    width: int
    height: int
    brightness: float
    """mean grey"""
    darkest: float
    """1st percentile of grey"""
    brightest: float
    """99th percentile of grey"""
    contrast: float
    """largest standard deviation of the three channels, at 16x16"""
    entropy: float
    """of the histogram of grey, bits"""
    sharpness: float
    """99th percentile of the Laplacian's size in grey, at 256 pixels"""
    saturation: float
    """mean difference of the largest and the smallest channel, at 16x16; 0 is grey"""
    background: float
    """share that has the border's colour, 0 to 1, at 16x16"""
    pixels: bytes
    """digest that is equal for equal pixels in any file"""
    phash: bytes
    """256 bits: `imagehash.phash(hash_size=16)`"""
    mirrored_phash: bytes
    """the same of the mirror image"""
    tiny: bytes
    """8x8 RGB pixels, rows from the top"""
    least_pixels: int
    """number of pixels that must be decoded (`formats.least_pixels`)"""


@dataclass(frozen=True, slots=True)
class NoMeasurement:
    """Why there are no measurements.

    It is `lasting` if it follows from the content alone, and not from the file or a parameter.
    """

    reason: Reason
    error: str
    lasting: bool = True


@dataclass(frozen=True, slots=True)
class Measured:
    """A measurement, and the image in small."""

    measurement: Measurement
    thumbnail: bytes
    """JPEG, longer side at most 128 pixels"""
    levels: bytes
    """what `second_look` compares"""


def measure(path: Path, sha256: str, max_pixels: int = MOST_PIXELS) -> Measured | NoMeasurement:
    """Measure the file at `path`, whose digest should be `sha256` (hexadecimal).

    A file that is no image gives a NoMeasurement, and so does an image of which more than
    `max_pixels` pixels must be decoded.
    Only MemoryError is raised.
    """
    try:
        content = read(path, sha256)
    except FileError as error:
        return NoMeasurement(error.reason, str(error), lasting=False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd metadata; what matters becomes an error
            return _measure(content, max_pixels)
    except ImageError as error:
        lasting = error.reason is not Reason.TOO_MANY_PIXELS
        return NoMeasurement(error.reason, str(error), lasting)


def _measure(content: bytes, max_pixels: int = MOST_PIXELS) -> Measured:
    image = open_header(content, max_pixels=max_pixels)
    least = least_pixels(content, image)
    # read now: decoding changes them
    mode, format_ = image.mode, str(image.format)
    width, height = image.size
    rgb, orientation = decode(content, image, *_DECODED)
    grey = rgb.convert("L")
    thumbnail = _fit(rgb, _THUMBNAIL)
    small = thumbnail.resize((_SMALL, _SMALL), Image.Resampling.BOX)
    colours = np.asarray(small, dtype=np.float32)
    histogram = np.bincount(np.asarray(thumbnail.convert("L")).ravel(), minlength=256)
    shares = histogram / histogram.sum()
    present = shares[shares > 0]
    phash, mirrored = perceptual_hashes(grey)
    measurement = Measurement(
        format=format_,
        mode=mode,
        frames=frames(image),
        orientation=orientation,
        width=height if orientation > 4 else width,
        height=width if orientation > 4 else height,
        brightness=float(shares @ np.arange(256)),
        darkest=_percentile(histogram, 1),
        brightest=_percentile(histogram, 99),
        contrast=float(colours.std(axis=(0, 1)).max()),
        entropy=float(-(present * np.log2(present)).sum()),
        sharpness=_sharpness(grey),
        saturation=float((colours.max(axis=2) - colours.min(axis=2)).mean()),
        background=_background(colours),
        pixels=_digest(grey, thumbnail),
        phash=phash,
        mirrored_phash=mirrored,
        tiny=small.reduce(2).tobytes(),
        least_pixels=least,
    )
    return Measured(measurement, _jpeg(thumbnail), levels(thumbnail))


def _fit(image: Image.Image, side: int) -> Image.Image:
    """The image with its longer side at most `side` pixels."""
    scale = side / max(image.size)
    if scale >= 1:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    # first by a whole factor, which is fast, then the rest
    return image.resize(size, Image.Resampling.BILINEAR, reducing_gap=1)


def _jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return out.getvalue()


def _digest(grey: Image.Image, thumbnail: Image.Image) -> bytes:
    # grey at full size and colours in small tell as much as all pixels, and are a third of them
    digest = hashlib.sha256(repr(grey.size).encode())
    digest.update(grey.tobytes())
    digest.update(thumbnail.tobytes())
    return digest.digest()[:16]


def _percentile(histogram: NDArray[np.int_], percent: float) -> float:
    total = histogram.cumsum()
    return float(np.searchsorted(total, total[-1] * percent / 100))


def _sharpness(grey: Image.Image) -> float:
    a = np.asarray(_fit(grey, _SHARPNESS)).astype(np.int16)
    if min(a.shape) < 3:
        return 0.0
    # only every other row: the percentile is the same, and it takes half the time
    inner = a[1:-1:2, 1:-1] * 4 - a[:-2:2, 1:-1] - a[2::2, 1:-1] - a[1:-1:2, :-2] - a[1:-1:2, 2:]
    return min(255.0, _percentile(np.bincount(np.abs(inner).ravel()), 99))


def _background(colours: NDArray[np.float32]) -> float:
    """Share of pixels within 12 levels of the median colour of the border, in every channel."""
    border = np.concatenate([colours[0], colours[-1], colours[1:-1, 0], colours[1:-1, -1]])
    return float((np.abs(colours - np.median(border, axis=0)) <= 12).all(axis=2).mean())


def perceptual_hashes(grey: Image.Image) -> tuple[bytes, bytes]:
    """`imagehash.phash(hash_size=16)` of a grey image and of its mirror image: 256 bits each.

    The bits are in the order of imagehash's array.
    """
    import imagehash  # it brings SciPy, for which `--help` need not wait

    small = grey.resize((_HASH_GREY, _HASH_GREY), Image.Resampling.LANCZOS)  # once for both
    first, second = (
        np.packbits(imagehash.phash(image, hash_size=_HASH).hash).tobytes()
        for image in (small, ImageOps.mirror(small))
    )
    return first, second
