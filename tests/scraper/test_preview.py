"""What `python -m scraper.preview` says of pages of the demo shop, and of others."""

import gzip
import socket
from collections.abc import Iterator

import pytest
from ruamel.yaml import YAML

from pipeline.cli import UserError
from pipeline.params import load_params
from scraper.demo_shop import serve
from scraper.preview import entry, main, preview

PRODUCT = """<html><head><title>A mug</title>
<script type="application/ld+json">{"@type": "Product", "name": "A mug", "sku": "M1", "image": [
  "/fine.jpg", {"@type": "ImageObject", "url": "/small.jpg", "width": 90},
  "/drawing.svg", "/secret/x.jpg", "%s/y.jpg",
  {"@type": "ImageObject", "url": "/bought.jpg", "license": "CC BY-NC 4.0"}]}</script>
%s</head><body><nav><a href="/">Home</a> <a href="/mugs/">Mugs &amp; cups</a>
<a href="http://elsewhere.example/">Friends</a></nav>
<div class="breadcrumbs"><a href="/">Home</a> › <a href="/mugs/">Mugs</a></div>
<main><img src="/fine.jpg" width="64" height="48px"><img src="/logo.png" width="100%%">
</main></body></html>"""


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    with serve() as url:
        yield url


@pytest.fixture
def shown(capsys, tmp_path, monkeypatch):
    """Runs the command in a folder without params.yaml; gives its output as lines."""
    monkeypatch.chdir(tmp_path)

    def shown(*arguments: str) -> list[str]:
        main(arguments)
        return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]

    return shown


