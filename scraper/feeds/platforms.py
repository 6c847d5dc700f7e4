"""What shop programs have in common that give their products as JSON, page by page."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from scraper.feeds.items import Category, FeedItem


@dataclass(frozen=True, slots=True)
class Shelf:
    """A category that the shop can be asked for alone."""

    category: Category
    kind: str
    number: str
    """what the shop is asked for it by"""


@dataclass(frozen=True, slots=True)
class Platform:
    """How one of these programs is asked, and how its answers are read."""

    name: str
    directories: Callable[[str], list[tuple[str, str]]]
    """of the address of its products: kind and address of its lists of categories"""
    shelves: Callable[[Sequence[Any], str], list[Shelf]]
    """the categories of all pages of such a list, of that kind; raises ValueError for what is none
    """
    listings: Callable[[str, Sequence[Shelf]], list[str]]
    """addresses of the products of these categories"""
    items: Callable[[Any, str], Iterator[FeedItem]]
    """the products of one page; raises ValueError for what is none"""
    count: Callable[[Any], int]
    """how many entries a page has"""
    page: Callable[[str, int], str]
    """the address of a page of a list"""
    size: int
    """how many entries a page is asked to have"""


def records(found: Any) -> list[dict[str, Any]]:
    """The objects of a list; `null` and `false` stand for an empty one."""
    if isinstance(found, dict):
        found = [*found.values()]
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def is_api(url: str) -> bool:
    """Whether an address looks like that of such a list of products."""
    parts = urlsplit(url)
    return parts.path.endswith("/products.json") or "/wc/store" in f"{parts.path}{parts.query}"
