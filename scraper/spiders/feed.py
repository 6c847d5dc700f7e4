"""Reads the list of products that a shop publishes: a Google Merchant feed, or JSON."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from itertools import chain
from typing import Any

from pipeline.sources import as_list
from scraper.crawling.items import ProductImage
from scraper.feeds.filing import Filing, nothing_filed_under
from scraper.feeds.items import FeedItem
from scraper.feeds.kinds import describe_other, kind_of
from scraper.feeds.opening import head_of
from scraper.feeds.platforms import Platform, Shelf, is_api
from scraper.feeds.read import PLATFORMS, items
from scraper.ledger import LIST, Outcome
from scraper.spiders import SEVERAL
from scraper.spiders.json_lists import JsonListSpider

_BREATH = 200  # products between two pauses, in which other tasks run


class FeedSpider(JsonListSpider):
    """Yields the images of the products that belong to the source's classes.

    The value of a class names one or several categories of the feed. The spider recognises the
    kind of a feed by its content. It reads a file as a stream, and the JSON of a shop program page
    by page. All variants of a product count as one product.
    """

    name = "feed"
    takes = frozenset({"url", "part", SEVERAL})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._values = {x: as_list(value) for x, value in self.config.classes.items()}
        self._filing = Filing(self._values, self.config.addresses)

    async def start(self) -> AsyncIterator[ProductImage]:
        for url in self.config.addresses:
            if self.is_full(LIST):
                return
            async for image in self._platform(url) if is_api(url) else self._file(url):
                yield image
        self._report_unmatched()

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
            why = f"is no feed but {describe_other(head, path.name)}"
            if is_last:
                self.note(LIST, url, Outcome.NO_PRODUCT, why)
            else:
                self.lose(url, why)
            return
        self.ledger.listing_pages[LIST] += 1
        number = 0
        try:
            for number, item in enumerate(items(path, kind, url), start=1):
                if number % _BREATH == 0:
                    await asyncio.sleep(0)
                    if self.is_full(LIST):
                        return
                for image in self._images(item, self._filing.labels(item.categories)):
                    yield image
        except ValueError as error:
            self.lose(url, f"{error}; the {number:,} rows before it are taken")
        else:
            if not number:
                self.note(LIST, url, Outcome.NO_PRODUCT, "the feed is empty")

    def _images(self, item: FeedItem, labels: Sequence[str]) -> list[ProductImage]:
        where = self.recorded(item.place)
        if not self.is_mine(LIST, next((x.url for x in item.images), item.place), item.product):
            return []
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
        """The images of a shop whose program lists its products as JSON."""
        platform = await self.program(url)
        if platform is None:
            return
        named, rest = await self._named(platform, url)
        for label, shelves in named.items():
            for listing in platform.listings(url, shelves):
                async for page in self.pages(platform, listing, label):
                    for item in platform.items(page, listing):
                        for image in self._images(item, [label]):
                            yield image
        if any(rest.values()):  # product types and tags: the shop can't list their products alone
            others = Filing(rest, self.config.addresses)
            async for page in self.pages(platform, url, LIST):
                for item in platform.items(page, url):
                    self._filing.labels(item.categories)
                    for image in self._images(item, others.labels(item.categories)):
                        yield image

    async def _named(
        self, platform: Platform, url: str
    ) -> tuple[dict[str, list[Shelf]], dict[str, list[str]]]:
        """For each class, the shop's categories that it names; and its values that name none.

        If a list of categories can't be read, a value that was not found may be in that list. Then
        it is not taken for a product type or a tag, and the class is noted as unfinished.
        """
        names = {value for several in self._values.values() for value in several}
        has_names = bool(names - set(self.config.addresses))
        shelves, failed = await self.shelves(platform, url) if has_names else ([], [])
        self._filing.labels(shelf.category for shelf in shelves)
        named, rest = dict[str, list[Shelf]](), dict[str, list[str]]()
        is_said = False
        reasons = "; ".join(f"{self.recorded(x.url)}: {x.failure.why}" for x in failed)
        for label, values in self._values.items():
            found = {v: [s for s in shelves if s.category.is_called(v)] for v in values}
            named[label] = list(dict.fromkeys(chain.from_iterable(found.values())))
            rest[label] = [value for value in values if not found[value]]
            unsure = [value for value in rest[label] if value not in self.config.addresses]
            if failed and unsure:
                rest[label] = [value for value in rest[label] if value not in unsure]
                unknown = ", ".join(map(repr, unsure))
                why = f"{reasons}, so it is not known what is filed under {unknown}"
                self.break_off(label, url, why)
                is_said = True
        if not is_said:
            for error in failed:
                self.lose(error.url, error.failure.why)
        return named, rest

    def _report_unmatched(self) -> None:
        """Report classes and values that name no category, if all feeds were read to their end."""
        more = self.ledger.may_have_more
        if not self.ledger.listing_pages.total():
            why = more.pop(LIST, "no feed could be read")
            for label in self._values:
                self.unreadable.setdefault(label, more.pop(label, why))
            return
        if LIST in more:
            return
        for label, values in self._filing.unmatched().items():
            if label in self.full or label in self.unreadable or label in more:
                continue
            if len(values) == len(self._values[label]):
                self.unreadable[label] = nothing_filed_under(values[0], self._filing.seen)
                continue
            for value in values:
                why = nothing_filed_under(value, self._filing.seen)
                self.ledger.tally(label, Outcome.NO_PRODUCT, why, f"the value {value!r}")
