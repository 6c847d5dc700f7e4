"""Reads the products of a sitemap. An index may name sitemaps of several kinds."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from scraper.reading.canonical import once, place

Read = Callable[[str], Awaitable[tuple[list[str], list[str]]]]
"""the pages and the other sitemaps that a sitemap lists; empty if it can't be read"""
IsProduct = Callable[[str], Awaitable[bool | None]]
"""whether the page at an address is a product's; None if it can't be fetched now"""

_LOOKED_AT = 5  # pages of each kind of sitemap
_PRODUCTS = re.compile(
    r"product|produ[ck]t|produit|prodott|item|artikel|goods|tovar|sku|pdp", re.IGNORECASE
)
_OTHERS = re.compile(
    r"categor|kategor|collection|brand|marke|blog|post|news|page|cms|image|video|author|tag|store",
    re.IGNORECASE,
)


async def product_lists(
    url: str, read: Read, is_product: IsProduct, passed_over: list[str]
) -> AsyncIterator[list[str]]:
    """Addresses of products: a list for each sitemap, in the order of their index.

    A few pages of a sitemap show what kind of pages it lists. Its name only decides which sitemaps
    are looked at first. Sitemaps that list no products are added to `passed_over`. If none seems to
    list any, all are read.
    """
    pending, seen, sells = [(url, "")], {place(url)}, dict[str, bool]()
    found = False
    while pending:
        source, kind = pending.pop(0)
        pages, more = ([], []) if sells.get(kind) is False else await read(source)
        if kind and kind not in sells and pages:
            sells[kind] = await _sells(pages, is_product)
        if sells.get(kind) is False:
            passed_over.append(source)
            continue
        new = [x for x in once(more) if place(x) not in seen]
        seen.update(map(place, new))
        pending[:0] = _by_kind(new, kind)
        if pages:
            found = True
            yield once(pages)
    while passed_over and not found:
        pages, _ = await read(passed_over.pop(0))
        yield once(pages)


async def _sells(pages: Sequence[str], is_product: IsProduct) -> bool:
    """Whether `pages` has product pages, by a few of them; true if none of these can be fetched."""
    looked = [await is_product(x) for x in pages[:: -(-len(pages) // _LOOKED_AT)]]
    return any(looked) or all(x is None for x in looked)


def _by_kind(sitemaps: Sequence[str], within: str) -> list[tuple[str, str]]:
    """Each sitemap with its kind, which is its address without numbers. Likely ones come first."""
    kinds = {x: re.sub("[0-9]+", "#", x) for x in sitemaps}
    if len(set(kinds.values())) == 1:
        kinds = dict.fromkeys(kinds, within)
    return sorted(kinds.items(), key=lambda entry: _rank(entry[0]))


def _rank(url: str) -> int:
    """0 if a sitemap's name speaks of products, 2 if of other things, 1 if of neither."""
    name = url.rpartition("/")[2]
    return 2 if _OTHERS.search(name) else 0 if _PRODUCTS.search(name) else 1
