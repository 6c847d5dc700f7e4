"""Spellings of one address are one place, and two places stay two."""

import re
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.reading.canonical import is_same_page, is_view, once, place, places
from scraper.reading.markup import read_listing, read_product
from scraper.reading.pages import Page

SITE = "https://shop.example"
HASH = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://shop.example/a", "HTTP://WWW.Shop.Example:80/a/"),
        ("https://shop.example:443/a", "https://shop.example./a#top"),
        ("https://bücher.example/", "https://xn--bcher-kva.example"),
        ("https://BÜCHER.example/", "https://bücher.example/"),
        ("/кружки/", "/%d0%ba%d1%80%d1%83%d0%b6%d0%ba%d0%b8/"),
        ("/%d0%BA?q=%d0%ba", "/к?q=к"),
        ("/a b", "/a%20b"),
        ("/~a/%28b%29", "/%7Ea/(b)"),
        ("/?q=a+b", "/?q=a%20b"),
        ("/?b=2&a=1", "/?a=1&amp;b=2"),
        ("/?a=1&amp;amp;b=2", "/?&a=1&&b=2"),
        ("/a/./b/../c", "/a/c"),
        ("//p//1", "//p/1/"),
        ("/a?", "/a"),
        ("/a?b", "/a?b="),
        ("/index.php?route=x", "/?route=x"),
        ("/mugs/index.html", "/mugs"),
        ("/p/1;jsessionid=A1.node2", "/p/1"),
        ("/p;JSESSIONID=0/1?x=1", "/p/1?x=1"),
        ("/(S(lit3py55t21z5v55vlm25s55))/p/1", "/p/1"),
        (f"/p/1?PHPSESSID={HASH}", "/p/1?phpsessid=7"),
        (f"/p/1?sid={HASH}", f"/p/1?sid={HASH[::-1]}"),
        (f"/p/1?osCsid={HASH}&zenid=4", "/p/1"),
        ("/p/1?ASPSESSIONIDQADRBC=NB", "/p/1"),
        ("/p/1?utm_source=a&utm_medium=b&gclid=c&fbclid=d&msclkid=e", "/p/1"),
        ("/p/1?mc_cid=a&mc_eid=b&_ga=1.2&pk_campaign=x&srsltid=y", "/p/1"),
        ("/p/1?_pos=1&_sid=ab&_ss=r&pr_prod_strat=x", "/p/1"),
        ("/p/1?ref=home&src=list_top", "/p/1"),
    ],
)
def test_one_place_is_spelt_in_many_ways(one, other):
    there = [x if "://" in x else f"{SITE}{x}" for x in (one, other)]
    assert place(there[0]) == place(there[1])
    assert once(there) == there[:1]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/a", "/A"),
        ("/a", "/a/b"),
        ("/a%2Fb", "/a/b"),
        ("/?q=a%26b=c", "/?q=a&b=c"),
        ("/?q=%E9", "/?q=%E8"),
        ("/?q=a%2Bb", "/?q=a+b"),
        ("/?product=red", "/?product=blue"),
        ("/?id=1", "/?id=2"),
        ("/?sid=4", "/?sid=5"),
        ("/?ref=A100", "/?ref=A101"),
        ("/?s=mugs", "/?s=cups"),
        ("/?id=a;b", "/?id=a;c"),
        ("/p(1)", "/p(2)"),
        ("https://de.shop.example/", "https://shop.example/"),
        ("https://shop.example:8443/", "https://shop.example/"),
        ("https://[oops/", "https://[oh/"),
        ("https://shop.example:99999/", "https://shop.example/"),
    ],
)
def test_two_places_stay_two(one, other):
    there = [x if "://" in x else f"{SITE}{x}" for x in (one, other)]
    assert place(there[0]) != place(there[1])


NAMES = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8)


PARTS = st.tuples(
    st.lists(NAMES, max_size=3), st.lists(st.tuples(NAMES.map("x{}".format), NAMES), max_size=3)
)


def made(parts: tuple[list[str], list[tuple[str, str]]], spelt: Callable[[str], str] = str) -> str:
    path, query = parts
    asked = "&".join("=".join(map(spelt, pair)) for pair in query)
    return f"{SITE}/{'/'.join(map(spelt, path))}?{asked}"


@given(PARTS)
def test_how_an_address_is_quoted_does_not_count(parts):
    plain, quoted = made(parts), made(parts, quote)
    lower = re.sub("%..", lambda found: found[0].lower(), quoted)
    assert place(plain) == place(quoted) == place(lower)


