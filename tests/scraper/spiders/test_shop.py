"""The shop spider where products come from a sitemap or a file, and where it has to guess."""

import gzip
import json

import pytest

from scraper.reading.markup import Product
from scraper.spiders.products import classes_of


def page(name: str, *, crumbs: tuple[str, ...] = (), **more: object) -> str:
    markup = {"@type": "Product", "name": name, "sku": name, "image": f"/{name}.jpg", **more}
    entries = [
        {"@type": "ListItem", "position": n, "name": crumb, "item": f"/{crumb.lower()}/"}
        for n, crumb in enumerate(crumbs)
    ]
    listed = {"@type": "BreadcrumbList", "itemListElement": entries}
    return f'<script type="application/ld+json">{json.dumps([listed, markup])}</script>'


def urlset(*urls: str, root: str = "urlset", tag: str = "url") -> str:
    return f"<{root}>{''.join(f'<{tag}><loc>{url}</loc></{tag}>' for url in urls)}</{root}>"


@pytest.fixture
def shop(web):
    """Six products: three that are mugs, two that are cups, one that is neither."""
    web.routes |= {
        "/p/a": page("a", crumbs=("Home", "Mugs")),
        "/p/b": page("b", category="Kitchen > Mugs"),
        "/mugs/c": page("c"),
        "/p/d": page("d", category={"@type": "CategoryCode", "name": "Cups & saucers"}),
        "/p/e": page("e", crumbs=("Cups",), category="CUPS &amp; SAUCERS"),
        "/p/f": page("f", category="Plates"),
        **{f"/{name}.jpg": web.image(name * 3) for name in "abcdef"},
    }
    return web


def labels(rows: dict) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for label, name in rows:
        found.setdefault(label, []).append(name.removesuffix(".jpg"))
    return {label: sorted(names) for label, names in found.items()}


BY_NAME_AND_ADDRESS = {"mug": "Mugs", "of mugs": "/mugs/", "cup": "cups &  Saucers"}


def test_a_sitemap_says_what_there_is_and_each_product_what_it_is(shop, workshop):
    products = [f"{shop.url}{path}" for path in ("/p/a", "/p/lost", "/p/b", "/mugs/c", "/p/d")]
    more = [f"{shop.url}/p/{name}" for name in "ef"]
    index = [f"{shop.url}/products-{n}.xml" for n in (1, 2)] + [f"{shop.url}/products-none.xml"]
    shop.routes |= {
        "/sitemap.xml": urlset(*index, f"{shop.url}/blog.xml", root="sitemapindex", tag="sitemap"),
        "/products-1.xml": urlset(*products),
        "/blog.xml": urlset(*(f"{shop.url}/blog/{n}" for n in range(50))),
        **{f"/blog/{n}": "<h1>News</h1>" for n in range(50)},
        "/products-2.xml": lambda r: r.answer(
            gzip.compress(urlset(*more).encode()), Content_Type="application/gzip"
        ),
    }
    workshop.shop(shop, url=f"{shop.url}/sitemap.xml", classes=BY_NAME_AND_ADDRESS)
    out = workshop.collect("shop")
    assert labels(workshop.rows()) == {
        "mug": ["a", "b"],
        "of mugs": ["a", "c"],
        "cup": ["d", "e"],
    }
    assert workshop.rows()["mug", "b.jpg"]["page_url"] == f"{shop.url}/p/b"
    lost = f"2 product pages, the first: {shop.url}/p/lost: HTTP status 404"
    assert f"(list): failed for good: {lost}" in out
    unfiled = f"1 product pages, the first: {shop.url}/p/f: is filed under Plates"
    assert f"(list): no class: {unfiled}" in out
    assert f"(list): no product: 1 product pages, the first: {shop.url}/blog.xml" in out
    assert 0 < sum(path.startswith("/blog/") for path in shop.asked) <= 5


def test_what_a_sitemap_is_of_is_told_by_its_pages(shop, workshop):
    """Not by its name: here only the list of categories has the word for products in it."""
    index = ("sitemap-product-categories.xml", "sitemap-1.xml", "gone.xml", "content.xml")
    shop.routes |= {
        "/xmlsitemap.php": urlset(*index, root="sitemapindex", tag="sitemap"),
        "/sitemap-product-categories.xml": urlset("/mugs/", "/cups/"),
        "/sitemap-1.xml": urlset("/p/a", "/p/b", "/p/d"),
        "/content.xml": urlset("/about", "/terms"),
        **dict.fromkeys(("/mugs/", "/cups/", "/about", "/terms"), "<h1>Text</h1>"),
    }
    workshop.shop(shop, url=f"{shop.url}/xmlsitemap.php", classes=BY_NAME_AND_ADDRESS)
    out = workshop.collect("shop")
    assert labels(workshop.rows()) == {"mug": ["a", "b"], "of mugs": ["a"], "cup": ["d"]}
    assert "(list): no product: 2 product pages, the first: " in out


