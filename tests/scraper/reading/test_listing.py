import json

import pytest

from scraper.reading.markup import Listing, read_listing

SITE = "https://shop.example"
HERE = f"{SITE}/mugs/"
MUG = {"@type": "Product", "name": "Mug", "sku": "M1"}


def script(*data: object) -> str:
    texts = map(json.dumps, data)
    return "".join(f'<script type="application/ld+json">{t}</script>' for t in texts)


def test_an_item_list_says_what_is_listed_and_in_which_order():
    entries = [
        {"@type": "ListItem", "position": 3, "url": "/p/3"},
        {"@type": "ListItem", "position": 1, "item": MUG | {"url": "/p/1"}},
        {"@type": "ListItem", "position": "2", "item": "https://www.shop.example/p/2#top"},
        {"@type": "ListItem", "position": 4, "url": "https://elsewhere.example/p"},
        {"@type": "ListItem", "position": 5, "item": {"@id": "/p/1"}},
    ]
    crumbs = {"@type": "BreadcrumbList", "itemListElement": [{"item": f"/{n}"} for n in range(9)]}
    html = script(crumbs, {"@type": "CollectionPage", "mainEntity": {"itemListElement": entries}})
    html += '<main><a href="/p/not-listed">x</a></main><link rel="next" href="?page=2">'
    expected = (f"{SITE}/p/1", "https://www.shop.example/p/2", f"{SITE}/p/3")
    assert read_listing(html, HERE) == Listing(expected, f"{HERE}?page=2", is_guess=False)


@pytest.mark.parametrize(
    "html",
    [
        script([MUG | {"url": "/p/1"}, MUG | {"url": "/p/2"}]),
        "".join(
            '<div itemscope itemtype="https://schema.org/Product">'
            f'<a itemprop="url" href="/p/{n}"><img itemprop="image" src="/{n}.jpg"></a></div>'
            for n in (1, 2)
        ),
        script({"@type": "ItemList", "itemListElement": ["/p/1", "/p/2"]}),
        script({"@type": "ItemList", "itemListElement": [{"url": "#1"}]})  # all on this page
        + script([MUG | {"url": "/p/1"}, MUG | {"url": "/p/2"}]),
    ],
)
def test_products_with_addresses_are_a_listing(html):
    assert read_listing(html, HERE) == Listing((f"{SITE}/p/1", f"{SITE}/p/2"), None, is_guess=False)


def test_without_markup_the_links_of_the_main_content_are_guessed():
    html = """<header><a href="/">Home</a></header><nav><a href="/cups/">Cups</a></nav>
    <main><a href="?sort=price">sort</a> <a href="/mugs#top">top</a>
    <article><header><a href="/p/1">Mug</a></header><a href="/p/1">again</a></article>
    <a href="/p/2?colour=red">Mug</a> <a href="mailto:me@shop.example">mail</a>
    <a href="https://other.example/">ad</a><nav><a href="/mugs/2/" rel="nofollow next">2</a></nav>
    </main><aside><a href="/p/9">also bought</a></aside>
    <footer><a href="/terms">Terms</a></footer>"""
    expected = (f"{SITE}/p/1", f"{SITE}/p/2?colour=red")
    assert read_listing(html, HERE) == Listing(expected, f"{SITE}/mugs/2/", is_guess=True)


@pytest.mark.parametrize(
    "menu",
    [
        [{"@type": "SiteNavigationElement", "url": f"/{n}/"} for n in range(9)],
        [{"item": {"@type": "SiteNavigationElement", "url": f"/{n}/"}} for n in range(9)],
        [{"@type": "ListItem", "url": f"/brands/{n}"} for n in range(9)],
    ],
)
def test_a_list_of_the_menu_is_no_list_of_products(menu):
    products = [MUG | {"url": f"/p/{n}"} for n in (1, 2)]
    html = script({"@type": "ItemList", "itemListElement": menu}, products)
    assert read_listing(html, HERE) == Listing((f"{SITE}/p/1", f"{SITE}/p/2"), None, is_guess=False)


def test_the_menu_alone_lists_nothing():
    menu = [{"@type": "SiteNavigationElement", "url": f"/{n}/"} for n in range(9)]
    html = script({"@type": "ItemList", "itemListElement": menu}) + '<main><a href="/p/1">x</a>'
    assert read_listing(html, HERE) == Listing((f"{SITE}/p/1",), None, is_guess=True)
