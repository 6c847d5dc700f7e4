import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.reading.sitemaps import MAXSIZE, is_list, is_sitemap, read_sitemap

SITEMAP = "https://shop.example/some/sitemap.xml"
PAGES = [f"https://shop.example/p/{n}" for n in (3, 1, 2)]


def urlset(*pages: str, tag: str = "url", root: str = "urlset") -> bytes:
    entries = "".join(f"<{tag}><loc> {p} </loc><lastmod>2024</lastmod></{tag}>" for p in pages)
    schema = "http://www.sitemaps.org/schemas/sitemap/0.9"
    return f'<?xml version="1.0"?><{root} xmlns="{schema}">{entries}</{root}>'.encode()


def index(*sitemaps: str) -> bytes:
    return urlset(*sitemaps, tag="sitemap", root="sitemapindex")


@pytest.mark.parametrize(
    "content",
    [
        urlset(*PAGES),
        gzip.compress(urlset(*PAGES)),
        b"\xef\xbb\xbf" + urlset(*PAGES),
        "\n".join(["# mugs", *PAGES, ""]).encode(),
        gzip.compress("\r\n".join(PAGES).encode()),
        urlset(*PAGES).removesuffix(b"</urlset>"),  # cut short
    ],
)
def test_pages_are_read_in_their_order(content):
    assert read_sitemap(content, SITEMAP) == (PAGES, [])


def test_an_index_names_other_sitemaps():
    blog, more = "https://shop.example/blog.xml", "https://shop.example/sitemap_products_1.xml?a=1"
    assert read_sitemap(index(blog, more), SITEMAP) == ([], [blog, more])


def declared(text: str, encoding: str) -> bytes:
    return f'<?xml version="1.0" encoding="{encoding}"?>{text}'.encode(encoding)


BARE = "<urlset>" + "".join(f"<url><loc>{p}</loc></url>" for p in PAGES) + "</urlset>"
FEED = "<channel><link>https://shop.example/</link>{}</channel>"
ITEMS = "".join(f"<item><title>x</title><link>{p}</link></item>" for p in PAGES)
LINKS = '<entry><link rel="enclosure" href="/a.jpg"/><link href="{}"/></entry>'


@pytest.mark.parametrize(
    "content",
    [
        b"\n \n" + urlset(*PAGES),
        b"\xef\xbb\xbf\n" + urlset(*PAGES),
        declared(BARE, "utf-16"),
        declared(BARE, "utf-32"),
        declared(BARE, "utf-16-le"),
        declared(BARE, "utf-16-be"),
        declared(BARE, "latin-1"),
        declared(BARE, "utf-8").replace(b"utf-8", b"UTF-16"),
        "\n".join(PAGES).encode("utf-16"),
        BARE.replace("https://shop.example", "").encode(),
        BARE.replace("https://shop.example/", "../").encode(),
        BARE.replace("https:", "").encode(),
        BARE.upper().replace("HTTPS://SHOP.EXAMPLE/P", "/p").encode(),
        b"<!-- made by hand --><?xml-stylesheet href='a.xsl'?>\n" + BARE.encode(),
        BARE.replace("<loc>", "<loc>\n<![CDATA[").replace("</loc>", "]]> </loc>").encode(),
        gzip.compress(gzip.compress(BARE.encode())),
        f'<rss version="2.0">{FEED.format(ITEMS)}</rss>'.encode(),
        b'<feed xmlns="http://www.w3.org/2005/Atom">'
        + "".join(map(LINKS.format, PAGES)).encode()
        + b"</feed>",
    ],
)
def test_it_is_told_by_its_content(content):
    assert is_list(content)
    assert read_sitemap(content, SITEMAP) == (PAGES, [])


def test_addresses_are_read_as_the_web_takes_them():
    listed = ["/p?a=1&amp;amp;b=2", "/кружка 1", "file:///etc/passwd", "javascript:x", "http://[x"]
    image = '<image:image xmlns:image="i"><image:loc>/a.jpg</image:loc></image:image>'
    content = urlset(*listed).replace(b"</url>", f"{image}</url>".encode())
    site = "https://shop.example"
    assert read_sitemap(content, SITEMAP) == ([f"{site}/p?a=1&b=2", f"{site}/кружка 1"], [])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<!doctype html><html><loc>https://x.example/</loc></html>",
        b'<?xml version="1.0"?><!DOCTYPE html><html xmlns="x"><head/></html>',
        b"\x1f\x8b\x08oops",
        b"\xff\xd8\xff\xe0",
        b"{}",
    ],
)
def test_other_content_is_no_list(content):
    assert not is_list(content)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<html><body>Sorry</body></html>", "is no sitemap"),
        (b"<", "is no sitemap"),
        (b"\x1f\x8b\x08oops", "can't be unzipped"),
        (gzip.compress(bytes(MAXSIZE + 1), 1), "exceed"),
        (b"https://shop.example/p/1\nmugs\n", "no address: 'mugs'"),
    ],
)
def test_what_is_no_sitemap_is_said(content, said):
    with pytest.raises(ValueError, match=said):
        read_sitemap(content, SITEMAP)


def test_an_entity_is_not_resolved(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("https://secret/")
    doctype = f'<!DOCTYPE urlset [<!ENTITY x SYSTEM "{secret.as_uri()}">]>'
    content = f"{doctype}<urlset><url><loc>&x;</loc></url></urlset>".encode()
    assert read_sitemap(content, SITEMAP) == ([], [])


@given(
    st.binary(max_size=60)
    | st.builds(lambda b, n: urlset("x")[:n] + b, st.binary(), st.integers(0, 90))
)
def test_nothing_else_breaks_the_reading(content):
    try:
        pages, sitemaps = read_sitemap(content, SITEMAP)
    except ValueError:
        return
    assert all(isinstance(x, str) for x in [*pages, *sitemaps])


def test_sitemaps_are_known_by_their_names():
    known = ("sitemap.xml", "a/sitemap_index.xml.gz", "products.xml?page=2", "list.txt", "sitemap")
    assert all(is_sitemap(f"https://shop.example/{name}") for name in known)
    assert not any(is_sitemap(f"https://shop.example/{name}") for name in ("", "mugs/", "xml"))
