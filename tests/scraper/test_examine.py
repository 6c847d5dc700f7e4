import io
import zlib

import pillow_heif
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pipeline.manifest import Status
from scraper.examine import ImageFile, RejectedError, examine

pillow_heif.register_heif_opener()  # to write them


def encoded(kind: str, size: tuple[int, int] = (30, 20), mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert(mode).save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize(
    ("kind", "name", "extension"),
    [
        ("JPEG", "jpeg", "jpg"),
        ("MPO", "jpeg", "jpg"),
        ("PNG", "png", "png"),
        ("WEBP", "webp", "webp"),
        ("GIF", "gif", "gif"),
        ("AVIF", "avif", "avif"),
        ("BMP", "bmp", "bmp"),
        ("TIFF", "tiff", "tiff"),
        ("HEIF", "heic", "heic"),
    ],
)
def test_images_are_known_by_their_bytes(kind, name, extension):
    content = encoded(kind)
    image = examine(content)
    assert (image.format, image.width, image.height) == (name, 30, 20)
    assert image.bytes == len(content)
    assert image.file_name == f"{image.sha256}.{extension}"


JP2 = b"\0\0\0\x0cjP  \r\n\x87\n"
JXL = b"\0\0\0\x0cJXL \r\n\x87\n"
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"


@pytest.mark.parametrize(
    ("content", "status", "message"),
    [
        (b"", Status.REJECTED_NOT_IMAGE, "empty file"),
        (b"<!DOCTYPE html><p>sorry", Status.REJECTED_NOT_IMAGE, "web page"),
        (b"%PDF-1.7", Status.REJECTED_NOT_IMAGE, "PDF document: export"),
        (b"\0\1\2\3", Status.REJECTED_NOT_IMAGE, "unknown file; begins with"),
        (encoded("JPEG")[:20], Status.REJECTED_NOT_IMAGE, "damaged image of the format jpeg"),
        (HEIC + bytes(100), Status.REJECTED_NOT_IMAGE, "damaged image of the format heic"),
        (JP2 + bytes(50), Status.REJECTED_FORMAT, "JPEG 2000 image: export it as JPEG"),
        (JXL + bytes(50), Status.REJECTED_FORMAT, "JPEG XL image: export it as JPEG"),
        (b"IIRO" + bytes(50), Status.REJECTED_FORMAT, "camera raw file: export it as JPEG"),
        (b"\0\0\1\0" + bytes(50), Status.REJECTED_FORMAT, "icon: export"),
        (
            b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>',
            Status.REJECTED_FORMAT,
            "SVG drawing: export",
        ),
        (b"<svg/>", Status.REJECTED_FORMAT, "SVG drawing"),
    ],
)
def test_what_is_no_image_to_keep_says_what_it_is(content, status, message):
    with pytest.raises(RejectedError, match=message) as rejected:
        examine(content)
    assert rejected.value.status is status


def test_a_tiff_is_a_camera_raw_file_by_its_name():
    assert examine(encoded("TIFF"), "scan.tif").format == "tiff"
    with pytest.raises(RejectedError, match="camera raw file") as rejected:
        examine(encoded("TIFF"), "IMG_1.NEF")
    assert rejected.value.status is Status.REJECTED_FORMAT


def test_a_header_that_claims_too_many_pixels_is_rejected():
    claims = bytearray(encoded("PNG"))
    claims[16:24] = (60_000).to_bytes(4, "big") * 2
    claims[29:33] = zlib.crc32(claims[12:29]).to_bytes(4, "big")
    with pytest.raises(RejectedError) as rejected:
        examine(bytes(claims))
    assert rejected.value.status is Status.REJECTED_TOO_LARGE


def test_an_image_cut_off_in_its_pixels_is_still_one():
    content = encoded("JPEG", (400, 300))
    assert examine(content[: len(content) // 2]).width == 400


@given(
    st.sampled_from(
        [encoded(f) for f in ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "TIFF", "BMP", "HEIF")]
    ),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=12),
    st.integers(0, 2000),
)
def test_damaged_bytes_are_an_image_or_rejected(content, damage, length):
    damaged = bytearray(content)
    for at, value in damage:
        damaged[at % len(damaged)] = value
    try:
        image = examine(bytes(damaged[:length]))
    except RejectedError:
        return
    assert isinstance(image, ImageFile)
