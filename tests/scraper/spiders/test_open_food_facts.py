"""The open_food_facts spider against a server that answers as the API's documentation says."""

import json
from urllib.parse import parse_qs, urlsplit


def shown_by(web) -> list[dict]:
    """A hundred products and one: two have an image, one has an address without one."""
    plain = [{"code": f"{n:013}", "product_name": "no image"} for n in range(98)]
    return [
        {
            "code": "3017620422003",
            "product_name": "Nut spread",
            "url": "https://food.example/product/3017620422003/nut-spread",
            "image_front_url": f"{web.url}/images/front_en.3.400.jpg",
        },
        *plain,
        {"code": "20", "product_name": "", "image_front_url": f"{web.url}/images/gone.jpg"},
        {"code": "8000500310427", "image_front_url": f"{web.url}/images/front_fr.9.400.jpg"},
    ]


def serve_search(web, products: list[dict]) -> list[dict]:
    """Answer a search page by page, but the first request with "busy"; gives what was asked."""
    queries = []

    def search(request) -> None:
        query = {k: v[0] for k, v in parse_qs(urlsplit(request.path).query).items()}
        queries.append(query)
        if len(queries) == 1:
            request.answer("busy", 503)
            return
        page, size = int(query["page"]), int(query["page_size"])
        found = products[(page - 1) * size : page * size]
        answer = {
            "count": len(products), "page": page, "page_count": len(found), "page_size": size,
            "products": found, "skip": (page - 1) * size,
        }  # fmt: skip
        request.answer(json.dumps(answer), Content_Type="application/json")

    web.routes["/api/v2/search?"] = search
    return queries


def test_front_images_of_a_category(web, workshop):
    for path in ("/images/front_en.3.400.jpg", "/images/front_fr.9.400.jpg"):
        web.routes[path] = web.image(path)
    queries = serve_search(web, shown_by(web))
    workshop.sources(
        food={
            "kind": "spider",
            "spider": "open_food_facts",
            "api": f"{web.url}/api/v2/search",
            "classes": {"spread": "en:spreads"},
            "allow_private": [web.host],
            "contact": "ada@example.org",
        }
    )
    workshop.collect("food")
    statuses = workshop.statuses("food")
    without = {f"{n:013}": "rejected_address" for n in range(98)}
    assert statuses == without | {
        "front_en.3.400.jpg": "saved",
        "gone.jpg": "failed_http",
        "front_fr.9.400.jpg": "saved",
    }
    assert [(q["categories_tags"], q["page"]) for q in queries] == [
        ("en:spreads", "1"),
        ("en:spreads", "1"),
        ("en:spreads", "2"),
    ]
    rows = workshop.rows("food")
    shared = {
        "license": "CC BY-SA 3.0",
        "license_url": "https://creativecommons.org/licenses/by-sa/3.0/",
        "author": "Open Food Facts contributors",
    }
    first = {
        "page_url": "https://food.example/product/3017620422003/nut-spread",
        "product_id": "3017620422003",
        "title": "Nut spread",
    }
    assert rows["spread", "front_en.3.400.jpg"].items() >= (shared | first).items()
    last = {"page_url": f"{web.url}/product/8000500310427", "title": None}
    assert rows["spread", "front_fr.9.400.jpg"].items() >= (shared | last).items()
    plain_row = rows["spread", f"{0:013}"]
    assert plain_row["error"] == "the product has no image of its front"
    assert plain_row["page_url"] == f"{web.url}/product/{0:013}"
    named = (workshop.root / "data/raw/food/CREDITS.md").read_text()
    assert named.count("Open Food Facts contributors") == 2
    assert "gone" not in named
