"""The image formats that we read, by their bytes and their names; and files that are no data.

Pillow is imported when the first image is opened: code that asks for names does not wait for it.
"""

import io
import struct
import zlib
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True, slots=True)
class Format:
    """A format, by our short name for it, which a manifest and `formats` of a source use."""

    name: str
    pillow: tuple[str, ...]
    """Pillow's names; the first one's reader opens them all"""
    plugin: str
    """the module that registers this reader"""
    suffixes: tuple[str, ...]
    """of files, in lower case; collect gives its files the first one"""


# no format that runs a program or reads another file
FORMATS: Final = {
    form.name: form
    for form in (
        Format(
            "jpeg",
            ("JPEG", "MPO"),
            "PIL.JpegImagePlugin",
            (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
        ),
        Format("png", ("PNG",), "PIL.PngImagePlugin", (".png", ".apng")),
        Format("webp", ("WEBP",), "PIL.WebPImagePlugin", (".webp",)),
        Format("gif", ("GIF",), "PIL.GifImagePlugin", (".gif",)),
        Format("avif", ("AVIF",), "PIL.AvifImagePlugin", (".avif", ".avifs")),
        Format("bmp", ("BMP",), "PIL.BmpImagePlugin", (".bmp",)),
        Format("tiff", ("TIFF",), "PIL.TiffImagePlugin", (".tiff", ".tif")),
        Format("heic", ("HEIF",), "pillow_heif", (".heic", ".heif", ".hif", ".heics", ".heifs")),
    )
}
BY_SUFFIX: Final = {suffix: form for form in FORMATS.values() for suffix in form.suffixes}
BY_PILLOW: Final = {name: form for form in FORMATS.values() for name in form.pillow}

_STARTS: Final = {
    b"\xff\xd8\xff": "jpeg",
    b"\x89PNG\r\n\x1a\n": "png",
    b"GIF87a": "gif",
    b"GIF89a": "gif",
    b"II*\0": "tiff",
    b"MM\0*": "tiff",
    b"II+\0": "tiff",  # the two of BigTIFF
    b"MM\0+": "tiff",
    b"II\0*": "tiff",  # wrong, but programs read it
    b"MM*\0": "tiff",
}
_HEIC_BRANDS: Final = frozenset(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
)

_RAW_STARTS: Final = (
    b"FUJIFILMCCD-RAW",
    b"IIRO",  # Olympus
    b"IIRS",
    b"MMOR",
    b"IIU\0",  # Panasonic, Leica
    b"FOVb",  # Sigma
    b"\0MRM",  # Minolta
)
# fmt: off
RAW_SUFFIXES: Final = frozenset((
    ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".gpr", ".iiq", ".kdc",
    ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2",
    ".srf", ".srw", ".x3f",
))
# fmt: on
# tags of TIFF, and of what a camera adds to it
_SUBFILE, _PHOTOMETRIC, _SUB_PAGES, _DNG = 254, 262, 330, 50706
_SENSOR: Final = (32803, 34892)  # the photometric of a colour filter, and of its values

_LITTER: Final = frozenset(
    {
        "thumbs.db",
        "ehthumbs.db",
        "ehthumbs_vista.db",
        "desktop.ini",
        "icon\r",
        "__macosx",
        "@eadir",
        "#recycle",
        "$recycle.bin",
        "system volume information",
        "lost+found",
    }
)


def is_litter(name: str) -> bool:
    """Whether a file or folder is one that systems and programs leave, which nobody means as data.

    `name` is its name alone, without a path. Hidden files are litter, and so are unfinished ones.

    >>> [name for name in ("mug.jpg", "Thumbs.db", ".hidden", "mug.jpg.part") if is_litter(name)]
    ['Thumbs.db', '.hidden', 'mug.jpg.part']
    """
    folded = name.casefold()  # these systems know no case
    return (
        folded in _LITTER
        or folded.startswith((".", "~$"))
        or folded.endswith((".part", ".crdownload"))
    )


def sniff(head: bytes) -> Format | None:
    """The format that the first bytes of a file announce; 64 of them are enough.

    >>> sniff(b"GIF89a").name
    'gif'
    """
    for start, name in _STARTS.items():
        if head.startswith(start):
            return FORMATS[name]
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return FORMATS["webp"]
    if head[:2] == b"BM" and head[15:18] == b"\0\0\0":  # a second header of less than 256 bytes
        return FORMATS["bmp"]
    if head[4:8] != b"ftyp":
        return None
    brands = head[8 : int.from_bytes(head[:4], "big")]
    first = brands[:4]
    if first in (b"avif", b"avis") or (first in (b"mif1", b"msf1") and b"avif" in brands):
        return FORMATS["avif"]
    return FORMATS["heic"] if first in _HEIC_BRANDS else None


def is_camera_raw(head: bytes, name: str = "") -> bool:
    """Whether a file holds what a camera's sensor saw; other programs find only a small preview.

    `head` is the file, or as much of its beginning as there is; `name` counts where it has one.
    """
    if head.startswith(_RAW_STARTS) or head[4:12] == b"ftypcrx " or head[6:14] == b"HEAPCCDR":
        return True
    form = sniff(head)
    if form is None or form.name != "tiff":
        return False
    if head[8:10] == b"CR" or head[8:12] == b"IIII" or _suffix(name) in RAW_SUFFIXES:
        return True
    tags = _first_page(head)
    is_preview = bool(tags.get(_SUBFILE, 0) & 1) and _SUB_PAGES in tags
    return _DNG in tags or is_preview or tags.get(_PHOTOMETRIC) in _SENSOR


def open_image(content: bytes, name: str = "") -> "Image.Image":
    """Pillow's image with its header read and nothing decoded; what the bytes say counts.

    Raises UnidentifiedImageError for other formats, and for camera raw files (`name` is asked for
    these only); for damaged bytes whatever Pillow's readers raise.
    """
    from PIL import Image, UnidentifiedImageError

    if not content:
        raise UnidentifiedImageError("empty")
    if is_camera_raw(content, name):
        raise UnidentifiedImageError("a camera raw file: export it as JPEG")
    form = sniff(content)
    if form is None:
        message = f"no image of a known format; begins with {content[:12]!r}"
        raise UnidentifiedImageError(message)
    _register(form)
    for mend in (bytes, _without_faults) if form.name == "png" else (bytes,):
        with suppress(
            UnidentifiedImageError, ValueError
        ):  # Pillow raises ValueError for too long texts
            return Image.open(io.BytesIO(mend(content)), formats=form.pillow[:1])
    raise UnidentifiedImageError(f"the header of this {form.name} image is damaged")


def _suffix(name: str) -> str:
    return PurePath(name).suffix.lower()


@cache
def _register(form: Format) -> None:
    """Import the one reader; left to itself, Pillow imports all of its forty."""
    module = import_module(form.plugin)
    if form.name == "heic":  # a thumbnail in the file would be decoded in the place of the image
        module.register_heif_opener(thumbnails=False)
    elif form.name == "png":  # a long text is no fault; Pillow still limits the sum of all texts
        from PIL import PngImagePlugin

        PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY


def _first_page(tiff: bytes) -> dict[int, int]:
    """The tags of its first page (TIFF 6.0, section 2), as far as they can be read.

    Each tag has its value where it is one number, else the place of its values in the file.
    """
    order = "<" if tiff[:2] == b"II" else ">"
    is_big = b"+" in tiff[2:4]
    tags = {}
    try:
        (at,) = struct.unpack_from(f"{order}{'Q' if is_big else 'I'}", tiff, 8 if is_big else 4)
        (count,) = struct.unpack_from(f"{order}{'Q' if is_big else 'H'}", tiff, at)
        at += 8 if is_big else 2
        for _ in range(min(count, 1000)):
            tag, kind = struct.unpack_from(f"{order}HH", tiff, at)
            value_at = at + (12 if is_big else 8)
            (tags[tag],) = struct.unpack_from(f"{order}{'H' if kind == 3 else 'I'}", tiff, value_at)
            at += 20 if is_big else 12
    except (struct.error, OverflowError):
        pass
    return tags


def _without_faults(png: bytes) -> bytes:
    """A PNG without its texts, and without optional parts whose checksum is wrong.

    Browsers and libpng show such an image; Pillow doesn't.
    """
    view = memoryview(png)
    kept, at = [view[:8]], 8
    while at + 12 <= len(png):
        end = at + 12 + int.from_bytes(png[at : at + 4], "big")
        kind = png[at + 4 : at + 8]
        checksum = int.from_bytes(png[end - 4 : end], "big")
        is_text = kind in (b"tEXt", b"zTXt", b"iTXt")
        is_sound = not is_text and zlib.crc32(view[at + 4 : end - 4]) == checksum
        if is_sound or kind[:1].isupper():  # no image without these
            kept.append(view[at:end])
        at = end
    return b"".join([*kept, view[at:]])
