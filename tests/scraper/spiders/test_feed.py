"""The spider `feed` against servers that answer as these platforms do."""

import gzip
import json
from urllib.parse import parse_qs, urlsplit

import pytest


@pytest.fixture
def feed(web, workshop):
    """Collects the feed at some paths of `web`, and gives what the command says."""

    def collect(*paths: str, code: int = 0, options=(), **source: object) -> str:
        urls = [f"{web.url}{path}" for path in paths]
        entry = {
            "kind": "spider",
            "spider": "feed",
            "url": urls if len(urls) > 1 else urls[0],
            "allow_private": [web.host],
        }
        workshop.sources(feed=entry | source)
        return workshop.collect("feed", *options, code=code)

    return collect


def images(web, *names: str) -> None:
    web.routes |= {f"/{name}.jpg": web.image(name) for name in names}


def xml(body: str, prefix: str = "g") -> str:
    return (
        f'<?xml version="1.0"?><rss xmlns:{prefix}="http://base.google.com/ns/1.0" version="2.0">'
        f"<channel><title>Shop</title>{body}</channel></rss>"
    )


def item(number: object, filed: str = "Mugs", image: str | None = None, more: str = "") -> str:
    return (
        f"<item><g:id>{number}</g:id><g:title>T{number}</g:title><link>/p/{number}</link>"
        f"<g:image_link>{image or f'/{number}.jpg'}</g:image_link>"
        f"<g:product_type>{filed}</g:product_type>{more}</item>"
    )


def test_a_merchant_feed_with_the_oddities_of_real_ones(web, workshop, feed):
    images(web, "a", "a2", "b", "c", "d", "e")
    group = "<g:item_group_id>G</g:item_group_id>"
    more = "<g:additional_image_link>/a2.jpg</g:additional_image_link>"
    body = (
        f"<link>{web.url}</link>"
        + item("a", "Home &amp;amp; Garden &amp;gt; Mugs", more=group + more)
        + item("b", "<![CDATA[Home & Garden > Mugs > Big]]>", more=group)
        + item("c", "Sale", more="<g:product_type>Plates & bowls</g:product_type>")
        + item("d", "", more="<g:google_product_category>499</g:google_product_category>")
        + item("x", "Home &gt; Tables")
        + item("n", "Mugs", image="null")
        + "<item><title>e</title><g:image_link>/e.jpg</g:image_link><g:id/>"
        "<g:product_type>Mugs</g:product_type></item>"
    )
    web.routes["/feed.xml"] = xml(body.replace("g:", "x:"), "x")
    out = feed(
        "/feed.xml",
        classes={
            "mug": ["Home & Garden > Mugs", "mugs"],
            "plate": "Plates & Bowls",
            "other": "499",
        },
    )
    rows = workshop.rows("feed")
    assert {(label, name) for label, name in rows} == {
        ("mug", "a.jpg"), ("mug", "a2.jpg"), ("mug", "b.jpg"), ("mug", "e.jpg"),
        ("plate", "c.jpg"), ("other", "d.jpg"),
    }  # fmt: skip
    assert {row["product_id"] for (_, name), row in rows.items() if name[0] in "ab"} == {"G"}
    assert rows["mug", "a.jpg"]["page_url"] == f"{web.url}/p/a"
    assert f"mug: no image: 1 rows: it names no image; the first: {web.url}/p/n" in out
    assert f"(list): no class: 1 rows: in none of the classes; the first: {web.url}/p/x" in out
    assert workshop.counts("feed")["pages"]["read"] == 5
    assert web.asked["/feed.xml"] == 1


def test_tables_gzip_and_parts_the_last_of_which_is_empty(web, workshop, feed):
    images(web, "a", "b", "c")
    head = "id\ttitle\tlink\timage link\tproduct type\titem group id"
    one = f'{head}\na\t"A"\t/p/a\t{web.url}/a.jpg\tMugs\tG\n'
    two = "id,title,link,image_link,product_type\n"
    two += f'b,"B, the ""second""",/p/b,{web.url}/b.jpg,A > Mugs\n'
    atom = (
        '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0">'
        f'<link rel="self" href="{web.url}/3"/><entry><g:id>c</g:id><title>C</title>'
        f'<link href="{web.url}/p/c"/><g:image_link>{web.url}/c.jpg</g:image_link>'
        "<g:product_type>Mugs</g:product_type></entry></feed>"
    )
    web.routes |= {
        "/1": ("\ufeff" + one).encode("utf-16"), "/2": gzip.compress(two.encode()), "/3": atom,
        "/4": b"",
    }  # fmt: skip
    out = feed("/1", "/2", "/3", "/4", classes={"mug": "Mugs"})
    assert set(workshop.statuses("feed")) == {"a.jpg", "b.jpg", "c.jpg"}
    assert "an empty file" in out


