"""What collect may know of a picture's bytes: their digest and their header. Nothing is decoded."""

import hashlib
import io
import struct
import warnings
from dataclasses import dataclass

# imported for their registration: without it Pillow loads all of its forty plugins
from PIL import (  # noqa: F401
    AvifImagePlugin,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
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
KEPT = frozenset(_FORMATS.values())
_READ = [name for name in _FORMATS if name != "MPO"]  # a JPEG that holds several
_OTHERS = {
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"\0\0\1\0": "ICO",
    b"<svg": "SVG",
}


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
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # large pictures and odd metadata are clean's business
            with Image.open(io.BytesIO(content), formats=_READ) as image:
                name, (width, height) = str(image.format), image.size
    except Image.DecompressionBombError as error:
        raise RejectedError(Status.REJECTED_TOO_LARGE, str(error)) from error
    except _UNREADABLE as error:
        raise _rejected(content) from error
    digest = hashlib.sha256(content).hexdigest()
    return Picture(digest, len(content), _FORMATS[name], width, height)


# what Pillow's readers raise on damaged headers; the last one is AVIF's
_UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    OverflowError,
    struct.error,
    RuntimeError,
)


def _rejected(content: bytes) -> RejectedError:
    head = content[:1000].lstrip().lower()
    if head.startswith(b"<?xml") and b"<svg" in head:
        head = head[head.index(b"<svg") :]
    for start, name in _OTHERS.items():
        if content.startswith(start) or head.startswith(start):
            return RejectedError(Status.REJECTED_FORMAT, f"{name} is not among the formats kept")
    if head.startswith((b"<!doctype html", b"<html")):
        message = "a web page, not a picture"
    else:
        message = f"no picture; begins with {content[:12]!r}" if content else "empty"
    return RejectedError(Status.REJECTED_NOT_IMAGE, message)