def test_where_no_sitemap_seems_to_be_of_products_all_are_read(shop, workshop):
    some = [f"/about/{n}" for n in range(20)]
    shop.routes |= {
        "/sitemap.xml": urlset("/x.xml", "/y.xml", root="sitemapindex", tag="sitemap"),
        "/x.xml": urlset(*some[:7], "/p/a", *some[7:]),
        "/y.xml": urlset(*some),
        **dict.fromkeys(some, "<h1>Text</h1>"),
    }
    workshop.shop(shop, url=f"{shop.url}/sitemap.xml", classes={"mug": "Mugs"})
    workshop.collect("shop")
    assert labels(workshop.rows()) == {"mug": ["a"]}


def test_a_sitemap_under_another_name_is_known_by_its_content(shop, workshop):
    path = "/index.php?route=feed/sitemap"
    shop.routes[path] = urlset("/p/a", "/p/d")
    workshop.shop(shop, url=f"{shop.url}{path}", classes={"mug": "Mugs"})
    workshop.collect("shop")
    assert labels(workshop.rows()) == {"mug": ["a"]}
    workshop.crawl(source="shop", label="any", url=f"{shop.url}{path}")
    assert labels(workshop.rows()) == {"any": ["a", "d"], "mug": ["a"]}


def test_a_sitemap_may_be_as_large_as_the_protocol_allows(shop, workshop):
    padding = "x" * 32 * 1024 * 1024  # more than pages and images may have
    listed = urlset("/p/a").replace("</urlset>", f"<!--{padding}--></urlset>").encode()
    packed = gzip.compress(gzip.compress(listed, 1))
    shop.routes["/all"] = lambda r: r.answer(packed, Content_Encoding="gzip")
    workshop.shop(shop, url=f"{shop.url}/all", classes={"mug": "Mugs"})
    workshop.collect("shop")
    assert labels(workshop.rows()) == {"mug": ["a"]}


def test_a_sitemap_cannot_name_a_file(shop, workshop):
    """Not of this machine: another's sitemap would make us read what it likes."""
    local = workshop.root / "goods.txt"
    local.write_text(f"{shop.url}/p/a")
    listed = [str(local), local.as_uri(), "goods.txt", f"{shop.url}/some.xml"]
    shop.routes |= {
        "/sitemap.xml": urlset(*listed, root="sitemapindex", tag="sitemap"),
        "/some.xml": urlset(f"{shop.url}/p/b", str(local), local.as_uri()),
    }
    workshop.shop(shop, url=f"{shop.url}/sitemap.xml", classes={"mug": "Mugs"})
    workshop.collect("shop")
    assert labels(workshop.rows()) == {"mug": ["b"]}


def test_a_limit_fills_in_the_order_of_the_sitemap(shop, workshop):
    names = ["e", "b", "a", "d", "f"]
    shop.routes["/sitemap.xml"] = urlset(*(f"{shop.url}/p/{name}" for name in names))
    whole = f"{shop.url}/sitemap.xml"
    workshop.shop(shop, url=whole, classes={"mug": "Mugs", "any": whole}, limit_per_class=1)
    workshop.collect("shop")
    assert labels(workshop.rows()) == {"any": ["e"], "mug": ["b"]}


