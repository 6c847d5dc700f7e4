"""Feeds in the shapes in which strangers hand them over, and the names of what is no feed."""

import io
import json
import zipfile

import pytest

from scraper.feeds import shopify
from scraper.feeds.items import absolute
from scraper.feeds.kinds import Kind, describe_other, kind_of
from scraper.feeds.opening import head_of
from scraper.feeds.read import items

FEED = "https://shop.example/feed.xml"
IMAGE = "https://i.example/a.jpg"
G = 'xmlns:g="http://base.google.com/ns/1.0"'
XML = (
    f"<rss {G}><channel><item><g:id>1</g:id><g:image_link>{IMAGE}</g:image_link>"
    "<g:product_type>Mugs</g:product_type></item></channel></rss>"
)
ROW = f"1,T,{IMAGE},Mugs"
HEADER = "id,title,image_link,product_type"


def zipped(*names: str, content: str = XML) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, content)
    return packed.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        "\ufeff" + XML,
        XML.encode("utf-16"),
        XML.replace("image_link", "IMAGE_LINK"),
        XML.replace("<g:id>1", "<g:id>Caf\xe9").encode("cp1252"),
        XML.replace(f" {G}", ""),
        zipped("feed.xml"),
        zipped("__MACOSX/._feed.xml", "parts/", "parts/feed.xml"),
        zipped("feed.csv", content=f"{HEADER}\n{ROW}\n"),
        f"ID,Title,Image Link,Product-Type\n{ROW}\n",
        f'"g:id";"g:title";"g:image_link";"g:product_type"\n1;"T;\nt";{IMAGE};Mugs\n',
        f'# Required | Yours,# Optional,"# Required | JPEG, PNG",#\n{HEADER}\n{ROW}\n',
        f"sep=,\r\n{HEADER}\r\n{ROW}\r\n",
        f"\n\n{HEADER}\n{ROW}\n".encode("utf-16-le"),
    ],
)
def test_each_gives_its_product(tmp_path, content):
    path = tmp_path / "feed"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    kind = kind_of(head_of(path))
    assert kind in (Kind.XML, Kind.TABLE)
    (product,) = items(path, kind, FEED)
    assert [image.url for image in product.images] == [IMAGE]
    assert [category.path for category in product.categories] == [("Mugs",)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'<?xml version="1.0"?><sitemapindex><sitemap/></sitemapindex>', "a sitemap, which lists"),
        (b"<urlset><url/></urlset>", "the spider shop takes it as its url"),
        (b"<listings><listing/></listings>", "XML of another kind, with <listings>"),
        (b"<rss><channel><item/></channel></rss>", "XML with <rss> that names no image_link"),
        (b"<!doctype html><form><input type=password>", "a web page"),
        (b'{"errors": "Not found"}', "JSON of another kind"),
        (b"# only\n# comments\n", "a text"),
        (b"", "an empty file"),
        (zipped("a.xml", "b.xml"), "an archive"),
        (zipped("a.xml")[:-30], "an archive"),
        (b"%PDF-1.7", "a PDF document"),
    ],
)
def test_what_is_no_feed_is_named(tmp_path, content, said):
    (tmp_path / "feed").write_bytes(content)
    head = head_of(tmp_path / "feed")
    assert kind_of(head) is None
    assert said in describe_other(head)


@pytest.mark.parametrize(
    ("record", "found"),
    [
        ({"images": [], "featured_image": "//i.example/a.jpg"}, ["a"]),
        ({"images": False, "featured_image": {"src": "https://i.example/a.jpg"}}, ["a"]),
        (
            {"images": ["https://i.example/a.jpg", {"src": "//i.example/b.jpg"}, None, 7]},
            ["a", "b"],
        ),
        ({"images": {"0": {"src": "//i.example/a.jpg"}}, "image": None}, ["a"]),
        ({"media": [{"src": "https://i.example/a.jpg"}, {"media_type": "video"}]}, ["a"]),
        ({"variants": [{"featured_image": "//i.example/a.jpg"}, "odd"], "image": ""}, ["a"]),
    ],
)
def test_each_shape_in_which_shopify_gives_images(record, found):
    page = json.loads(json.dumps({"products": [{"id": 1, "handle": "x", **record}]}))
    (product,) = shopify.PLATFORM.items(page, "https://shop.example/products.json")
    urls = [image.url for image in product.images]
    assert urls == [f"https://i.example/{name}.jpg" for name in found]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("cdn.shop.example/a.jpg", "https://cdn.shop.example/a.jpg"),
        ("CDN.Shop.EXAMPLE:8443/a.jpg", "https://CDN.Shop.EXAMPLE:8443/a.jpg"),
        ("//cdn.example/a.jpg", "https://cdn.example/a.jpg"),
        ("images/a.b/c.jpg", "https://shop.example/images/a.b/c.jpg"),
        ("a.jpg", "https://shop.example/a.jpg"),
        ("./v1.2/a.jpg", "https://shop.example/v1.2/a.jpg"),
        ("data:image/png;base64,AA", "data:image/png;base64,AA"),
        ("ftp://i.example/a.jpg", "ftp://i.example/a.jpg"),
        ("n/a", None),
    ],
)
def test_an_address_without_a_scheme(written, expected):
    assert absolute(FEED, written) == expected
