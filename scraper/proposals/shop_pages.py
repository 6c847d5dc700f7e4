"""Reads the categories and feeds in a shop's answers."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from w3lib.url import add_or_replace_parameters

from scraper.reading.pages import Page

_FEED_KINDS: Final = ("xml", "csv", "tab-separated", "rss", "atom")


@dataclass(frozen=True, slots=True)
class FoundCategory:
    """A category of a shop: its name, its value in a source, and its number of products."""

    name: str
    value: str
    products: int | None = None
    is_listed: bool = True
    """whether the shop lists it; else a product names it, as its type or a tag"""


@dataclass(slots=True)
class Shop:
    """The findings in a shop: how to collect it, its categories, and what it lacks."""

    url: str
    spider: str = "shop"
    what: str = "no categories"
    shelves: list[FoundCategory] = field(default_factory=list)
    allow_private: list[str] = field(default_factory=list)
    lost: list[tuple[str, str]] = field(default_factory=list)
    """the things that were looked for, and why each one is not there"""


class TextPage(Page):
    """A page that keeps its text, for readers that want it."""

    def __init__(self, text: str, url: str, encoding: str) -> None:
        super().__init__(text, url, encoding)
        self.text = text


def store_api(page: Page | None) -> str | None:
    """The address of the API that the shop's WordPress names: below a path, or in the query."""
    found = page.tree.xpath("//link[@rel='https://api.w.org/']/@href")[:1] if page else []
    url = page.absolute(found[0]) if page and found else None
    if not url or "${" in url:
        return None
    if "rest_route=" in url:
        return str(add_or_replace_parameters(url, {"rest_route": "/wc/store/v1/products"}))
    return urljoin(f"{url.rstrip('/')}/", "wc/store/v1/products")


def feed_links(page: Page | None) -> Iterator[str]:
    """The feeds that a page names in a `<link>`."""
    for link in page.tree.xpath("//link[@href]") if page else ():
        kind, relation = link.get("type", "").lower(), link.get("rel", "").lower().split()
        is_feed = "alternate" in relation and any(x in kind for x in _FEED_KINDS)
        url = page.absolute(link.get("href")) if page and is_feed else None
        if url and "${" not in url:  # which DVC would substitute
            yield url


def up_to_the_cut(found: Iterator[Any]) -> Iterator[Any]:
    """The items before the place where a feed is cut off."""
    with suppress(ValueError):
        yield from found


def parsed(body: bytes) -> Any:
    try:
        return json.loads(body.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError):
        return None


def product_counts(page: Any) -> dict[str, int]:
    """The number of products in each category, by the shop's name for it: a handle or a number."""
    records = page.get("collections") if isinstance(page, dict) else page
    found = {}
    for one in records if isinstance(records, list) else ():
        if isinstance(one, dict):
            count = one.get("products_count", one.get("count"))
            if isinstance(count, int):
                found[str(one.get("handle") or one.get("id"))] = count
    return found


def name_of(path: str) -> str:
    """The last words of a category's address: `/c/rain-boots.html` → `rain boots`."""
    last = path.rstrip("/").rpartition("/")[2]
    return re.sub(r"[-_+]|%20", " ", re.sub(r"\.\w{2,5}$", "", last)).strip()


def short(url: str, host: str) -> str:
    parts = urlsplit(url)
    if parts.netloc != host:
        return url
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
