"""Reads WooCommerce's Store API: `/wp-json/wc/store/v1/products`.

https://developer.woocommerce.com/docs/apis/store-api/resources-endpoints/products
"""

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

from w3lib.url import add_or_replace_parameters

from scraper.feeds.items import (
    Category,
    FeedImage,
    FeedItem,
    absolute,
    address_path,
    folded,
    levels,
    once,
    plain,
)
from scraper.feeds.platforms import Platform, Shelf, records
from scraper.spiders.records import text

_MOST = 100  # entries of one page; the API gives no more
_KINDS = {"category": "categories", "tag": "tags"}


def _directories(url: str) -> list[tuple[str, str]]:
    return [(kind, _directory(url, name)) for kind, name in _KINDS.items()]


def _directory(url: str, name: str) -> str:
    """The address `…/products/<name>`. If the query has the path (`?rest_route=…`), it stays so."""
    parts = urlsplit(url)
    if route := parse_qs(parts.query).get("rest_route"):
        return str(add_or_replace_parameters(url, {"rest_route": f"{route[0].rstrip('/')}/{name}"}))
    return urlunsplit((parts.scheme, parts.netloc, f"{parts.path.rstrip('/')}/{name}", "", ""))


def _listed(page: Any, what: str) -> list[dict[str, Any]]:
    """The records of a page. Raises ValueError if it is no list, with the API's own message."""
    if not isinstance(page, list):
        said = text(page, "message", "code") if isinstance(page, dict) else None
        raise ValueError(said or f"the answer is no list of {what}")  # noqa: TRY004 - bad data
    return records(page)


def _shelves(pages: Sequence[Any], kind: str) -> list[Shelf]:
    """The categories of all pages. The path of each has the names of the categories above it."""
    listed = [record for page in pages for record in _listed(page, _KINDS[kind])]
    known = {text(record, "id"): record for record in listed}
    found = []
    for number, record in known.items():
        names: list[str] = []
        at: dict[str, Any] | None = record
        while at and len(names) < len(known):
            names.insert(0, plain(text(at, "name")))
            at = known.get(text(at, "parent"))
        if number:
            found.append(Shelf(Category(tuple(filter(None, names)), _keys(record)), kind, number))
    return found


def _keys(record: dict[str, Any]) -> frozenset[str]:
    link = text(record, "link", "permalink")
    keys = [text(record, "id"), text(record, "slug"), link and address_path(link)]
    return frozenset(folded(key) for key in keys if key)


def _listings(url: str, shelves: Sequence[Shelf]) -> list[str]:
    """One address for each kind of category, because the API takes several numbers at once."""
    kinds: dict[str, list[str]] = {}
    for shelf in shelves:
        kinds.setdefault(shelf.kind, []).append(shelf.number)
    return [
        str(add_or_replace_parameters(url, {kind: ",".join(numbers)}))
        for kind, numbers in kinds.items()
    ]


def _page(url: str, number: int) -> str:
    return str(add_or_replace_parameters(url, {"per_page": str(_MOST), "page": str(number)}))


def _items(page: Any, url: str) -> Iterator[FeedItem]:
    for position, record in enumerate(_listed(page, "products"), start=1):
        number, link = text(record, "id"), absolute(url, text(record, "permalink") or "")
        parent = text(record, "parent")
        where = link or f"{url}#{position}"
        filed = [*records(record.get("categories")), *records(record.get("tags"))]
        sources = (text(one, "src", "thumbnail") for one in records(record.get("images")))
        found = (absolute(url, source) for source in sources if source)
        yield FeedItem(
            product=(parent if parent != "0" else None) or number or where,
            place=where,
            title=plain(text(record, "name")) or None,
            images=once(FeedImage(x) for x in found if x),
            categories=tuple(Category(levels(text(x, "name") or ""), _keys(x)) for x in filed),
        )


def _count(page: Any) -> int:
    return len(page) if isinstance(page, list) else 0


PLATFORM = Platform(
    "WooCommerce", _directories, _shelves, _listings, _items, _count, _page, _MOST
)  # fmt: skip