def test_what_is_no_feed_and_what_is_cut_short(web, workshop, feed):
    images(web, "a", "b")
    web.routes["/cut.xml"] = xml(item("a") + item("b", image="/never"))[:-60]
    web.routes["/page"] = "<!doctype html><title>Our shop</title>"
    web.routes["/empty.xml"] = xml("")
    out = feed("/page", code=1, classes={"mug": "Mugs"})
    assert out.count("web page") == 1
    assert "Our shop" in out
    assert "1 listings are unreadable; " in out
    out = feed("/empty.xml", "/cut.xml", code=1, classes={"mug": "Mugs"})
    assert "the feed is empty" in out
    assert "listing may have more" in out
    assert "the XML ends within" in out
    assert set(workshop.statuses("feed")) == {"a.jpg"}


def test_a_category_that_is_not_there_is_named_with_those_that_are(web, workshop, feed):
    images(web, "a", "b")
    web.routes["/feed.xml"] = xml(item("a", "Home > Mugs") + item("b", "Plates"))
    out = feed("/feed.xml", code=1, classes={"mug": ["Mugs", "Cups"], "bowl": "Plats"})
    assert "bowl: listing unreadable: nothing in the feed is filed under 'Plats'" in out
    assert "it has: Plates, Home > Mugs" in out
    assert "mug: no product: 1 rows: nothing in the feed is filed under 'Cups'" in out


def test_a_download_has_the_manners_of_a_crawl(web, workshop, feed):
    images(web, "a", "b")
    agents = set()

    def sent_to(path: str):
        return lambda request: request.answer(b"", 302, Location=path)

    def served(name: str):
        def answer(request) -> None:
            agents.add(request.headers["User-Agent"])
            request.answer(xml(item(name)))

        return answer

    web.routes |= {
        "/robots.txt": "User-agent: *\nDisallow: /private/",
        "/a.xml": sent_to("/moved"), "/moved": sent_to("moved.xml"), "/moved.xml": served("a"),
        "/b.xml": sent_to("/on"), "/on": sent_to("/private/b"), "/private/b": served("b"),
    }  # fmt: skip
    manners = {"classes": {"mug": "Mugs"}, "contact": "me@shop.example"}
    out = feed("/a.xml", "/b.xml", code=1, **manners)
    assert f"{web.url}/private/b would not be fetched: robots.txt forbids it" in out
    assert web.asked["/private/b"] == 0
    assert set(workshop.statuses("feed")) == {"a.jpg"}
    feed("/a.xml", "/b.xml", obey_robots=False, **manners)
    assert set(workshop.statuses("feed")) == {"a.jpg", "b.jpg"}
    assert agents == {"product-classification (me@shop.example)"}


def shopify(web, products: list[dict], collections: dict[str, list[int]], size: int = 2) -> None:
    """Serves them by `size` on a page."""

    def listing(found):
        def answer(request) -> None:
            page = int(parse_qs(urlsplit(request.path).query).get("page", "1")[0])
            part = found[(page - 1) * size : page * size]
            request.answer(json.dumps({"products": part}), Content_Type="application/json")

        return answer

    web.routes["/products.json?"] = listing(products)
    named = [{"id": n, "title": x.title(), "handle": x} for n, x in enumerate(collections)]

    def directory(request) -> None:
        page = int(parse_qs(urlsplit(request.path).query).get("page", "1")[0])
        request.answer(json.dumps({"collections": named if page == 1 else []}))

    web.routes["/collections.json?"] = directory
    for handle, at in collections.items():
        found = [products[n] for n in at]
        web.routes[f"/collections/{handle}/products.json?"] = listing(found)


