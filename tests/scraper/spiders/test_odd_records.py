"""APIs whose records are not as documented: each is a row with a reason; none ends a class."""

import json
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from pipeline.sources import SpiderSource
from scraper.spiders.commons import CommonsSpider, _value


def serve(web, path: str, answer: Callable[[dict[str, str]], object]) -> str:
    """An API that answers a query with `answer(query)`; its address."""

    def api(request) -> None:
        query = {k: v[0] for k, v in parse_qs(urlsplit(request.path).query).items()}
        said = answer(query)
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        request.answer(body, Content_Type="application/json")

    web.routes[f"{path}?"] = api
    return web.url + path


def source(web, spider: str, api: str, **more: object) -> dict:
    return {
        "kind": "spider", "spider": spider, "api": api, "allow_private": [web.host],
    } | more  # fmt: skip


def errors(workshop) -> dict[str, str]:
    """What the rows say that have no image, by the last part of their addresses."""
    rows = workshop.rows("t")
    return {name: row["error"] for (_, name), row in rows.items() if row["status"] != "saved"}


def wiki(web, infos: dict[int, object], rights: object = None) -> str:
    """A wiki with one category, whose page n has the imageinfo infos[n], or else is missing."""

    def answer(query: dict[str, str]) -> object:
        if "list" in query:
            members = [{"pageid": n, "title": f"File:{n}.jpg"} for n in infos]
            odd = [None, {"ns": 6, "title": "File:No id.jpg"}, {"ns": 14, "title": "Category:C"}]
            return {"query": {"categorymembers": members + odd, "rightsinfo": rights}}
        pages = {}
        for n in map(int, query["pageids"].split("|")):
            info = infos[n]
            pages[str(n)] = {"pageid": n, "title": f"File:{n}.jpg"} | (
                info if isinstance(info, dict) else {"imageinfo": info}
            )
        return {"query": {"pages": pages}}  # as older wikis number them

    return serve(web, "/w/api.php", answer)


def file(web, name: str, **more: object) -> list[dict]:
    web.routes[f"/{name}.jpg"] = web.image(f"{name} odd")
    return [{"url": f"/{name}.jpg", "mime": "image/jpeg", "extmetadata": []} | more]


def test_odd_files_of_a_wiki(web, workshop):
    rights = {"url": "//creativecommons.org/licenses/by-sa/3.0/", "text": "CC BY-SA"}
    named = {"LicenseShortName": {"value": "<!-- -->CC0 "}, "Artist": {"value": "\u0007Ada"}}
    api = wiki(
        web,
        {
            1: file(web, "a", mime=None, width="640", height=None),
            2: [{"filemissing": True, "extmetadata": {}}],
            3: [{"filehidden": True, "mime": "image/jpeg"}],
            4: {"missing": True},
            5: [],
            6: None,
            7: "x",
            8: [{"url": None, "mime": ["image/png"]}],
            9: file(web, "b", mime="IMAGE/JPEG", mediatype="bitmap", extmetadata=named),
            10: file(web, "c", descriptionurl=None, thumburl="", size="big", extmetadata="odd"),
        },
        rights,
    )
    classes = {"hat": ":category: Hats_and_caps"}
    workshop.sources(t=source(web, "commons", api, classes=classes, formats=["jpeg"]))
    workshop.collect("t")
    said = errors(workshop)
    assert {name: said.pop(f"index.php?curid={n}") for n, name in enumerate("bcdefgh", 2)} == {
        "b": "its file is missing",
        "c": "its file is hidden",
        "d": "its page was deleted",
        **dict.fromkeys("efg", "the wiki gives no details of it"),
        "h": "the wiki names no address of its file",
    }
    assert list(said.values()) == ["the wiki names no page of it"] * 2
    rows = workshop.rows("t")
    assert {rows["hat", f"{n}.jpg"]["status"] for n in "abc"} == {"saved"}
    licenses = {n: rows["hat", f"{n}.jpg"]["license"] for n in "abc"}
    assert licenses == {"a": "CC BY-SA", "b": "CC0", "c": "CC BY-SA"}
    assert rows["hat", "a.jpg"]["license_url"] == f"https:{rights['url']}"
    assert rows["hat", "c.jpg"]["page_url"] == f"{web.url}/w/index.php?curid=10"
    before = len(workshop.rows("t", all_of_them=True))
    workshop.collect("t")
    assert len(workshop.rows("t", all_of_them=True)) == before  # nothing new, no row


