"""What became of the pages: every reason is in the table, in the JSON file and in the preview."""

import pytest
from answers import answers, hang_up
from wrong_pages import PDF, WAF, previewed

from scraper.ledger import Ledger

BARE = '<script type="application/ld+json">{"@type": "Product", "name": "X"}</script>'


PAGES = {  # what is answered: how that ends, and why
    "lost": (answers(404), "failed for good", "HTTP status 404"),
    "left": (answers(410), "failed for good", "HTTP status 410"),
    "closed": (answers(403), "failed for good", "HTTP status 403"),
    "busy": (answers(503), "failed for now", "HTTP status 503"),
    "often": (answers(429), "failed for now", "HTTP status 429"),
    "slow": (answers(408), "failed for now", "HTTP status 408"),
    "later": (answers(202, WAF), "failed for now", "HTTP status 202 with a body that is no page"),
    "part": (answers(206, WAF), "failed for now", "HTTP status 206 with a body that is no page"),
    "nothing": (answers(204, ""), "failed for now", "HTTP status 204 and an empty page"),
    "wall": (answers(403, WAF, cf_mitigated="challenge"), "failed for now", "a firewall's"),
    "captcha": (answers(405, WAF, x_amzn_waf_action="captcha"), "failed for now", "a firewall's"),
    "empty": (answers(200, " "), "failed for now", "an empty page"),
    "script": (answers(200, WAF), "failed for now", "a page without content"),
    "about": (answers(200, "<h1>About us</h1>"), "no product", "nothing says what it sells"),
    "paper": (answers(200, PDF, Content_Type="application/pdf"), "no product", "no web page"),
    "bare": (
        answers(200, BARE),
        "no image",
        "it names no image",
    ),
}  # fmt: skip


@pytest.fixture
def shop(web, workshop):
    """A product that is fine, one page for each reason, and one that hangs up."""
    web.sell("mug", ("fine", "/fine.jpg"))
    web.routes |= {f"/p/{name}": page for name, (page, *_) in PAGES.items()}
    web.routes |= {
        "/p/reset": hang_up,
        "/p/moved": answers(302, "", Location="/"),
        "/": web.listing_page(["/p/fine"]),
        "/robots.txt": "User-agent: *\nDisallow: /private/",
        "/mug/": web.listing_page(
            ["/p/fine", *(f"/p/{name}" for name in PAGES), "/p/reset", "/p/moved", "/private/x"]
        ),
    }
    workshop.shop(web, "mug")
    return web


ENDS = {
    "read": 1,
    "no_product": 2,
    "no_image": 1,
    "no_class": 0,
    "other_part": 0,
    "failed_for_now": 11,
    "failed_for_good": 4,
    "forbidden": 1,
}


def assert_each_reason_is_told(shop, workshop, out: str) -> None:
    for outcome, first in [
        ("failed for good: 4", "/p/lost: HTTP status 404"),
        ("failed for now: 11", "/p/busy: HTTP status 503"),
        ("no product: 2", "/p/about: nothing says what it sells"),
        ("no image: 1", "/p/bare: it names no image of its product"),
        ("forbidden: 1", "/private/x: robots.txt forbids it"),
    ]:
        sentence = f"mug: {outcome} product pages, the first: {shop.url}{first}"
        assert sentence in out.splitlines()
        assert sentence in workshop.counts()["lost"]
    ledger = Ledger.read(workshop.root / "data/raw/shop")
    for name, (_, outcome, why) in PAGES.items():
        page = ledger.pages["mug", f"{shop.url}/p/{name}"]
        assert (page.outcome.words, why in str(page.why)) == (outcome, True), page


def mend_open_pages(shop) -> set[str]:
    """Give what failed for now a product page; gives the paths of these pages."""
    open_ = {f"/p/{n}" for n, (_, end, _) in PAGES.items() if end == "failed for now"} | {
        "/p/reset"
    }
    for path in open_:
        shop.routes[path] = shop.product_page(path[3:], [f"/{path[3:]}.jpg"])
        shop.routes[f"/{path[3:]}.jpg"] = shop.image(path)
    return open_


