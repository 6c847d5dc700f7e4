"""Sources that can't be collected, and crawls typed by hand: what is said, what is left behind."""

import socket
import ssl
import time

import pytest
from answers import answers, redirect

from pipeline.cli import UserError
from pipeline.params import load_params
from scraper.commands.crawl import typed_source
from scraper.crawling.run import own_network


@pytest.fixture
def start(web):
    """Starts another server like `web`."""
    running = []

    def start(wrap=None):
        server = type(web)()
        if wrap:
            server.socket = wrap(server.socket)
        running.append(server)
        return server.__enter__()

    yield start
    for server in running:
        server.__exit__()


def test_what_is_unreachable_is_named_and_the_rest_is_collected(web, start, certificate, workshop):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    unsafe = start(lambda s: context.wrap_socket(s, server_side=True))
    lawless, private, thin = start(), start(), start()
    for shop in (web, unsafe, lawless, private, thin):
        shop.sell("mug", ("one", "/a.jpg"))
    lawless.routes["/robots.txt"] = answers(503)
    thin.routes |= {"/robots.txt": "User-agent: *\nDisallow: /mug", "/": redirect("/mug/")}
    web.routes["/out/"] = redirect(f"{private.url}/mug/")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"127.0.0.1:{closed.getsockname()[1]}"
    categories = {
        "fine": f"{web.url}/mug/",
        "missing": f"{web.url}/none/",
        "outside": f"{web.url}/out/",
        "unsafe": f"https://{unsafe.host}/mug/",
        "lawless": f"{lawless.url}/mug/",
        "closed": f"http://{nobody}/mug/",
        "private": f"{private.url}/mug/",
        "forbidden": f"{thin.url}/",
        "no address": "ftp://files/",
    }
    allowed = [server.host for server in (web, unsafe, lawless, thin)] + [nobody]
    workshop.shop(web, classes=categories, allow_private=allowed)

    out = workshop.collect("shop", code=1)

    assert "shop is unfinished: 8 listings are unreadable" in out
    said = {
        "missing": f"{web.url}/none/: HTTP status 404",
        "outside": "allow_private",
        "unsafe": "certificate",
        "lawless": f"{lawless.url}/robots.txt can't be read (HTTP status 503)",
        "closed": "refused",
        "private": f"allow '{private.host}': in allow_private of the source",
        "forbidden": "robots.txt forbids it",
        "no address": "ftp://files/",
    }
    for label, what in said.items():
        start = f"{label}: listing unreadable: "
        assert what in next(line for line in out.splitlines() if line.startswith(start))
    assert not private.asked
    assert set(lawless.asked) == {"/robots.txt"}
    assert not unsafe.asked
    assert workshop.statuses() == {"a.jpg": "saved"}
    assert '"finished": false' in (workshop.root / "data/raw/shop/run.json").read_text()
    assert workshop.counts()["pages"]["listings_unreadable"] == 8


def test_a_listing_that_is_cut_short_is_not_taken_for_all_of_it(web, workshop):
    web.sell("mug", *((f"m{n}", f"/m{n}.jpg") for n in range(8)))
    web.sell("cup", *((f"c{n}", f"/c{n}.jpg") for n in range(4)))
    whole = web.routes["/mug/?page=2"]
    web.routes["/mug/?page=2"] = answers(500)
    web.routes["/cup/?page=2"] = answers(404)  # a shop's own mistake, and so the end
    workshop.shop(web, "mug", "cup")

    out = workshop.collect("shop", "--if-needed", code=1)

    assert "shop is unfinished: 1 listings may have more" in out
    assert f"mug: listing may have more: {web.url}/mug/?page=2: HTTP status 500" in out
    assert f"cup: failed for good: 1 product pages, the first: {web.url}/cup/?page=2" in out
    assert out.index("candidates") < out.index("may have more")  # there is a table, too
    assert set(workshop.statuses()) == {f"{x}{n}.jpg" for x in "mc" for n in range(3)}
    assert '"finished": false' in (workshop.root / "data/raw/shop/run.json").read_text()
    web.routes["/mug/?page=2"] = whole
    workshop.collect("shop", "--if-needed")
    assert workshop.counts()["saved_by_class"] == {"cup": 3, "mug": 8}
    asked_once = {"/m0.jpg", "/p/m0", "/p/c0", "/cup/"}
    assert {web.asked[path] for path in asked_once} == {1}


