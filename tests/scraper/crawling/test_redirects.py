"""Which redirects lead to another page."""

import pytest

from scraper.crawling.redirects import is_elsewhere, is_home_page

SHOP = "http://shop.example"


@pytest.mark.parametrize(
    ("asked", "answered", "elsewhere"),
    [
        ("/mugs", "/mugs/", False),
        ("/mugs/", "/Mugs", False),
        ("/mugs", "/mugs.html", False),
        ("/mugs/", "/mugs/index.php", False),
        ("/mugs/", "/en/mugs/", False),
        ("/mugs/", "/pt-br/mugs", False),
        ("/de/tassen", "/tassen", False),
        ("/tassen-gr%C3%BCn", "/tassen-gr%c3%bcn/", False),
        ("/mugs?page=1", "/mugs", False),
        ("/mugs", "/mugs?currency=eur", False),
        ("/mugs?utm_source=x", "/mugs", False),
        ("/", "/en/", False),
        ("/mugs/", "/", True),
        ("/mugs/", "/en/", True),
        ("/mugs/", "/index.html", True),
        ("/mugs/", "/cups/", True),
        ("/mugs/", "/kitchen/", True),
        ("/kitchen/mugs/", "/kitchen/", True),
        ("/mugs/", "/mugs-old/", True),
        ("/mugs/", "/search?q=mugs", True),
        ("/?category=7", "/", True),
        ("/index.php?path=20", "/index.php?path=21", True),
        ("/mugs?page=2", "/mugs", True),
    ],
)
def test_another_page_or_another_spelling(asked, answered, elsewhere):
    assert is_elsewhere(SHOP + asked, SHOP + answered) is elsewhere
    assert not is_elsewhere(SHOP + asked, SHOP.replace("http://", "https://www.") + asked)


@pytest.mark.parametrize(
    "path", ["", "/", "/en", "/de-at/", "/index.php", "/home", "/en/index.html"]
)
def test_home_pages(path):
    assert is_home_page(SHOP + path)
    assert not is_home_page(f"{SHOP}{path}?product=red")
    assert not is_home_page(f"{SHOP}/mugs/")
