"""Reads the digest and the header of an image, for collect. Nothing is decoded."""

import hashlib
import warnings
from dataclasses import asdict, dataclass
from typing import Any, Final

from pipeline.formats import BY_PILLOW, FORMATS, MOST_PIXELS, least_pixels, open_image
from pipeline.kinds import UNREAD, kind_of, remedy
from pipeline.manifest import Status

KEPT: Final = frozenset(FORMATS)


class RejectedError(ValueError):
    """The bytes are not kept. `status` is the status of their row, the message its `error`."""

    def __init__(self, status: Status, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class ImageFile:
    """Digest and header of an image's bytes; the names are those of the manifest's columns."""

    sha256: str
    bytes: int
    format: str
    width: int
    height: int

    @property
    def columns(self) -> dict[str, Any]:
        """The facts as columns of the image's row."""
        return asdict(self)

    @property
    def file_name(self) -> str:
        return self.sha256 + FORMATS[self.format].suffixes[0]


def examine(content: bytes, name: str = "") -> ImageFile:
    """Identify an image by its header. Its Content-Type doesn't count.

    `name` is the name of the file, because some camera raw files are known by it. Raises
    RejectedError if the format is not kept; its message has the remedy.
    """
    from PIL.Image import DecompressionBombError  # imported only if an image is read

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # large images and odd metadata are clean's business
            with open_image(content, name) as image:
                form, (width, height) = BY_PILLOW[str(image.format)], image.size
                least = least_pixels(content, image)
    except DecompressionBombError as error:  # some readers have a limit of their own
        raise _too_many_pixels() from error
    except Exception as error:  # on damaged bytes a reader can raise anything
        raise _rejected(content, name) from error
    if least > MOST_PIXELS:
        raise _too_many_pixels()
    digest = hashlib.sha256(content).hexdigest()
    return ImageFile(digest, len(content), form.name, width, height)


def _too_many_pixels() -> RejectedError:
    """No value of `clean.max_pixels` would take it."""
    message = f"more than {MOST_PIXELS:,} pixels must be decoded; make the image smaller"
    return RejectedError(Status.REJECTED_TOO_LARGE, message)


def _rejected(content: bytes, name: str) -> RejectedError:
    is_image = kind_of(content, name) in UNREAD
    status = Status.REJECTED_FORMAT if is_image else Status.REJECTED_NOT_IMAGE
    return RejectedError(status, remedy(content, name))