def test_every_reason_is_counted_and_only_what_is_open_is_asked_again(shop, workshop):
    out = workshop.collect("shop", "--if-needed", code=1)

    counts = workshop.counts()
    assert counts["pages"] == {
        "listing_pages": 1,
        "product_pages": sum(ENDS.values()),
        **ENDS,
        "listings_unreadable": 0,
        "listings_that_may_have_more": 0,
    }
    assert counts["pages_by_class"] == [
        {"class": "mug", "listing": "complete", "listing_pages": 1, **ENDS}
    ]
    assert_each_reason_is_told(shop, workshop, out)
    assert "shop is unfinished: 11 product pages failed for now" in out
    assert "dvc commit --force collect@shop" in out

    open_ = mend_open_pages(shop)
    before = shop.asked.copy()
    workshop.collect("shop", "--if-needed")

    asked = {path for path in shop.asked - before if not path.endswith(".jpg")}
    assert asked == {*open_, "/robots.txt"}
    assert workshop.counts()["pages"]["read"] == 12
    assert workshop.counts()["pages"]["failed_for_good"] == 4
    assert '"finished": true' in (workshop.root / "data/raw/shop/run.json").read_text()
    before = shop.asked.copy()
    out = workshop.collect("shop", "--if-needed")
    assert shop.asked == before
    assert f"{shop.url}/p/lost: HTTP status 404" in out  # what is lost for good is said again
    workshop.collect("shop")
    assert {"/mug/", "/p/fine"} <= set(shop.asked - before)
    assert "/p/lost" not in shop.asked - before
    workshop.collect("shop", "--retry-permanent")
    assert "/p/lost" in shop.asked - before


def test_the_preview_uses_the_same_words(shop, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, (_, outcome, why) in PAGES.items():
        shown = previewed(f"{shop.url}/p/{name}")
        assert why in shown
        assert outcome in shown or name == "paper"
    assert "as product page read" in previewed(f"{shop.url}/p/fine")
    shown = previewed(f"{shop.url}/mug/")
    assert "answered HTTP status 200" in shown
    assert "as listing complete" in shown
    assert "markup JSON-LD 1, microdata 0, RDFa 0, OpenGraph 0" in shown


def test_an_image_that_failed_for_now_is_asked_again_with_the_pages(web, workshop):
    web.sell("mug", ("one", "/a.jpg"), ("two", "/b.jpg"), ("three", "/c.jpg"))
    web.routes |= {"/b.jpg": answers(503), "/p/three": answers(503)}
    workshop.shop(web, "mug")
    workshop.collect("shop", "--if-needed", code=1)
    web.routes |= {"/b.jpg": web.image("b"), "/p/three": web.product_page("three", ["/c.jpg"])}
    before = web.asked.copy()
    workshop.collect("shop", "--if-needed")
    assert workshop.statuses() == {"a.jpg": "saved", "b.jpg": "saved", "c.jpg": "saved"}
    assert not {"/p/one", "/a.jpg", "/mug/"} & set(web.asked - before)


def test_changed_parameters_ask_for_all_again(web, workshop):
    web.sell("mug", ("one", "/a.jpg"), ("two", "/b.jpg"))
    web.routes["/p/two"] = answers(404)
    workshop.shop(web, "mug")
    workshop.collect("shop", "--if-needed")
    workshop.shop(web, "mug", min_side=1)
    before = web.asked.copy()
    workshop.collect("shop", "--if-needed")
    assert {"/mug/", "/p/one", "/p/two"} <= set(web.asked - before)


def test_a_list_asks_again_for_what_failed_for_now(web, workshop):
    web.sell("mug", ("one", "/a.jpg"), ("two", "/b.jpg"))
    whole, web.routes["/p/two"] = web.routes["/p/two"], hang_up
    lines = "\n".join(f"{web.url}/p/{name}" for name in ("one", "two"))
    (workshop.root / "mugs.txt").write_text(lines)
    workshop.shop(
        web, url="mugs.txt", classes={"mug": "mugs.txt", "cup": "Cups", "hat": "mugs.txt"}
    )
    workshop.collect("shop", "--if-needed", code=1)
    web.routes["/p/two"] = whole
    before = web.asked.copy()
    out = workshop.collect("shop", "--if-needed", code=1)  # there is no cup
    assert set(web.asked - before) == {"/robots.txt", "/p/two", "/b.jpg"}
    assert "no image of cup" in out
    assert workshop.counts()["pages"]["read"] == 4  # each in two classes


def test_a_server_that_stumbles_over_many_requests_is_asked_one_by_one(web, workshop):
    web.sell("mug", *((f"m{n}", f"/m{n}.jpg") for n in range(3)))
    whole = web.routes["/p/m1"]

    def stumble(request) -> None:
        if web.asked["/p/m1"] <= 3:  # as often as it is asked in a row
            request.answer(b"locked", 500)
        else:
            request.answer(whole)

    web.routes["/p/m1"] = stumble
    workshop.shop(web, "mug")
    workshop.collect("shop")
    assert workshop.counts()["pages"]["read"] == 3
