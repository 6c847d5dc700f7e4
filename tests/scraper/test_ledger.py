"""What became of the pages: every reason is in the table, in the JSON file and in the preview."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cli import UserError
from scraper.ledger import LIST, Ledger, Outcome, Page, State
from scraper.preview import preview, render

WAF = "<html><head><script>challenge()</script></head><body><script>go()</script></body></html>"

PDF = b"%PDF-1.7\n\1\2\xff"
BARE = '<script type="application/ld+json">{"@type": "Product", "name": "X"}</script>'


def answers(status: int, body: bytes | str = b"sorry", **headers: str):
    return lambda request: request.answer(body, status, **headers)


def hang_up(request) -> None:
    request.close_connection = True
    request.connection.close()


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
    "failed_for_now": 11,
    "failed_for_good": 4,
    "forbidden": 1,
}


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
    for outcome, first in [
        ("failed for good: 4", "/p/lost: HTTP status 404"),
        ("failed for now: 11", "/p/busy: HTTP status 503"),
        ("no product: 2", "/p/about: nothing says what it sells"),
        ("no image: 1", "/p/bare: it names no image of its product"),
        ("forbidden: 1", "/private/x: robots.txt forbids it"),
    ]:
        sentence = f"mug: {outcome} product pages, the first: {shop.url}{first}"
        assert sentence in out.splitlines()
        assert sentence in counts["lost"]
    assert "shop is unfinished: 11 product pages failed for now" in out
    assert "dvc commit --force collect@shop" in out
    ledger = Ledger.read(workshop.root / "data/raw/shop")
    for name, (_, outcome, why) in PAGES.items():
        page = ledger.pages["mug", f"{shop.url}/p/{name}"]
        assert (page.outcome.words, why in str(page.why)) == (outcome, True), page

    open_ = {f"/p/{n}" for n, (_, end, _) in PAGES.items() if end == "failed for now"}
    for path in (*open_, "/p/reset"):
        shop.routes[path] = shop.product_page(path[3:], [f"/{path[3:]}.jpg"])
        shop.routes[f"/{path[3:]}.jpg"] = shop.image(path)
    before = shop.asked.copy()
    workshop.collect("shop", "--if-needed")

    asked = {path for path in shop.asked - before if not path.endswith(".jpg")}
    assert asked == {*open_, "/p/reset", "/robots.txt"}
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


def previewed(url: str) -> str:
    """What the preview says of a page, on one line, also where it shows nothing."""
    try:
        return " ".join(render(preview(url)).split())
    except UserError as error:
        return str(error)


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


CATEGORIES = {  # what a category answers: why it is unreadable, None where it is not
    "home": (answers(302, "", Location="/"), "is sent to"),
    "other": (answers(301, "", Location="/cups/"), "is sent to"),
    "longer": (answers(302, "", Location="/longer-old/"), "is sent to"),
    "void": (answers(200, "<h1>Mugs</h1>"), "shows no products"),
    "waf": (answers(202, WAF), "HTTP status 202 with a body that is no page"),
    "script": (answers(200, WAF), "a page without content"),
    "paper": (answers(200, PDF, Content_Type="application/pdf"), "no web page"),
    "gone": (answers(404), "HTTP status 404"),
    "english": (answers(301, "", Location="/en/english"), None),
    "index": (answers(301, "", Location="/index/index.html"), None),
}


def test_a_category_that_is_not_there_is_unreadable(web, workshop, monkeypatch):
    web.sell("some", ("fine", "/fine.jpg"))
    listing = web.routes["/some/"]
    paths = ("/", "/cups/", "/longer-old/", "/en/english", "/index/index.html")
    web.routes |= dict.fromkeys(paths, listing)
    web.routes |= {f"/{label}/": answer for label, (answer, _) in CATEGORIES.items()}
    query = {"lost": "/?category=7"}  # a shop that is routed by its query, sent to its home
    web.routes["/?category=7"] = answers(302, "", Location="/")
    workshop.shop(web, classes={label: f"/{label}/" for label in CATEGORIES} | query)

    out = workshop.collect("shop", code=1)

    states = {line["class"]: line["listing"] for line in workshop.counts()["pages_by_class"]}
    complete = {label for label, (_, why) in CATEGORIES.items() if why is None}
    assert {label for label, state in states.items() if state == "complete"} == complete
    assert {label for label, _ in workshop.rows()} == complete
    lost = workshop.counts()["lost"]
    assert f"lost: listing unreadable: {web.url}/?category=7: is sent to {web.url}/;" in out
    monkeypatch.chdir(workshop.root)
    for label, (_, why) in CATEGORIES.items():
        if why is None:
            continue
        said = f"{label}: listing unreadable: {web.url}/{label}/: {why}"
        assert said in out
        assert any(line.startswith(said) for line in lost)
        assert why in previewed(f"{web.url}/{label}/")


NEXT_PAGES = {
    "waf": (answers(202, WAF), "may have more"),
    "script": (answers(200, WAF), "may have more"),
    "closed": (answers(403), "may have more"),
    "broken": (answers(500), "may have more"),
    "home": (answers(302, "", Location="/"), "may have more"),
    "reset": (hang_up, "may have more"),
    "gone": (answers(404), "complete"),
    "clamped": (answers(302, "", Location="/clamped/"), "complete"),  # the first page again
    "end": (answers(200, '<h1>Mugs</h1><a href="/">home</a>'), "complete"),  # after the last one
}


def test_a_next_page_that_is_not_read(web, workshop):
    whole = {}
    for label, (answer, _) in NEXT_PAGES.items():
        names = [f"{label}{n}" for n in range(4)]
        web.sell(label, *((name, f"/{name}.jpg") for name in names))
        whole[label] = web.routes[f"/{label}/?page=2"]
        web.routes[f"/{label}/?page=2"] = answer
    web.routes["/"] = web.listing_page(["/p/elsewhere"])
    workshop.shop(web, *NEXT_PAGES)
    workshop.collect("shop", "--if-needed", code=1)
    states = {line["class"]: line["listing"] for line in workshop.counts()["pages_by_class"]}
    assert states == {label: state for label, (_, state) in NEXT_PAGES.items()}
    assert set(workshop.counts()["saved_by_class"].values()) == {3}
    assert "/p/elsewhere" not in web.asked

    web.routes |= {f"/{label}/?page=2": page for label, page in whole.items()}
    before = web.asked.copy()
    workshop.collect("shop", "--if-needed")
    open_ = {label for label, (_, state) in NEXT_PAGES.items() if state == "may have more"}
    asked = {path for path in web.asked - before if not path.endswith(".jpg")}
    paths = {f"{start}{label}{end}" for label in open_ for start, end in
             (("/", "/"), ("/", "/?page=2"), ("/p/", "3"))}  # fmt: skip
    assert asked == {*paths, "/robots.txt"}


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


TEXTS = st.text(max_size=8)
LABELS = st.sampled_from(["mug", "cup", "(list)", "total", LIST])


@given(
    st.lists(st.builds(Page, LABELS, TEXTS, st.sampled_from(Outcome), TEXTS | st.none())),
    st.dictionaries(LABELS, TEXTS),
    st.dictionaries(LABELS, TEXTS),
)
def test_the_numbers_add_up_and_nothing_that_is_open_looks_finished(
    tmp_path_factory, pages, more, unreadable
):
    ledger = Ledger(may_have_more=more, unreadable=unreadable)
    for page in pages:
        ledger.note(page)
    numbers = ledger.numbers(["mug", "cup"])
    total = numbers["pages"]
    assert total["product_pages"] == len(ledger.pages) == sum(total[o] for o in Outcome)
    failing = total["failed_for_now"] + len(more) + len(unreadable)
    assert (ledger.unfinished() is None) == (failing == 0)
    groups = {(p.label, p.outcome) for p in ledger.pages.values() if p.outcome is not Outcome.READ}
    assert len(ledger.lost()) == len(groups) + len(more) + len(unreadable)
    assert len(ledger.table(["mug", "cup"]).splitlines()) >= 5
    folder = tmp_path_factory.mktemp("ledger")
    ledger.write(folder)
    again = Ledger.read(folder)
    assert dataclasses.replace(again, pages={}) == dataclasses.replace(ledger, pages={})
    assert again.pages == ledger.pages


def test_a_class_that_is_full_is_not_called_complete():
    ledger = Ledger(full={"mug"})
    assert ledger.state("mug") is State.FULL
    assert ledger.unfinished() is None


def test_a_ledger_of_another_version_is_none(tmp_path):
    assert Ledger.read(tmp_path) == Ledger()
    for content in ("", "[]", "{}", '{"pages": [["a"]]}'):
        (tmp_path / "pages.json").write_text(content)
        assert Ledger.read(tmp_path) == Ledger()


PAGERS = {  # shown without an address that could be followed
    "counted": "<p>Page 1 of 3</p>",
    "range": "<p>Showing 1 - 2 of 40 products</p>",
    "button": '<button class="load-more">Load more</button>',
    "script": '<a class="next" href="javascript:next()">Next</a>',
}


def test_a_pager_that_can_not_be_followed(web, workshop, monkeypatch):
    for label, pager in PAGERS.items():
        web.sell(label, (label, f"/{label}.jpg"))
        web.routes[f"/{label}/"] = web.listing_page([f"/p/{label}"]) + pager
    web.sell("all", ("all", "/all.jpg"))
    web.routes["/all/"] = web.listing_page(["/p/all"]) + "<p>Page 3 of 3</p>"
    workshop.shop(web, "all", *PAGERS)
    out = workshop.collect("shop", code=1)
    states = {line["class"]: line["listing"] for line in workshop.counts()["pages_by_class"]}
    assert states == {"all": "complete"} | dict.fromkeys(PAGERS, "may have more")
    monkeypatch.chdir(workshop.root)
    for label in PAGERS:
        said = f"{label}: listing may have more: {web.url}/{label}/: it shows"
        assert said in out
        assert any(line.startswith(said) for line in workshop.counts()["lost"])
        assert "as listing may have more: it shows" in previewed(f"{web.url}/{label}/")


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
