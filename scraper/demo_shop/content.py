"""Makes the bytes of each image. Some images get a defect after they are drawn."""

import io
from functools import cache
from random import Random

from PIL import Image, ImageDraw, ImageFont

from scraper.demo_shop import catalogue
from scraper.demo_shop.defects import Defect
from scraper.demo_shop.drawing.camera import draw

_FORMATS = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP"}


def media_type(name: str) -> str:
    """The media type of an image, by its name."""
    return f"image/{_FORMATS[name.rpartition('.')[2]].lower()}"


def content(name: str) -> bytes:
    """The file of an image by its name: the same bytes every time, from any process."""
    drawn_as, defect = catalogue.images()[name].drawn_as, catalogue.images()[name].defect
    rng = Random(f"content of {name}")
    if defect is Defect.PLACEHOLDER:
        return _placeholder()
    if defect is Defect.BLANK:
        colour = rng.choice(["#ffffff", "#f4f1ea", "#e9eef2", "#dddddd", "#fbfbf6"])
        return _encode(Image.new("RGB", (rng.randrange(480, 640), 500), colour))
    image = draw(drawn_as)
    format_ = _FORMATS[drawn_as.rpartition(".")[2]]
    quality = Random(f"quality of {drawn_as}").randrange(80, 94)
    match defect:
        case Defect.RECOMPRESSED:
            # a second shop encodes the file that it got from the first one
            image = Image.open(io.BytesIO(_encode(image, format_, quality)))
            quality = rng.randrange(40, 61)
        case Defect.RESIZED:
            factor = rng.uniform(0.5, 0.8)
            size = (round(image.width * factor), round(image.height * factor))
            image = image.resize(size, Image.Resampling.LANCZOS)
        case Defect.TINY:
            image.thumbnail((48, 48))
    body = _encode(image, format_, quality)
    if defect is Defect.TRUNCATED:
        return body[: len(body) * rng.randrange(45, 70) // 100]
    return body


def _encode(image: Image.Image, format_: str = "JPEG", quality: int = 85) -> bytes:
    out = io.BytesIO()
    image.save(out, format_, quality=quality, method=0, compress_level=1)  # the fastest settings
    return out.getvalue()


@cache
def _placeholder() -> bytes:
    image = Image.new("RGB", (560, 560), "#eef0f1")
    pen = ImageDraw.Draw(image)
    pen.rounded_rectangle((190, 170, 370, 300), 16, outline="#b6bec4", width=8)
    pen.ellipse((245, 200, 315, 270), outline="#b6bec4", width=8)
    pen.text((280, 360), "photo coming soon", "#8d979e", ImageFont.load_default(36), anchor="mm")
    return _encode(image)
