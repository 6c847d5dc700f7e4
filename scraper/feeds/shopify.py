"""Reads Shopify's public lists: `/products.json`, `/collections/<handle>/products.json`.

https://shopify.dev/docs/api/ajax
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urljoin, urlsplit

from w3lib.url import add_or_replace_parameters

from scraper.feeds.items import (
    Category,
    FeedImage,
    FeedItem,
    absolute,
    category,
    folded,
    once,
    plain,
    whole_number,
)
from scraper.feeds.platforms import Platform, Shelf, records
from scraper.spiders.records import mapping, text

_MOST = 250  # entries of one page; Shopify gives no more
_END = re.compile(r"(/collections/[^/]+)?/products\.json$")


def _root(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{_END.sub('', parts.path)}"


def _directories(url: str) -> list[tuple[str, str]]:
    return [("collection", f"{_root(url)}/collections.json")]


def _shelves(pages: Sequence[Any], kind: str) -> list[Shelf]:
    return [
        shelf
        for page in pages
        for record in _listed(page, "collections")
        if (shelf := _shelf(record, kind))
    ]


def _shelf(record: dict[str, Any], kind: str) -> Shelf | None:
    handle = text(record, "handle")
    if not handle:
        return None
    keys = frozenset((folded(handle), f"/collections/{folded(handle)}", str(record.get("id"))))
    return Shelf(Category((plain(text(record, "title")) or handle,), keys), kind, handle)


def _listed(page: Any, name: str) -> list[dict[str, Any]]:
    """The records in the list `name` of a page. Raises ValueError if the page has no such list."""
    found = page.get(name) if isinstance(page, dict) else None
    if not isinstance(found, list):
        raise ValueError(f"the answer has no list of {name}")  # noqa: TRY004 - bad data
    return records(found)


def _listings(url: str, shelves: Sequence[Shelf]) -> list[str]:
    return [f"{_root(url)}/collections/{shelf.number}/products.json" for shelf in shelves]


def _page(url: str, number: int) -> str:
    return str(add_or_replace_parameters(url, {"limit": str(_MOST), "page": str(number)}))


def _items(page: Any, url: str) -> Iterator[FeedItem]:
    root = _root(url) if "://" in url else url
    for position, record in enumerate(_listed(page, "products"), start=1):
        number, handle = text(record, "id"), text(record, "handle")
        where = f"{root}/products/{handle}" if handle else f"{url}#{position}"
        tags = record.get("tags")
        filed = [text(record, "product_type"), *(tags if isinstance(tags, list) else
                 str(tags or "").split(","))]  # fmt: skip
        yield FeedItem(
            product=number or handle or where,
            place=where,
            title=plain(text(record, "title")) or None,
            images=_images(record, root),
            categories=tuple(category(x) for x in filed if isinstance(x, str) and plain(x)),
        )


def _images(record: dict[str, Any], root: str) -> tuple[FeedImage, ...]:
    variants = (one.get("featured_image") for one in records(record.get("variants")))
    listed = record.get("images")
    several = [
        *(listed if isinstance(listed, list) else records(listed)),
        record.get("image"),
        record.get("featured_image"),
        *records(record.get("media")),
        *variants,
    ]
    found = []
    for one in several:  # each is an object, or only the address of an image
        image = {"src": one} if isinstance(one, str) else mapping(one)
        if url := absolute(urljoin(root, "/"), text(image, "src") or ""):
            size = whole_number(image.get("width")), whole_number(image.get("height"))
            found.append(FeedImage(url, *size))
    return once(found)


def _count(page: Any) -> int:
    lists = page.values() if isinstance(page, dict) else ()
    return sum(len(found) for found in lists if isinstance(found, list))


PLATFORM = Platform(
    "Shopify", _directories, _shelves, _listings, _items, _count, _page, _MOST
)  # fmt: skip
