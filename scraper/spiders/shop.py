"""Any shop that marks up its products: categories → listing pages → product pages → images.

Or sitemap, or file of product addresses → product pages → images.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from scrapy import Request
from scrapy.http import Response, TextResponse
from scrapy.http.request import NO_CALLBACK
from twisted.python.failure import Failure

from pipeline.addresses import RefusedAddressError, check_url
from scraper.crawling.failures import DOWNLOAD_ERRORS, ForbiddenByRobotsError, explain, may_pass
from scraper.crawling.items import ProductImage
from scraper.reading.canonical import Place, place, places
from scraper.reading.markup import Product, read_listing, read_product
from scraper.reading.names import words
from scraper.reading.optout import page_opt_out
from scraper.reading.sitemaps import is_file, is_list, is_sitemap, read_addresses, read_sitemap
from scraper.spiders import SourceSpider
from scraper.spiders.listed import product_lists

_AT_ONCE = 16  # product pages of one class; what is polite is the settings' business
_MOST_PAGES = 1000  # of one listing: a calendar of pages may have no end
_LIST = "sitemap"  # what is logged in place of a class, where that is not known yet


class ShopSpider(SourceSpider):
    """Follows paging and product pages; only pages of products yield images.

    A class is walked page by page, its products in their order, so that what a limit lets through
    depends on the shop alone. Where `url` is a sitemap or a file of addresses, each product says
    itself which class it is of: see `classes_of`.
    """

    name = "shop"
    takes = frozenset({"url", "browser"})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._guessed: dict[str, None] = {}
        """pages whose images no markup names"""
        self._named: dict[str, str | None] = {}
        """identifier: the name of the first product that has it"""
        self._in_no_class: dict[str, tuple[str, ...]] = {}
        """products of a sitemap: what they are filed under"""

    async def start(self) -> AsyncIterator[Any]:
        url = self.config.url or ""
        if is_file(url) or is_sitemap(url) or await self._names_a_list(url):
            async for picture in self._from_list(url, self.config.classes):
                yield picture
            return
        for label, category in self.config.classes.items():
            try:
                url = urljoin(self.config.url or "", category)
                check_url(url)
            except (ValueError, RefusedAddressError) as error:
                self.unreadable[label] = str(error)
            else:
                yield self._listing(url, label, frozenset(), 1)

    def _listing(self, url: str, label: str, seen: frozenset[Place], number: int) -> Request:
        return Request(
            url,
            callback=self.parse,
            errback=self.listing_failed,
            cb_kwargs={"label": label, "seen": seen, "number": number},
            meta=self.page_meta,
            dont_filter=True,  # two classes may share a category
        )

    async def parse(
        self, response: Response, label: str, seen: frozenset[Place], number: int
    ) -> AsyncIterator[Any]:
        """Page `number` of a listing: the images of its products, then the next page.

        `seen` has the pages and products of this class so far.
        """
        if is_list(response.body):
            async for picture in self._from_list(response.url, {label: response.url}):
                yield picture
            return
        text = response.text if isinstance(response, TextResponse) else ""
        encoding = response.encoding if isinstance(response, TextResponse) else "utf-8"
        listing = read_listing(text, response.url, encoding)
        alone = read_product(text, response.url, encoding) if listing.is_guess else None
        if alone and not alone.is_guess:  # the address of a product, not of a category
            for picture in self._pictures(alone, label, response):
                yield picture
            return
        following = listing.next_page
        at_places = places([*listing.products, *([following] if following else [])])
        found = dict(zip(listing.products, at_places, strict=False))
        new = [url for url, at in found.items() if at not in seen]
        for at in range(0, len(new), _AT_ONCE):
            if label in self.full:
                return
            pages = await self._products(
                new[at : at + _AT_ONCE], label, are_said=not listing.is_guess
            )
            for page, product in pages:
                for picture in self._pictures(product, label, page):
                    yield picture
        seen = seen | {place(response.url), *found.values()}
        if not new or not following or place(following) in seen or label in self.full:
            return
        if number < _MOST_PAGES:
            yield self._listing(following, label, seen, number + 1)
        else:
            self.logger.warning("%s: not read beyond page %d, %s", label, number, response.url)

    async def _products(
        self, urls: Sequence[str], label: str, *, are_said: bool
    ) -> list[tuple[Response, Product]]:
        """`are_said`: the shop says that these are pages of products; no page has to."""
        found = []
        for page in await asyncio.gather(*(self.fetch(url, label) for url in urls)):
            if page is not None and isinstance(page, TextResponse):
                product = read_product(page.text, page.url, page.encoding, is_product_page=are_said)
                if product:
                    found.append((page, product))
        return found

    def listing_failed(self, failure: Failure) -> None:
        request, why = failure.request, explain(failure.value)[1]
        label, seen = request.cb_kwargs["label"], request.cb_kwargs["seen"]
        if seen:
            self._skip(request.url, label, why, cuts=may_pass(failure.value))
        else:
            self.unreadable[label] = f"{request.url}: {why}"

    async def _names_a_list(self, url: str) -> bool:
        """Whether the source's `url`, that is not called a sitemap, is one by its content."""
        addresses = {place(urljoin(url, value)) for value in self.config.classes.values()}
        if place(url)[1:] == ("", ()) or place(url) in addresses:
            return False  # `parse` looks at the latter
        response = await self._peek(url, self.list_meta)
        return response is not None and is_list(response.body)

    async def _peek(self, url: str, meta: dict[str, Any]) -> Response | None:
        """What is at an address that no one asked for; where it can't be had, that is no news."""
        try:
            request = Request(url, callback=NO_CALLBACK, meta=meta)
            response = await self.crawler.engine.download_async(request)
        except (ForbiddenByRobotsError, *DOWNLOAD_ERRORS):
            return None
        return response if response.status == 200 else None

    async def _is_product(self, url: str) -> bool | None:
        page = await self._peek(url, self.page_meta)
        if page is None:
            return None
        is_text = isinstance(page, TextResponse)
        return is_text and read_product(page.text, page.url, page.encoding) is not None

    async def _from_list(self, url: str, classes: Mapping[str, str]) -> AsyncIterator[ProductImage]:
        """The images of all products that a sitemap or a file lists, each in its classes."""
        found = 0
        async for urls in self._listed(url):
            found += len(urls)
            for at in range(0, len(urls), _AT_ONCE):
                if self.full.issuperset(classes):
                    return
                for page, product in await self._products(
                    urls[at : at + _AT_ONCE], _LIST, are_said=True
                ):
                    labels = classes_of(product, page.url, classes, url)
                    if not labels:
                        self._in_no_class[page.url] = product.categories
                    for label in labels:
                        for picture in self._pictures(product, label, page):
                            yield picture
        if not found:
            forbidden = [f"{x}: robots.txt forbids it" for x in self.forbidden_pages.pop(_LIST, ())]
            why = [*forbidden, *self.skipped_pages.pop(_LIST, ()), f"{url}: lists no products"]
            self.unreadable |= dict.fromkeys(classes, why[0])
            self.cut_short.pop(_LIST, None)

    async def _listed(self, url: str) -> AsyncIterator[list[str]]:
        """Addresses of products: a list for each sitemap, in the order of their index."""
        passed_over: list[str] = []
        async for urls in product_lists(url, self._read_list, self._is_product, passed_over):
            yield urls
        if passed_over:
            self.logger.warning(
                "%d sitemaps were passed over: what was looked at is no product; the first: %s",
                len(passed_over),
                passed_over[0],
            )

    async def _read_list(self, source: str) -> tuple[list[str], list[str]]:
        try:
            if source == self.config.url and is_file(source):  # what a sitemap names is never one
                return read_addresses(Path(source).read_bytes()), []
            response = await self.fetch(source, _LIST, is_page=False)
            return read_sitemap(response.body, response.url) if response else ([], [])
        except ValueError as error:
            self.skipped_pages[_LIST].append(f"{source}: {error}")
            return [], []

    def _pictures(self, product: Product, label: str, page: Response) -> Iterator[ProductImage]:
        if product.is_guess and product.photos:
            self._guessed[page.url] = None
        opt_out, identifier = page_opt_out(page), self._identifier(product, page.url)
        for photo in product.photos:
            yield ProductImage(
                label=label,
                image_url=photo.url,
                page_url=page.url,
                product_id=identifier,
                title=product.title,
                license=photo.license,
                license_url=photo.license_url,
                author=photo.author,
                width=photo.width,
                height=photo.height,
                opt_out=opt_out,
            )

    def _identifier(self, product: Product, url: str) -> str:
        """The shop's own, unless another product had it before: then it identifies none."""
        if not product.id:
            return url
        first = self._named.setdefault(product.id, product.title)
        is_same = product.is_group or words(product.title) == words(first)
        return product.id if is_same else url

    def closed(self, reason: str) -> None:
        super().closed(reason)
        if self._guessed:
            self.logger.warning(
                "%d pages name no picture of their product, so it was guessed; the first: %s",
                len(self._guessed),
                next(iter(self._guessed)),
            )
        for url, filed in [*self._in_no_class.items()][:1]:
            self.logger.warning(
                "%d products are of none of the classes; the first, %s, is filed under %s",
                len(self._in_no_class),
                url,
                " | ".join(filed) or "nothing",
            )


def classes_of(
    product: Product, page_url: str, classes: Mapping[str, str], listed_in: str
) -> list[str]:
    """The classes, of a `classes` mapping, that a product of a sitemap or file belongs to.

    A value is the address of a category that the product's breadcrumb or its own address has, or
    else the name of one that its breadcrumb or `category` has. `listed_in`, the sitemap's or
    file's own address, stands for all that it lists.
    """
    names = {name.casefold() for name in product.categories}
    filed = [place(name) for name in product.categories if "://" in name]
    site, path, _ = place(page_url)
    within = {Place(site, path[:end], ()) for end, c in enumerate(path) if c == "/" and end}
    found = []
    for label, value in classes.items():
        if value.startswith(("/", "http://", "https://")):
            address = place(urljoin(page_url, value))
            is_of = address in within or any(at.has(address) for at in filed)
        else:
            is_of = " ".join(value.casefold().split()) in names
        if is_of or place(value) == place(listed_in):
            found.append(label)
    return found
