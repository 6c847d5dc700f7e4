"""What goes into data/clean: compressed data untouched where it may be, and never metadata."""

import io

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from pipeline.clean.encode import encode, strip_metadata


def pixels(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)))


def with_everything(make, **options) -> bytes:
    """A JPEG with EXIF (and a place in it), XMP, ICC, a comment, and data behind its end."""
    exif = Image.Exif()
    exif[0x010F] = "camera"
    exif.get_ifd(0x8825)[1] = "N"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    extras = {"exif": exif, "icc_profile": profile, "comment": b"comment", "xmp": b"<xmp/>"}
    return make.encoded(make.photo(1), **extras, dpi=(300, 300), **options) + b"behind the end"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"progressive": True},
        {"restart_marker_blocks": 3},
        {"subsampling": 0},
        {"keep_rgb": True},
    ],
    ids=str,
)
def test_only_the_compressed_data_stays(make, options: dict) -> None:
    content = with_everything(make, **options)
    stripped = strip_metadata(content)
    assert stripped is not None
    assert np.array_equal(pixels(stripped), pixels(content))
    info = Image.open(io.BytesIO(stripped)).info
    assert not {"exif", "icc_profile", "comment", "xmp", "dpi"} & set(info)
    for trace in (b"camera", b"comment", b"xmp", b"behind", b"Exif", b"ICC"):
        assert trace not in stripped
    start = content.index(b"\xff\xda")
    assert content[start : content.rindex(b"\xff\xd9")] in stripped


def test_stripping_twice_changes_nothing(make) -> None:
    once = strip_metadata(with_everything(make))
    assert once is not None
    assert strip_metadata(once) == once


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_file_is_refused_or_stripped(make, data: st.DataObject) -> None:
    content = bytearray(make.encoded(make.photo(1, (40, 30))))
    for _ in range(data.draw(st.integers(0, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    stripped = strip_metadata(bytes(content[: data.draw(st.integers(0, len(content)))]))
    assert stripped is None or stripped.endswith(b"\xff\xd9")


@given(st.binary(max_size=60))
def test_what_is_no_jpeg_is_refused(content: bytes) -> None:
    assert strip_metadata(content) is None


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_what_is_too_large_is_reduced(make, kind: str) -> None:
    image = Image.open(io.BytesIO(encode(make.encoded(make.photo(2, (900, 300)), kind), 300)))
    assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (300, 100))


def test_what_is_within_the_limit_keeps_its_size(make) -> None:
    content = make.encoded(make.photo(3), "PNG")
    encoded = encode(content, 1024)
    assert np.abs(pixels(encoded).astype(int) - pixels(content)).mean() < 1


def test_the_result_is_upright_rgb_and_without_metadata(make) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = make.photo(4, (300, 200)).convert("CMYK")
    image = Image.open(io.BytesIO(encode(make.encoded(turned, exif=exif), 1024)))
    assert (image.mode, image.size) == ("RGB", (200, 300))
    assert not {"exif", "icc_profile", "comment"} & set(image.info)


def test_transparency_becomes_white() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (90, 90), (255, 0, 0, 0)).save(out, "PNG")
    assert pixels(encode(out.getvalue(), 64)).min() >= 253


def exchanged() -> bytes:
    """A profile in which red and green have changed places."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace(b"rXYZ", b"    ").replace(b"gXYZ", b"rXYZ").replace(b"    ", b"gXYZ")


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_colours_of_another_profile_become_srgb(mode: str) -> None:
    out = io.BytesIO()
    red = Image.new("RGB", (90, 90), (220, 10, 10)).convert(mode)
    red.save(out, "PNG", icc_profile=exchanged())
    assert pixels(encode(out.getvalue(), 64))[32, 32] == pytest.approx([10, 220, 10], abs=4)


def test_a_jpeg_whose_profile_matters_is_encoded_anew(make) -> None:
    content = make.encoded(make.photo(1), icc_profile=exchanged())
    assert strip_metadata(content) is None
    green, red = pixels(encode(content, 1024))[..., 1], pixels(content)[..., 0]
    assert np.abs(green.astype(int) - red).mean() < 6


def test_a_damaged_profile_says_nothing(make) -> None:
    content = make.encoded(make.photo(1), icc_profile=b"no profile")
    stripped = strip_metadata(content)
    assert stripped is not None
    assert np.array_equal(pixels(encode(content, 1024)), pixels(encode(stripped, 1024)))