def test_a_sitemap_that_is_cut_short(web, workshop):
    web.sell("mug", ("one", "/a.jpg"))
    parts = "".join(f"<sitemap><loc>{web.url}/{n}.xml</loc></sitemap>" for n in (1, 2))
    page = f"<url><loc>{web.url}/p/one</loc></url>"
    web.routes |= {
        "/sitemap.xml": f"<sitemapindex>{parts}</sitemapindex>",
        "/1.xml": f"<urlset>{page}</urlset>",
        "/2.xml": answers(502),
    }
    url = f"{web.url}/sitemap.xml"
    workshop.shop(web, url=url, classes={"mug": url})
    out = workshop.collect("shop", code=1)
    assert f"mug: listing may have more: {web.url}/2.xml: HTTP status 502" in out
    assert workshop.statuses() == {"a.jpg": "saved"}


def test_a_source_that_yields_nothing_is_an_error(web, workshop):
    web.sell("mug", ("one", "/a.jpg"))
    web.sell("cup", ("two", "/text.jpg"))
    web.routes |= {"/text.jpg": b"text", "/cup/": web.listing_page(["/p/two", "/about", "/p/lost"])}
    web.routes |= {"/about": "<p>No product</p>", "/p/lost": answers(404)}
    workshop.shop(web, "mug", "cup")
    out = workshop.collect("shop", "--if-needed", code=1)
    assert f"shop: no image of cup was saved from {web.url}/" in out
    assert "sources.shop in params.yaml" in out
    assert f"cup: failed for good: 1 product pages, the first: {web.url}/p/lost" in out
    assert f"cup: no product: 1 product pages, the first: {web.url}/about" in out
    assert "rejected not image" in out
    before = web.asked.copy()
    workshop.collect("shop", "--if-needed", code=1)  # an unfinished run is done again
    assert set(web.asked - before) == {"/robots.txt", "/cup/"}  # but nothing that is known


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"spider": "shp"}, "no spider is called 'shp'; did you mean shop?"),
        ({"url": "shop.example"}, "'shop.example' is no address"),
    ],
)
def test_a_wrong_source_is_refused(web, workshop, change, said):
    workshop.shop(web, "mug", **change)
    assert said in workshop.collect("shop", code=1)


def test_a_source_that_params_yaml_does_not_name(web, workshop):
    workshop.shop(web, "mug")
    out = workshop.collect("shpo", code=1)
    assert "params.yaml names no source 'shpo'; did you mean shop?" in out
    assert not (workshop.root / "data").exists()


def test_a_manifest_that_a_person_broke_is_not_written_over(web, workshop):
    workshop.shop(web, "mug")
    web.sell("mug", ("one", "/a.jpg"))
    manifest = workshop.root / "data/raw/shop/manifest.jsonl"
    manifest.parent.mkdir(parents=True)
    manifest.write_text("oops\n")
    assert "manifest.jsonl, line 1 is not a manifest row" in workshop.collect("shop", code=1)
    assert manifest.read_text() == "oops\n"


def test_a_crawl_by_hand_extends_a_class(web, start, workshop):
    """Who types an address vouches for it, and for no other of that network."""
    private = start()
    private.routes["/x.jpg"] = private.image("x")

    def slow(request) -> None:
        time.sleep(3)
        request.answer(request.server.image("slow"))

    web.sell(
        "caps",
        ("one", "/a.jpg", "/slow.jpg", "/long.jpg"),
        ("two", f"{private.url}/x.jpg", "/b.jpg"),
    )
    web.routes |= {"/slow.jpg": slow, "/long.jpg": web.image("long") + bytes(50_000)}
    workshop.sources(own={"kind": "folder", "license": "own work", "classes": ["mug"]})
    settings = [x for s in ("TIMEOUT=1", "MAXSIZE=20000") for x in ("-s", f"DOWNLOAD_{s}")]
    out = workshop.crawl(
        *settings, "-s", "RETRY_TIMES=0", source="own", label="cap", url=f"{web.url}/caps/"
    )
    assert workshop.statuses("own") == {
        "a.jpg": "saved",
        "slow.jpg": "failed_timeout",
        "long.jpg": "rejected_too_large",
        "x.jpg": "rejected_address",
        "b.jpg": "saved",
    }
    assert workshop.rows("own")["cap", "a.jpg"]["license"] == "own work"
    assert "add cap to sources.own.classes" in out
    assert not private.asked
    before = web.asked.copy()
    workshop.sources(own={"kind": "folder"})
    workshop.collect("own", "--if-needed")
    assert web.asked == before
    assert workshop.counts("own")["saved_by_class"] == {"cap": 2}