@given(st.text("ab-._/", max_size=12), st.text("ab-._/", max_size=12))
def test_the_short_way_to_a_place_ends_where_the_long_one_does(host, path):
    url = f"https://{host}.example/{path}"
    assert place(url) == place(f"{url}?utm_source=long")


@given(PARTS, PARTS)
def test_what_differs_in_more_than_spelling_is_told_apart(one, other):
    is_same = one[0] == other[0] and sorted(one[1]) == sorted(other[1])
    assert (place(made(one)) == place(made(other))) == is_same


@given(st.text())
def test_whatever_is_written_is_some_place(text):
    for url in (text, SITE + "/" + text, SITE + "?" + text, "http://" + text):
        at = place(url)
        assert at == place(url)
        assert is_same_page(at, at)
        assert is_view(at, at)


def test_what_all_links_of_a_page_have_in_common_tells_none_from_another():
    first = [f"{SITE}/?p={n}&visit=81" for n in (1, 2)]
    second = [f"{SITE}/?p={n}&visit=82" for n in (1, 2)]
    assert places(first) == places(second)
    assert len(set(places(first))) == 2
    assert places(first[:1]) == [place(first[0])]


@pytest.mark.parametrize(
    ("here", "products", "others"),
    [
        (
            "/index.php?route=product/category&path=20",
            ["/index.php?route=product/product&product_id=40&path=20", "/index.php?id=9"],
            ["/index.php?route=product/category&path=20&sort=price&order=ASC"],
        ),
        ("/?product_cat=mugs", ["/?product=red"], ["/?product_cat=mugs&orderby=price", "/"][:1]),
        ("/mugs/", ["/?product=red", "/mugs/?product_id=4"], ["?sort=price", "?colour=red"]),
        ("/mugs/?page=2", ["/mugs/1"], ["/mugs/", "?page=1", "?sort=price", "?dir=desc&limit=9"]),
        ("/shop.php?cat=3", ["/shop.php?item=5"], ["?cat=3&view=list", "?cat=3&add-to-cart=5"]),
        ("/mugs/", ["/p/1"], ["/p/1?add-to-cart=1", "/cart?action=add&id=4", "/x?quickview=1"]),
    ],
)
def test_links_to_products_and_to_other_views(here, products, others):
    links = "".join(f'<a href="{x}">Mug</a>' for x in [*products, *others])
    found = read_listing(f"<main>{links}</main>", SITE + here).products
    assert list(found) == [SITE + x for x in products]


def marked(*products: tuple[str, str]) -> str:
    nodes = ",".join(f'{{"@type":"Product","name":"{n}","url":"{u}"}}' for n, u in products)
    return f'<script type="application/ld+json">[{nodes}]</script>'


@pytest.mark.parametrize(
    ("here", "own", "other"),
    [
        ("/?product=red", "/?product=red", "/?product=blue"),
        ("/index.php?product_id=40&path=2", "/index.php?product_id=40", "/index.php?product_id=41"),
        ("/кружка", "/%d0%ba%d1%80%d1%83%d0%b6%d0%ba%d0%b0", "/чашка"),
        ("/mug?variant=3", "/mug", "/cup"),
        ("/mug;jsessionid=5", "http://www.shop.example:80/mug/", "/cup"),
    ],
)
def test_a_page_knows_its_own_product(here, own, other):
    product = read_product(marked(("no", other), ("yes", own), ("no", "/")), SITE + here)
    assert product is not None
    assert product.title == "yes"


@pytest.mark.parametrize(
    ("href", "encoding", "asked"),
    [
        ("/?q=кружка", "windows-1251", "/?q=%EA%F0%F3%E6%EA%E0"),
        ("/кружка?q=1", "windows-1251", "/кружка?q=1"),
        ("/?q=a&r=マグ", "shift_jis", "/?q=a&r=%83%7D%83O"),
        ("/?q=☃", "iso-8859-1", "/?q=%26%239731%3B"),
        ("/?q=кружка", "utf-8", "/?q=кружка"),
        ("/?q=%d0%BA", "windows-1251", "/?q=%d0%BA"),
        (" /a b\r\n", "utf-8", "/a b"),
        ("/a?x=1&amp;amp;y=2", "utf-8", "/a?x=1&y=2"),
        ("\\p\\1?x=\\", "utf-8", "/p/1?x=\\"),
    ],
)
def test_links_are_asked_for_as_browsers_do(href, encoding, asked):
    page = Page(f'<a href="{href}">x</a>', f"{SITE}/mugs/", encoding)
    assert page.absolute(page.tree.xpath("//a/@href")[0]) == SITE + asked
