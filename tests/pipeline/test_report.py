"""Pages need nothing from elsewhere, and what came from the web is only text on them."""

import base64
import io
from pathlib import Path

import pytest
from jinja2 import UndefinedError
from PIL import Image

from pipeline.report import data_uri, thumbnail, write_page

TEMPLATE = (
    '{% extends "page.html" %}{% block title %}{{ title }}{% endblock %}'
    '{% block body %}<h1>{{ title }}</h1><img src="{{ image }}" alt="">{% endblock %}'
)


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "templates" / "own.html"
    path.parent.mkdir()
    path.write_text(TEMPLATE)
    return path


def test_a_page(tmp_path: Path, template: Path) -> None:
    page = tmp_path / "results" / "report.html"
    write_page(page, template, title="<b>mugs & cups</b>", image=data_uri(b"x", "image/png"))
    text = page.read_text()
    assert text.startswith("<!doctype html>")
    assert "<h1>&lt;b&gt;mugs &amp; cups&lt;/b&gt;</h1>" in text
    assert 'src="data:image/png;base64,eA=="' in text
    assert "http" not in text


def test_a_page_that_lacks_a_value_is_not_written(tmp_path: Path, template: Path) -> None:
    page = tmp_path / "report.html"
    with pytest.raises(UndefinedError):
        write_page(page, template, title="mugs")
    assert not page.exists()


@pytest.mark.parametrize("kind", ["path", "bytes", "image"])
def test_a_thumbnail_is_upright_and_small(make, tmp_path: Path, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    content = make.encoded(make.photo(1, (600, 300)), exif=exif)
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    given = {"path": path, "bytes": content, "image": Image.open(path)}[kind]
    media_type, _, encoded = thumbnail(given, 100).partition(",")
    assert media_type == "data:image/jpeg;base64"
    assert Image.open(io.BytesIO(base64.b64decode(encoded))).size == (50, 100)
