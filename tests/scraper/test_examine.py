import io
import zlib

import pillow_heif
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pipeline.manifest import Status
from scraper.examine import ImageFile, RejectedError, examine, kind_of

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
def test_pictures_are_known_by_their_bytes(kind, name, extension):
    content = encoded(kind)
    picture = examine(content)
    assert (picture.format, picture.width, picture.height) == (name, 30, 20)
    assert picture.bytes == len(content)
    assert picture.file_name == f"{picture.sha256}.{extension}"


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
def test_what_is_no_picture_to_keep_says_what_it_is(content, status, message):
    with pytest.raises(RejectedError, match=message) as rejected:
        examine(content)
    assert rejected.value.status is status


def test_a_tiff_is_a_camera_raw_file_by_its_name():
    assert examine(encoded("TIFF"), "scan.tif").format == "tiff"
    with pytest.raises(RejectedError, match="camera raw file") as rejected:
        examine(encoded("TIFF"), "IMG_1.NEF")
    assert rejected.value.status is Status.REJECTED_FORMAT


@pytest.mark.parametrize(
    ("head", "name", "kind"),
    [
        *((encoded(form)[:64], "", "image") for form in ("JPEG", "PNG", "WEBP", "TIFF", "HEIF")),
        (b"", "a.jpg", "empty file"),
        (b"%PDF-1.4", "a.jpg", "PDF document"),
        (b"%!PS-Adobe", "", "PostScript drawing"),
        (b"\0\0\0\x14ftypqt  ", "IMG_1.MOV", "video"),
        (b"\0\0\0\x14ftypisom", "", "video"),
        (b"RIFF\0\0\0\0AVI LIST", "", "video"),
        (b"\x1a\x45\xdf\xa3", "", "video"),
        (b"G\x40\0\x10" + bytes(50), "00001.MTS", "video"),
        (b"ID3\4", "", "sound"),
        (b"\0\0\0\x14ftypcrx ", "", "camera raw file"),
        (bytes(50), "a.NEF", "camera raw file"),
        (b"<!-- made by hand -->\n<!DOCTYPE svg PUBLIC 'x'><svg>", "", "SVG drawing"),
        (b"\xef\xbb\xbf<svg>", "", "SVG drawing"),
        (b"<?xml version='1.0'?><html><svg/>", "", "web page"),
        (b"<!-- " + b"x" * 2000 + b" --><HTML>", "", "web page"),
        (b"<?xml version='1.0'?><!DOCTYPE plist><plist>", "", "text"),
        (b"<?xml version='1.0'?><!DOCTYPE plist><plist>", "IMG_1.AAE", "sidecar file"),
        (b"<?xpacket begin=''?><x:xmpmeta>", "", "sidecar file"),
        (encoded("JPEG"), "MVI_1.THM", "sidecar file"),
        (b"PK\3\4", "all.zip", "archive"),
        (b"PK\3\4", "Report.DOCX", "office document"),
        (b"\x1f\x8b\x08", "", "archive"),
        (b"Rar!\x1a\7", "", "archive"),
        (JXL, "", "JPEG XL image"),
        (b"\xff\x0a", "", "JPEG XL image"),
        (JP2, "", "JPEG 2000 image"),
        (b"\0\0\1\0", "favicon.ico", "icon"),
        (b"8BPS\0\1", "", "layered image"),
        (b"P6\n9 9\n", "", "image of another format"),
        (b"sku;name\n1;Becher\n", "list", "text"),
        ("Größe".encode()[:-1] + "ß".encode()[:1], "", "text"),
        ("Größe".encode("latin-1"), "sizes.csv", "text"),
        ("Größe".encode("latin-1"), "", "unknown file"),
        (bytes(50), "a.jpg", "unknown file"),
        (b"BMW, Audi\n" * 3, "", "text"),
    ],
)
def test_kinds(head, name, kind):
    assert kind_of(head, name) == kind


@given(st.binary(max_size=40), st.sampled_from(["", "a", "a.nef", "b.zip", ".xmp"]))
def test_anything_has_a_kind(head, name):
    assert kind_of(head, name)


def test_a_header_that_claims_too_many_pixels_is_rejected():
    claims = bytearray(encoded("PNG"))
    claims[16:24] = (60_000).to_bytes(4, "big") * 2
    claims[29:33] = zlib.crc32(claims[12:29]).to_bytes(4, "big")
    with pytest.raises(RejectedError) as rejected:
        examine(bytes(claims))
    assert rejected.value.status is Status.REJECTED_TOO_LARGE


def test_a_picture_cut_off_in_its_pixels_is_still_one():
    content = encoded("JPEG", (400, 300))
    assert examine(content[: len(content) // 2]).width == 400


@given(
    st.sampled_from(
        [encoded(f) for f in ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "TIFF", "BMP", "HEIF")]
    ),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=12),
    st.integers(0, 2000),
)
def test_damaged_bytes_are_a_picture_or_rejected(content, damage, length):
    damaged = bytearray(content)
    for at, value in damage:
        damaged[at % len(damaged)] = value
    try:
        picture = examine(bytes(damaged[:length]))
    except RejectedError:
        return
    assert isinstance(picture, ImageFile)
