"""Entries for a shop: like Shopify, like WooCommerce, with a feed, with a sitemap, with a menu."""

import json
import textwrap

import pytest
from pydantic import TypeAdapter
from ruamel.yaml import YAML

from pipeline.cli import UserError
from pipeline.sources import Source
from scraper.propose import main

HOME = '<html><head>%s</head><body><nav><a href="/">Home</a>%s</nav></body></html>'
FEED = """<rss xmlns:g="http://base.google.com/ns/1.0"><channel>
<item><g:id>1</g:id><g:image_link>/1.jpg</g:image_link><g:product_type>Home &gt; Coffee mugs
</g:product_type></item><item><g:id>2</g:id><g:image_link>/2.jpg</g:image_link>
<g:product_type>Shoes &gt; Rain boots</g:product_type></item></channel></rss>"""
NOWHERE = ["--skip=commons", "--skip=openverse", "--skip=open_food_facts", "--skip=datasets"]


@pytest.fixture
def shop(web, capsys, tmp_path, monkeypatch):
    """Runs the command for the server; gives the exit code, the one entry, and what is missing."""
    monkeypatch.chdir(tmp_path)
    web.routes["/"] = HOME % ("", "")

    def shop(*categories: str, options: tuple[str, ...] = ()) -> tuple[int, dict, str]:
        code = main([*categories, f"--shop={web.url}", *NOWHERE, *options])
        said = capsys.readouterr()
        entries = YAML(typ="safe").load(textwrap.dedent(said.out)) or {}
        for entry in entries.values():
            TypeAdapter(Source).validate_python(entry)
            assert entry["allow_private"] == [web.host]
        assert set(entries) <= {"shop_127_0_0_1"}
        shop.text = said.out
        return code, entries.get("shop_127_0_0_1", {}), said.err

    return shop


def shopify(web) -> None:
    collections = [
        {"id": 1, "title": "Mugs &amp; cups", "handle": "mugs-cups", "products_count": 12},
        {"id": 2, "title": "Rain Boots", "handle": "rain-boots", "products_count": 3},
        {"id": 3, "title": None, "handle": "mug-shots"},
    ]
    product = {
        "id": 9,
        "title": "A",
        "handle": "a",
        "tags": ["Teacups"],
        "images": [{"src": "/a.jpg"}],
    }
    web.routes |= {
        "/collections.json?limit=250&page=1": json.dumps({"collections": collections}),
        "/collections.json?": json.dumps({"collections": []}),
        "/products.json?": json.dumps({"products": [product]}),
    }


def woocommerce(web, root: str = "/wp-json/wc/store/v1/products") -> None:
    listed = [
        {"id": 5, "name": "Kitchen", "slug": "kitchen", "parent": 0, "count": 9,
         "permalink": f"{web.url}/product-category/kitchen/"},
        {"id": 7, "name": "Mugs", "slug": "mugs", "parent": 5, "count": 4,
         "permalink": f"{web.url}/product-category/kitchen/mugs/"},
    ]  # fmt: skip
    product = {"id": 1, "name": "A", "permalink": f"{web.url}/p/a/", "images": []}
    web.routes |= {
        f"{root}?": json.dumps([product]),
        f"{root}/categories?": json.dumps(listed),
        f"{root}/tags?": "[]",
    }


def test_shopify(shop, web):
    shopify(web)
    code, entry, lost = shop("rain boot", "teapot")
    assert code == 0
    assert (entry["spider"], entry["url"]) == ("feed", f"{web.url}/products.json")
    assert entry["classes"] == {"rain boot": "/collections/rain-boots"}
    assert "# 3 products" in shop.text
    assert f"teapot in {web.url}: no category of Shopify's list of products" in lost


def test_a_product_type_or_tag_that_is_no_collection(shop, web):
    shopify(web)
    _, entry, _ = shop("teacup", "rain boot")
    assert entry["classes"] == {"teacup": "Teacups", "rain boot": "/collections/rain-boots"}


def test_all_categories_of_a_shop(shop, web):
    shopify(web)
    _, entry, _ = shop()
    assert entry["classes"] == {
        "mugs & cups": "/collections/mugs-cups",
        "rain boots": "/collections/rain-boots",
        "mug-shots": "/collections/mug-shots",
    }


