"""The clean report in a browser: on a phone, and with names that need no mouse."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline import paths

REPORT = paths.RESULTS / "clean" / "report.html"


@pytest.fixture
def filled(work, make) -> Any:
    long = "a class with a rather long name, " * 3
    image = make.next((400, 300))
    for content in (make.encoded(image), make.recompressed(image), make.resized(image)):
        work.add(content, "mug")
    work.add(make.resized(make.next((500, 400))), long)
    work.add(make.tiny(), "mug", image_url="mug/Große Tasse (Kopie).jpg")
    work.add(make.blank(), "cap", image_url="cap/" + "x" * 180 + ".jpg")
    work.add(make.truncated(), "cap", source="shop")
    other = make.next((400, 300))
    work.add(make.encoded(other), "cap")
    work.add(make.resized(other), long)
    work.clean()
    return work


@pytest.mark.parametrize("width", [320, 390, 1400])
def test_nothing_is_wider_than_the_window(filled, browser, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 844})
    page.goto((filled.root / REPORT).as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(
        "[...document.querySelectorAll('figcaption')]"
        ".every(one => one.scrollWidth <= one.clientWidth)"
    )
    page.close()


def test_every_image_is_named_in_the_text(filled, browser) -> None:
    page = browser.new_page()
    page.goto((filled.root / REPORT).as_uri())
    text = page.evaluate("[...document.querySelectorAll('figcaption')].map(one => one.innerText)")
    assert all(".jpg" in one for one in text)
    assert any("mug/Große Tasse (Kopie).jpg" in one for one in text)
    (broken,) = filled.rows(source="shop")
    assert any(f"shop/cap/{broken['sha256']}.jpg" in one for one in text)
    page.close()


@pytest.mark.parametrize("width", [390, 1400])
def test_every_image_of_a_set_is_in_sight(filled, make, browser, width: int) -> None:
    image = make.next((600, 400))
    for quality in (95, 90, 85, 80, 75):
        filled.add(make.encoded(image, quality=quality), "mug")
    filled.clean()
    page = browser.new_page(viewport={"width": width, "height": 844})
    page.goto((filled.root / REPORT).as_uri())
    assert page.locator(".row").count() >= 2
    cut = (
        "[...document.querySelectorAll('.row')].filter("
        "row => row.scrollWidth > row.clientWidth || [...row.children].some("
        "one => one.getBoundingClientRect().right > row.getBoundingClientRect().right + 1)).length"
    )
    assert page.evaluate(cut) == 0
    page.close()


def test_a_shadow_shows_that_a_table_goes_on(filled, browser) -> None:
    """At its right edge, until the end of the table is in sight."""
    page = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme="light")
    page.goto((filled.root / REPORT).as_uri())
    table = page.locator("table").first

    def darkness() -> int:
        shown = Image.open(io.BytesIO(table.screenshot())).convert("L")
        edge = shown.crop((shown.width - 2, 0, shown.width, shown.height))
        return 255 - int(np.median(np.asarray(edge)))

    assert table.evaluate("one => one.scrollWidth - one.clientWidth") > 0
    assert darkness() > 40
    table.evaluate("one => one.scrollLeft = one.scrollWidth")
    assert darkness() < 10
    page.close()
