"""The spider `feed` where a shop's list of its categories can't be read."""

import json

import pytest

MUG = {"id": 1, "handle": "a", "product_type": "mugs", "images": [{"src": "/a.jpg"}]}
PLATE = {"id": 2, "handle": "b", "product_type": "plates", "images": [{"src": "/b.jpg"}]}


def hang_up(request) -> None:
    request.close_connection = True


def status(code: int):
    return lambda request: request.answer(b"", code, Retry_After="0")


def first_page(content: object, then):
    """Page 1 of a list, and how the others are answered."""

    def answer(request) -> None:
        if "page=1&" in f"{request.path}&":
            request.answer(json.dumps(content))
        else:
            then(request)

    return answer


@pytest.fixture
def shopify(web, workshop):
    """Collects the classes of a shop, of which `directory` answers for the collections."""

    def collect(directory, code: int = 1, **classes: str) -> str:
        web.routes |= {f"/{name}.jpg": web.image(name) for name in "abc"}
        web.routes["/collections.json?"] = directory
        web.routes["/products.json?"] = first_page(
            {"products": [MUG, PLATE]}, lambda request: request.answer('{"products": []}')
        )
        web.routes["/collections/cups/products.json?"] = first_page(
            {"products": [MUG | {"images": [{"src": "/c.jpg"}]}]},
            lambda request: request.answer(b""),  # as some end their lists
        )
        source = {"kind": "spider", "spider": "feed", "url": f"{web.url}/products.json"}
        workshop.sources(shop=source | {"allow_private": [web.host], "classes": classes})
        return workshop.collect("shop", code=code)

    return collect


@pytest.mark.parametrize(
    ("directory", "said"),
    [
        (status(429), "429"),
        (status(403), "403"),
        (hang_up, "collections.json"),
        ("<title>Sale</title>", "the answer has no list of collections"),
        ('{"errors": ["busy"]}', "the answer has no list of collections"),
    ],
)
def test_a_value_is_no_product_type_while_the_collections_are_unknown(
    web, workshop, shopify, directory, said
):
    out = shopify(directory, mug="mugs", plate="plates")
    assert said in out
    assert "what is filed under 'mugs'" in out
    assert "2 listings are unreadable" in out
    assert not workshop.files() - {"manifest.jsonl", "pages.json", "run.json"}
    assert not any("products.json?" in path and "limit" in path for path in web.asked)


def test_what_the_collections_that_were_read_name_is_taken(workshop, shopify):
    cups = {"collections": [{"id": 5, "title": "Cups", "handle": "cups"}]}
    out = shopify(first_page(cups, status(500)), cup="Cups")
    assert workshop.statuses() == {"c.jpg": "saved"}
    assert "(list): listing may have more" in out
    assert out.count("500") == 1  # once is enough
    out = shopify(first_page(cups, status(500)), cup="Cups", mug="mugs")
    assert "mug: listing may have more" in out
    assert "mug" not in {label for label, _ in workshop.rows()}


def test_a_shop_without_collections_has_types_and_tags(web, workshop, shopify):
    out = shopify(status(404), code=0, mug="mugs")
    assert workshop.statuses() == {"a.jpg": "saved"}
    assert "(list): failed for good: 1 product pages" in out
    assert "the shop has no such list" in out
    everything = f"{web.url}/products.json"
    shopify(status(503), code=0, all=everything)  # names no category, so that none is asked for
    assert {name for label, name in workshop.rows() if label == "all"} == {"a.jpg", "b.jpg"}


def test_an_answer_without_a_byte_ends_a_list_only_behind_a_page_that_was_not_full(
    web, workshop, shopify
):
    full = {"products": [MUG] + [PLATE | {"id": n, "images": []} for n in range(249)]}
    web.routes["/collections/big/products.json?"] = first_page(full, lambda r: r.answer(b""))
    listed = [{"id": n, "handle": name} for n, name in enumerate(("big", "cups"))]
    directory = first_page({"collections": listed}, lambda r: r.answer('{"collections": []}'))
    out = shopify(directory, big="big", cup="/collections/cups")
    assert "1 listings may have more" in out
    assert "big: listing may have more" in out
    assert set(workshop.rows()) == {("big", "a.jpg"), ("cup", "c.jpg")}


def test_woocommerce_whose_tags_fail(web, workshop):
    base = "/wp-json/wc/store/v1/products"
    one = {"id": 7, "permalink": f"{web.url}/a/", "images": [{"src": "/a.jpg"}]}
    filed = {"categories": [{"id": 2, "name": "Mugs"}], "tags": [{"id": 9, "name": "red"}]}
    found = [one | filed]
    last = {"X_WP_TotalPages": "1"}
    web.routes |= {
        "/a.jpg": web.image("a"),
        f"{base}?": lambda request: request.answer(json.dumps(found), **last),
        base: lambda request: request.answer(json.dumps(found), **last),
        f"{base}/categories?": lambda request: request.answer(
            '[{"id": 2, "name": "Mugs", "parent": 0}]', **last
        ),
        f"{base}/tags?": '{"code": "too_busy", "message": "Ask later"}',
    }
    source = {"kind": "spider", "spider": "feed", "url": f"{web.url}{base}"}
    classes = {"mug": "Mugs", "red": "red"}
    workshop.sources(shop=source | {"allow_private": [web.host], "classes": classes})
    out = workshop.collect("shop", code=1)
    assert set(workshop.rows()) == {("mug", "a.jpg")}
    assert "red: listing may have more" in out
    assert "Ask later, so it is not known what is filed under 'red'" in out
