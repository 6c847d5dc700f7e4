"""The image formats that are read, and how their files are recognised, by bytes and by names.

Pillow is imported when the first image is opened, so code that needs only names does not wait.
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

MOST_PIXELS: Final = 178_956_970
"""The limit for one image, for any `clean.max_pixels`. Some of Pillow's readers have it too."""
_JPEG_REDUCES: Final = 8 * 8  # pixels to one: a JPEG's decoder can do this while it decodes
_PASSES_REDUCE: Final = 2  # coefficients of all pixels take about the memory of half of the pixels
_SOF, _NO_SOF, _SOS = range(0xC0, 0xD0), (0xC4, 0xC8, 0xCC), 0xDA  # markers of JPEG
_WITH_LENGTH = frozenset((*range(0xC0, 0xD0), *range(0xDA, 0xFF)))

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
    """Whether a system or a program made this file or folder, so that nobody needs it as data.

    `name` is its name alone, without a path. Hidden and unfinished files are litter too.

    >>> is_litter("Thumbs.db"), is_litter(".DS_Store"), is_litter("mug.jpg.part")
    (True, True, True)
    >>> is_litter("mug.jpg")
    False
    """
    folded = name.casefold()  # these systems know no case
    return (
        folded in _LITTER
        or folded.startswith((".", "~$"))
        or folded.endswith((".part", ".crdownload"))
    )


def sniff(head: bytes) -> Format | None:
    """The format by the first bytes of a file, or None. 64 bytes are enough.

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
    """Whether a file is a camera raw file. Pillow would find only the small preview in it.

    `head` is the file, or as much of its beginning as is known. `name` counts if it is given.
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
    """Open an image with Pillow: its header is read, and nothing is decoded. Only its bytes count.

    Raises UnidentifiedImageError for other formats, and for camera raw files (`name` is needed only
    for these). For damaged bytes it raises whatever Pillow's readers raise.
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
    # not Image.open: it refuses by size, and some sizes can be decoded smaller
    reader, _ = Image.OPEN[form.pillow[0]]
    for mend in (bytes, _without_faults) if form.name == "png" else (bytes,):
        # readers raise these for damaged headers, ValueError for texts beyond all limits
        with suppress(SyntaxError, IndexError, TypeError, ValueError, struct.error):
            return reader(io.BytesIO(mend(content)), "")
    raise UnidentifiedImageError(f"the header of this {form.name} image is damaged")


def least_pixels(content: bytes, image: "Image.Image") -> int:
    """How many pixels must be decoded to see the image, which is opened and not yet decoded.

    Only the decoder of a JPEG can make a smaller image: one pixel in 64 is enough. A progressive
    JPEG has its pixels in several passes, and its decoder keeps the coefficients of all pixels.
    That takes as much memory as half of the pixels, so half of them count.
    """
    pixels = image.width * image.height
    if image.format not in FORMATS["jpeg"].pillow:
        return pixels
    return pixels // (_PASSES_REDUCE if _has_passes(content) else _JPEG_REDUCES)


def _has_passes(jpeg: bytes) -> bool:
    """Whether a JPEG's pixels may come in several passes: surely not, or else perhaps.

    Source: ITU T.81, B.2. A pass has all components of a frame or some of them.
    """
    components, at = 0, 2
    while (head := jpeg[at : at + 10].ljust(10, b"\0"))[0] == 0xFF:
        kind = head[1]
        if kind in _SOF and kind not in _NO_SOF:
            components = head[9]
            if kind % 4 == 2:  # progressive
                return True
        elif kind == _SOS:
            return head[4] < components
        elif kind not in _WITH_LENGTH:
            return True
        at += 2 + int.from_bytes(head[2:4], "big")
    return True


def _suffix(name: str) -> str:
    return PurePath(name).suffix.lower()


@cache
def _register(form: Format) -> None:
    """Import only the reader that is needed. By itself Pillow would import all of its forty."""
    module = import_module(form.plugin)
    if form.name == "heic":  # a thumbnail in the file would be decoded in the place of the image
        module.register_heif_opener(thumbnails=False)
    elif form.name == "png":  # a long text is no fault; Pillow still limits the sum of all texts
        from PIL import PngImagePlugin

        PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY


def _first_page(tiff: bytes) -> dict[int, int]:
    """The tags of the first page of a TIFF (TIFF 6.0, section 2), as far as they can be read.

    A tag has its value, or the position of its values.
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
    """A PNG without its texts, and without other chunks that have a wrong checksum.

    Chunks that an image needs stay. Browsers and libpng show such an image; Pillow refuses it.
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