@pytest.mark.parametrize(
    ("api", "own", "expected"),
    [
        ("https://wiki.example/api.php", None, ("CC BY", "https://x.example/by")),
        ("https://wiki.example/api.php", "own work", (None, None)),  # the source's counts then
        ("https://commons.wikimedia.org/w/api.php", None, (None, None)),
        ("https://fr.wikipedia.org/w/api.php", None, (None, None)),
    ],
)
def test_the_license_of_a_whole_wiki_counts_where_it_is_that_of_files(api, own, expected):
    config = SpiderSource(
        kind="spider", spider="commons", api=api, license=own, classes={"hat": "Category:Hats"}
    )
    spider = CommonsSpider(source="t", config=config)
    spider._rights = {"text": "CC BY", "url": "https://x.example/by"}
    assert spider._license({}) == expected
    assert spider._license({"UsageTerms": {"value": "free"}}) == ("free", None)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("<!-- nobody -->", None),
        ("<?xml version='1.0' encoding='utf-8'?><i>Ada</i>", "Ada"),
        ("Ada\x00 &amp; Bo", "Ada & Bo"),
        (7, "7"),
        ({"en": "Ada"}, None),
    ],
)
def test_odd_markup_of_a_value(value, expected):
    assert _value({"Artist": {"value": value}}, "Artist") == expected


def test_classes_without_a_file_are_said_with_the_remedy(web, workshop):
    known = {
        "Category:Hatz": {"missing": True},
        "Category:Hats by colour": {"categoryinfo": {"files": 0, "subcats": 7}},
        "Category:Hat": {"categoryinfo": {"subcats": 0}, "links": [{"title": "Category:Hats"}]},
        "Category:Caps": {},
    }

    def answer(query: dict[str, str]) -> object:
        if "list" in query:
            return {"query": {query["list"]: []}}
        return {"query": {"pages": [{"title": query["titles"]} | known[query["titles"]]]}}

    api = serve(web, "/w/api.php", answer)
    classes = dict(zip("abcd", known, strict=True)) | {
        "e": "no such words",
        "f": "https://commons.wikimedia.org/wiki/Category:Hats",
    }
    workshop.sources(t=source(web, "commons", api, classes=classes))
    out = workshop.collect("t", code=1)
    for sentence in (
        "a: listing unreadable: 'Category:Hatz' is not there",
        "b: listing unreadable: 'Category:Hats by colour' has no file of its own, but 7 subcateg",
        "Category:Hats by colour|1 takes their files too",
        "c: listing unreadable: 'Category:Hat' has no file; its page leads to Category:Hats",
        "d: listing unreadable: 'Category:Caps' has no file",
    ):
        assert sentence in out
    assert "nothing is found for that" in out
    assert "is an address; write the name of a category" in out


def test_a_wiki_that_repeats_itself_ends(web, workshop):
    def answer(query: dict[str, str]) -> object:
        again = {"continue": {"cmcontinue": "x", "continue": "-||"}}
        if "list" in query:
            return again | {"query": {"categorymembers": [{"pageid": 1, "title": "File:a.jpg"}]}}
        info = file(web, "a")
        pages = [{"pageid": 1, "title": "File:a.jpg", "imageinfo": info}]
        return {"query": {"pages": pages}, "continue": {"iicontinue": "x", "continue": "||"}}

    api = serve(web, "/w/api.php", answer)
    workshop.sources(t=source(web, "commons", api, classes={"hat": "Category:Hats"}))
    out = workshop.collect("t", code=1)
    assert "the same page again, though another was asked for" in out
    assert workshop.statuses("t") == {"a.jpg": "saved"}
    assert web.asked.total() < 10


