"""What a file is, by its bytes; what its name says; and what a camera or a system leaves."""

import io
import struct
import subprocess
import sys
import zlib
from typing import get_args

import pillow_heif
import pytest
from PIL import Image, PngImagePlugin, TiffImagePlugin, UnidentifiedImageError

from pipeline.formats import (
    BY_PILLOW,
    BY_SUFFIX,
    FORMATS,
    is_camera_raw,
    is_litter,
    open_image,
    sniff,
)
from pipeline.sources.crawled import Format

pillow_heif.register_heif_opener()  # to write them

IMAGE = Image.linear_gradient("L").resize((96, 64)).convert("RGB")


def encoded(kind: str, image: Image.Image = IMAGE, **options) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize("kind", BY_PILLOW)
def test_every_format_is_known_by_its_first_bytes(kind: str) -> None:
    content = encoded(kind)
    assert sniff(content[:64]) is BY_PILLOW[kind]
    with open_image(content) as image:
        assert BY_PILLOW[image.format] is BY_PILLOW[kind]
        assert image.size == (96, 64)


def test_a_source_can_ask_for_each_format() -> None:
    assert set(get_args(Format)) == set(FORMATS)


def test_suffixes() -> None:
    usual = (".jpg", ".jpeg", ".jfif", ".jpe", ".tif", ".tiff", ".heic", ".heif", ".hif", ".bmp")
    assert [BY_SUFFIX[suffix].name for suffix in usual] == [
        *["jpeg"] * 4,
        *["tiff"] * 2,
        *["heic"] * 3,
        "bmp",
    ]


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
def test_images_of_the_general_brand(kind: str) -> None:
    content = encoded(kind)
    general = content[:8] + b"mif1" + content[12:]
    with open_image(general) as image:
        assert image.format == kind
        image.load()


def test_names_alone_need_no_pillow() -> None:
    code = "import scraper.examine, pipeline.formats, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not [name for name in done.stdout.split() if name.startswith(("PIL", "pillow_heif"))]


def test_only_the_reader_that_is_needed_is_imported() -> None:
    code = (
        "import io, sys; from pipeline.formats import open_image\n"
        "open_image(sys.stdin.buffer.read()); print(*sys.modules)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, input=encoded("JPEG"), capture_output=True, check=True)
    modules = done.stdout.decode().split()
    assert not {"pillow_heif", "PIL.WebPImagePlugin", "PIL.PdfImagePlugin"} & set(modules)


# camera raw files


def page(order: str, *more: tuple[int, int, int]) -> bytes:
    """A grey TIFF of 8 x 8 pixels whose page has these tags too: their number, type and value."""
    basic = {256: 8, 257: 8, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 8, 279: 64}
    tags = sorted([(tag, LONG, value) for tag, value in basic.items()] + list(more))
    mark = b"II*\0" if order == "<" else b"MM\0*"
    entries = b"".join(
        struct.pack(f"{order}HHI", tag, kind, 1) + struct.pack(order + FIELDS[kind], value)
        for tag, kind, value in tags
    )
    pixels = bytes(64)
    head = mark + struct.pack(f"{order}I", 8 + len(pixels)) + pixels
    return head + struct.pack(f"{order}H", len(tags)) + entries + bytes(4)


BYTE, SHORT, LONG = 1, 3, 4
FIELDS = {BYTE: "B3x", SHORT: "H2x", LONG: "I"}  # of a value in its four bytes
PREVIEW = ((254, LONG, 1), (330, LONG, 8))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("tags", [((50706, BYTE, 1),), PREVIEW, ((254, SHORT, 1), PREVIEW[1])])
def test_a_raw_file_inside_tiff_is_known_by_its_tags(order: str, tags) -> None:
    content = page(order, *tags)
    assert content[:2] == (b"II" if order == "<" else b"MM")
    assert is_camera_raw(content)
    with pytest.raises(UnidentifiedImageError, match="camera raw file: export it as JPEG"):
        open_image(content)


@pytest.mark.parametrize("tags", [(), PREVIEW[:1], PREVIEW[1:], ((254, LONG, 2), PREVIEW[1])])
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_scanners_tiff_is_none(order: str, tags) -> None:
    content = page(order, *tags)
    assert not is_camera_raw(content)
    with open_image(content, "scan.tif") as image:
        assert image.size == (8, 8)
        image.load()


def test_big_tiff() -> None:
    content = encoded("TIFF", big_tiff=True)
    assert content[2:4] == b"+\0"
    with open_image(content) as image:
        assert image.size == (96, 64)
    info = TiffImagePlugin.ImageFileDirectory_v2()
    info[50706] = b"\1\6\0\0"
    assert is_camera_raw(encoded("TIFF", big_tiff=True, tiffinfo=info))


@pytest.mark.parametrize(
    "head",
    [
        b"II*\0\x10\0\0\0CR\2\0",
        b"MM\0*\0\0\0\x08IIII",
        b"IIRO\x08\0\0\0",
        b"IIRS\x08\0\0\0",
        b"MMOR\0\0\0\x08",
        b"IIU\0\x18\0\0\0",
        b"FUJIFILMCCD-RAW 0201",
        b"\0\0\0\x18ftypcrx \0\0\0\1crx isom",
        b"FOVb\0\0",
        b"\0MRM\0\0",
        b"II\x1a\0\0\0HEAPCCDR",
    ],
)
def test_a_raw_file_is_known_by_its_first_bytes(head: bytes) -> None:
    assert is_camera_raw(head + bytes(40))
    with pytest.raises(UnidentifiedImageError, match="camera raw file"):
        open_image(head + bytes(40))


def test_a_tiff_that_is_called_like_a_raw_file_is_one() -> None:
    content = page("<")
    assert is_camera_raw(content, "IMG 1.NEF")
    with pytest.raises(UnidentifiedImageError, match="camera raw file"):
        open_image(content, "photos/IMG 1.NEF")
    open_image(encoded("JPEG"), "IMG 1.NEF").close()  # whatever it is called


@pytest.mark.parametrize("share", [0, 0.2, 0.5, 0.9])
def test_a_page_that_is_cut_off_has_the_tags_that_are_there(share: float) -> None:
    content = page("<", *PREVIEW)
    assert is_camera_raw(content[: int(len(content) * share)]) in (True, False)


# PNG with faults that no browser minds


def chunks(png: bytes, *more: tuple[bytes, bytes], before: bytes = b"IDAT") -> bytes:
    """The PNG with these chunks, each a kind and its data, before another one."""
    made = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in more
    )
    at = png.index(before) - 4
    return png[:at] + made + png[at:]


