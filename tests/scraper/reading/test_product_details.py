import json

import pytest

from scraper.reading.markup import Product, read_product

SITE = "https://shop.example"
URL = f"{SITE}/mugs/blue?ref=1"
HERE = f"{SITE}/mugs/"
MUG = {"@type": "Product", "name": "Mug", "sku": "M1"}


def script(*data: object) -> str:
    texts = map(json.dumps, data)
    return "".join(f'<script type="application/ld+json">{t}</script>' for t in texts)


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ({"width": 800, "height": "600"}, (800, 600)),
        ({"width": "800px"}, (800, None)),
        ({"width": {"@type": "QuantitativeValue", "value": 800}, "height": 0}, (800, None)),
        ({"width": "wide", "height": [1]}, (None, None)),
    ],
)
def test_declared_sizes(declared, expected):
    product = read_product(script(MUG | {"image": {"url": "/a.jpg"} | declared}), URL)
    assert product is not None
    assert (product.images[0].width, product.images[0].height) == expected


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        (script(MUG | {"category": "Kitchen > Mugs"}), ("Kitchen > Mugs", "Kitchen", "Mugs")),
        (script(MUG | {"category": ["Mugs", {"@type": "Thing", "url": "/mugs/"}]}), ("Mugs", HERE)),
        (script(MUG | {"category": {"@type": "CategoryCode", "name": "Mugs"}}), ("Mugs",)),
        (
            script(
                {
                    "@type": "BreadcrumbList",
                    "itemListElement": [
                        {"position": 2, "item": {"@id": "/mugs/", "name": "Mugs"}},
                        {"position": 1, "name": "Home", "item": "/"},
                    ],
                },
                MUG,
            ),
            ("Home", f"{SITE}/", "Mugs", HERE),
        ),
        (
            script(MUG)
            + '<p class="bread_crumbs"><a href="/">Home</a> › <a href="/mugs/"> Mugs </a></p>',
            ("Home", f"{SITE}/", "Mugs", HERE),
        ),
    ],
)
def test_what_a_product_is_filed_under(html, expected):
    product = read_product(html, URL)
    assert product is not None
    assert product.categories == expected


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        ({"sku": 17}, "17"),
        ({"productID": " x "}, "x"),
        ({"gtin13": "4000000000000"}, "4000000000000"),
        ({}, None),
    ],
)
def test_identifiers(ids, expected):
    product = read_product(script({"@type": "Product", "name": "Tom &amp; Co", **ids}), URL)
    assert product == Product("Tom & Co", expected, ())
