import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.reading.sitemaps import is_sitemap, read_sitemap
from scraper.settings import DOWNLOAD_MAXSIZE

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
    assert read_sitemap(content) == (PAGES, [])


def test_of_an_index_sitemaps_of_products_are_enough():
    blog, more = "https://shop.example/blog.xml", "https://shop.example/sitemap_products_1.xml?a=1"
    assert read_sitemap(index(blog, more)) == ([], [more])
    assert read_sitemap(index(blog)) == ([], [blog])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<html><body>Sorry</body></html>", "is no sitemap"),
        (b"<", "is no sitemap"),
        (b"\x1f\x8b\x08oops", "can't be unzipped"),
        (gzip.compress(bytes(DOWNLOAD_MAXSIZE + 1), 1), "exceed"),
        (b"https://shop.example/p/1\nmugs\n", "no address: 'mugs'"),
    ],
)
def test_what_is_no_sitemap_is_said(content, said):
    with pytest.raises(ValueError, match=said):
        read_sitemap(content)


def test_an_entity_is_not_resolved(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("https://secret/")
    doctype = f'<!DOCTYPE urlset [<!ENTITY x SYSTEM "{secret.as_uri()}">]>'
    content = f"{doctype}<urlset><url><loc>&x;</loc></url></urlset>".encode()
    assert read_sitemap(content) == ([], [])


@given(
    st.binary(max_size=60)
    | st.builds(lambda b, n: urlset("x")[:n] + b, st.binary(), st.integers(0, 90))
)
def test_nothing_else_breaks_the_reading(content):
    try:
        pages, sitemaps = read_sitemap(content)
    except ValueError:
        return
    assert all(isinstance(x, str) for x in [*pages, *sitemaps])


def test_sitemaps_are_known_by_their_names():
    known = ("sitemap.xml", "a/sitemap_index.xml.gz", "products.xml?page=2", "list.txt", "sitemap")
    assert all(is_sitemap(f"https://shop.example/{name}") for name in known)
    assert not any(is_sitemap(f"https://shop.example/{name}") for name in ("", "mugs/", "xml"))