def test_shopify_by_collection_type_and_tag(web, workshop, feed):
    images(web, *"abcde")
    products = [
        {"id": n, "title": f"T &amp; {x}", "handle": x, "product_type": kind, "tags": tags,
         "images": [{"src": f"/{x}.jpg", "width": "24", "height": 18}],
         "variants": [{"id": 1, "featured_image": {"src": f"/{x}.jpg"}}, {"id": 2}]}
        for n, (x, kind, tags) in enumerate(
            [("a", "Mug", ["red"]), ("b", "Mug", "blue, big"), ("c", "Plate", []),
             ("d", "Bowl", ["Round"]), ("e", "", [])])
    ]  # fmt: skip
    products[4]["images"] = None
    shopify(web, products, {"mugs": [0, 1], "all": [0, 1, 2, 3, 4]})
    turns = iter([429])
    answer = web.routes["/products.json?"]
    web.routes["/products.json?"] = lambda request: (
        request.answer(b"", 429, Retry_After="0") if next(turns, None) else answer(request)
    )
    out = feed(
        "/products.json",
        classes={"mug": "/collections/mugs", "plate": "plate", "bowl": "ROUND", "big": ["big"]},
    )
    assert set(workshop.rows("feed")) == {
        ("mug", "a.jpg"), ("mug", "b.jpg"), ("plate", "c.jpg"), ("bowl", "d.jpg"), ("big", "b.jpg"),
    }  # fmt: skip
    assert workshop.rows("feed")["mug", "a.jpg"]["product_id"] == "0"
    assert workshop.rows("feed")["mug", "a.jpg"]["title"] == "T & a"
    assert "no class" in out


def test_each_shop_that_is_closed_is_said(web, workshop, feed):
    for name, answer in (
        ("one", lambda request: request.answer(b"", 401)),
        ("two", lambda request: request.answer(b"", 302, Location="/password")),
    ):
        web.routes |= {f"/{name}/products.json?": answer, f"/{name}/products.json": answer}
    web.routes["/password"] = "<html>Soon"
    out = feed("/one/products.json", "/two/products.json", code=1, classes={"mug": "mugs"})
    assert f"{web.url}/one/products.json: HTTP status 401" in out
    assert "closed by a password" in out


def test_woocommerce_by_category_and_tag(web, workshop, feed):
    images(web, *"abcd")
    categories = [
        {"id": 1, "name": "Kitchen", "slug": "kitchen", "parent": 0},
        {"id": 2, "name": "Cups &amp; Mugs", "slug": "mugs", "parent": 1},
        {"id": 3, "name": "Plates", "slug": "plates", "parent": 1},
    ]
    found = [
        {"id": n, "name": x.upper(), "permalink": f"{web.url}/product/{x}/", "parent": 0,
         "images": [{"id": 5, "src": f"{web.url}/{x}.jpg"}] if x != "d" else False,
         "categories": [{"id": c, "name": "?"}], "tags": []}
        for n, (x, c) in enumerate([("a", 2), ("b", 2), ("c", 3), ("d", 2)], start=10)
    ]  # fmt: skip
    asked = []

    def products(request) -> None:
        query = {k: v[0] for k, v in parse_qs(urlsplit(request.path).query).items()}
        asked.append(query)
        wanted = set(query.get("category", "2,3").split(","))
        part = [one for one in found if str(one["categories"][0]["id"]) in wanted]
        page = int(query.get("page", 1))
        more = {"X_WP_TotalPages": str(-(-len(part) // 2)), "Content_Type": "application/json"}
        request.answer(json.dumps(part[(page - 1) * 2 : page * 2]), **more)

    base = "/wp-json/wc/store/v1/products"
    web.routes |= {
        f"{base}?": products,
        f"{base}/categories?": lambda request: request.answer(
            json.dumps(categories if "page=1&" in f"{request.path}&" else [])
        ),
        f"{base}/tags?": lambda request: request.answer("[]"),
    }
    web.routes[base] = products
    out = feed(base, classes={"mug": "Kitchen > Cups & Mugs", "plate": "3"})
    assert set(workshop.rows("feed")) == {("mug", "a.jpg"), ("mug", "b.jpg"), ("plate", "c.jpg")}
    assert [q["category"] for q in asked[1:]] == ["2", "2", "3"]
    assert "mug: no image: 1 rows" in out
