"""The openverse spider against a server that answers as the API's documentation says."""

import json
import time
from urllib.parse import parse_qs, urlsplit

import pytest

from scraper.spiders.openverse import _codes


def result(web, name: str, **more: object) -> dict:
    web.routes[f"/photos/{name}.jpg"] = web.image(name)
    return {
        "id": f"id-{name}",
        "title": name.title(),
        "foreign_landing_url": f"https://photos.example/{name}",
        "url": f"{web.url}/photos/{name}.jpg",
        "creator": "Ada",
        "license": "by",
        "license_version": "2.0",
        "license_url": "https://creativecommons.org/licenses/by/2.0/",
        "filetype": "jpg",
        "width": 640,
        "height": 480,
        "mature": False,
    } | more


def serve_pages(web, results: list[dict]) -> list[dict]:
    """Three results a page; for a time the second page asks to wait. Gives what was asked."""
    queries, busy_until = [], []

    def images(request) -> None:
        query = {k: v[0] for k, v in parse_qs(urlsplit(request.path).query).items()}
        page = int(query["page"])
        queries.append(query)
        if page == 2 and not busy_until:
            busy_until.append(time.monotonic() + 0.9)
        if page == 2 and time.monotonic() < busy_until[0]:
            request.answer('{"detail": "Request was throttled."}', 429, Retry_After="1")
            return
        answer = {
            "result_count": 5, "page_count": 2, "page_size": 20, "page": page,
            "results": results[(page - 1) * 3 : page * 3],
        }  # fmt: skip
        request.answer(json.dumps(answer), Content_Type="application/json")

    web.routes["/v1/images/?"] = images
    return queries


def test_pages_of_results_at_the_rate_that_is_asked_for(web, workshop):
    results = [
        result(web, "first"),
        result(
            web, "second", license="cc0", license_version="1.0", title=None, creator=None,
            license_url="https://creativecommons.org/publicdomain/zero/1.0/", filetype=None,
        ),
        result(web, "mislabelled", license="by-nc", license_url=None),
        result(web, "drawing", filetype="svg"),
        result(web, "last", foreign_landing_url="https://photos.example/first"),
    ]  # fmt: skip
    queries = serve_pages(web, results)
    workshop.sources(
        open={
            "kind": "spider",
            "spider": "openverse",
            "api": f"{web.url}/v1/images/",
            "classes": {"cap": "flat cap"},
            "licenses": ["cc0", "cc-by", "none"],
            "limit_per_product": 1,
            "allow_private": [web.host],
        }
    )
    workshop.collect("open")
    assert workshop.statuses("open") == {  # of one page only one image is wanted: not last.jpg
        "first.jpg": "saved",
        "second.jpg": "saved",
        "mislabelled.jpg": "rejected_license",
        "drawing.jpg": "rejected_format",
    }
    asked = {"q": "flat cap", "page_size": "20", "mature": "false", "license": "by,cc0"}
    assert [query["page"] for query in queries] == ["1", "2", "2"]
    assert all(query.items() >= asked.items() for query in queries)
    rows = workshop.rows("open")
    expected = {
        "page_url": "https://photos.example/first",
        "product_id": "https://photos.example/first",
        "title": "First",
        "license": "CC BY 2.0",
        "license_url": "https://creativecommons.org/licenses/by/2.0/",
        "author": "Ada",
    }
    assert rows["cap", "first.jpg"].items() >= expected.items()
    assert rows["cap", "second.jpg"]["license"] == "CC0 1.0"
    assert rows["cap", "second.jpg"]["title"] is None
    assert rows["cap", "mislabelled.jpg"]["license"] == "CC BY-NC 2.0"


@pytest.mark.parametrize(
    ("licenses", "codes"),
    [
        ((), []),
        (("cc-by-sa-4.0", "cc-by-sa", "pdm", "cc0-1.0"), ["by-sa", "cc0", "pdm"]),
        (("none", "gfdl", "own-work"), []),
    ],
)
def test_licenses_are_asked_for_by_their_codes(licenses, codes):
    assert _codes(licenses) == codes


def test_results_that_break_off_are_not_all(web, workshop):
    first = {"page_count": 2, "results": [result(web, "one")]}

    def images(request) -> None:
        if "page=2" in request.path:
            request.answer("", 500)
        else:
            request.answer(json.dumps(first), Content_Type="application/json")

    web.routes["/v1/images/?"] = images
    workshop.sources(
        open={
            "kind": "spider", "spider": "openverse", "api": f"{web.url}/v1/images/",
            "classes": {"mug": "mug"}, "allow_private": [web.host],
        }
    )  # fmt: skip
    out = workshop.collect("open", code=1)
    assert "mug: listing may have more: " in out
    assert "HTTP status 500" in out
    assert workshop.statuses("open") == {"one.jpg": "saved"}
