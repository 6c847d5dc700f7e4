import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.reading.markup import PageImage, Product, read_listing, read_product

URL = "https://shop.example/mugs/blue?ref=1"
SITE = "https://shop.example"
HERE = f"{SITE}/mugs/"


def script(*data: object) -> str:
    texts = (d if isinstance(d, str) else json.dumps(d) for d in data)
    return "".join(f'<script type="application/ld+json">{t}</script>' for t in texts)


def image_addresses(html: str, url: str = URL) -> list[str] | None:
    product = read_product(html, url)
    return [image.url for image in product.images] if product else None


MUG = {"@context": "https://schema.org/", "@type": "Product", "name": "Mug", "sku": "M1"}
A, B, C = (f"{SITE}/{name}.jpg" for name in "abc")


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("/a.jpg", [A]),
        (" //shop.example/a.jpg#big ", [A]),
        (["/a.jpg", "/b.jpg", "a.jpg", "/a.jpg"], [A, B, f"{SITE}/mugs/a.jpg"]),
        ({"@type": "ImageObject", "url": "/a.jpg"}, [A]),
        ({"@type": "ImageObject", "contentUrl": "/a.jpg", "url": "/page-of-a"}, [A]),
        ([{"@type": "ImageObject", "url": ["/a.jpg"]}, "/b.jpg"], [A, B]),
        ({"@id": "#main"}, [C]),
        ("data:image/gif;base64,R0lGOD", []),
        (["javascript:alert(1)", "ftp://x/y.jpg", "file:///etc/passwd", "http://[oops/"], []),
        (None, []),
        ({"@type": "ImageObject"}, []),
        ([None, 7, True, [], {}], []),
    ],
)
def test_images_of_json_ld(image, expected):
    elsewhere = {"@type": "ImageObject", "@id": "#main", "contentUrl": "/c.jpg"}
    assert image_addresses(script({**MUG, "image": image}, elsewhere)) == expected


@pytest.mark.parametrize(
    "data",
    [
        MUG | {"image": "/a.jpg"},
        [{"@type": "Organization", "image": "/logo.png"}, MUG | {"image": "/a.jpg"}],
        {"@graph": [{"@type": "WebPage"}, MUG | {"image": "/a.jpg"}]},
        {"@type": "ItemPage", "mainEntity": MUG | {"image": "/a.jpg"}},
        MUG | {"@type": ["Thing", "http://schema.org/Product"], "image": "/a.jpg"},
        MUG | {"@type": "schema:Product", "image": "/a.jpg"},
        MUG | {"image": "/a.jpg", "isRelatedTo": [MUG | {"image": "/b.jpg"}]},
        [
            {"@type": "ItemList", "itemListElement": [MUG | {"image": "/b.jpg"}]},
            MUG | {"image": "/a.jpg"},
        ],
        [
            MUG | {"url": "/mugs/red", "image": "/b.jpg"},
            MUG | {"url": "/mugs/blue/", "image": "/a.jpg"},
        ],
        MUG | {"url": "https://www.shop.example/other-name", "image": "/a.jpg"},
    ],
)
def test_the_product_that_a_page_is_about_is_found(data):
    assert read_product(script(data), URL) == Product("Mug", "M1", (PageImage(A),))


def test_a_page_that_shows_products_of_other_pages_is_not_about_one():
    others = [MUG | {"url": f"/mugs/{n}", "image": f"/{n}.jpg"} for n in range(3)]
    assert read_product(script(others), URL) is None


def test_a_group_has_the_photos_of_its_variants_and_one_id():
    group = {
        "@type": "ProductGroup",
        "name": "Mugs",
        "productGroupID": "G",
        "image": "/a.jpg",
        "hasVariant": [MUG | {"image": ["/b.jpg", "/a.jpg"]}, MUG | {"image": "/c.jpg"}],
    }
    assert read_product(script(group), URL) == Product(
        "Mugs", "G", (PageImage(A), PageImage(B), PageImage(C))
    )
    variant = MUG | {"isVariantOf": {"@type": "ProductGroup", "productGroupID": "G"}}
    product = read_product(script(variant), URL)
    assert product is not None
    assert product.id == "G"