@pytest.fixture
def nobody() -> str:
    """Where no one listens."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        return f"127.0.0.1:{closed.getsockname()[1]}"


def test_a_product_of_the_demo_shop(demo, shown):
    lines = shown(f"{demo}products/mug-007/")
    assert "is a product" in lines
    assert "robots.txt allows it" in lines
    assert "opt-out none" in lines
    assert "Glen coffee mug 7 mug-007 2" in lines
    assert f"yes none {demo}photos/mug-007.jpg" in lines
    assert f"yes none {demo}photos/mug-007-2.jpg" in lines
    assert sum(line.startswith("no: not of this product") for line in lines) == 4
    assert f"mugs {demo}mugs/" in lines


def test_a_category_of_the_demo_shop(demo, shown):
    lines = shown(f"{demo}mugs/?page=2")
    assert "is a listing" in lines
    assert f"next page {demo}mugs/?page=3" in lines
    assert f"yes Shore cup 25 € 44.50 {demo}products/mug-025/" in lines
    assert f"no: robots.txt forbids it Vale cup 901 {demo}private/products/mug-901/" in lines
    assert f"no: on no product's page none {demo}photos/mug-025.jpg" in lines
    assert f"The images of one: python -m scraper.preview {demo}products/mug-025/" in lines


def test_why_an_image_would_not_be_taken(web, workshop, shown):
    other = "http://127.0.0.1:9"
    web.routes |= {
        "/mug": PRODUCT % (other, ""),
        "/robots.txt": "User-agent: *\nDisallow: /secret/\nCrawl-delay: 3",
    }
    workshop.shop(web, min_side=100, licenses=["cc-by", "none"])

    lines = shown(f"{web.url}/mug")

    assert "robots.txt allows it, with 3 s between requests" in lines
    assert "judged by sources.shop in params.yaml" in lines
    assert "A mug M1 6" in lines
    for line in (
        f"yes 64×48 {web.url}/fine.jpg",
        f"no: rejected too small: 90 pixels is less than 100 90×? {web.url}/small.jpg",
        "no: rejected format: svg is not among the formats taken none " + web.url + "/drawing.svg",
        f"no: robots.txt forbids it none {web.url}/secret/x.jpg",
        f"no: not of this product none {web.url}/logo.png",
    ):
        assert line in lines
    bought = next(line for line in lines if line.endswith(f"{web.url}/bought.jpg"))
    assert bought.startswith("no: rejected license: CC BY-NC 4.0 is not among")
    private = next(line for line in lines if line.endswith(f"{other}/y.jpg"))
    assert private.startswith("no: 127.0.0.1:9 is at 127.0.0.1, which is no public address")
    assert set(web.asked) == {"/robots.txt", "/mug"}  # no image is fetched


@pytest.mark.parametrize(
    ("headers", "meta", "said"),
    [
        ({"X_Robots_Tag": "noai"}, "", "X-Robots-Tag: noai"),
        ({}, '<meta name="robots" content="noimageindex">', "meta robots: noimageindex"),
        ({"Content_Encoding": "gzip"}, '<meta name="robots" content="noai">', "meta robots: noai"),
    ],
)
def test_a_page_that_opts_out(web, shown, headers, meta, said):
    page = (PRODUCT % ("", meta)).encode()
    body = gzip.compress(page) if "Content_Encoding" in headers else page
    web.routes["/mug"] = lambda r: r.answer(body, Content_Type="text/html", **headers)
    lines = shown(f"{web.url}/mug")
    assert f"opt-out {said}" in lines
    assert f"no: rejected robots: {said} 64×48 {web.url}/fine.jpg" in lines
    assert not any(line.startswith("yes") for line in lines)


def test_which_class_a_page_would_fall_into(web, workshop, shown):
    web.routes |= {"/mug": PRODUCT % ("", ""), "/mugs/": web.listing_page(["/mug"])}
    assert "class params.yaml names none here" in shown(f"{web.url}/mug")
    workshop.shop(web, classes={"cup": "/mugs/", "hat": "/hats/", "tea": "Mugs"})
    lines = shown(f"{web.url}/mug")
    assert f"filed under Home | {web.url}/ | Mugs | {web.url}/mugs/" in lines
    assert "class cup, tea" in lines
    lines = shown(f"{web.url}/mugs/")
    assert "filed under nothing" in lines
    assert "class cup" in lines
    workshop.shop(web, "hat")
    assert "class none, as far as this page says" in shown(f"{web.url}/mug")


def test_a_guess_is_called_one(web, shown):
    web.routes["/mug"] = """<h1>A mug</h1><form action="/cart/add"></form>
        <main><img src="/large.jpg" width="600" height="400"><img src="/s.jpg" width="9"></main>"""
    lines = shown(f"{web.url}/mug")
    assert "Product, whose image is a guess: 1" in lines
    assert f"yes 600×400 {web.url}/large.jpg" in lines
    assert f"no: not of this product 9×? {web.url}/s.jpg" in lines


def test_what_may_not_be_fetched_is_not(demo, web, nobody, shown):
    web.routes |= {
        "/robots.txt": lambda r: r.answer(b"", 503),
        "/away": lambda r: r.answer(b"", 302, Location=f"http://{nobody}/"),
        "/feed": '<rss xmlns:g="http://base.google.com/ns/1.0"><channel/></rss>',
        "/products.json": b'{"products": []}',
    }
    for url, said in [
        ("ftp://shop.example/", "no address that starts with http"),
        (f"{demo}private/offers/", "would not be fetched: robots.txt forbids it"),
        (f"{demo}nowhere", "failed for good: HTTP status 404"),
        (f"{demo}photos/mug-007.jpg", r"is no web page \(image/jpeg\)"),
        (f"{web.url}/mug", "robots.txt answers 503, so its host is left alone"),
        (f"http://{nobody}/", "refused, so its host is left alone"),
    ]:
        with pytest.raises(UserError, match=said):
            shown(url)
    del web.routes["/robots.txt"]
    with pytest.raises(UserError, match="allow_private"):  # its own redirect is not vouched for
        shown(f"{web.url}/away")
    for path, kind in (("/feed", "Google Merchant feed in XML"), ("/products.json", "Shopify")):
        with pytest.raises(UserError, match=f"no page but a .*{kind}.*spider: feed and url: "):
            shown(f"{web.url}{path}")


def test_robots_txt_is_ignored_where_the_source_says_so(web, workshop, shown):
    web.routes |= {"/mug": PRODUCT % ("", ""), "/robots.txt": "User-agent: *\nDisallow: /"}
    with pytest.raises(UserError, match="forbids"):
        shown(f"{web.url}/mug")
    workshop.shop(web, obey_robots=False)
    lines = shown(f"{web.url}/mug")
    assert "robots.txt forbids it; not obeyed, as the source says so" in [
        line.removeprefix("robots.txt ") for line in lines
    ]
    assert f"yes none {web.url}/secret/x.jpg" in lines


def test_a_page_can_not_steer_the_terminal(web, shown):
    web.routes["/x"] = "<title>a\x1b[31mb\x07</title><a href='/\x1b[2J'>c\x1b[1m</a>"
    assert "\x1b" not in "".join(shown(f"{web.url}/x"))


@pytest.mark.parametrize(
    ("path", "labels"),
    [
        ("", ["backpacks", "mugs", "sneakers", "t-shirts", "caps"]),
        ("mugs/", ["mugs"]),
        ("mugs/?page=2", ["mugs"]),
        ("products/mug-007/", ["mugs"]),
    ],
)
def test_the_entry_to_paste_is_one_that_params_yaml_takes(demo, workshop, path, labels):
    pasted = YAML(typ="safe").load(entry(preview(demo + path)))
    workshop.sources(**pasted)
    source = load_params(workshop.root / "params.yaml").sources["shop_127_0_0_1"]
    assert source.classes == {label: f"/{label}/" for label in labels}
    assert source.url == demo
    assert source.allow_private == [demo.removeprefix("http://").rstrip("/")]
    every_key = set(type(source).model_fields)  # for `dvc exp run -S`
    assert set(pasted["shop_127_0_0_1"]) == every_key


def test_what_is_printed_can_be_collected(demo, workshop):
    """From an address to images, by configuration alone."""
    workshop.sources()
    params = workshop.root / "params.yaml"
    printed = workshop.run("-m", "scraper.preview", f"{demo}mugs/", "--source-yaml")
    printed = printed.replace("limit_per_class: null", "limit_per_class: 3")
    text = params.read_text()
    assert text.count("sources: {}") == 1
    params.write_text(text.replace("sources: {}", f"sources:\n{printed}"))
    workshop.collect("shop_127_0_0_1")
    assert workshop.counts("shop_127_0_0_1")["saved_by_class"] == {"mugs": 3}


def test_the_categories_below_a_home_page_that_is_elsewhere(web, workshop):
    links = {"/shop/": "All", "/shop/hats_1/": "Hats", "/shop/mugs_2/": "Mugs", "/basket/": "Cart"}
    menu = "".join(f'<a href="{href}">{name}</a>' for href, name in links.items())
    web.routes |= {
        "/": lambda request: request.answer(b"", 302, Location="/shop/"),
        "/shop/": f'<nav>{menu}<a href="/shop/?facet=x">X</a></nav><main></main>',
    }
    for path in ("/", "/shop/"):
        (proposed,) = YAML(typ="safe").load(entry(preview(web.url + path))).values()
        assert proposed["classes"] == {"hats": "/shop/hats_1/", "mugs": "/shop/mugs_2/"}
