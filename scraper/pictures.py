"""What collect may know of a picture's bytes: their digest and their header. Nothing is decoded."""

import hashlib
import io
import warnings
from dataclasses import dataclass
from struct import error as struct_error

# imported for their registration: without it Pillow loads all of its forty plugins
from PIL import (  # noqa: F401
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    IcoImagePlugin,
    Image,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from pipeline.manifest import Status

_FORMATS = {
    "JPEG": "jpeg",
    "MPO": "jpeg",
    "PNG": "png",
    "WEBP": "webp",
    "GIF": "gif",
    "AVIF": "avif",
}
_TRIED = ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "BMP", "TIFF", "ICO")


class RejectedError(ValueError):
    """Bytes that are not kept; `status` is their row's, the message its `error`."""

    def __init__(self, status: Status, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Picture:
    """Digest and header of a picture's bytes; the names are those of the manifest's columns."""

    sha256: str
    bytes: int
    format: str
    width: int
    height: int

    @property
    def file_name(self) -> str:
        return f"{self.sha256}.{'jpg' if self.format == 'jpeg' else self.format}"


def examine(content: bytes) -> Picture:
    """Identify a picture by its header, whatever its name or Content-Type says.

    Raises RejectedError for what is no JPEG, PNG, WebP, GIF or AVIF.
    """
    if _is_svg(content):
        raise RejectedError(Status.REJECTED_FORMAT, "SVG is a drawing, not a photo")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # large pictures and odd metadata are clean's business
            with Image.open(io.BytesIO(content), formats=_TRIED) as image:
                name, (width, height) = str(image.format), image.size
    except Image.DecompressionBombError as error:
        raise RejectedError(Status.REJECTED_TOO_LARGE, str(error)) from error
    except (OSError, SyntaxError, ValueError, EOFError, OverflowError, struct_error) as error:
        raise RejectedError(Status.REJECTED_NOT_IMAGE, _what_it_is(content)) from error
    if name not in _FORMATS:
        raise RejectedError(Status.REJECTED_FORMAT, f"{name} is not among the formats kept")
    digest = hashlib.sha256(content).hexdigest()
    return Picture(digest, len(content), _FORMATS[name], width, height)


def _is_svg(content: bytes) -> bool:
    head = content[:1000].lstrip().lower()
    return head.startswith(b"<svg") or (head.startswith(b"<?xml") and b"<svg" in head)


def _what_it_is(content: bytes) -> str:
    if not content:
        return "empty"
    head = content[:1000].lstrip().lower()
    if head.startswith((b"<!doctype html", b"<html")):
        return "a web page, not a picture"
    return f"no picture; begins with {content[:12]!r}"