LONG_TEXT = (b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(b"long " * 300_000))


@pytest.mark.parametrize("before", [b"IDAT", b"IEND"])
@pytest.mark.parametrize("text", [LONG_TEXT, (b"zTXt", b"Comment\0\0" + LONG_TEXT[1][12:])])
def test_a_long_text_is_no_fault_of_a_png(before: bytes, text) -> None:
    with open_image(chunks(encoded("PNG"), text, before=before)) as image:
        image.load()
        assert image.tobytes() == IMAGE.tobytes()


@pytest.mark.parametrize(
    "texts",
    [
        [(b"tEXt", b"Comment\0" + b"x" * 900_000)] * 80,
        [(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(80_000_000)))],
    ],
    ids=["many", "one"],
)
def test_texts_beyond_all_limits_are_left_out(texts) -> None:
    with open_image(chunks(encoded("PNG"), *texts)) as image:
        image.load()
        assert image.size == IMAGE.size


@pytest.mark.parametrize("kind", [b"tEXt", b"iTXt", b"zTXt", b"tIME", b"pHYs"])
def test_a_wrong_checksum_beside_the_pixels_is_no_fault_of_a_png(kind: bytes) -> None:
    data = {b"tIME": bytes(7), b"pHYs": bytes(9)}.get(kind, b"Comment\0\0\0\0\0text")
    content = chunks(encoded("PNG"), (kind, data)).replace(kind + data, kind + data[:-1] + b"!")
    with pytest.raises(UnidentifiedImageError):
        Image.open(io.BytesIO(content))
    with open_image(content) as image:
        image.load()
        assert image.tobytes() == IMAGE.tobytes()


def test_what_matters_stays_in_a_png_with_a_fault() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "text")
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.new("L", (4, 4), 3)
    content = encoded("PNG", image, transparency=3, pnginfo=info, exif=exif, icc_profile=b"x")
    with open_image(content.replace(b"Comment\0text", b"Comment\0TEXT")) as mended:
        assert mended.info["transparency"] == 3
        assert mended.info["icc_profile"] == b"x"
        assert mended.getexif()[0x0112] == 6


@pytest.mark.parametrize("kind", [b"IHDR", b"PLTE"])
def test_a_wrong_checksum_of_what_an_image_needs_is_a_fault(kind: bytes) -> None:
    content = bytearray(encoded("PNG", IMAGE.convert("P")))
    content[content.index(kind) + 4] ^= 1
    with pytest.raises(UnidentifiedImageError, match="the header of this png image is damaged"):
        open_image(bytes(content))


# litter


@pytest.mark.parametrize(
    "name",
    [
        ".DS_Store",
        "._a.jpg",
        ".hidden",
        ".ipynb_checkpoints",
        "Thumbs.db",
        "THUMBS.DB",
        "ehthumbs.db",
        "Desktop.ini",
        "Icon\r",
        "__MACOSX",
        "@eaDir",
        "#recycle",
        "$RECYCLE.BIN",
        "System Volume Information",
        "lost+found",
        "photo.jpg.part",
        "photo.jpg.crdownload",
        "~$report.docx",
    ],
)
def test_litter(name: str) -> None:
    assert is_litter(name)


@pytest.mark.parametrize("name", ["a.jpg", "Icon", "parts", "thumbs.db.jpg", "~mug.jpg", "part"])
def test_what_people_mean_is_no_litter(name: str) -> None:
    assert not is_litter(name)
