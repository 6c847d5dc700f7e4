"""One product from the many objects of a page."""

import json

import pytest

from scraper.reading.markup import read_product

SITE = "https://shop.example"
URL = f"{SITE}/p/clay-mug"
HEAD = "<title>Clay mug – Clay shop</title><h1>Clay mug</h1>"


def product(name: str | None, image: object = None, **more: object) -> dict[str, object]:
    found = {"@type": "Product", "name": name, "image": image, **more}
    return {k: v for k, v in found.items() if v is not None}


def images(*data: object, url: str = URL, head: str = HEAD) -> list[str]:
    scripts = [f'<script type="application/ld+json">{json.dumps(x)}</script>' for x in data]
    found = read_product(head + "".join(scripts), url)
    return [x.url.removeprefix(SITE) for x in found.images] if found else []


MUG = product("Clay mug", "/mug.jpg")
RATING = product("Clay mug", aggregateRating={"ratingValue": 5})
BOWL = product("Steel bowl", "/bowl.jpg")


@pytest.mark.parametrize(
    "data",
    [
        [RATING, MUG],
        [MUG, RATING],
        [{"@type": "Review", "itemReviewed": product("Clay mug")}, MUG],
        [product(None, aggregateRating={}, review=[{"image": "/guest.jpg"}]), MUG],
        [product("clay  MUG", sku="1"), product("Clay mug", "/mug.jpg", sku="1")],
        [{"@graph": [RATING | {"@id": "#p"}, MUG | {"@id": "#p"}]}],
        [
            product("Mug", sku="7", url="/p/clay-mug"),
            product("Clay mug, blue", "/mug.jpg", sku="7"),
        ],
        [product("A mug", url=URL), product("Une tasse", "/mug.jpg", url=URL + "/")],
    ],
)
def test_all_objects_of_the_product_are_one(data):
    assert images(*data) == ["/mug.jpg"]


@pytest.mark.parametrize(
    "data",
    [
        [BOWL, MUG | {"url": URL}],
        [BOWL, MUG],
        [BOWL, MUG | {"url": "/p/clay-mug/#main"}],
        [BOWL, MUG | {"url": "/p/clay-mug?utm_source=x"}],
        [BOWL | {"url": "/p/bowl"}, MUG],
        [BOWL | {"url": "/p/bowl"}, MUG | {"url": "https://dev.shop.internal/p/clay-mug"}],
        [BOWL | {"url": "/p/bowl"}, MUG | {"url": "/de/tasse"}],
        [BOWL, MUG | {"mainEntityOfPage": {"@id": URL}}],
        [BOWL, MUG | {"offers": {"@type": "Offer", "url": URL}}],
        [BOWL, MUG | {"@id": URL + "#product"}],
        [MUG | {"isRelatedTo": [BOWL]}],
        [MUG | {"isSimilarTo": BOWL, "isAccessoryOrSparePartFor": BOWL}],
        [{"@type": "ItemList", "itemListElement": [{"item": BOWL}]}, MUG],
        [
            product("Clay mug, red", "/red.jpg", url="/p/clay-mug-red", sku="N/A"),
            MUG | {"sku": "N/A"},
        ],
        [product("Clay mug", "/red.jpg", url="/p/clay-mug-red"), MUG | {"url": URL}],
        [[BOWL, product("Clay pot", "/pot.jpg"), MUG]],
    ],
)
def test_related_and_recently_viewed_products_are_never_taken(data):
    assert images(*data) == ["/mug.jpg"]


def test_what_is_only_of_other_products_gives_nothing():
    others = [BOWL | {"url": "/p/bowl"}, product("Iron pot", "/pot.jpg", url="/p/pot")]
    assert images(others) == []
    assert images(BOWL | {"url": "/p/bowl"}) == []
    assert images([BOWL, product("Iron pot", "/pot.jpg")]) == []


def test_the_query_tells_products_apart_where_the_shop_routes_by_it():
    def of(number: int) -> dict[str, object]:
        at = f"/index.php?route=product/product&product_id={number}"
        return product(f"Mug {number}", f"/{number}.jpg", url=at)

    url = f"{SITE}/index.php?route=product/product&product_id=40&path=20"
    assert images(of(41), of(40), of(42), url=url, head="") == ["/40.jpg"]
    assert images(of(41), of(42), url=url, head="") == []


VARIANTS = [product("Clay mug red", "/red.jpg"), product("Clay mug blue", "/blue.jpg")]


@pytest.mark.parametrize(
    "data",
    [
        [MUG | {"hasVariant": VARIANTS}],
        [MUG | {"@type": "ProductGroup", "hasVariant": [{"@id": "#0"}, {"@id": "#1"}]}]
        + [v | {"@id": f"#{n}"} for n, v in enumerate(VARIANTS)],
        [MUG | {"model": VARIANTS}],
        [MUG | {"offers": [{"@type": "Offer", "itemOffered": v} for v in VARIANTS]}],
        [
            MUG
            | {
                "offers": {
                    "@type": "AggregateOffer",
                    "offers": [{"itemOffered": v} for v in VARIANTS],
                }
            }
        ],
        [
            [
                MUG | {"url": URL},
                *(v | {"url": f"{URL}?variant={n}"} for n, v in enumerate(VARIANTS)),
            ]
        ],
        [[MUG | {"productGroupID": "G"}, *(v | {"inProductGroupWithID": "G"} for v in VARIANTS)]],
        [[MUG | {"sku": "7"}, *(v | {"sku": "7"} for v in VARIANTS)]],
    ],
)
def test_variants_give_their_images_too(data):
    assert images(*data) == ["/mug.jpg", "/red.jpg", "/blue.jpg"]


@pytest.mark.parametrize(
    "text", ["N/A", "n/a", "0", "000", "-", "none", "null", "925872", "TBD", "?"]
)
def test_what_identifies_nothing_is_no_identifier(text):
    data = json.dumps(MUG | {"sku": text, "mpn": "M1"})
    found = read_product(f'<script type="application/ld+json">{data}</script>', URL)
    assert found is not None
    assert found.id == "M1"


@pytest.mark.parametrize(
    "kind",
    [
        "product",
        "PRODUCT",
        "http://schema.org/Product/",
        "schema:product",
        ["Thing", "Product"],
        "Car",
    ],
)
def test_types_in_any_spelling(kind):
    assert images(MUG | {"@type": kind}) == ["/mug.jpg"]


def test_what_is_sold_is_a_product_whatever_it_is_else():
    book = MUG | {"@type": "Book"}
    assert images(book) == []
    assert images(book | {"offers": {"price": 9}}) == ["/mug.jpg"]


def test_of_one_image_at_several_sizes_the_largest_of_the_page_is_taken():
    sizes = [f"/mug_{n}x.jpg" for n in (100, 400, 200)]
    assert images(MUG | {"image": sizes}) == ["/mug_400x.jpg"]
    shown = HEAD + '<img src="/mug_800x.jpg"><img src="/bowl_900x.jpg">'
    assert images(MUG | {"image": sizes}, head=shown) == ["/mug_800x.jpg"]
    assert images(MUG | {"image": "/mug.jpg"}, head=shown) == ["/mug.jpg"]


def test_a_placeholder_of_the_shop_is_no_image():
    assert images(MUG | {"image": ["/img/no-image.png", "/placeholder/default.jpg"]}) == []
    assert images(MUG | {"image": ["/img/no_image_available.gif", "/mug.jpg"]}) == ["/mug.jpg"]
