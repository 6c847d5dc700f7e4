"""Listings that are not read to their end: each kind is told in the counts and in the preview."""

from answers import answers, hang_up
from wrong_pages import PDF, WAF, previewed

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
