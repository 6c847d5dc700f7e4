"""Reads the lists of products and of categories that a shop program gives as JSON, in pages."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from scrapy.http import Response

from scraper.crawling.page_failures import PageFailure
from scraper.feeds.kinds import describe_other, kind_of
from scraper.feeds.platforms import Platform, Shelf
from scraper.feeds.read import PLATFORMS
from scraper.ledger import LIST, Outcome
from scraper.spiders.files import FileSpider

_MOST_PAGES = 10_000  # of one list, because a faulty one may have no end
_SAME_PAGE = "the same page again, though another was asked for"


class BrokenOffError(Exception):
    """A list can't be read to its end. It says which page failed, and why."""

    def __init__(self, url: str, number: int, failure: PageFailure) -> None:
        super().__init__(f"{url}: {failure.why}")
        self.url = url
        self.number = number
        self.failure = failure


class JsonListSpider(FileSpider):
    """Asks a shop program for its lists. The ledger gets the lists that can't be read."""

    async def program(self, url: str) -> Platform | None:
        """The shop program that answers at `url`. If none does: None, and that is noted."""
        first = await self.fetch(url, is_page=False)
        if isinstance(first, PageFailure):
            self.lose(url, first.why)
            return None
        kind = kind_of(first.body)
        if kind in PLATFORMS:
            return PLATFORMS[kind]
        self.lose(url, _no_list(first))
        return None

    async def shelves(
        self, platform: Platform, url: str
    ) -> tuple[list[Shelf], list[BrokenOffError]]:
        """The categories whose products the shop can list alone, and the failures of their lists.

        A shop may have no list of categories. This is noted, but it is no failure.
        """
        found: list[Shelf] = []
        failed = []
        for kind, address in platform.directories(url):
            pages = []
            try:
                async for _, page in self._walk(platform, address, _reader(platform, kind)):
                    pages.append(page)
            except BrokenOffError as error:
                if error.number == 1 and error.failure.is_gone:
                    why = f"the shop has no such list: {error.failure.why}"
                    self.note(LIST, error.url, Outcome.FAILED_FOR_GOOD, why)
                else:
                    failed.append(error)
            found += platform.shelves(pages, kind)
        return found, failed

    async def pages(self, platform: Platform, url: str, label: str) -> AsyncIterator[Any]:
        """The pages of a list of products, until one is empty or the class needs no more images."""
        if self.is_full(label):
            return

        def read(page: Any) -> None:
            next(iter(platform.items(page, url)), None)

        try:
            async for number, page in self._walk(platform, url, read):
                self.ledger.listing_pages[label] += 1
                if number == 1 and not platform.count(page):
                    self.note(label, url, Outcome.NO_PRODUCT, "the list is empty")
                yield page
                if self.is_full(label):
                    return
        except BrokenOffError as error:
            if not label:
                self.lose(error.url, error.failure.why)
            elif error.number > 1:
                self.break_off(label, error.url, error.failure.why)
            else:
                self.unreadable[label] = f"{self.recorded(error.url)}: {error.failure.why}"

    def is_full(self, label: str) -> bool:
        """Whether the class needs no more images; for LIST, whether no class does."""
        return self.full.issuperset([label] if label else self.config.classes)

    async def _walk(
        self, platform: Platform, url: str, read: Callable[[Any], object]
    ) -> AsyncIterator[tuple[int, Any]]:
        """Number and content of each page of a list. The last one may be empty.

        `read` is given each page, and must raise ValueError if it is no page of such a list. Raises
        BrokenOffError if a page can't be read.
        """
        before: Any = None
        for number in range(1, _MOST_PAGES):
            address = platform.page(url, number)
            response = await self.fetch(address, is_page=False)
            if isinstance(response, PageFailure):
                # an empty answer is the end of the list, if the page before it was not full
                if response.is_empty and number > 1 and platform.count(before) < platform.size:
                    return
                raise BrokenOffError(address, number, response)
            page = _parsed(response)
            try:
                read(page)
                if page == before:
                    raise ValueError(_SAME_PAGE)  # noqa: TRY301
            except ValueError as error:
                failure = PageFailure(Outcome.FAILED_FOR_NOW, str(error))
                raise BrokenOffError(address, number, failure) from error
            yield number, page
            total = response.headers.get("X-WP-TotalPages", b"").decode("latin-1")
            if not platform.count(page) or (total.isdecimal() and number >= int(total)):
                return
            before = page


def _reader(platform: Platform, kind: str) -> Callable[[Any], object]:
    return lambda page: platform.shelves([page], kind)


def _no_list(response: Response) -> str:
    if response.url.rstrip("/").endswith("/password"):
        return "the shop is closed by a password; ask its owner for a feed"
    sent = f" at {response.url}" if response.url != response.request.url else ""
    return f"is no list of products but {describe_other(response.body)}{sent}"


def _parsed(response: Response) -> Any:
    try:
        return json.loads(response.body.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError):
        return None
