"""The products of a feed's file, and what a feed files its products under."""

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
    """The products of a file; `url` is where it comes from, for addresses that are relative.

    Raises CutShortError where the file ends before its end, ValueError for what can't be read.
    """
    if kind in _READERS:
        yield from _READERS[kind](path, url)
    else:
        yield from PLATFORMS[kind].items(json.loads(path.read_bytes()), url)


def categories(products: Iterable[FeedItem]) -> Counter[Category]:
    """What products are filed under, and how many of them under each."""
    return Counter(category for product in products for category in product.categories)
