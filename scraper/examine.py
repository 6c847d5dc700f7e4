"""What collect may know of a file's bytes: their digest, the image's header, or what else it is.

Nothing is decoded.
"""

import codecs
import hashlib
import re
import warnings
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

from pipeline.formats import BY_PILLOW, FORMATS, RAW_SUFFIXES, is_camera_raw, open_image, sniff
from pipeline.manifest import Status

KEPT: Final = frozenset(FORMATS)

IMAGE: Final = "image"  # of a format that is kept, whole or damaged
_RAW, _SVG, _XL, _2000 = "camera raw file", "SVG drawing", "JPEG XL image", "JPEG 2000 image"
_ICON, _LAYERED, _OTHER = "icon", "layered image", "image of another format"
PDF, _POSTSCRIPT, _VIDEO, _SOUND = "PDF document", "PostScript drawing", "video", "sound"
ARCHIVE, OFFICE, PAGE, TEXT = "archive", "office document", "web page", "text"
_SIDECAR, _EMPTY, _UNKNOWN = "sidecar file", "empty file", "unknown file"

_REMEDIES: Final = {
    **dict.fromkeys((_RAW, _SVG, _XL, _2000, _ICON, _LAYERED, _OTHER), "export it as JPEG or PNG"),
    **dict.fromkeys((PDF, _POSTSCRIPT), "export its images as JPEG or PNG"),
    _VIDEO: "export single frames of it as JPEG",
    ARCHIVE: "unpack it",
    OFFICE: "save its images as files",
}
_UNKEPT: Final = frozenset((_RAW, _SVG, _XL, _2000, _ICON, _LAYERED, _OTHER))  # but images

_STARTS: Final = (
    (0, b"%PDF", PDF),
    (0, b"%!PS", _POSTSCRIPT),
    (0, b"\xff\x0a", _XL),
    (4, b"JXL \r\n", _XL),
    (0, b"\xff\x4f\xff\x51", _2000),
    (4, b"jP  \r\n", _2000),
    (0, b"\0\0\1\0", _ICON),
    (0, b"\0\0\2\0", _ICON),
    (0, b"icns", _ICON),
    (0, b"8BPS", _LAYERED),
    (0, b"gimp xcf", _LAYERED),
    (0, b"II\xbc\x01", _OTHER),  # JPEG XR
    (0, b"\x76\x2f\x31\x01", _OTHER),  # OpenEXR
    (0, b"DDS ", _OTHER),
    (0, b"\x1a\x45\xdf\xa3", _VIDEO),  # Matroska, WebM
    (8, b"AVI ", _VIDEO),
    (0, b"\0\0\1\xba", _VIDEO),  # MPEG
    (0, b"\0\0\1\xb3", _VIDEO),
    (0, b"\x30\x26\xb2\x75", _VIDEO),  # WMV
    (0, b"FLV\1", _VIDEO),
    (4, b"ftypM4A", _SOUND),
    (4, b"ftyp", _VIDEO),  # what is no image of this family
    (4, b"moov", _VIDEO),
    (4, b"mdat", _VIDEO),
    (8, b"WAVE", _SOUND),
    (0, b"ID3", _SOUND),
    (0, b"fLaC", _SOUND),
    (0, b"OggS", _SOUND),
    (0, b"PK\3\4", ARCHIVE),
    (0, b"PK\5\6", ARCHIVE),
    (0, b"\x1f\x8b", ARCHIVE),
    (0, b"7z\xbc\xaf", ARCHIVE),
    (0, b"Rar!\x1a", ARCHIVE),
    (0, b"BZh", ARCHIVE),
    (0, b"\xfd7zXZ", ARCHIVE),
    (0, b"\x28\xb5\x2f\xfd", ARCHIVE),
    (257, b"ustar", ARCHIVE),
    (0, b"\xd0\xcf\x11\xe0", OFFICE),
)
_ENOUGH: Final = 4096  # bytes to tell markup and text
_NETPBM: Final = re.compile(rb"P[1-7]\s")
# behind declarations and comments, what the document's type or its first element is called
_MARKUP: Final = re.compile(rb"(?s)(?>\s+|<\?.*?\?>|<!--.*?-->)*+<(?:!doctype\s+)?([a-z:]+)")
_ELEMENTS: Final = {
    b"svg": _SVG,
    **dict.fromkeys((b"html", b"head", b"body"), PAGE),
    b"x:xmpmeta": _SIDECAR,
}
_SIDECARS: Final = frozenset((".xmp", ".aae", ".thm", ".pp3", ".dop", ".on1", ".cos", ".arp"))
_OFFICES: Final = frozenset(
    (".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp", ".pages", ".numbers", ".key", ".epub")
)
_NAMES: Final = {  # where the bytes don't tell
    **dict.fromkeys(RAW_SUFFIXES, _RAW),
    **dict.fromkeys((".mts", ".m2ts", ".mpg", ".mpeg", ".mov", ".mp4", ".avi", ".wmv"), _VIDEO),
    **dict.fromkeys((".txt", ".csv", ".log"), TEXT),
}


