"""Every format comes out upright, in sRGB, with the levels that were meant."""

import io

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms, ImageOps

from pipeline.decode import ImageError, decode, frames, open_header
from pipeline.manifest import Reason

pillow_heif.register_heif_opener()  # to write them


def encoded(image: Image.Image, kind: str = "HEIF", **options) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def decoded(content: bytes, at_least: int = 8) -> Image.Image:
    return decode(content, open_header(content), at_least)[0]


def corners() -> Image.Image:
    """200 x 120, each quarter of another colour."""
    image = Image.new("RGB", (200, 120), "red")
    for colour, x, y in (("lime", 100, 0), ("blue", 0, 60), ("white", 100, 60)):
        image.paste(colour, (x, y, x + 100, y + 60))
    return image


def apart(one: Image.Image, other: Image.Image) -> float:
    assert one.size == other.size
    return np.abs(np.asarray(one, int) - np.asarray(other)).mean()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["HEIF", "TIFF"])
def test_an_image_is_turned_once(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = Image.open(io.BytesIO(encoded(corners(), "PNG", exif=exif)))
    content = encoded(corners(), kind, exif=exif.tobytes() if kind == "HEIF" else exif)
    header = open_header(content)
    size = header.size
    image, left = decode(content, header, 8)
    assert left == 1  # the readers turned it
    assert size == image.size
    assert apart(image, ImageOps.exif_transpose(turned)) < 3


def test_colours_of_another_profile_become_srgb() -> None:
    """The profile is sRGB's with red and green exchanged."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = profile.replace(b"rXYZ", b"    ").replace(b"gXYZ", b"rXYZ").replace(b"    ", b"gXYZ")
    content = encoded(Image.new("RGB", (64, 64), (220, 10, 10)), icc_profile=profile, quality=100)
    assert decoded(content).getpixel((32, 32)) == pytest.approx((10, 220, 10), abs=6)


def test_ten_bits() -> None:
    ramp = np.linspace(0, 65535, 64 * 96 * 3).reshape(64, 96, 3).astype(np.uint16)
    out = io.BytesIO()
    heif = pillow_heif.from_bytes("RGB;16", (96, 64), ramp.tobytes())
    heif.save(out, quality=-1, chroma=444)
    assert open_header(out.getvalue()).info["bit_depth"] == 10
    image = decoded(out.getvalue())
    assert np.abs(np.asarray(image, float) - ramp / 257).max() < 4
    grey = Image.fromarray(ramp[..., 0])
    image = decoded(encoded(grey, quality=-1))
    assert np.abs(np.asarray(image, float)[..., 0] - ramp[..., 0] / 257).max() < 4


def test_transparency_of_heic_is_white() -> None:
    assert np.asarray(decoded(encoded(Image.new("RGBA", (64, 64), (90, 0, 0, 0))))).min() > 250


def test_of_several_images_the_primary_one_counts() -> None:
    red, blue = Image.new("RGB", (64, 64), "red"), Image.new("RGB", (64, 64), "blue")
    content = encoded(red, save_all=True, append_images=[blue, red], primary_index=1)
    header = open_header(content)
    image, _ = decode(content, header, 8)
    assert image.getpixel((9, 9)) == pytest.approx((0, 0, 255), abs=4)
    assert frames(header) == 3


def test_of_a_tiff_the_first_page_counts() -> None:
    red, blue = Image.new("RGB", (64, 64), "red"), Image.new("RGB", (32, 32), "blue")
    content = encoded(red, "TIFF", save_all=True, append_images=[blue])
    header = open_header(content)
    image, _ = decode(content, header, 8)
    assert (image.size, image.getpixel((9, 9))) == ((64, 64), (255, 0, 0))
    assert frames(header) == 2


def test_a_thumbnail_in_the_file_is_not_the_image() -> None:
    content = encoded(corners().resize((800, 480)), thumbnails=[200])
    assert decoded(content, at_least=60).size == (800, 480)


@pytest.mark.parametrize("kind", ["HEIF", "AVIF", "WEBP"])
@pytest.mark.parametrize("share", [0.2, 0.6, 0.99])
def test_a_file_that_lacks_its_end_is_truncated(kind: str, share: float) -> None:
    noise = Image.effect_noise((300, 200), 80).convert("RGB")
    content = encoded(noise, kind)
    with pytest.raises(ImageError) as error:
        decoded(content[: int(len(content) * share)])
    assert error.value.reason is Reason.TRUNCATED


def test_a_file_that_only_begins_like_heic_is_unreadable() -> None:
    with pytest.raises(ImageError) as error:
        decoded(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))
    assert error.value.reason is Reason.UNREADABLE
    assert str(error.value)


@pytest.mark.parametrize("clear", [0, 300, 65535])
def test_only_the_transparent_level_of_16_bits_becomes_white(clear: int) -> None:
    levels = np.array([[0, 300, 30000, 65535]], np.uint16)
    row = np.asarray(decoded(encoded(Image.fromarray(levels), "PNG", transparency=clear)))
    expected = np.where(levels == clear, 255, levels // 257)[0]
    assert np.abs(row[0, :, 0].astype(int) - expected).max() <= 1


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((400, 533), (200, 267)),
        ((533, 400), (267, 200)),
        ((511, 400), (511, 400)),  # half of the longer side would be too short
        ((512, 383), (512, 383)),  # and here half of the shorter one
        ((1100, 1100), (275, 275)),
        ((4000, 385), (2000, 193)),
    ],
)
def test_a_jpeg_is_reduced_while_both_sides_are_long_enough(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    out = io.BytesIO()
    Image.new("RGB", size, "teal").save(out, "JPEG")
    image, _ = decode(out.getvalue(), open_header(out.getvalue()), 192, 256)
    assert image.size == expected
