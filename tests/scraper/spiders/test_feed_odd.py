"""The spider `feed` where feeds, hosts and sources are odd; many of them in one crawl."""

import gzip
import threading

import pytest

SPACES = 'xmlns:g="http://base.google.com/ns/1.0"'


def item(name: str, filed: str = "Cafés") -> str:
    return (
        f"<item><g:id>{name}</g:id><g:image_link>/{name}.jpg</g:image_link>"
        f"<g:product_type>{filed}</g:product_type></item>"
    )


def rss(*names: str, encoding: str = "utf-8", filed: str = "Cafés") -> str:
    body = "".join(item(name, filed) for name in names)
    start = f'<?xml version="1.0" encoding="{encoding}"?>'
    return f"{start}<rss {SPACES}><channel>{body}</channel></rss>"


@pytest.fixture
def elsewhere(web):
    with type(web)() as other:
        yield other


def busy_once(content):
    """A route that asks for a second of patience, the first time."""
    turns = iter([429])

    def answer(request) -> None:
        if next(turns, None):
            request.answer(b"", 429, Retry_After="1")
        else:
            request.answer(content)

    return answer


def slow_and_fast(web) -> tuple:
    """Two routes for images; the first waits for the second."""
    is_fast = threading.Event()

    def slow(request) -> None:
        is_fast.wait(30)
        request.answer(web.image("slow"))

    def fast(request) -> None:
        is_fast.set()
        request.answer(web.image("fast"))

    return slow, fast


def test_each_odd_feed_gives_what_it_has(web, elsewhere, workshop):
    web.routes |= {f"/{name}.jpg": web.image(name) for name in "abcdef"}
    web.routes["/g.jpg"] = busy_once(web.image("g"))
    elsewhere.routes["/slow.jpg"], web.routes["/fast.jpg"] = slow_and_fast(web)
    rdf = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"'
    tsv = 'id\timage link\tproduct type\ne\t/e.jpg\tCafés\nx\t"/x.jpg\tCafés\ny\t/y.jpg\tCafés\n'
    whole = gzip.compress(rss("f", *(f"n{n}" for n in range(3))).encode(), 0)
    feeds = {
        "/utf-8-in-name": rss("a").encode("cp1252"),
        "/latin-in-name": rss("b", encoding="iso-8859-1").encode(),
        "/no-encoding": rss("c", encoding="klingon").encode(),
        "/rss-1.0": f"<rdf:RDF {rdf} {SPACES}><channel/>{item('d')}</rdf:RDF>",
        "/unclosed": tsv,
        "/cut.gz": whole[: whole.index(b"n0")],
        "/busy": busy_once(rss("g")),
        "/slow": rss("slow").replace("/slow.jpg", f"{elsewhere.url}/slow.jpg"),
        "/fast": rss("fast"),
    }
    web.routes |= feeds
    source = {
        "kind": "spider", "spider": "feed", "url": [f"{web.url}{path}" for path in feeds],
        "classes": {"cafe": "Cafés"}, "allow_private": [web.host, elsewhere.host],
    }  # fmt: skip
    workshop.sources(odd=source)
    out = workshop.collect("odd", code=1)
    found = workshop.statuses("odd")
    assert set(found) == {f"{name}.jpg" for name in (*"abcdefg", "slow", "fast")}
    assert set(found.values()) <= {"saved", "duplicate"}
    assert f"{web.url}/unclosed: line 4: a quotation mark is never closed" in out
    assert f"{web.url}/cut.gz: the XML is not whole: the gzip file is not whole" in out
    assert "1 listings may have more; " in out
    assert web.asked["/busy"] == web.asked["/g.jpg"] == 2


def test_typed_by_hand_a_feed_is_a_class(web, workshop):
    web.routes |= {f"/{name}.jpg": web.image(name) for name in "ab"} | {"/feed": rss("a")}
    workshop.sources(mine={"kind": "folder", "path": "mine", "classes": None})
    (workshop.root / "mine").mkdir()
    workshop.crawl(spider="feed", source="mine", label="cup", url=f"{web.url}/feed")
    assert len([*(workshop.root / "mine/cup").iterdir()]) == 1
    workshop.crawl(spider="feed", source="mine", label="cup", url=f"{web.url}/b.jpg", code=1)


@pytest.mark.parametrize("given", [{"url": ["{}/", "{}/b"]}, {"classes": {"mug": ["/a", "/b"]}}])
def test_a_list_is_refused_by_a_spider_that_takes_one_value(web, workshop, given):
    if "url" in given:
        given = {"url": [url.format(web.url) for url in given["url"]]}
    workshop.shop(web, "mug", **given)
    key = "url" if "url" in given else "classes.mug"
    said = f"shop: the spider shop takes no list for {key}; write one value"
    assert said in workshop.collect("shop", code=1)
    assert not web.asked
