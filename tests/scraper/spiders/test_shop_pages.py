"""The shop spider turns the pages of listings to their end, and no further."""

import itertools
import re
from collections.abc import Callable


def test_listings_without_end_end_after_one_repeat(web, workshop):
    visits = itertools.count(100)

    def pages(query: str, last: int, mark: str) -> Callable:
        """A listing of `last` pages, where every later page is the last one once more."""

        def answer(handler) -> None:
            found = re.search(rf"{query}=(\d+)", handler.path)
            number = int(found[1]) if found else 1
            shown, visit = min(number, last), next(visits)
            path = handler.path.partition("?")[0].partition(";")[0]
            links = [f"/p/{shown}{x}{mark.format(visit)}" for x in "ab"]
            following = f"{path}{mark.format(visit)}"
            following += f"{'&' if '?' in following else '?'}{query}={number + 1}"
            handler.answer(web.listing_page(links, following))

        return answer

    def sold(handler) -> None:
        name = re.search(r"/p/(\w+)", handler.path)[1]
        handler.answer(web.product_page(name, [f"/{name}.jpg"]))

    listings = {
        "clamped": pages("page", 3, ""),
        "session": pages("page", 2, ";jsessionid={}"),
        "unknown": pages("page", 2, "?visit={}"),
        "tracked": pages("offset", 2, "?utm_term={}"),
        "stamped": pages("t", 1, ""),
    }
    names = [f"{n}{x}" for n in (1, 2, 3) for x in "ab"]
    web.routes |= {f"/{name}.jpg": web.image(name * 3) for name in names}

    def any_other(handler) -> None:
        kind = handler.path.strip("/").partition("/")[0].partition(";")[0].partition("?")[0]
        (listings.get(kind) or sold)(handler)

    web.routes = _Routes(web.routes, any_other)
    workshop.shop(web, *listings)
    workshop.collect("shop")
    found = dict.fromkeys(listings, 0)
    for label, _ in workshop.rows():
        found[label] += 1
    assert found == {"clamped": 6, "session": 4, "unknown": 4, "tracked": 4, "stamped": 2}
    for kind in listings:
        asked = sum(n for path, n in web.asked.items() if path.startswith(f"/{kind}/"))
        assert asked == found[kind] / 2 + 1


class _Routes(dict):
    """Of paths that no one knows beforehand."""

    def __init__(self, known: dict, other: Callable) -> None:
        super().__init__(known)
        self._other = other

    def get(self, path: str, default: object = None) -> object:
        known = super().get(path)
        return known or (None if path in ("/robots.txt", "/robots.txt?") else self._other)


def test_requests_go_out_as_the_page_spells_them(web, workshop):
    """In its encoding, and with percent-encoding as it is, whatever they are compared by."""
    listing = """<meta charset="windows-1251"><main><a href="/p/%d0%ba?q=кружка">1</a></main>
        <a href="/%D0%BA%d1%80/?p=2">Страница 2</a>""".encode("windows-1251")
    asked = "/p/%d0%ba?q=%EA%F0%F3%E6%EA%E0"
    web.routes |= {
        "/%D0%BA%D1%80/": lambda r: r.answer(listing, Content_Type="text/html"),
        "/%D0%BA%d1%80/?p=2": '<main><a href="/p/2">2</a></main>',
        asked: web.product_page("1", ["/1.jpg"]),
        "/p/2": web.product_page("2", ["/2.jpg"]),
        **{f"/{n}.jpg": web.image(n * 3) for n in "12"},
    }
    workshop.shop(web, classes={"mug": "/кр/"})
    workshop.collect("shop")
    assert workshop.statuses() == {"1.jpg": "saved", "2.jpg": "saved"}
    assert workshop.rows()["mug", "1.jpg"]["page_url"] == web.url + asked


def test_a_shop_may_be_routed_by_its_query(web, workshop):
    mugs, way = "/index.php?route=category&path=20", "/index.php?route=product&product_id="
    links = [f"{way}{n}" for n in (40, 41)] + [f"{mugs}&sort=price", f"{way}40&add-to-cart=40"]
    pages = f'<a href="{mugs}&page=2">2</a>'
    web.routes |= {
        mugs: f"<main>{''.join(f'<a href={x!r}>Mug</a>' for x in links)}{pages}</main>",
        f"{mugs}&page=2": f'<main><a href="{way}42">Mug</a></main>',
        "/?product_cat=cups": '<main><a href="/?product=red">Cup</a></main>',
        "/?product=red": web.product_page("red", ["/red.jpg"]),
        "/red.jpg": web.image("red"),
    }
    for n in (40, 41, 42):
        web.routes[f"{way}{n}"] = web.product_page(f"{n}", [f"/{n}.jpg"])
        web.routes[f"/{n}.jpg"] = web.image(f"{n}")
    workshop.shop(web, classes={"mug": mugs, "cup": "/?product_cat=cups"})
    workshop.collect("shop")
    found = sorted(workshop.rows())
    assert found == [("cup", "red.jpg"), *(("mug", f"{n}.jpg") for n in (40, 41, 42))]
    assert not any("cart" in path or "sort" in path for path in web.asked)