def test_rights_are_taken_from_the_image():
    image = {
        "@type": "ImageObject",
        "url": "/a.jpg",
        "license": "https://creativecommons.org/licenses/by/4.0/",
        "creator": {"@type": "Person", "name": "Ann"},
    }
    product = read_product(
        script(MUG | {"image": [image, {"url": "/b.jpg", "license": "CC0"}]}), URL
    )
    assert product is not None
    assert product.images == (PageImage(A, None, image["license"], "Ann"), PageImage(B, "CC0"))


@pytest.mark.parametrize(
    "broken",
    [
        "{oops",
        "",
        "null",
        '"text"',
        "[[[[",
        "[" * 100_000,
        '{"@type": "Product", "image": "/b.jpg"',
        '{"@graph": 7}',
    ],
)
def test_a_broken_script_takes_no_other_along(broken):
    assert image_addresses(script(broken, MUG | {"image": "/a.jpg"}, broken)) == [A]


@pytest.mark.parametrize(
    "text",
    [
        '{"@type": "Product", "name": "two\nlines", "image": "/a.jpg"}',
        '{"@type": "Product", "name": "Mug", "image": "/a.jpg",}',
        '// <![CDATA[\n{"@type": "Product", "image": "/a.jpg"}',
    ],
)
def test_json_that_is_nearly_json_is_read(text):
    assert image_addresses(script(text)) == [A]


MICRODATA = """
<div itemscope itemtype="http://schema.org/Product"><h1 itemprop="name">Mug</h1>
<meta itemprop="sku" content="M1"><img itemprop="image" src="/a.jpg">
<img itemprop="image" src="/b.jpg">
<div itemprop="offers" itemscope itemtype="http://schema.org/Offer"><b itemprop="price">9</b></div>
</div>"""
OPEN_GRAPH = """<head><meta property="og:type" content="product">
<meta property="og:title" content="Mug">
<meta property="og:image" content="/a.jpg"><meta property="og:image" content="/logo.jpg"></head>"""


def test_microdata_and_open_graph_are_read_where_there_is_no_json_ld():
    assert read_product(MICRODATA, URL) == Product("Mug", "M1", (PageImage(A), PageImage(B)))
    assert read_product(OPEN_GRAPH, URL) == Product("Mug", None, (PageImage(A),))
    assert image_addresses(script(MUG | {"image": "/c.jpg"}) + MICRODATA) == [C]
    assert image_addresses(OPEN_GRAPH + script(MUG)) == [A]  # a product without an image of its own


RDFA = """
<ol vocab="https://schema.org/" typeof="BreadcrumbList"><li property="itemListElement"
 typeof="ListItem"><a property="item" typeof="WebPage" href="/mugs/"><b property="name">Mugs</b></a>
 <meta property="position" content="1"></li></ol>
<div vocab="https://schema.org/" typeof="Product"><h1 property="name">Mug</h1>
<span property="schema:sku" content="M1">No. 1</span><meta property="og:title" content="No">
<img property="image" src="/a.jpg"><a property="image" href="/b.jpg">large</a>
<p property="image" typeof="ImageObject"><img property="contentUrl" src="/c.jpg">
<b property="creator" typeof="Person"><i property="name">Ann</i></b></p>
<p property="offers" typeof="Offer"><b property="price">9</b></p></div>"""


def test_rdfa_is_read_in_its_order():
    found = (PageImage(A), PageImage(B), PageImage(C, author="Ann"))
    assert read_product(RDFA, URL) == Product("Mug", "M1", found, ("Mugs", HERE))
    assert image_addresses(RDFA.replace("/c.jpg", "/a.jpg") + MICRODATA) == [
        A,
        B,
    ]  # microdata comes first


def test_images_may_be_in_another_syntax_than_the_name():
    product = read_product(script(MUG) + MICRODATA.replace("Mug", "Cup"), URL)
    assert product == Product("Mug", "M1", (PageImage(A), PageImage(B)))


def test_references_within_a_page_are_followed():
    group = {"@type": "ProductGroup", "@id": "#g", "productGroupID": "G", "name": "Mugs"}
    red = MUG | {"@id": "#red", "image": {"@id": "#image"}}
    image = {"@type": "ImageObject", "@id": "#image", "url": "/a.jpg"}
    graph = {"@graph": [group | {"hasVariant": [{"@id": "#red"}, {"@id": "#lost"}]}, image]}
    html = script(graph, {"@type": "Offer", "itemOffered": red})
    assert read_product(html, URL) == Product("Mugs", "G", (PageImage(A),))
    variant = MUG | {"image": "/a.jpg", "isVariantOf": {"@id": "#g"}}
    product = read_product(script(variant, {"@type": "Thing", "about": [group]}), URL)
    assert product == Product("Mug", "G", (PageImage(A),))


