"""What files are that people and servers give as images."""

import io

import pillow_heif
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pipeline.decode import ImageError, open_header
from pipeline.kinds import kind_of, remedy
from pipeline.manifest import Reason

pillow_heif.register_heif_opener()  # to write them

JP2 = b"\0\0\0\x0cjP  \r\n\x87\n"
JXL = b"\0\0\0\x0cJXL \r\n\x87\n"


def encoded(kind: str) -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").resize((30, 20)).convert("RGB").save(out, kind)
    return out.getvalue()


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
        (b"\0\0\2\0" + bytes(12), "photo.TGA", "image of another format"),
        (b"8BPS\0\1", "", "layered image"),
        (b"P6\n9 9\n", "", "image of another format"),
        (bytes(128) + b"DICM", "", "image of another format"),
        (bytes(30), "a.TGA", "image of another format"),
        (b"PK\3\4", "mug.kra", "layered image"),
        (b"\x1f\x8b\x08", "logo.svgz", "SVG drawing"),
        ("<?xml version='1.0' encoding='utf-16'?><svg/>".encode("utf-16"), "", "SVG drawing"),
        (b"<svg:svg xmlns:svg='http://www.w3.org/2000/svg'/>", "", "SVG drawing"),
        (b"\xc5\xd0\xd3\xc6", "a.eps", "PostScript drawing"),
        (b"\xd7\xcd\xc6\x9a", "clip.wmf", "drawing"),
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


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (JXL + bytes(50), "a.jxl", "JPEG XL image: export it as JPEG or PNG"),
        (JP2 + bytes(50), "", "JPEG 2000 image: export it as JPEG or PNG"),
        (encoded("TIFF"), "IMG_1.NEF", "camera raw file: export it as JPEG or PNG"),
        (b"<svg/>", "", "SVG drawing: export it as JPEG or PNG"),
        (b"8BPS\0\1" + bytes(50), "", "layered image: export it as JPEG or PNG"),
        (b"qoif" + bytes(50), "", "image of another format: export it as JPEG or PNG"),
        (b"%PDF-1.7", "", "PDF document: export its images as JPEG or PNG"),
        (b"PK\3\4" + bytes(50), "", "archive: unpack it"),
        (b"\0\0\0\x18ftypisom", "a.heic", "video: export single frames of it as JPEG"),
        (b"<html>", "a.jpg", "web page"),
        (b"", "a.jpg", "empty file"),
        (b"\0\1\2", "a.jpg", r"unknown file; begins with b'\x00\x01\x02'"),
    ],
)
def test_who_decodes_says_what_it_is_and_what_to_do(content: bytes, name: str, said: str) -> None:
    assert remedy(content, name) == said
    with pytest.raises(ImageError) as refused:
        open_header(content, name)
    assert refused.value.reason is Reason.UNREADABLE
    assert str(refused.value) == f"no image of a known format; {said}"