class RejectedError(ValueError):
    """Bytes that are not kept; `status` is their row's, the message its `error`."""

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
    def file_name(self) -> str:
        return self.sha256 + FORMATS[self.format].suffixes[0]


def examine(content: bytes, name: str = "") -> ImageFile:
    """Identify an image by its header, whatever its Content-Type says.

    `name` is the file's, by which some camera raw files are known. Raises RejectedError for what is
    not of the formats that are kept; its message has the remedy.
    """
    from PIL.Image import DecompressionBombError  # who only names things is spared Pillow

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # large images and odd metadata are clean's business
            with open_image(content, name) as image:
                form, (width, height) = BY_PILLOW[str(image.format)], image.size
    except DecompressionBombError as error:
        raise RejectedError(Status.REJECTED_TOO_LARGE, str(error)) from error
    except Exception as error:  # readers raise whatever damaged bytes make them stumble over
        raise _rejected(content, name) from error
    digest = hashlib.sha256(content).hexdigest()
    return ImageFile(digest, len(content), form.name, width, height)


def kind_of(head: bytes, name: str = "") -> str:
    """What a file is, in plain words: "video", "PDF document", …; "image" for the formats kept.

    `head` is its beginning, some thousand bytes; `name` is asked first for files that stand beside
    images, and last where the bytes don't tell.
    """
    suffix = PurePath(name).suffix.lower()
    if suffix in _SIDECARS:
        return _SIDECAR
    if not head:
        return _EMPTY
    if is_camera_raw(head, name):
        return _RAW
    if sniff(head):
        return IMAGE
    for at, start, kind in _STARTS:
        if head.startswith(start, at):
            return OFFICE if kind == ARCHIVE and suffix in _OFFICES else kind
    if _NETPBM.match(head):
        return _OTHER
    markup = _MARKUP.match(head[:_ENOUGH].removeprefix(codecs.BOM_UTF8).lower())
    if markup and markup[1] in _ELEMENTS:
        return _ELEMENTS[markup[1]]
    return _NAMES.get(suffix) or (TEXT if _is_text(head[:_ENOUGH]) else _UNKNOWN)


def _is_text(head: bytes) -> bool:
    try:  # the last character may be cut
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character.isspace() for character in text)


def _rejected(content: bytes, name: str) -> RejectedError:
    kind = kind_of(content, name)
    status = Status.REJECTED_FORMAT if kind in _UNKEPT else Status.REJECTED_NOT_IMAGE
    if form := sniff(content) if kind == IMAGE else None:
        message = f"damaged image of the format {form.name}"
    elif kind == _UNKNOWN:
        message = f"{kind}; begins with {content[:12]!r}"
    else:
        message = f"{kind}: {_REMEDIES[kind]}" if kind in _REMEDIES else kind
    return RejectedError(status, message)