@pytest.mark.parametrize("root", ["/wp-json/wc/store/v1/products", "/api/wc/store/v1/products"])
def test_woocommerce(shop, web, root):
    woocommerce(web, root)
    if root.startswith("/api"):
        web.routes["/"] = HOME % ('<link rel="https://api.w.org/" href="/api/">', "")
    code, entry, lost = shop("mug")
    assert code == 0
    assert (entry["spider"], entry["url"]) == ("feed", f"{web.url}{root}")
    assert entry["classes"] == {"mug": "/product-category/kitchen/mugs"}
    assert "# 4 products" in shop.text
    assert "Shopify's list in" in lost
    assert "a menu" not in lost  # which nobody looks for where the list has all


@pytest.mark.parametrize(
    ("path", "link"),
    [
        ("/google.xml", ""),
        ("/my/list", '<link rel="alternate" type="application/rss+xml" href="my/list">'),
    ],
)
def test_a_feed(shop, web, path, link):
    web.routes |= {"/": HOME % (link, ""), path: FEED, "/feed.xml": "<html>no such page</html>"}
    _, entry, _ = shop("mug", "rain boot")
    assert (entry["spider"], entry["url"]) == ("feed", f"{web.url}{path}")
    assert entry["classes"] == {"mug": "Home > Coffee mugs", "rain boot": "Shoes > Rain boots"}


@pytest.mark.parametrize("is_named", [True, False])
def test_a_sitemap(shop, web, is_named):
    at = "/maps/all.xml" if is_named else "/sitemap.xml"
    if is_named:
        web.routes["/robots.txt"] = f"User-agent: *\nDisallow:\nSitemap: {web.url}{at}\n"
    inner = ("product", "category")
    index = "".join(f"<sitemap><loc>{web.url}/{x}.xml</loc></sitemap>" for x in inner)
    there = ("/c/mugs/", "/c/rain-boots.html", "/c/")
    pages = "".join(f"<url><loc>{web.url}{x}</loc></url>" for x in there)
    web.routes |= {
        at: f"<sitemapindex>{index}</sitemapindex>",
        "/category.xml": f"<urlset>{pages}<url><loc>http://x.example/mug</loc></url></urlset>",
        "/product.xml": f"<urlset><url><loc>{web.url}/p/mug</loc></url></urlset>",
    }
    _, entry, _ = shop("mug", "rain boot")
    assert (entry["spider"], entry["url"]) == ("shop", f"{web.url}/")
    assert entry["classes"] == {"mug": "/c/mugs/", "rain boot": "/c/rain-boots.html"}


def test_a_menu(shop, web):
    web.routes["/"] = HOME % ("", '<a href="/m?id=3">Our Mugs</a> <a href="/about">About</a>')
    code, entry, lost = shop("mug", "hat")
    assert code == 0
    assert entry["classes"] == {"mug": "/m?id=3"}
    assert "hat in" in lost
    assert "a feed in" in lost


def test_a_list_of_categories_that_fails_is_told(shop, web):
    shopify(web)
    web.routes["/collections.json?limit=250&page=1"] = lambda handler: handler.answer("", 503)
    _, entry, lost = shop("teacup")
    assert entry["classes"] == {"teacup": "Teacups"}
    assert "the categories of Shopify's list in" in lost
    assert "answers 503" in lost


def test_what_dvc_would_substitute_is_left_out(shop, web):
    link = '<link rel="alternate" type="text/xml" href="/${feed}.xml">'
    web.routes |= {
        "/": HOME % (link, '<a href="/m/">Mugs</a><a href="/${x}/">Mugs</a>'),
        "/$%7Bfeed%7D.xml": FEED,
        "/google.xml": FEED.replace("Coffee mugs", "${coffee} mugs"),
    }
    _, entry, _ = shop("mug", "rain boot")
    assert entry["classes"] == {"rain boot": "Shoes > Rain boots"}


def test_a_menu_that_knows_more_than_the_list(shop, web):
    shopify(web)
    web.routes["/"] = HOME % ("", '<a href="/hats/">Hats</a>')
    _, entry, lost = shop("hat")
    assert (entry["spider"], entry["classes"]) == ("shop", {"hat": "/hats/"})
    assert "Shopify's list of products has no category that is called so" in lost


def test_robots_are_obeyed(shop, web):
    shopify(web)
    web.routes["/robots.txt"] = "User-agent: *\nDisallow: /products.json\nDisallow: /collections"
    web.routes["/"] = HOME % ("", '<a href="/m/">Mugs</a>')
    _, entry, lost = shop("mug")
    assert (entry["spider"], entry["classes"]) == ("shop", {"mug": "/m/"})
    assert "/products.json?limit=250&page=1: robots.txt forbids it" in lost
    assert not [x for x in web.asked if x.startswith(("/products.json", "/collections"))]


