"""Says in plain words what a file is that can't be read as an image, and what to do with it."""

import codecs
import re
from pathlib import PurePath
from typing import Final

from pipeline.formats import RAW_SUFFIXES, is_camera_raw, sniff

IMAGE: Final = "image"  # of a format that is kept, whole or damaged
_RAW, _SVG, _XL, _2000 = "camera raw file", "SVG drawing", "JPEG XL image", "JPEG 2000 image"
_ICON, _LAYERED, _OTHER = "icon", "layered image", "image of another format"
_DRAWING, _DOCUMENT = "drawing", "scanned document"
PDF, _POSTSCRIPT, _VIDEO, _SOUND = "PDF document", "PostScript drawing", "video", "sound"
ARCHIVE, OFFICE, PAGE, TEXT = "archive", "office document", "web page", "text"
_SIDECAR, _EMPTY, _UNKNOWN = "sidecar file", "empty file", "unknown file"

REMEDIES: Final = {
    **dict.fromkeys(
        (_RAW, _SVG, _XL, _2000, _ICON, _LAYERED, _OTHER, _DRAWING), "export it as JPEG or PNG"
    ),
    **dict.fromkeys((PDF, _POSTSCRIPT, _DOCUMENT), "export its images as JPEG or PNG"),
    _VIDEO: "export single frames of it as JPEG",
    ARCHIVE: "unpack it",
    OFFICE: "save its images as files",
}
"""what a person can do to have the images in a file of this kind"""
# these are images too, though we do not read them
UNREAD: Final = frozenset((_RAW, _SVG, _XL, _2000, _ICON, _LAYERED, _OTHER, _DRAWING))

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
    (0, b"qoif", _OTHER),
    (0, b"farbfeld", _OTHER),
    (0, b"BPG\xfb", _OTHER),
    (0, b"FLIF", _OTHER),
    (0, b"#?RADIANCE", _OTHER),
    (0, b"SIMPLE  =", _OTHER),  # FITS
    (128, b"DICM", _OTHER),
    (0, b"AT&TFORM", _DOCUMENT),  # DjVu
    (0, b"\xc5\xd0\xd3\xc6", _POSTSCRIPT),
    (0, b"\xd7\xcd\xc6\x9a", _DRAWING),  # WMF
    (40, b" EMF", _DRAWING),
    (0, b"\x1a\x45\xdf\xa3", _VIDEO),  # Matroska, WebM
    (8, b"AVI ", _VIDEO),
    (0, b"\0\0\1\xba", _VIDEO),  # MPEG
    (0, b"\0\0\1\xb3", _VIDEO),
    (0, b"\x30\x26\xb2\x75", _VIDEO),  # WMV
    (0, b"FLV\1", _VIDEO),
    (4, b"ftypM4A", _SOUND),
    (4, b"ftyp", _VIDEO),  # other files of this family are images
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
# the name of the document's type or first element, which may follow declarations and comments
_MARKUP: Final = re.compile(rb"(?s)(?>\s+|<\?.*?\?>|<!--.*?-->)*+<(?:!doctype\s+)?([a-z:]+)")
_ELEMENTS: Final = {
    **dict.fromkeys((b"svg", b"svg:svg"), _SVG),
    **dict.fromkeys((b"html", b"head", b"body"), PAGE),
    b"x:xmpmeta": _SIDECAR,
}
_SIDECARS: Final = frozenset((".xmp", ".aae", ".thm", ".pp3", ".dop", ".on1", ".cos", ".arp"))
_OFFICES: Final = frozenset(
    (".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp", ".pages", ".numbers", ".key", ".epub")
)
_PACKED: Final = {  # their bytes say archive, their names say more
    **dict.fromkeys(_OFFICES, OFFICE),
    **dict.fromkeys((".kra", ".ora", ".sketch", ".procreate", ".xd"), _LAYERED),
    ".svgz": _SVG,
}
_NAMES: Final = {  # if the bytes don't tell
    **dict.fromkeys(RAW_SUFFIXES, _RAW),
    **dict.fromkeys((".mts", ".m2ts", ".mpg", ".mpeg", ".mov", ".mp4", ".avi", ".wmv"), _VIDEO),
    **dict.fromkeys((".tga", ".pcx", ".sgi", ".ras", ".pct", ".pict"), _OTHER),
    **dict.fromkeys((".afphoto", ".afdesign", ".clip", ".pdn", ".psp"), _LAYERED),
    **dict.fromkeys((".txt", ".csv", ".log"), TEXT),
}


def remedy(content: bytes, name: str = "") -> str:
    """A message for a file that can't be read as an image: its kind, and the remedy.

    `content` is the whole file; `name` is its name, if it has one.

    >>> remedy(b"%PDF-1.7")
    'PDF document: export its images as JPEG or PNG'
    """
    kind = kind_of(content, name)
    if form := sniff(content) if kind == IMAGE else None:
        return f"damaged image of the format {form.name}"
    if kind == _UNKNOWN:
        return f"{kind}; begins with {content[:12]!r}"
    return f"{kind}: {REMEDIES[kind]}" if kind in REMEDIES else kind


def kind_of(head: bytes, name: str = "") -> str:
    """The kind of a file in plain words: "video", "PDF document", …; "image" for the known formats.

    `head` is the beginning of the file, some thousand bytes. Sidecar files are known by `name`. For
    other files it counts only if the bytes don't tell the kind.

    >>> kind_of(b"GIF89a"), kind_of(b"<x:xmpmeta>", "IMG_1.xmp")
    ('image', 'sidecar file')
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
            if kind == _ICON and suffix in _NAMES:  # a TGA may begin as a cursor does
                return _NAMES[suffix]
            return _PACKED.get(suffix, kind) if kind == ARCHIVE else kind
    if _NETPBM.match(head):
        return _OTHER
    start = head[:_ENOUGH]
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        start = start.decode("utf-16", "ignore").encode("utf-8", "ignore")
    markup = _MARKUP.match(start.removeprefix(codecs.BOM_UTF8).lower())
    if markup and markup[1] in _ELEMENTS:
        return _ELEMENTS[markup[1]]
    return _NAMES.get(suffix) or (TEXT if _is_text(start) else _UNKNOWN)


def _is_text(head: bytes) -> bool:
    try:  # the last character may be cut
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character.isspace() for character in text)
