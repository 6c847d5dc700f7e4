"""Reports that people read: HTML from Jinja templates, each one file with its images inside."""

import base64
import io
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

from pipeline.files import write_atomic

_TEMPLATES = Path(__file__).parent / "templates"


def write_page(path: Path, template: Path, **context: Any) -> None:
    """Render `template` to `path`. A template in HTML may extend `page.html`; text is escaped."""
    write_atomic(path, render(template, **context))


def render(template: Path, **context: Any) -> str:
    """The text of `template` with these values. In a template called .html they are escaped."""
    # not above: a program that shows no page need not wait for it
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=FileSystemLoader([_TEMPLATES, template.parent]),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template.name).render(**context)


def thumbnail(image: Path | bytes | Image.Image, side: int = 144) -> str:
    """An image as a data URI (JPEG, longest side `side` pixels), for `<img src>`."""
    if isinstance(image, Path):
        image = image.read_bytes()
    opened = Image.open(io.BytesIO(image)) if isinstance(image, bytes) else image
    opened.draft("RGB", (side, side))
    small = ImageOps.exif_transpose(opened).convert("RGB")
    small.thumbnail((side, side), reducing_gap=2)
    out = io.BytesIO()
    small.save(out, "JPEG", quality=75)
    return data_uri(out.getvalue(), "image/jpeg")


def data_uri(content: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"
