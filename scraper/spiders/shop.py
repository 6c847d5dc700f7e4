"""Any shop that marks up its products: categories → listing pages → product pages → pictures."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any
from urllib.parse import urljoin

from scrapy import Request
from scrapy.http import Response, TextResponse
from twisted.python.failure import Failure

from scraper.addresses import RefusedAddressError, check_url
from scraper.failures import explain
from scraper.items import ProductImage
from scraper.markup import Product, read_listing, read_product
from scraper.optout import page_opt_out
from scraper.spiders import SourceSpider

_AT_ONCE = 16  # product pages of one class; what is polite is the settings' business


class ShopSpider(SourceSpider):
    """Follows paging and product pages; only pages with Product markup yield pictures.

    A class is walked page by page, its products in their order, so that what a limit lets through
    depends on the shop alone.
    """

    name = "shop"

    async def start(self) -> AsyncIterator[Any]:
        for label, category in self.config.classes.items():
            try:
                url = urljoin(self.config.url or "", category)
                check_url(url)
            except (ValueError, RefusedAddressError) as error:
                self.unreadable[label] = str(error)
            else:
                yield self._listing(url, label, frozenset())

    def _listing(self, url: str, label: str, seen: frozenset[str]) -> Request:
        return Request(
            url,
            callback=self.parse,
            errback=self.listing_failed,
            cb_kwargs={"label": label, "seen": seen},
            dont_filter=True,  # two classes may share a category
        )

    async def parse(
        self, response: Response, label: str, seen: frozenset[str]
    ) -> AsyncIterator[Any]:
        """A listing page: the pictures of its products, then the next page.

        `seen` has the pages and products of this class so far.
        """
        text = response.text if isinstance(response, TextResponse) else ""
        listing = read_listing(text, response.url)
        alone = read_product(text, response.url) if listing.is_guess else None
        if alone:  # the address of a product, not of a category
            for picture in _pictures(alone, label, response):
                yield picture
            return
        new = [url for url in listing.products if url not in seen]
        for at in range(0, len(new), _AT_ONCE):
            if label in self.full:
                return
            pages = await self._products(new[at : at + _AT_ONCE], label)
            for page, product in pages:
                for picture in _pictures(product, label, page):
                    yield picture
        seen = seen | {response.url, *new}
        if new and listing.next_page and listing.next_page not in seen and label not in self.full:
            yield self._listing(listing.next_page, label, seen)

    async def _products(self, urls: Sequence[str], label: str) -> list[tuple[Response, Product]]:
        found = []
        for page in await asyncio.gather(*(self.fetch(url, label) for url in urls)):
            if page is not None and isinstance(page, TextResponse):
                product = read_product(page.text, page.url)
                if product:
                    found.append((page, product))
        return found

    def listing_failed(self, failure: Failure) -> None:
        request, why = failure.request, explain(failure.value)[1]
        label, seen = request.cb_kwargs["label"], request.cb_kwargs["seen"]
        if seen:
            self.skipped_pages[label].append(f"{request.url}: {why}")
        else:
            self.unreadable[label] = f"{request.url}: {why}"


def _pictures(product: Product, label: str, page: Response) -> Iterator[ProductImage]:
    opt_out = page_opt_out(page)
    for photo in product.photos:
        yield ProductImage(
            label=label,
            image_url=photo.url,
            page_url=page.url,
            product_id=product.id or page.url,
            title=product.title,
            license=photo.license,
            license_url=photo.license_url,
            author=photo.author,
            opt_out=opt_out,
        )