def test_a_file_of_addresses(shop, workshop):
    lines = [f"{shop.url}/p/a", "", "# cups", f"{shop.url}/p/d "]
    (workshop.root / "products.txt").write_text("\n".join(lines))
    workshop.shop(
        shop, url="products.txt", classes={"cup": "Cups & saucers", "all": "products.txt"}
    )
    workshop.collect("shop")
    assert labels(workshop.rows()) == {"cup": ["d"], "all": ["a", "d"]}
    before = workshop.rows(all_of_them=True)
    workshop.collect("shop")
    assert workshop.rows(all_of_them=True) == before


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("sitemap.xml", "<urlset/>", "sitemap.xml: lists no products"),
        ("sitemap.xml", "<html>Sorry</html>", "sitemap.xml: is no sitemap"),
        ("private/sitemap.xml", "<urlset/>", "private/sitemap.xml: robots.txt forbids it"),
        ("products.txt", "mugs", "products.txt: has a line that is no address: 'mugs'"),
    ],
)
def test_a_list_that_cannot_be_read_is_an_error(web, workshop, name, content, said):
    web.routes["/robots.txt"] = "User-agent: *\nDisallow: /private/"
    if content is not None:
        web.routes[f"/{name}"] = content
    (workshop.root / "products.txt").write_text(content or "")
    url = name if name == "products.txt" else f"{web.url}/{name}"
    workshop.shop(web, url=url, classes={"mug": "Mugs", "cup": "Cups"})
    out = workshop.collect("shop", code=1)
    assert "shop is unfinished: 2 listings are unreadable" in out
    assert said in out


@pytest.mark.parametrize(
    ("value", "belongs"),
    [
        ("mugs", True),
        (" Blue  MUGS ", True),
        ("Mug", False),
        ("/mugs", True),
        ("https://www.shop.example/mugs/", True),
        ("/mugs/blue/", True),
        ("/mugs/blue/7", False),
        ("/cat?id=3", True),
        ("/cat?id=4", False),
        ("/", False),
        ("https://shop.example/sitemap.xml", True),
    ],
)
def test_classes_of_a_product(value, belongs):
    filed = ("Mugs", "Blue mugs", "https://shop.example/mugs/", "https://shop.example/cat?id=3")
    product = Product("Mug", None, (), filed)
    found = classes_of(
        product,
        "https://shop.example/mugs/blue/7",
        {"mug": value, "cup": "Cups"},
        "https://shop.example/sitemap.xml",
    )
    assert found == (["mug"] if belongs else [])


def test_numbered_pages_are_walked_and_guesses_are_said(web, workshop):
    """A shop without any markup."""
    form = '<form action="/cart/add"><button>Buy</button></form>'
    for name in "abc":
        web.routes |= {
            f"/p/{name}": f'<h1>{name}</h1><img src="/small.jpg" width="50" height="50">'
            f'<img data-src="/{name}.jpg" src="data:," width="500" height="400">{form}',
            f"/{name}.jpg": web.image(name * 3),
        }
    listed = '<a href="/p/a">A</a><a href="/p/b">B</a><a href="/about">us</a>'
    pages = '<nav><a href="/mug/">1</a> <a href="/mug/?page=2">2</a></nav>'
    web.routes |= {
        "/mug/": f"<main>{listed}</main>{pages}",
        "/mug/?page=2": f'<main><a href="/p/c">C</a></main>{pages}',
        "/about": "<h1>About us</h1>",
    }
    workshop.shop(web, "mug")
    out = workshop.collect("shop")
    assert workshop.statuses() == {f"{name}.jpg": "saved" for name in "abc"}
    assert workshop.rows()["mug", "c.jpg"]["title"] == "c"
    said = "3 pages name no image of their product, so it was guessed; the first: "
    assert f"{said}{web.url}/p/a" in out


def test_a_number_that_several_products_share_identifies_none(web, workshop):
    for name in "abcd":
        web.routes |= {
            f"/p/{name}": page(name, sku="MUG" if name != "d" else "N/A"),
            f"/{name}.jpg": web.image(name * 3),
        }
    links = "".join(f'<a href="/p/{name}">{name}</a>' for name in "abcd")
    web.routes["/mug/"] = f"<main>{links}</main>"
    workshop.shop(web, "mug")
    workshop.collect("shop")
    found = {name: row["product_id"] for (_, name), row in workshop.rows().items()}
    assert found == {"a.jpg": "MUG"} | {f"{x}.jpg": f"{web.url}/p/{x}" for x in "bcd"}


def test_a_page_that_a_sitemap_lists_has_not_to_say_that_it_is_a_products(web, workshop):
    shared = (
        '<meta property="og:type" content="website"><meta property="og:image" content="/a.jpg">'
    )
    web.routes |= {
        "/p/a": f"<title>Mug</title>{shared}<h1>Mug</h1>",
        "/a.jpg": web.image("aaa"),
        "/sitemap.xml": urlset(f"{web.url}/p/a"),
    }
    workshop.shop(web, url=f"{web.url}/sitemap.xml", classes={"mug": f"{web.url}/sitemap.xml"})
    workshop.collect("shop")
    assert workshop.statuses() == {"a.jpg": "saved"}
