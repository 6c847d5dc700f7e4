"""Whatever a file is, it has measurements or one reason why not."""

import hashlib
import io
import os
from pathlib import Path

import imagehash
import numpy as np
import pillow_heif
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter, ImageOps, TiffImagePlugin

from pipeline.clean.measure import Measured, Measurement, NoMeasurement, measure, perceptual_hashes
from pipeline.manifest import Reason

pillow_heif.register_heif_opener()  # to write them


def failure(content: bytes, tmp_path: Path) -> NoMeasurement:
    result = measured(content, tmp_path)
    assert isinstance(result, NoMeasurement)
    return result


def measurement(content: bytes, tmp_path: Path) -> Measurement:
    result = measured(content, tmp_path)
    assert isinstance(result, Measured), result
    return result.measurement


def measured(content: bytes, tmp_path: Path) -> Measured | NoMeasurement:
    path = tmp_path / "emoji 🧦\nnewline"
    path.write_bytes(content)
    return measure(path, hashlib.sha256(content).hexdigest())


def bits(a: bytes, b: bytes) -> int:
    return (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).bit_count()


def test_a_photo(make, tmp_path: Path) -> None:
    image = make.photo(1, (320, 240))
    m = measurement(make.encoded(image), tmp_path)
    grey = np.asarray(image.convert("L"))
    assert (m.format, m.mode, m.frames, m.orientation) == ("JPEG", "RGB", 1, 1)
    assert (m.width, m.height) == (320, 240)
    assert m.brightness == pytest.approx(grey.mean(), abs=1)
    assert m.darkest == pytest.approx(np.percentile(grey, 1), abs=4)
    assert m.brightest == pytest.approx(np.percentile(grey, 99), abs=4)
    assert m.entropy == pytest.approx(image.convert("L").entropy(), abs=0.3)


def test_the_hash_is_imagehashs(make, tmp_path: Path) -> None:
    for seed in range(10):
        content = make.encoded(make.photo(seed, (480, 360)))
        theirs = imagehash.phash(Image.open(io.BytesIO(content)), hash_size=16)
        assert measurement(content, tmp_path).phash.hex() == str(theirs)


@pytest.mark.parametrize("seed", range(5))
def test_of_a_large_jpeg_the_hash_is_near(make, tmp_path: Path, seed: int) -> None:
    """The decoder's reduced scale changes few of the 256 bits."""
    content = make.encoded(make.photo(seed, (2000, 1500)))
    theirs = imagehash.phash(Image.open(io.BytesIO(content)), hash_size=16)
    assert bits(measurement(content, tmp_path).phash, bytes.fromhex(str(theirs))) <= 8


def test_the_hash_of_the_mirror_image(make, tmp_path: Path) -> None:
    image = make.photo(3)
    m = measurement(make.encoded(image, "PNG"), tmp_path)
    mirror = measurement(make.encoded(ImageOps.mirror(image), "PNG"), tmp_path)
    assert bits(m.mirrored_phash, mirror.phash) <= 4
    assert bits(m.phash, mirror.phash) > 60


def test_exif_turns_the_image(make, tmp_path: Path) -> None:
    upright = make.photo(4)
    expected = measurement(make.encoded(upright, quality=95), tmp_path)
    for orientation, turn in {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90}.items():
        exif = Image.Exif()
        exif[0x0112] = orientation
        content = make.encoded(upright.transpose(turn), quality=95, exif=exif)
        m = measurement(content, tmp_path)
        assert m.orientation == orientation
        assert (m.width, m.height) == (320, 240)
        assert bits(m.phash, expected.phash) <= 8


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF"])
def test_formats(make, tmp_path: Path, kind: str) -> None:
    m = measurement(make.encoded(make.photo(5), kind), tmp_path)
    assert m.format == kind
    assert bits(m.phash, measurement(make.encoded(make.photo(5)), tmp_path).phash) <= 20


def test_transparency_is_white(make, tmp_path: Path) -> None:
    transparent = Image.new("RGBA", (80, 80), (0, 0, 0, 0))
    palette = transparent.convert("P")
    palette.info["transparency"] = palette.getpixel((0, 0))
    for image in (transparent, transparent.convert("LA"), palette):
        assert measurement(make.encoded(image, "PNG"), tmp_path).brightness == 255


def test_16_bits_are_scaled_not_clipped(make, tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 200 * 100).reshape(100, 200)
    for levels in (ramp.astype(np.uint16), ramp.astype(np.float32)):
        content = make.encoded(Image.fromarray(levels), "TIFF")
        assert measurement(content, tmp_path).brightness == pytest.approx(127, abs=2)