def test_a_crawl_by_hand_takes_a_file_of_addresses(web, workshop):
    web.sell("caps", *((name, f"/{name}.jpg") for name in "abc"))
    (workshop.root / "caps.txt").write_text(f"# mine\n{web.url}/p/a\n\n{web.url}/p/c\n")
    (workshop.root / "words.txt").write_text("a cap\n")
    workshop.sources(own={"kind": "folder"})
    workshop.crawl(source="own", label="cap", url="caps.txt")
    assert set(workshop.rows("own")) == {("cap", "a.jpg"), ("cap", "c.jpg")}
    assert workshop.statuses("own") == {"a.jpg": "saved", "c.jpg": "saved"}
    out = workshop.crawl(source="own", label="cap", url="words.txt", code=1)
    assert "words.txt has a line that is no address: 'a cap'" in out


def test_a_crawl_by_hand_that_finds_nothing_says_so(web, workshop):
    workshop.sources(own={"kind": "folder"})
    web.routes["/empty/"] = "<p>Nothing on sale</p>"
    url = f"{web.url}/empty/"
    out = workshop.crawl(source="own", label="cap", url=url, code=1)
    assert f"cap: listing unreadable: {url}: shows no products" in out


def test_a_crawl_by_hand_needs_a_source_of_params_yaml(web, workshop):
    workshop.sources(own={"kind": "folder"})
    out = workshop.crawl(source="mine", label="cap", url=f"{web.url}/", code=1)
    assert "  mine:\n    kind: folder\n" in out
    assert not (workshop.root / "data").exists()
    out = workshop.run("-m", "scrapy", "crawl", "shop", "-a", "source=own", code=2)
    assert "-a source=NAME -a label=CLASS -a url=URL" in out


def test_what_is_typed_becomes_a_source(workshop):
    workshop.sources(
        own={"kind": "folder", "license": "own work"},
        set={"kind": "dataset", "dataset": "clothing-dataset-small"},
        shop={
            "kind": "spider", "spider": "shop", "url": "http://shop.example/", "classes": {},
            "limit_per_class": 5, "allow_private": ["cdn.intranet:80"],
        },
    )  # fmt: skip
    params = load_params(workshop.root / "params.yaml")
    source = typed_source(params, "shop", "shop", "mug", "http://127.0.0.1:8000/mugs/")
    assert source.classes == {"mug": "http://127.0.0.1:8000/mugs/"}
    assert source.allow_private == ["cdn.intranet:80", "127.0.0.1:8000"]
    assert source.limit_per_class == 5
    for name, label, url, said in [
        ("own", "a/b", "http://shop.example/", "label=a/b can't be a class folder; 'a-b' could"),
        ("own", "mug", "shop.example/mugs", "'shop.example/mugs' is no address"),
        ("set", "mug", "http://shop.example/", "has 'set' as kind dataset"),
    ]:
        with pytest.raises(UserError, match=said):
            typed_source(params, "shop", name, label, url)


def test_what_is_typed_is_spelt_as_the_source_spells_it(workshop):
    shop = {"kind": "spider", "spider": "shop", "url": "http://shop.example/"}
    workshop.sources(shop=shop | {"classes": {"Mug": "/mugs/"}})
    params = load_params(workshop.root / "params.yaml")
    for typed, label in (("mug", "Mug"), ("MUG", "Mug"), ("cup", "cup")):
        source = typed_source(params, "shop", "shop", typed, "http://shop.example/x/")
        assert list(source.classes) == [label]


def test_only_addresses_of_ones_own_network_are_vouched_for():
    assert own_network("http://127.0.0.1:8000/x") == ["127.0.0.1:8000"]
    assert own_network("http://LOCALHOST/x") == ["localhost:80"]
    assert own_network("https://192.168.1.7/") == ["192.168.1.7:443"]
    assert own_network("https://93.184.216.34/") == []
    assert own_network("https://nowhere.invalid/") == []
