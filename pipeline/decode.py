"""Decodes images: upright, sRGB, with white behind transparent pixels; or says why not."""

import hashlib
import io
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError

from pipeline.formats import MOST_PIXELS, least_pixels, open_image
from pipeline.kinds import IMAGE, kind_of, remedy
from pipeline.manifest import Reason

_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_EXIF_ORIENTATION: Final = 0x0112
_SEEN: Final = 3
"""A profile counts if it changes a colour by more levels than this.

Less is rounding, or another edition of sRGB.
"""


class ImageError(Exception):
    """These bytes can't be decoded. `reason` is the one that clean gives, the message says more."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class FileError(ImageError):
    """The file is not there, can't be read, or has other bytes than were recorded."""


def decoders() -> str:
    """The versions of what decodes: other versions may give other pixels."""
    return f"{version('pillow')} {version('pillow-heif')}"


def read(path: Path, sha256: str) -> bytes:
    """The bytes of a regular file (links are followed). Raises FileError, also for other bytes."""
    try:
        if not path.is_file():
            if path.exists():
                raise FileError(Reason.UNREADABLE, "not a regular file")
            raise FileError(Reason.MISSING, "the file is not there")
        content = path.read_bytes()
    except OSError as error:
        raise FileError(Reason.UNREADABLE, error.strerror or type(error).__name__) from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise FileError(Reason.UNREADABLE, "its bytes are not those that were recorded")
    return content


def open_header(content: bytes, name: str = "", max_pixels: int = MOST_PIXELS) -> Image.Image:
    """Open an image with Pillow: its header is read, and nothing is decoded.

    `name` is the name of the file, because some camera raw files are known by it. Raises
    ImageError, also if more than `max_pixels` must be decoded (`formats.least_pixels`).
    """
    try:
        image = open_image(content, name)
    except Image.DecompressionBombError as error:  # some readers have a limit of their own
        raise ImageError(Reason.TOO_MANY_PIXELS, f"more than {MOST_PIXELS:,} pixels") from error
    except UnidentifiedImageError as error:
        if kind_of(content, name) == IMAGE:
            raise _error(content, error) from error
        message = f"no image of a known format; {remedy(content, name)}"
        raise ImageError(Reason.UNREADABLE, message) from error
    except Exception as error:  # on damaged bytes a plugin can raise anything
        raise _error(content, error) from error
    least = least_pixels(content, image)
    if least > max_pixels:
        message = too_many(image.width * image.height, least, max_pixels)
        raise ImageError(Reason.TOO_MANY_PIXELS, message)
    return image


def too_many(pixels: int, least: int, max_pixels: int) -> str:
    """The message for an image of which more than `max_pixels` must be decoded.

    >>> too_many(120_000_000, 120_000_000, 100_000_000)
    '120,000,000 pixels; the limit is 100,000,000'
    >>> too_many(240_000_000, 120_000_000, 100_000_000)
    '240,000,000 pixels, which take the memory of 120,000,000; the limit is 100,000,000'
    """
    memory = f", which take the memory of {least:,}" if least != pixels else ""
    return f"{pixels:,} pixels{memory}; the limit is {max_pixels:,}"


def decode(
    content: bytes, image: Image.Image, at_least: int, longer_at_least: int = 1
) -> tuple[Image.Image, int]:
    """Decode an image from `open_header`: the first frame, upright, sRGB, transparency on white.

    A JPEG may be decoded at 1/2, 1/4 or 1/8 of its size. No side gets smaller than `at_least`
    pixels, and the longer side not smaller than `longer_at_least`, unless the image would have more
    than `MOST_PIXELS`. Returns the image and the EXIF orientation that it had, 1 (upright) to 8.
    Raises ImageError.
    """
    try:
        _reduce(image, at_least, max(at_least, longer_at_least))
        image.load()
        rgb = _rgb(image)
    except MemoryError:
        raise
    except Exception as error:  # as above
        raise _error(content, error) from error
    orientation = _orientation(image)
    turn = _TURNS.get(orientation)
    return (rgb if turn is None else rgb.transpose(turn)), orientation


