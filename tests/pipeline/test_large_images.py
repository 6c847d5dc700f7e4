"""Images of very many pixels: clean, collect and prediction agree on which are decoded."""

import io
import shutil
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from ruamel.yaml import YAML

from model.images import UnreadableImageError
from model.images import decode as decode_to_predict
from pipeline import paths
from pipeline.clean.__main__ import main
from pipeline.clean.encode import encode
from pipeline.cli import UserError
from pipeline.decode import ImageError, open_header
from pipeline.formats import MOST_PIXELS, least_pixels, open_image
from pipeline.manifest import Reason, Status
from scraper.examine import RejectedError, examine

LARGE = (11648, 8736)  # 101 megapixels, as some cameras give them


def large(
    size: tuple[int, int] = LARGE, mode: str = "L", kind: str = "JPEG", **options: Any
) -> bytes:
    small = np.random.default_rng(1).integers(0, 256, (12, 16), dtype=np.uint8)
    image = Image.fromarray(small).convert(mode).resize(size, Image.Resampling.NEAREST)
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def least(content: bytes) -> int:
    return least_pixels(content, open_image(content))


def test_clean_keeps_a_large_jpeg(work) -> None:
    whole = work.add(large())
    on_its_side = work.add(large(exif=turned()))
    assert work.params.clean.max_pixels < LARGE[0] * LARGE[1]
    work.values["clean"]["same_pixels"]["action"] = "flag"
    work.clean()
    rows = {row["sha256"]: row for row in work.rows(verdict="keep")}
    assert (rows[whole]["width"], rows[whole]["height"]) == LARGE
    assert (rows[on_its_side]["width"], rows[on_its_side]["height"]) == LARGE[::-1]
    written = {name: Image.open(io.BytesIO(jpeg)).size for name, jpeg in work.written().items()
               if name.endswith(".jpg")}  # fmt: skip
    assert written[f"mug/{whole}.jpg"] == (1024, 768)
    assert written[f"mug/{on_its_side}.jpg"] == (768, 1024)


def test_other_formats_are_dropped_until_the_parameter_allows_them(work, make) -> None:
    image = make.next((200, 150))
    work.values["clean"]["max_pixels"] = 200 * 150 - 1
    work.values["clean"]["same_pixels"]["action"] = "off"
    work.values["clean"]["near_duplicate"]["action"] = "off"
    jpeg = work.add(make.encoded(image), "jpeg")
    progressive = work.add(make.encoded(make.next((240, 200)), progressive=True), "jpeg")
    for kind in ("PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"):
        work.add(make.encoded(image, kind), kind, reason=Reason.TOO_MANY_PIXELS)
    work.clean()
    assert {row["sha256"] for row in work.rows(verdict="keep")} == {jpeg, progressive}
    assert work.metrics()["dropped"] == {"too_many_pixels": 6}
    assert {row["note"] for row in work.rows(verdict="drop")} == {
        "30,000 pixels; the limit is 29,999"
    }
    work.values["clean"]["max_pixels"] += 1
    work.clean()
    assert work.metrics()["dropped"] == {}


def test_a_lower_limit_gives_the_same_with_and_without_the_cache(work, make) -> None:
    for size in ((200, 150), (210, 160), (190, 140)):
        work.add(make.encoded(make.next(size), "PNG"))
        work.add(make.encoded(make.next(size), progressive=True))
    work.clean()
    assert work.metrics()["kept"] == 6
    work.values["clean"]["max_pixels"] = 14_999
    work.clean()
    from_cache = work.written()
    assert work.metrics()["dropped"] == {"too_many_pixels": 5}
    shutil.rmtree(paths.CLEAN_CACHE)
    work.clean()
    assert work.written() == from_cache


def test_a_class_whose_images_are_all_too_large_names_the_parameter(work, make) -> None:
    work.values["clean"]["max_pixels"] = 1000
    work.add(make.encoded(make.next(), "PNG"))
    YAML().dump(work.values, paths.PARAMS)
    with pytest.raises(UserError, match=r"too_many_pixels; see clean\.max_pixels"):
        main([])


@pytest.mark.parametrize("size", [LARGE, (8736, 11648), (16320, 12240), (65000, 1600)])
def test_all_take_a_large_jpeg(size: tuple[int, int]) -> None:
    content = large(size)
    assert least(content) == size[0] * size[1] // 64
    found = examine(content)
    assert (found.width, found.height) == size
    assert decode_to_predict(content, 64).std() > 40
    assert max(Image.open(io.BytesIO(encode(content, 256))).size) == 256


@pytest.mark.parametrize("options", [{"mode": "CMYK"}, {"mode": "L", "kind": "MPO"}])
def test_other_kinds_of_jpeg_are_decoded_smaller_too(options: dict[str, Any]) -> None:
    assert least(large((640, 480), **options)) == 640 * 480 // 64


def test_a_jpeg_that_is_kept_whole_in_memory_counts_more() -> None:
    size, half = (640, 480), 640 * 480 // 2
    assert least(large(size, progressive=True)) == half
    assert least(large(size, "RGB", progressive=True)) == half
    one_by_one = bytearray(large(size, "RGB"))
    scan = one_by_one.index(b"\xff\xda")
    one_by_one[scan + 4] = 1  # the first pass has one of three components
    assert least(bytes(one_by_one)) == half
    plain = large(size)
    at = plain.index(b"\xff\xdb")  # behind the first segment
    for marker in (b"\xff\xd0", b"\xff"):  # more than we can follow
        assert least(plain[:at] + marker + plain[at:]) == half
    assert least(plain) == 640 * 480 // 64


def test_a_thumbnail_inside_does_not_count() -> None:
    exif = Image.Exif()
    exif[0x927C] = large((64, 64), progressive=True)  # a maker's note
    assert least(large((640, 480), exif=exif)) == 640 * 480 // 64


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "GIF", "BMP"])
def test_what_no_parameter_allows_is_refused_by_all(kind: str, make, tmp_path: Path) -> None:
    """The headers alone say so, in few bytes of file."""
    content = bytearray(make.encoded(Image.new("L", (8, 8)), kind))
    side = 14_000 if kind in ("GIF", "BMP", "TIFF") else 50_000
    assert side**2 > MOST_PIXELS
    claim(content, kind, side)
    with pytest.raises(RejectedError, match="178,956,970 pixels") as rejected:
        examine(bytes(content))
    assert rejected.value.status is Status.REJECTED_TOO_LARGE
    with pytest.raises(UnreadableImageError, match="the limit is 178,956,970"):
        decode_to_predict(bytes(content), 64)
    with pytest.raises(ImageError) as error:
        open_header(bytes(content))
    assert error.value.reason is Reason.TOO_MANY_PIXELS


def claim(content: bytearray, kind: str, side: int) -> None:
    """Have the header of an 8x8 image say `side` x `side`."""
    if kind == "PNG":
        content[16:24] = side.to_bytes(4, "big") * 2
        content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    elif kind == "GIF":
        content[6:10] = side.to_bytes(2, "little") * 2
    elif kind == "BMP":
        content[18:26] = side.to_bytes(4, "little") * 2
    else:
        for tag in (256, 257):
            at = content.index(tag.to_bytes(2, "little") + b"\x04\0\x01\0\0\0")
            content[at + 8 : at + 12] = side.to_bytes(4, "little")


def test_the_parameter_has_bounds(work) -> None:
    for wrong in (0, -1, MOST_PIXELS + 1):
        work.values["clean"]["max_pixels"] = wrong
        with pytest.raises(ValueError, match="max_pixels"):
            _ = work.params
