"""A shop's own list of its products: a Google Merchant feed, or the JSON of its shop program."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

from scrapy.http import Response

from pipeline.sources import as_list
from scraper.crawling.items import ProductImage
from scraper.crawling.page_failures import PageFailure
from scraper.feeds.filing import Filing, there_is
from scraper.feeds.items import FeedItem
from scraper.feeds.kinds import kind_of, what_else
from scraper.feeds.opening import head_of
from scraper.feeds.platforms import Platform, Shelf, is_api
from scraper.feeds.read import PLATFORMS, items
from scraper.ledger import LIST, Outcome
from scraper.spiders import SEVERAL
from scraper.spiders.files import FileSpider

_MOST_PAGES = 10_000  # of one list
_BREATH = 200  # products after which others have their turn


class FeedSpider(FileSpider):
    """Reads feeds as streams and shops' JSON page by page, and takes the products of its classes.

    A class names one or several of the feed's categories. What kind of feed it is, is told from
    its content. All variants of a product are one product.
    """

    name = "feed"
    takes = frozenset({"url", SEVERAL})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._values = {x: as_list(value) for x, value in self.config.classes.items()}
        self._filing = Filing(self._values, self.config.addresses)
        self._shelves: dict[str, list[Shelf]] = {}
        """class: categories of the shop's program that it names"""

    async def start(self) -> AsyncIterator[ProductImage]:
        for url in self.config.addresses:
            if self.full.issuperset(self.config.classes):
                return
            async for image in self._platform(url) if is_api(url) else self._file(url):
                yield image
        self._tell_unmatched()

    async def _file(self, url: str) -> AsyncIterator[ProductImage]:
        """The images of a feed that is a file."""
        path = await self.local(url)
        if path is None:
            return
        head = head_of(path)
        kind = kind_of(head)
        if kind in PLATFORMS and "://" in url:
            async for image in self._platform(url):
                yield image
            return
        if kind is None:
            is_last = self.ledger.listing_pages[LIST] and not head.strip()
            outcome = Outcome.NO_PRODUCT if is_last else Outcome.FAILED_FOR_NOW
            self.lose(url, f"is no feed but {what_else(head, path.name)}", outcome)
            return
        self.ledger.listing_pages[LIST] += 1
        number = 0
        try:
            for number, item in enumerate(items(path, kind, url), start=1):
                if number % _BREATH == 0:
                    await asyncio.sleep(0)
                    if self.full.issuperset(self.config.classes):
                        return
                for image in self._images(item, self._filing.labels(item.categories)):
                    yield image
        except ValueError as error:
            self.break_off(LIST, url, f"{error}; what came before it, {number:,} rows, is taken")
        if not number:
            self.note(LIST, url, Outcome.NO_PRODUCT, "the feed is empty")

    def _images(self, item: FeedItem, labels: Sequence[str]) -> list[ProductImage]:
        where = self.recorded(item.place)
        if not labels:
            filed = " | ".join(map(str, item.categories)) or "nothing"
            why = "in none of the classes"
            self.ledger.tally(LIST, Outcome.NO_CLASS, why, f"{where}, filed under {filed}")
        for label in labels:
            outcome = Outcome.READ if item.images else Outcome.NO_IMAGE
            why = "" if item.images else "it names no image"
            self.ledger.tally(label, outcome, why, where)
        return [
            ProductImage(
                label=label,
                image_url=image.url,
                page_url=item.place,
                product_id=item.product,
                title=item.title,
                width=image.width,
                height=image.height,
            )
            for label in labels
            for image in item.images
        ]

    async def _platform(self, url: str) -> AsyncIterator[ProductImage]:
        """The images of a shop whose program gives its products as JSON."""
        platform = await self._program(url)
        if platform is None:
            return
        shelves = await self._all_shelves(platform, url)
        rest: dict[str, list[str]] = {}
        for label, values in self._values.items():
            named = {v: [s for s in shelves if s.category.is_called(v)] for v in values}
            rest[label] = [value for value in values if not named[value]]
            found = [shelf for several in named.values() for shelf in several]
            self._filing.labels(shelf.category for shelf in found)
            for listing in platform.listings(url, list(dict.fromkeys(found))):
                async for page in self._pages(platform, listing, label):
                    for item in platform.items(page, listing):
                        for image in self._images(item, [label]):
                            yield image
        if any(rest.values()):  # product types and tags, which can't be asked for alone
            others = Filing(rest, self.config.addresses)
            async for page in self._pages(platform, url, LIST):
                for item in platform.items(page, url):
                    self._filing.labels(item.categories)
                    for image in self._images(item, others.labels(item.categories)):
                        yield image

    async def _program(self, url: str) -> Platform | None:
        """Which program answers there; None, and noted, where none does."""
        first = await self.fetch(url, is_page=False)
        if isinstance(first, PageFailure):
            self.lose(url, first.why, first.outcome)
            return None
        kind = kind_of(first.body)
        if kind in PLATFORMS:
            return PLATFORMS[kind]
        self.lose(url, self._no_list(first), Outcome.FAILED_FOR_GOOD)
        return None

    def _no_list(self, response: Response) -> str:
        if response.url.rstrip("/").endswith("/password"):
            return "the shop is closed by a password; ask its owner for a feed"
        sent = f" at {response.url}" if response.url != response.request.url else ""
        return f"is no list of products but {what_else(response.body)}{sent}"

    async def _all_shelves(self, platform: Platform, url: str) -> list[Shelf]:
        """The categories that the shop can be asked for; none where it does not list them."""
        found: list[Shelf] = []
        for kind, address in platform.directories(url):
            entries: list[Any] = []
            number = 1
            while number < _MOST_PAGES:
                page = _parsed(await self.fetch(platform.page(address, number), is_page=False))
                if not platform.count(page) or page in entries[-1:]:
                    break
                entries.append(page)
                number += 1
            joined = [x for page in entries for x in page] if _are_lists(entries) else None
            for page in [joined] if joined else entries:
                found += platform.shelves(page, kind)
        return found

    async def _pages(self, platform: Platform, url: str, label: str) -> AsyncIterator[Any]:
        """Page after page of a list, until one is empty or all classes are full."""
        before: Any = None
        size = 0
        for number in range(1, _MOST_PAGES):
            if self.full.issuperset([label] if label else self.config.classes):
                return
            address = platform.page(url, number)
            response = await self.fetch(address, is_page=False)
            if isinstance(response, PageFailure):
                # an answer without a byte, behind a page that was not full, is the end
                if not (response.is_empty and before is not None and platform.count(before) < size):
                    self._end(label, address, number, response.why)
                return
            page = _parsed(response)
            count = platform.count(page)
            try:
                next(iter(platform.items(page, url)), None)
            except ValueError as error:
                self._end(label, address, number, str(error))
                return
            if not count:
                if number == 1:
                    self.note(label, address, Outcome.NO_PRODUCT, "the list is empty")
                self.ledger.listing_pages[label] += 1
                return
            if page == before:
                self._end(label, address, number, "the same page again, though another was asked")
                return
            self.ledger.listing_pages[label] += 1
            yield page
            total = response.headers.get("X-WP-TotalPages", b"").decode("latin-1")
            if total.isdecimal() and number >= int(total):
                return
            before, size = page, max(size, count, platform.size)

    def _end(self, label: str, url: str, number: int, why: str) -> None:
        if number > 1:
            self.break_off(label, url, why)
        elif label:
            self.unreadable[label] = f"{self.recorded(url)}: {why}"
        else:
            self.lose(url, why, Outcome.FAILED_FOR_NOW)

    def _tell_unmatched(self) -> None:
        """Say which classes and values name nothing, unless the feed was not read to its end."""
        if not self.ledger.listing_pages.total():
            why = self.ledger.may_have_more.pop(LIST, "no feed could be read")
            self.unreadable.update(dict.fromkeys(self._values, why))
            return
        if LIST in self.ledger.may_have_more:
            return
        for label, values in self._filing.unmatched().items():
            if label in self.full or label in self.unreadable:
                continue
            if len(values) == len(self._values[label]):
                self.unreadable[label] = there_is(values[0], self._filing.seen)
                continue
            for value in values:
                why = there_is(value, self._filing.seen)
                self.ledger.tally(label, Outcome.NO_PRODUCT, why, f"the value {value!r}")


def _parsed(response: Response | PageFailure) -> Any:
    if isinstance(response, PageFailure):
        return None
    try:
        return json.loads(response.body.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError):
        return None


def _are_lists(pages: Sequence[Any]) -> bool:
    return bool(pages) and all(isinstance(page, list) for page in pages)