def _reduce(image: Image.Image, shorter: int, longer: int) -> None:
    """Have a JPEG decoded smaller. Pillow's readers of other formats can't."""
    times = 1
    while image.width * image.height > MOST_PIXELS * times**2:
        times *= 2
    least = (longer, shorter) if image.width > image.height else (shorter, longer)
    width, height = (max(1, min(a, b // times)) for a, b in zip(least, image.size, strict=True))
    image.draft(None, (width, height))


def frames(image: Image.Image) -> int:
    """The number of images in the file; 1 if they can't be counted."""
    try:
        return int(getattr(image, "n_frames", 1))
    except Exception:  # noqa: BLE001 - only the first frame is used
        return 1


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8, of an image that is loaded.

    It must be loaded: the EXIF of a PNG may come after the pixels, so Pillow would load the image.
    """
    try:
        value = image.getexif().get(_EXIF_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - broken EXIF says nothing about the image
        return 1
    return value if value in _TURNS else 1


def _rgb(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    alpha = None
    if image.mode == "F" or image.mode.startswith("I"):  # Pillow's convert() would clip these
        levels = np.nan_to_num(np.asarray(image, dtype=np.float32))
        tops = (65535,) if image.mode.startswith("I;16") else (1, 255, 65535)
        top = next((top for top in tops if levels.max() <= top), float(levels.max()))
        clear = image.info.get("transparency")
        image = Image.fromarray((levels.clip(0) * (255 / top)).astype(np.uint8))
        if isinstance(clear, int):  # a level, and its pixels are transparent
            alpha = Image.fromarray(np.where(levels == clear, 0, 255).astype(np.uint8))
    elif image.has_transparency_data:
        image = image.convert("RGBA")
        alpha = image.getchannel("A")
    if image.mode not in ("RGB", "L", "CMYK"):
        image = image.convert("RGB")
    if profile and (transform := _to_srgb(profile, image.mode)) is not None:
        image = ImageCms.applyTransform(image, transform) or image
    elif image.mode != "RGB":
        image = image.convert("RGB")
    if alpha is not None:
        white = Image.new("RGB", image.size, "white")
        white.paste(image, mask=alpha)
        return white
    return image


def is_srgb(profile: bytes) -> bool:
    """Whether RGB pixels look the same without this ICC profile, as without a damaged one."""
    return _to_srgb(profile, "RGB") is None


@lru_cache(maxsize=64)  # few cameras and programs wrote most images
def _to_srgb(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The transform from a profile to sRGB. None if it changes nothing, or can't be made."""
    try:
        srgb = ImageCms.createProfile("sRGB")
        transform = ImageCms.buildTransform(io.BytesIO(profile), srgb, mode, "RGB")
    except (ImageCms.PyCMSError, OSError):  # damaged, or of another kind of image
        return None
    steps = np.linspace(0, 255, 9, dtype=np.uint8)
    colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(9, 81, 3)
    probe = Image.fromarray(colours).convert(mode)
    there = ImageCms.applyTransform(probe, transform)
    apart = np.asarray(there, dtype=np.int16) - np.asarray(probe.convert("RGB"))
    return transform if np.abs(apart).max() > _SEEN else None


def _error(content: bytes, error: Exception) -> ImageError:
    is_short = "truncat" in str(error).lower() or _is_short(content)
    reason = Reason.TRUNCATED if is_short else Reason.UNREADABLE
    return ImageError(reason, str(error) or type(error).__name__)


def _is_short(content: bytes) -> bool:
    """Whether the file ends too early. WebP, AVIF and HEIC files say how long they are.

    Pillow's readers of these formats don't always notice.
    """
    if content[:4] == b"RIFF":
        return int.from_bytes(content[4:8], "little") + 8 > len(content)
    at = 0
    while content[4:8] == b"ftyp" and at + 8 <= len(content):  # a box: its size, its name
        size = int.from_bytes(content[at : at + 4], "big")
        if size == 1:  # the size is too large for four bytes
            size = int.from_bytes(content[at + 8 : at + 16], "big")
        if size < 8:  # this box takes all the rest
            return False
        at += size
    return at > len(content)
