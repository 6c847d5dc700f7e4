"""Collects from any shop: categories → listing pages → product pages → images.

From a sitemap or a file of product addresses, the way is: list → product pages → images.
"""

import asyncio
import functools
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from scrapy import Request
from scrapy.http import Response, TextResponse
from twisted.python.failure import Failure

from pipeline.addresses import RefusedAddressError, check_url
from scraper.crawling.items import ProductImage
from scraper.crawling.page_failures import (
    PageFailure,
    failure_of,
    is_sent_to,
    listing_failure,
    no_web_page,
    not_followed,
    product_failure,
    response_failure,
)
from scraper.crawling.redirects import is_elsewhere, is_home_page
from scraper.ledger import LIST, Outcome
from scraper.reading.canonical import Place, place, places
from scraper.reading.markup import Product, read_listing, read_product
from scraper.reading.names import words
from scraper.reading.sitemaps import is_file, is_list, is_sitemap, read_addresses, read_sitemap
from scraper.spiders import SourceSpider
from scraper.spiders.listed import product_lists
from scraper.spiders.products import classes_of, product_images

_AT_ONCE = 16  # product pages of one class; the settings keep the crawl polite
_MOST_PAGES = 1000  # of one listing, because paging may have no end


class ShopSpider(SourceSpider):
    """Follows paging and product pages. Only pages of products yield images.

    A class is walked page by page, with its products in their order, so that the images within a
    limit depend on the shop alone. If `url` is a sitemap or a file of addresses, each product
    itself tells its class: see `classes_of`.
    """

    name = "shop"
    takes = frozenset({"url", "browser", "part"})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._guessed: dict[str, None] = {}
        """pages whose images no markup names"""
        self._named: dict[str, str | None] = {}
        """identifier: the name of the first product that has it"""
        self._listings: set[Place] = set()
        """addresses of listings and their pages. If a product page redirects there, it is gone."""

    async def start(self) -> AsyncIterator[Any]:
        url = self.config.home
        if is_file(url) or is_sitemap(url) or await self._names_a_list(url):
            async for image in self._from_list(url, self.classes):
                yield image
            return
        for label, category in self.classes.items():
            try:
                url = urljoin(self.config.home, category)
                check_url(url)
            except (ValueError, RefusedAddressError) as error:
                self.unreadable[label] = str(error)
                continue
            self._listings.add(place(url))
            if self.earlier.was_read(label):
                async for image in self._open_pages(label):
                    yield image
            else:
                yield self._listing(url, label, frozenset(), 1)

    def _listing(self, url: str, label: str, seen: frozenset[Place], number: int) -> Request:
        return Request(
            url,
            callback=self.parse,
            errback=self.listing_failed,
            cb_kwargs={"label": label, "seen": seen, "number": number, "asked": url},
            meta=self.page_meta,
            dont_filter=True,  # two classes may share a category
        )

    async def parse(
        self, response: Response, label: str, seen: frozenset[Place], number: int, asked: str
    ) -> AsyncIterator[Any]:
        """Page `number` of a listing: the images of its products, then the next page.

        `seen` has the pages and products of this class so far; `asked` is the page's address
        before any redirect.
        """
        failure = response_failure(response)
        if not failure and is_list(response.body):
            async for image in self._from_list(response.url, {label: response.url}):
                yield image
            return
        if failure or not isinstance(response, TextResponse):
            self._listing_ends(label, asked, number, failure or no_web_page(response))
            return
        if place(response.url) in seen:  # some shops show the last page again after the last
            return
        if is_elsewhere(asked, response.url):
            failure = PageFailure(Outcome.FAILED_FOR_GOOD, is_sent_to(response.url))
            self._listing_ends(label, asked, number, failure)
            return
        said = response.text, response.url, response.encoding
        listing = read_listing(*said)
        alone = read_product(*said) if listing.is_guess else None
        if alone and not alone.is_guess:  # the address of a product, not of a category
            for image in self._read_alone(asked, response, label):
                yield image
            return
        if failure := listing_failure(response, listing, number):
            self._listing_ends(label, asked, number, failure)
            return
        self.ledger.listing_pages[label] += 1
        here, following = {place(asked), place(response.url)}, listing.next_page
        self._listings |= here
        at_places = places([*listing.products, *([following] if following else [])])
        found = dict(zip(listing.products, at_places, strict=False))
        new = [url for url, at in found.items() if at not in seen]
        async for image in self._take(new, label, are_said=not listing.is_guess):
            yield image
        seen = seen | here | {*found.values()}
        if label in self.full or not new or (following and place(following) in seen):
            return
        if following and number < _MOST_PAGES:
            yield self._listing(following, label, seen, number + 1)
        elif following:
            self.break_off(label, response.url, f"not read beyond page {number}")
        elif listing.more:
            self.break_off(label, response.url, not_followed(listing.more))

    def listing_failed(self, failure: Failure) -> None:
        label, asked, number = map(failure.request.cb_kwargs.get, ("label", "asked", "number"))
        self._listing_ends(label, asked, number, failure_of(failure.value))

    def _listing_ends(self, label: str, url: str, number: int, failure: PageFailure) -> None:
        """Note that page `number` can't be read. If a next page is gone, the listing ends there."""
        if number == 1:
            self.unreadable[label] = f"{self.recorded(url)}: {failure.why}"
        else:
            self._skip(url, label, failure.why, cuts=not failure.is_gone)

    async def _take(
        self, urls: Sequence[str], label: str, *, are_said: bool, until_full: bool = True
    ) -> AsyncIterator[ProductImage]:
        """The images of the product pages at `urls`, in their order, until the class is full.

        `are_said` is true if the shop itself says that these are product pages; then the pages need
        not say it. Pages that an earlier run has settled, or that are in another part of the
        source, are not asked for. If `label` is LIST, each product itself tells its classes.
        """
        urls = [url for url in urls if self.is_mine(label, url)]
        for at in range(0, len(urls), _AT_ONCE):
            if until_full and self.full.issuperset([label] if label else self.classes):
                return
            open_ = [url for url in urls[at : at + _AT_ONCE] if not self.is_settled(url, label)]
            pages = await asyncio.gather(*map(self.fetch, open_))
            for url, found in zip(open_, pages, strict=True):
                again = isinstance(found, PageFailure) and found.is_overload
                page = await self.fetch(url) if again else found  # the second time alone
                for image in self._read_page(url, page, label, is_said=are_said):
                    yield image

    async def _open_pages(self, label: str) -> AsyncIterator[ProductImage]:
        """The images of a listing that an earlier run has read, from pages that failed for now."""
        self.ledger.listing_pages[label] = self.earlier.listing_pages[label]
        self.ledger.take_other_parts(self.earlier, label)
        pages = [p for p in self.earlier.pages.values() if label in (LIST, p.label)]
        for is_said in (True, False):
            urls = dict.fromkeys(self.current(p.url) for p in pages if p.is_said == is_said)
            async for image in self._take(list(urls), label, are_said=is_said, until_full=False):
                yield image
        self.full |= self.earlier.full if label == LIST else self.earlier.full & {label}

    def _read_alone(self, url: str, page: Response, label: str) -> Iterator[ProductImage]:
        """The images of a product page whose address was given as that of a listing."""
        self.ledger.listing_pages[label] += 1
        if self.is_mine(label, url):
            yield from self._read_page(url, page, label)

    def _read_page(
        self, url: str, page: Response | PageFailure, label: str, *, is_said: bool = False
    ) -> Iterator[ProductImage]:
        """The images of the product page at `url`. The outcome of the page is noted."""
        if isinstance(page, PageFailure):
            self.note(label, url, page.outcome, page.why, is_said=is_said)
        elif not isinstance(page, TextResponse):
            self.note(label, url, Outcome.NO_PRODUCT, no_web_page(page).why)
        elif is_elsewhere(url, page.url) and (
            is_home_page(page.url) or place(page.url) in self._listings
        ):
            why = f"is sent to {page.url}, which is no product's page"
            self.note(label, url, Outcome.FAILED_FOR_GOOD, why)
        else:
            said = page.text, page.url, page.encoding
            product = read_product(*said, is_product_page=is_said)
            failure = product_failure(page, product)
            for one in self._classes(url, page, product, label):
                outcome = failure.outcome if failure else Outcome.READ
                self.note(one, url, outcome, failure.why if failure else None, page.url)
                if product and not failure:
                    yield from self._images(product, one, page)

    def _classes(
        self, url: str, page: TextResponse, product: Product | None, label: str
    ) -> list[str]:
        if label or product is None:
            return [label]
        labels = classes_of(product, page.url, self.classes, self.config.home)
        if not labels:
            filed = " | ".join(product.categories) or "nothing"
            self.note(label, url, Outcome.NO_CLASS, f"is filed under {filed}", page.url)
        return labels

    async def _names_a_list(self, url: str) -> bool:
        """Whether the source's `url` leads to a sitemap, although its name is not that of one."""
        addresses = {place(urljoin(url, value)) for value in self.classes.values()}
        if place(url)[1:] == ("", ()) or place(url) in addresses:
            return False  # `parse` recognises a sitemap in the place of a category
        response = await self.fetch(url, is_page=False)
        return isinstance(response, Response) and is_list(response.body)

    async def _is_product(self, url: str) -> bool | None:
        page = await self.fetch(url)
        if not isinstance(page, TextResponse):
            return None if isinstance(page, PageFailure) else False
        return read_product(page.text, page.url, page.encoding) is not None

    async def _from_list(self, url: str, classes: Mapping[str, str]) -> AsyncIterator[ProductImage]:
        """The images of all products that a sitemap or a file lists, each in its classes."""
        label, found = next(iter(classes)) if [*classes.values()] == [url] else LIST, 0
        if self.earlier.was_read(label):
            async for image in self._open_pages(label):
                yield image
            return
        async for urls in self._listed(url, label):
            found += len(urls)
            async for image in self._take(urls, label, are_said=True):
                yield image
        if not found:
            why = self.ledger.may_have_more.pop(label, None) or f"{url}: lists no products"
            self.unreadable |= dict.fromkeys(classes, why)

    async def _listed(self, url: str, label: str) -> AsyncIterator[list[str]]:
        """Addresses of products: a list for each sitemap, in the order of their index."""
        passed_over: list[str] = []
        read = functools.partial(self._read_list, url, label)
        async for urls in product_lists(url, read, self._is_product, passed_over):
            yield urls
        for sitemap in passed_over:
            self.note(label, sitemap, Outcome.NO_PRODUCT, "its pages are no products")

    async def _read_list(self, first: str, label: str, url: str) -> tuple[list[str], list[str]]:
        try:
            if url == first and is_file(url):  # a sitemap can't name a file of this machine
                pages, more = read_addresses(Path(url).read_bytes()), list[str]()
            else:
                response = await self.fetch(url, is_page=False)
                if isinstance(response, PageFailure):
                    is_none = response.is_gone or "://" not in url or url[:4] == "file"
                    self._skip(url, label, response.why, cuts=url == first or not is_none)
                    return [], []
                pages, more = read_sitemap(response.body, response.url)
        except ValueError as error:
            self.break_off(label, url, str(error))
            return [], []
        self.ledger.listing_pages[label] += 1
        return pages, more

    def _images(self, product: Product, label: str, page: Response) -> Iterator[ProductImage]:
        if product.is_guess and product.images:
            self._guessed[page.url] = None
        yield from product_images(product, self._identifier(product, page.url), label, page)

    def _identifier(self, product: Product, url: str) -> str:
        """The shop's own identifier, or the address if another product has the same one."""
        if not product.id:
            return url
        first = self._named.setdefault(product.id, product.title)
        is_same = product.is_group or words(product.title) == words(first)
        return product.id if is_same else url

    def closed(self, reason: str) -> None:  # noqa: ARG002 - Scrapy's signature
        if self._guessed:
            self.logger.warning(
                "%d pages name no image of their product, so it was guessed; the first: %s",
                len(self._guessed),
                next(iter(self._guessed)),
            )
