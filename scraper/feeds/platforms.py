"""What we need to know of a shop program that lists its products as JSON, page by page."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from scraper.feeds.items import Category, FeedItem


@dataclass(frozen=True, slots=True)
class Shelf:
    """A category whose products the shop can list alone."""

    category: Category
    kind: str
    """`category`, `tag` or `collection`"""
    number: str
    """the identifier in requests for its products"""


@dataclass(frozen=True, slots=True)
class Platform:
    """How to ask a shop program for its lists, and how to read its answers."""

    name: str
    directories: Callable[[str], list[tuple[str, str]]]
    """address of all products → kind and address of each list of categories"""
    shelves: Callable[[Sequence[Any], str], list[Shelf]]
    """all pages of a list of categories, and its kind → the categories. It raises ValueError if a
    page is no page of such a list."""
    listings: Callable[[str, Sequence[Shelf]], list[str]]
    """address of all products, and categories → addresses of the products in these categories"""
    items: Callable[[Any, str], Iterator[FeedItem]]
    """a page of products, and its address → the products. It raises ValueError if the page is no
    page of products."""
    count: Callable[[Any], int]
    """a page → number of its entries"""
    page: Callable[[str, int], str]
    """address of a list, and a page's number → address of that page"""
    size: int
    """number of entries that a page is asked to have"""


def records(found: Any) -> list[dict[str, Any]]:
    """The objects in a list, or in an object of objects. Any other value gives an empty list."""
    if isinstance(found, dict):
        found = [*found.values()]
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def is_api(url: str) -> bool:
    """Whether `url` looks like the address of such a list: by Shopify's or WooCommerce's path."""
    parts = urlsplit(url)
    return parts.path.endswith("/products.json") or "/wc/store" in f"{parts.path}{parts.query}"