def test_cmyk(make, tmp_path: Path) -> None:
    m = measurement(make.encoded(Image.new("CMYK", (80, 80), (0, 255, 255, 0))), tmp_path)
    assert m.mode == "CMYK"
    assert m.saturation > 200


def test_of_an_animation_the_first_frame_counts(make, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (80, 60), colour) for colour in ("white", "black", "red")]
    content = make.encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    m = measurement(content, tmp_path)
    assert (m.frames, m.brightness) == (3, 255)


def test_sharpness_tells_blur(make, tmp_path: Path) -> None:
    sharp = make.photo(6)
    blurred = sharp.filter(ImageFilter.GaussianBlur(6))
    values = [measurement(make.encoded(i), tmp_path).sharpness for i in (sharp, blurred)]
    assert values[0] > 5 * values[1]


def test_equal_pixels_have_one_digest(make, tmp_path: Path) -> None:
    image = make.photo(7)
    one = measurement(make.encoded(image, "PNG"), tmp_path)
    assert measurement(make.encoded(image, "BMP"), tmp_path).pixels == one.pixels
    image.putpixel((5, 5), (1, 2, 3))
    assert measurement(make.encoded(image, "PNG"), tmp_path).pixels != one.pixels


def test_a_single_pixel_is_measured(make, tmp_path: Path) -> None:
    m = measurement(make.encoded(Image.new("L", (1, 1), 9), "PNG"), tmp_path)
    assert (m.width, m.sharpness, m.contrast, m.background) == (1, 0, 0, 1)


def test_the_thumbnail_is_upright_and_small(make, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    result = measured(make.encoded(make.photo(8, (400, 200)), exif=exif), tmp_path)
    assert isinstance(result, Measured)
    assert Image.open(io.BytesIO(result.thumbnail)).size == (64, 128)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_a_truncated_image(make, tmp_path: Path, kind: str) -> None:
    content = make.encoded(make.photo(9), kind)
    assert failure(content[: len(content) * 2 // 3], tmp_path).reason is Reason.TRUNCATED


def test_a_jpeg_that_lacks_its_last_byte_is_truncated(make, tmp_path: Path) -> None:
    assert failure(make.encoded(make.photo(9))[:-1], tmp_path).reason is Reason.TRUNCATED


def test_what_is_no_image(tmp_path: Path, make) -> None:
    for content in (b"", b"hello", make.text(), b"\xff\xd8\xff", b"GIF89a", make.damaged()):
        result = failure(content, tmp_path)
        assert result.reason is Reason.UNREADABLE
        assert result.lasting
        assert "0x7" not in result.error  # no address of this run's memory


def test_the_preview_in_a_camera_raw_file_is_not_the_image(make, tmp_path: Path) -> None:
    info = TiffImagePlugin.ImageFileDirectory_v2()
    info[50706] = b"\1\6\0\0"
    result = failure(make.encoded(make.photo(1), "TIFF", tiffinfo=info), tmp_path)
    assert (result.reason, result.error) == (
        Reason.UNREADABLE,
        "no image of a known format; camera raw file: export it as JPEG or PNG",
    )


def test_a_bomb_is_not_decoded(tmp_path: Path, make) -> None:
    assert failure(make.bomb(), tmp_path).reason is Reason.TOO_MANY_PIXELS


def test_trailing_data_is_no_fault(make, tmp_path: Path) -> None:
    measurement(make.encoded(make.photo(9)) + b"anything", tmp_path)


def test_files_at_fault_are_measured_again(make, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(make.encoded(make.photo(1)))
    os.mkfifo(tmp_path / "pipe")
    for path, reason in [
        (tmp_path / "absent", Reason.MISSING),
        (tmp_path / "pipe", Reason.UNREADABLE),
        (Path("/dev/zero"), Reason.UNREADABLE),
        (tmp_path, Reason.UNREADABLE),
        (other, Reason.UNREADABLE),
    ]:
        result = measure(path, "0" * 64)
        assert isinstance(result, NoMeasurement)
        assert (result.reason, result.lasting) == (reason, False)


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_no_damage_raises(make, tmp_path: Path, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["JPEG", "PNG", "WEBP", "GIF", "TIFF", "HEIF"]))
    content = bytearray(make.encoded(make.photo(1, (48, 40)), kind))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    assert isinstance(measured(content, tmp_path), Measured | NoMeasurement)


def test_hashes_of_a_flat_image() -> None:
    assert perceptual_hashes(Image.new("L", (64, 64), 128))[0] == imagehash_of(128)


def imagehash_of(level: int) -> bytes:
    flat = Image.new("L", (64, 64), level)
    return bytes.fromhex(str(imagehash.phash(flat, hash_size=16)))