def test_odd_results_of_openverse(web, workshop):
    web.routes |= {f"/{name}.jpg": web.image(f"{name} odd") for name in "abc"}
    results = [
        {"url": "/a.jpg", "license": "BY", "license_version": 2.0, "filetype": "JPG"},
        {"id": 5, "foreign_landing_url": "https://photos.example/five", "license": None},
        None,
        "x",
        {"url": {"full": "x"}, "license": ["by"], "width": {}, "title": 7},
        {"url": f"{web.url}/b.jpg", "filetype": "image/JPEG", "title": "half \ud83d", "width": "9"},
        {"url": f"{web.url}/c.jpg", "license": "CC0", "creator": 12, "height": 1e400},
        {"url": "javascript:alert(1)"},
    ]
    api = serve(web, "/v1/", lambda query: {"page_count": "1", "results": results})
    workshop.sources(t=source(web, "openverse", api, classes={"cap": "flat cap"}))
    workshop.collect("t")
    said = errors(workshop)
    assert "javascript:alert(1)" in said
    del said["javascript:alert(1)"]
    assert set(said.values()) == {"the API's record names no address of an image"}
    assert len(said) == 4
    rows = workshop.rows("t")
    assert rows["cap", "a.jpg"]["license"] == "CC BY 2.0"
    assert rows["cap", "c.jpg"]["license"] == "CC0"
    assert rows["cap", "c.jpg"]["author"] == "12"
    assert rows["cap", "b.jpg"]["title"] == "half ?"
    assert {rows["cap", f"{name}.jpg"]["status"] for name in "abc"} == {"saved"}


def test_odd_products_of_open_food_facts(web, workshop):
    web.routes |= {f"/{name}.jpg": web.image(f"{name} odd") for name in "abc"}
    products = [
        {"image_front_url": f"{web.url}/a.jpg"},
        {"image_front_url": f"{web.url}/b.jpg", "code": 20, "product_name": ["x"], "url": 5},
        {"image_front_url": f"//{web.host}/c.jpg", "code": None, "url": "/product/c"},
        {"code": "77", "image_front_url": ""},
        {},
    ]

    def answer(query: dict[str, str]) -> object:  # it doesn't say how many there are
        return {"products": products if query["page"] == "1" else []}

    api = serve(web, "/search", answer)
    workshop.sources(t=source(web, "open_food_facts", api, classes={"jam": "en:jams"}))
    workshop.collect("t")
    assert list(errors(workshop).values()) == ["the product has no image of its front"] * 2
    rows = workshop.rows("t")
    assert rows["jam", "a.jpg"]["product_id"] == f"{web.url}/a.jpg"
    assert (rows["jam", "b.jpg"]["product_id"], rows["jam", "b.jpg"]["title"]) == ("20", None)
    assert rows["jam", "c.jpg"]["page_url"] == f"{web.url}/product/c"


@pytest.mark.parametrize(
    ("pages", "said"),
    [
        ([{}], "no JSON object"),
        ([[]], "no JSON object"),
        ([b"<p>Maintenance"], "no JSON object"),
        ([{"results": None}], "the answer has no list of results"),
        ([{"error": "no such endpoint"}], "no such endpoint"),
        ([{"page_count": 0, "results": []}], "nothing is found for that"),
        ([{"page_count": 3, "results": [1]}, {"results": []}], "an empty page, and there should"),
        ([{"page_count": 9, "results": [1]}] * 9, "the same page again"),
    ],
)
def test_listings_that_break_off_are_said(web, workshop, pages, said):
    web.routes["/1.jpg"] = web.image("1")
    for page in pages:
        if isinstance(page, dict) and page.get("results") == [1]:
            page["results"] = [{"url": f"{web.url}/1.jpg"}]
    api = serve(web, "/v1/", lambda query: {"page_count": 3} | pages[int(query["page"]) - 1])
    if not isinstance(pages[0], dict) or not pages[0]:
        api = serve(web, "/v1/", lambda _: pages[0])
    workshop.sources(t=source(web, "openverse", api, classes={"cap": "flat cap"}))
    out = workshop.collect("t", code=1)
    assert said in out
    assert web.asked.total() < 9