def test_a_shop_that_forbids_all_is_left_alone(shop, web):
    shopify(web)
    web.routes["/robots.txt"] = "User-agent: *\nDisallow: /"
    code, entry, lost = shop("mug")
    assert (code, entry) == (1, {})
    assert set(web.asked) == {"/robots.txt"}
    assert lost.count("robots.txt forbids it") >= 3


@pytest.mark.parametrize("status", [404, 429, 503])
def test_a_shop_that_fails(shop, web, status):
    web.routes |= {"/": lambda handler: handler.answer("no", status)}
    code, entry, lost = shop("mug")
    assert (code, entry) == (1, {})
    assert f"the page in {web.url}: {web.url}" in lost
    assert f"answers {status}" in lost


@pytest.mark.parametrize("status", [429, 503])
def test_a_shop_that_is_busy_for_a_moment_is_asked_again(shop, web, status):
    shopify(web)
    listed, turns = web.routes["/products.json?"], iter([1])

    def busy_once(handler) -> None:
        if next(turns, None):
            handler.answer("later", status, Retry_After="0")
        else:
            handler.answer(listed)

    web.routes["/products.json?"] = busy_once
    code, entry, _ = shop("rain boot")
    assert (code, entry["classes"]) == (0, {"rain boot": "/collections/rain-boots"})


def test_a_shop_that_asks_for_much_time_is_left_alone(shop, web):
    web.routes |= {"/": lambda handler: handler.answer("later", 429, Retry_After="3600")}
    code, _, lost = shop("mug")
    assert code == 1
    assert f"{web.url} answers 429" in lost
    assert web.asked["/"] == 1


def test_a_shop_is_told_whom_to_ask(shop, web):
    shopify(web)
    agents = set()

    def told(answer):
        def handle(handler) -> None:
            agents.add(handler.headers["User-Agent"])
            handler.answer(answer)

        return handle

    web.routes = {path: told(answer) for path, answer in web.routes.items()}
    web.routes["/robots.txt"] = told("")
    _, entry, _ = shop("rain boot", options=("--contact=me@shop.example",))
    assert agents == {"product-classification (me@shop.example)"}
    assert entry["contact"] == "me@shop.example"
    with pytest.raises(UserError, match="--contact is an address"):
        shop("mug", options=("--contact=caf\xe9",))


@pytest.mark.parametrize("odd", ["null", "[]", '{"products": {}}', '{"products": [', "\0"])
def test_odd_answers_are_no_crash(shop, web, odd):
    paths = ("/products.json?", "/collections.json?", "/wp-json/wc/store/v1/products?")
    web.routes |= dict.fromkeys(paths, odd)
    web.routes["/"] = HOME % ("", '<a href="/m/">Mugs</a>')
    code, entry, _ = shop("mug")
    assert code == 0
    assert entry["classes"] == {"mug": "/m/"}


def test_a_private_address_that_a_page_names_is_not_asked(shop, web, workshop):
    with type(web)() as other:
        link = f'<link rel="alternate" type="text/xml" href="{other.url}/feed.xml">'
        other.routes["/feed.xml"] = FEED
        web.routes["/"] = HOME % (link, '<a href="/m/">Mugs</a>')
        _, entry, _ = shop("mug")
        assert entry["spider"] == "shop"
        assert not other.asked


def test_one_shop_that_is_no_address_stops_no_other(web, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shopify(web)
    shops = ["--shop=ftp://shop.example", f"--shop={web.url}", f"--shop={web.url}/"]
    assert main(["rain boot", *shops, *NOWHERE]) == 0
    said = capsys.readouterr()
    entries = YAML(typ="safe").load(textwrap.dedent(said.out))
    assert list(entries) == ["shop_127_0_0_1", "shop_127_0_0_1_2"]
    assert "everything in ftp://shop.example: " in said.err


@pytest.mark.parametrize("odd", ["null", '{"collections": null}', '{"errors": "Not Found"}', "[]"])
def test_a_list_of_categories_that_is_none_is_told(shop, web, odd: str) -> None:
    shopify(web)
    web.routes["/collections.json?limit=250&page=1"] = odd
    _, entry, lost = shop("teacup")
    assert entry["classes"] == {"teacup": "Teacups"}  # a tag of a product
    assert odd == "[]" or "categories of Shopify's list" in lost
