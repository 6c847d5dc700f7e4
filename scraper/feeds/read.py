"""Reads the products of a feed from its file, and counts their categories."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from scraper.feeds import shopify, woocommerce
from scraper.feeds.items import Category, FeedItem
from scraper.feeds.kinds import Kind
from scraper.feeds.merchant import from_table, from_xml
from scraper.feeds.platforms import Platform

PLATFORMS: Final[dict[Kind, Platform]] = {
    Kind.SHOPIFY: shopify.PLATFORM,
    Kind.WOOCOMMERCE: woocommerce.PLATFORM,
}
_READERS: Final[dict[Kind, Callable[[Path, str], Iterator[FeedItem]]]] = {
    Kind.XML: from_xml,
    Kind.TABLE: from_table,
}


def items(path: Path, kind: Kind, url: str) -> Iterator[FeedItem]:
    """The products of a feed's file. Relative addresses in it start from `url`, its own address.

    Raises CutShortError if the file is cut off, and ValueError if it can't be read.
    """
    if kind in _READERS:
        yield from _READERS[kind](path, url)
    else:
        yield from PLATFORMS[kind].items(json.loads(path.read_bytes()), url)


def categories(products: Iterable[FeedItem]) -> Counter[Category]:
    """The number of products in each category."""
    return Counter(category for product in products for category in product.categories)
