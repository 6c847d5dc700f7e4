"""Makes the file in data/clean from a raw image: upright, sRGB, without metadata, not too large."""

import io
import re
import warnings
import zlib
from pathlib import Path
from typing import Final

from PIL import Image

from pipeline.clean.measure import Measurement
from pipeline.decode import ImageError, decode, is_srgb, open_header, read
from pipeline.files import write_atomic

VERSION: Final = 4
"""Raise it with every change of what `encode` returns: then all images are encoded again."""

# JPEG markers
_SOI, _EOI = b"\xff\xd8", b"\xff\xd9"
_SOS, _APP0, _APP2, _APP14, _APP15, _COM = 0xDA, 0xE0, 0xE2, 0xEE, 0xEF, 0xFE
# Compressed data ends at a marker. Within it a zero, a restart marker or a fill byte follows 0xff.
_END_OF_DATA: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_PROFILE: Final = b"ICC_PROFILE\0"
_PLAIN_JFIF: Final = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"


def passes_through(measurement: Measurement, max_side: int) -> bool:
    """Whether clean can keep the compressed data: a JPEG, RGB, upright, not too large."""
    return (
        measurement.format in ("JPEG", "MPO")
        and measurement.mode == "RGB"
        and measurement.orientation == 1
        and max(measurement.width, measurement.height) <= max_side
    )


def strip_metadata(jpeg: bytes) -> bytes | None:
    """A JPEG without comments, application segments and what follows its end.

    The compressed data stays as it is. The segment that says how colours are coded (Adobe's) stays
    too; JFIF's is replaced by one without pixel density and thumbnail. None for a file whose
    segments can't be followed, or whose colours would change without their profile.
    """
    if not jpeg.startswith(_SOI):
        return None
    kept, profile, at = [_SOI], b"", 2
    while jpeg.startswith(b"\xff", at) and at + 4 <= len(jpeg):
        kind, start = jpeg[at + 1], at + 2
        end = start + int.from_bytes(jpeg[start : start + 2], "big")
        if kind == _APP0:
            if jpeg.startswith(b"JFIF\0", start + 2):
                kept.append(_PLAIN_JFIF)
        elif kind == _APP2 and jpeg.startswith(_PROFILE, start + 2):
            profile += jpeg[start + 2 + len(_PROFILE) + 2 : end]  # after which part of how many
        elif not (_APP0 < kind <= _APP15 or kind == _COM) or (
            kind == _APP14 and jpeg.startswith(b"Adobe", start + 2)
        ):
            kept.append(jpeg[at:end])
        at = end
        if kind == _SOS:
            marker = _END_OF_DATA.search(jpeg, end)
            at = marker.start() if marker else len(jpeg)
            kept.append(jpeg[end:at])
            if jpeg.startswith(_EOI, at):
                return b"".join([*kept, _EOI]) if not profile or is_srgb(profile) else None
    return None


def encode(content: bytes, max_side: int) -> bytes:
    """A JPEG of the image, its longer side at most `max_side` pixels.

    Raises ImageError.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image, _ = decode(content, open_header(content), 2 * max_side)
    scale = max_side / max(image.size)
    if scale < 1:
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, Image.Resampling.LANCZOS)
    out = io.BytesIO()
    # the source was compressed once already: at this quality a second loss is hardly seen
    image.save(out, "JPEG", quality=95, subsampling="4:4:4")
    return out.getvalue()


def sealed(content: bytes) -> bytes:
    """The content with its checksum behind it."""
    return content + zlib.crc32(content).to_bytes(4, "big")


def unsealed(path: Path) -> bytes | None:
    """What `sealed` was given; None where the file is not there, or not as it was written."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    return content[:-4] if sealed(content[:-4]) == content else None


def encode_file(source: Path, sha256: str, target: Path, max_side: int) -> str | None:
    """Encode a file whose digest should be `sha256`, and seal it.

    Returns what went wrong, or None.
    """
    try:
        write_atomic(target, sealed(encode(read(source, sha256), max_side)))
    except ImageError as error:
        return str(error)
    return None