CART = '<form action="/cart/add" method="post"><button name="add">Buy</button></form>'
UNMARKED = f"""<header><img src="/logo.png" width="2000" height="900"></header><h1> Blue
mug</h1><img src="/b.jpg" width="300" height="200"><img src="/a.jpg" width="400">
<img src="/c.jpg">{CART}<ul><li><img src="/d.jpg" width="40" height="40">
<button class="add-to-cart">Buy</button></li></ul>"""


def test_without_markup_the_largest_image_of_a_product_page_is_guessed():
    guessed = Product("Blue mug", None, (PageImage(A, width=400, height=400),), is_guess=True)
    assert read_product(UNMARKED, URL) == guessed
    large = UNMARKED.replace('src="/b.jpg"', 'srcset="/b.jpg 900w"')
    product = read_product(large, URL)
    assert product is not None
    assert product.images == (PageImage(B, width=900, height=600),)
    shared = (
        '<meta property="og:type" content="website"><meta property="og:image" content="/c.jpg">'
    )
    assert read_product(shared + UNMARKED, URL) == Product(
        "Blue mug", None, (PageImage(C),), (), True
    )
    named = read_product(script(MUG) + UNMARKED, URL)
    assert named == Product("Mug", "M1", guessed.images, is_guess=True)
    assert read_product(script(MUG | {"image": "/c.jpg"}) + UNMARKED, URL) == Product(
        "Mug", "M1", (PageImage(C),)
    )


@pytest.mark.parametrize(
    "html",
    [
        UNMARKED.replace(CART, ""),  # nothing can be ordered but what is listed
        UNMARKED.replace(CART, f"<nav>{CART}</nav>"),
        UNMARKED.replace(CART, CART * 6),  # several can
        UNMARKED.replace("h1", "h2"),
    ],
)
def test_other_pages_are_not_taken_for_products(html):
    assert read_product(html, URL) is None


def test_a_product_page_whose_images_declare_no_size_has_none():
    product = read_product(UNMARKED.replace("width=", "x=").replace("height=", "y="), URL)
    assert product == Product("Blue mug", None, (), is_guess=True)


@pytest.mark.parametrize(
    "html",
    [
        "",
        "   ",
        "plain text",
        "<html>",
        '<meta property="og:type" content="website">',
        script({"@type": "Recipe"}),
    ],
)
def test_a_page_without_product_markup_has_no_product(html):
    assert read_product(html, URL) is None


def test_base_and_declarations_are_heeded():
    declared = '<?xml version="1.0" encoding="latin-1"?><base href="/shop/">'
    assert image_addresses(declared + script(MUG | {"image": "ä.jpg"})) == [f"{SITE}/shop/ä.jpg"]


KEYS = (
    *("@type", "@id", "@graph", "url", "image", "name", "sku", "item", "itemListElement"),
    *("position", "hasVariant", "isVariantOf", "license", "contentUrl", "creator", "mainEntity"),
    *("category", "width"),
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["/a.jpg", "Product"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)
pages = st.one_of(
    st.text(),
    st.builds(script, values),
    st.builds(lambda image, at: script(MUG | {"image": image, "url": at}), values, values),
    st.builds(
        lambda base, at, cut: base[:at] + cut + base[at:],
        st.sampled_from([MICRODATA, RDFA, OPEN_GRAPH, UNMARKED, script(MUG | {"image": "/a.jpg"})]),
        st.integers(0, 300),
        st.text(alphabet='<>"/= itemscoprdvuy\0&#;1w,', max_size=30),
    ),
)


@given(pages, st.booleans())
def test_no_page_breaks_the_reading_and_all_addresses_are_of_the_web(html, is_said):
    product, listing = read_product(html, URL, is_product_page=is_said), read_listing(html, HERE)
    assert product is not None or not is_said
    links = [image.url for image in product.images] if product else []
    for url in (*links, *listing.products):
        assert url.startswith(("http://", "https://"))
    assert len(set(listing.products)) == len(listing.products)
