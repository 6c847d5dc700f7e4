"""What sites ask of robots, and what a source's parameters make of it, in whole crawls."""

import threading
import time
from collections import Counter

import pytest

from scraper.settings import DOWNLOAD_SLOTS

MARKED = '<meta name="Robots" content="index, NoAI">'


def tagged(value: str, seed: str):
    return lambda r: r.answer(r.server.image(seed), X_Robots_Tag=value)


@pytest.fixture
def shop(web):
    """Pages and images that ask robots to keep off, in each of the ways there are."""
    web.sell(
        "mug",
        ("plain", "/plain.jpg", "/second.jpg", "/third.jpg"),
        ("marked", "/marked.jpg"),
        ("header", "/header.jpg"),
        ("images", "/tagged.jpg", "/others.jpg"),
        per_page=9,
    )
    web.routes["/p/marked"] = web.routes["/p/marked"].replace("<html>", f"<html>{MARKED}")
    header = web.routes["/p/header"]
    web.routes["/p/header"] = lambda r: r.answer(header, X_Robots_Tag="noindex, noimageindex")
    web.routes["/tagged.jpg"] = tagged("product-classification: noimageai", "tagged")
    web.routes["/others.jpg"] = tagged("otherbot: noai, noimageai", "others")
    return web


def test_opt_outs_and_limits_of_a_product(shop, workshop):
    workshop.shop(shop, "mug", limit_per_product=2)
    workshop.collect("shop")
    expected = {
        "plain.jpg": "saved",
        "second.jpg": "saved",
        "marked.jpg": "rejected_robots",
        "header.jpg": "rejected_robots",
        "tagged.jpg": "rejected_robots",
        "others.jpg": "saved",
    }
    assert workshop.statuses() == expected
    errors = {name: row["error"] for (_, name), row in workshop.rows().items()}
    assert errors["marked.jpg"] == "meta robots: noai"
    assert errors["header.jpg"] == "X-Robots-Tag: noimageindex"
    assert errors["tagged.jpg"] == "X-Robots-Tag: noimageai"
    assert not {"/marked.jpg", "/header.jpg", "/third.jpg"} & set(shop.asked)
    written, before = workshop.rows(all_of_them=True), shop.asked.copy()
    workshop.collect("shop")
    assert workshop.rows(all_of_them=True) == written
    assert not any(path.endswith("jpg") for path in shop.asked - before)
    # ignoring all of that is possible, and said
    shop.routes["/robots.txt"] = "User-agent: *\nDisallow: /"
    workshop.shop(shop, "mug", obey_robots=False)
    assert "shop: obey_robots is false" in workshop.collect("shop")
    assert set(workshop.statuses().values()) == {"saved"}
    assert len(workshop.statuses()) == len(expected) + 1


def test_formats_and_sizes_as_received(web, workshop):
    web.sell("mug", ("one", "/a.jpg", "/b.png", "/c.gif"), per_page=9)
    web.routes |= {"/b.png": web.image("b", "PNG"), "/c.gif": web.image("c", "GIF")}
    workshop.shop(web, "mug", formats=["jpeg", "gif"], min_side=18)
    workshop.collect("shop")
    statuses = {"a.jpg": "saved", "b.png": "rejected_format", "c.gif": "saved"}
    assert workshop.statuses() == statuses
    before = web.asked.copy()
    workshop.shop(web, "mug", min_side=19)
    workshop.collect("shop")  # what is there stays
    assert workshop.statuses() == statuses | {"b.png": "rejected_too_small"}
    assert "/b.png" not in web.asked - before
    workshop.shop(web, "mug")
    workshop.collect("shop")
    assert set(workshop.statuses().values()) == {"saved"}


def test_a_crawl_delay_is_kept(web, workshop):
    """The shop sends away who comes again too soon."""
    last = [0.0]

    def unless_too_soon(path, answer):
        def route(request) -> None:
            now = time.monotonic()
            too_soon, last[0] = now - last[0] < 0.2, now
            request.answer(b"" if too_soon else answer, 403 if too_soon else 200, **kinds[path])

        return route

    web.sell("mug", ("one", "/a.jpg", "/b.jpg"))
    kinds = {
        path: {} if isinstance(answer, bytes) else {"Content_Type": "text/html"}
        for path, answer in web.routes.items()
    }
    web.routes = {p: unless_too_soon(p, answer) for p, answer in web.routes.items()}
    web.routes["/robots.txt"] = "User-agent: *\nCrawl-delay: 1\n"
    workshop.shop(web, "mug")
    workshop.collect("shop")
    assert workshop.statuses() == {"a.jpg": "saved", "b.jpg": "saved"}


def test_what_took_too_long_gets_more_time_the_next_time(web, workshop):
    def slow(request) -> None:
        time.sleep(1.5)
        request.answer(request.server.image("slow"))

    web.sell("mug", ("one", "/slow.jpg"))
    web.routes["/slow.jpg"] = slow
    workshop.sources(own={"kind": "folder"})
    short = ("-s", "DOWNLOAD_TIMEOUT=1", "-s", "RETRY_TIMES=0")
    crawl = {"source": "own", "label": "mug", "url": f"{web.url}/mug/"}
    workshop.crawl(*short, **crawl, code=1)
    assert workshop.statuses("own") == {"slow.jpg": "failed_timeout"}
    workshop.crawl(*short, **crawl)
    assert workshop.statuses("own") == {"slow.jpg": "saved"}


def test_a_host_that_asks_for_much_time_is_left_alone(web, workshop):
    web.sell("mug", ("one", "/a.jpg", "/busy.jpg", "/c.jpg"))
    web.routes["/busy.jpg"] = lambda r: r.answer(b"", 429, Retry_After="3600")
    workshop.shop(web, "mug", limit_per_class=2)  # so that the third one waits for the others
    workshop.collect("shop")
    assert web.asked["/busy.jpg"] == 1
    assert "/c.jpg" not in web.asked
    assert workshop.statuses() == {
        "a.jpg": "saved",
        "busy.jpg": "failed_http",
        "c.jpg": "failed_http",
    }
    error = workshop.rows()["mug", "c.jpg"]["error"]
    assert error.startswith(f"{web.host} asks to be left alone for 3")


def test_a_host_is_asked_a_few_things_at_a_time(web, workshop):
    """Pages and images alike, however many are wanted at once."""
    lock, under_way, most = threading.Lock(), Counter(), Counter()

    def slowly(route, kind):
        def handle(request) -> None:
            with lock:
                under_way[kind] += 1
                most[kind] = max(most[kind], under_way[kind])
                most["both"] = max(most["both"], under_way.total())
            time.sleep(0.02)
            with lock:
                under_way[kind] -= 1
            request.answer(route)

        return handle

    web.sell("mug", *((f"n{n}", f"/{n}.jpg", f"/{n}b.jpg") for n in range(20)), per_page=20)
    for path, route in web.routes.items():
        web.routes[path] = slowly(route, "images" if path.endswith("jpg") else "pages")
    workshop.shop(web, "mug")
    workshop.collect("shop")
    assert workshop.counts()["saved"] == 40
    limit = DOWNLOAD_SLOTS["own network"]["concurrency"]
    assert set(most) == {"pages", "images", "both"}
    assert 1 < most["both"] <= limit
