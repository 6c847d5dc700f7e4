"""Categories and names that a page of a shop gives away."""

import io

from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from pipeline.sources import SpiderSource
from scraper.reading.canonical import place
from scraper.reading.links import breadcrumb, link_texts, menu, source_yaml
from scraper.reading.pages import Page

URL = "https://shop.example/mugs/"


def read(markup: str) -> tuple[Page, BeautifulSoup]:
    return Page(markup, URL), BeautifulSoup(markup, "lxml")


def test_a_menu_has_the_categories():
    page = read(
        """<header><a href="/">Shop</a><nav><a href="/mugs/">Mugs (12)</a>
        <a href="../caps#top"> Caps
        &amp; hats</a> <a href="/caps-too">Caps &amp; hats</a> <a href="/p/1">One</a>
        <a href="https://other.example/x">Other</a> <a href="mailto:a@b.example">Mail</a>
        <a href="/icons"><img src="i.png"></a></nav></header>
        <main><a href="/p/2">Two</a></main>"""
    )
    assert menu(*page, ["https://shop.example/p/1"]) == {"caps & hats": "https://shop.example/caps"}


def test_a_shop_that_is_routed_by_its_query_has_categories():
    page = read(
        """<nav><a href="/index.php">Home</a><a href="/?cat=caps">Caps</a>
        <a href="/?utm_source=menu">Start</a><a href="/?product=%d0%ba">Mug</a></nav>"""
    )
    assert menu(*page, ["https://shop.example/?product=к"]) == {
        "caps": "https://shop.example/?cat=caps"
    }


def test_a_breadcrumb_says_which_category():
    crumbs = '<ol class="Breadcrumb"><li><a href="/">Home</a><li><a href="/a">A</a>'
    assert breadcrumb(read(f'{crumbs}<li><a href="/b">B</a><li>This</ol>')[0]) == (
        "https://shop.example/b"
    )
    assert breadcrumb(read('<nav aria-label="breadcrumb"><a href="/">Home</a></nav>')[0]) is None
    assert breadcrumb(read("<p>None</p>")[0]) is None


def test_the_first_words_of_a_link_are_its_text():
    page = read(
        '<a href="/a"><img src="a.jpg"></a><a href="/a"> The\n first </a><a href="/a">2</a>'
    )
    assert link_texts(*page) == {place("https://shop.example/a"): "The first"}


@given(st.text(), st.text(st.characters(exclude_categories=["Cs"])))
def test_any_words_make_an_entry_that_is_valid(name, path):
    text = source_yaml(URL, {name: f"https://shop.example/{path}"}, [])
    ((key, values),) = YAML(typ="safe", pure=True).load(text).items()
    assert key == "shop_example"
    assert "${" not in text
    source = SpiderSource.model_validate(values)
    assert len(source.classes) == 1


def test_an_entry_leaves_the_yaml_of_others_as_it_is() -> None:
    """DVC writes params.yaml by the same library, in the same process in a sweep."""
    before, after = io.StringIO(), io.StringIO()
    YAML().dump({"weights": None}, before)
    assert "limit_per_product: null" in source_yaml(URL, {"mug": "https://shop.example/mugs"}, [])
    YAML().dump({"weights": None}, after)
    assert after.getvalue() == before.getvalue() == "weights:\n"
