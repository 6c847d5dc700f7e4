"""The base of the project's spiders. Each spider collects the classes of one source."""

import functools
from pathlib import Path
from typing import Any, ClassVar

from scrapy import Request, Spider
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK

from pipeline.paths import RAW
from pipeline.sources import CrawlSource, SpiderSource, as_list
from scraper.crawling.failures import DOWNLOAD_ERRORS
from scraper.crawling.page_failures import PageFailure, failure_of, response_failure
from scraper.division import Part
from scraper.ledger import LIST, AskedPage, Ledger, Outcome
from scraper.reading.canonical import place
from scraper.reading.sitemaps import MAXSIZE

SPIDER_KEYS = ("url", "api", "browser", "thumbnail_width", "part")
"""keys of a source that only some spiders take"""
SEVERAL = "several"
"""a spider has it in `takes` if `url` and the values of classes may be lists"""


class SourceSpider(Spider):
    """Yields candidates (`ProductImage`) for a source's classes, each class in listing order.

    The collect stage gives it `config`. The command `scrapy crawl` makes one from its arguments.
    """

    takes: ClassVar[frozenset[str]] = frozenset({"url"})
    """the SPIDER_KEYS that this spider takes, and perhaps SEVERAL"""
    source_type: ClassVar[type[CrawlSource]] = SpiderSource

    def __init__(
        self,
        source: str,
        config: SpiderSource,
        renamed: tuple[str, str] = ("", ""),
        folder: Path | None = None,
        earlier: Ledger | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.source = source
        self.folder = folder or RAW / source
        """the folder with its class folders and its manifest"""
        self.config = config
        self.classes = {label: as_list(value)[0] for label, value in (config.classes or {}).items()}
        """class: category or query, for a spider that takes one for each class"""
        self.allow_private = frozenset(config.allow_private)
        self.part = Part.parsed(config.part)
        self._renamed = renamed
        self.earlier = earlier or Ledger()
        """what an earlier run found: which pages need no new request"""
        self.ledger = Ledger()
        self.full = self.ledger.full
        """classes that have as many images as the limit allows, so that the spider can stop"""
        self.unreadable = self.ledger.unreadable
        """class: why its listing could not be read"""

    @property
    def page_meta(self) -> dict[str, bool]:
        """The meta of requests for pages. It asks for the browser if the source needs one."""
        return {"playwright": True} if self.config.browser else {}

    list_meta: ClassVar[dict[str, Any]] = {"download_maxsize": MAXSIZE}
    """the meta of requests for sitemaps, which may be larger than pages and images"""

    def recorded(self, url: str) -> str:
        """The address as the manifest has it. (The demo shop has another port in each run.)"""
        here, there = self._renamed
        return there + url.removeprefix(here) if here and url.startswith(here) else url

    def current(self, url: str) -> str:
        """The address in this run, for one that the manifest has. It undoes `recorded`."""
        here, there = self._renamed
        return here + url.removeprefix(there) if there and url.startswith(there) else url

    async def fetch(self, url: str, *, is_page: bool = True) -> Response | PageFailure:
        """The response to a request for `url`, or why it failed. The ledger does not get it.

        `is_page` is false for files such as sitemaps, which may be larger and need no browser.
        """
        try:
            meta = self.page_meta if is_page else self.list_meta
            request = Request(url, callback=NO_CALLBACK, meta=meta)
            response = await self.crawler.engine.download_async(request)
        except DOWNLOAD_ERRORS as error:
            return failure_of(error)
        return response_failure(response) or response

    def is_mine(self, label: str, address: str, product: str | None = None) -> bool:
        """Whether the product is in this source's `part`. If it is in another, it is counted.

        As long as its page is not read, `product` is None, and the address stands for it.
        """
        if self.part.has(product or str(place(self.recorded(address))), address):
            return True
        why = f"the part of this source is {self.config.part}"
        self.ledger.tally(label, Outcome.OTHER_PART, why, self.recorded(address))
        return False

    def note(
        self,
        label: str,
        url: str,
        outcome: Outcome,
        why: str | None = None,
        sent_to: str | None = None,
        *,
        is_said: bool = False,
    ) -> None:
        """Note the outcome of the product page at `url`, and `why` it gave nothing.

        If a redirect led to another address, this is `sent_to`. `is_said` is true if the shop
        itself says that it is a product page.
        """
        there = self.recorded(sent_to) if sent_to and sent_to != url else None
        self.ledger.note(AskedPage(label, self.recorded(url), outcome, why, there, is_said))

    def is_settled(self, url: str, label: str) -> bool:
        """Whether an earlier run knows the outcome of the page. Then it is noted again."""
        known = [p for p in self._known.get(self.recorded(url), ()) if label in (LIST, p.label)]
        if not known or not all(page.is_settled for page in known):
            return False
        for page in known:
            self.ledger.note(page)
        return True

    @functools.cached_property
    def _known(self) -> dict[str, list[AskedPage]]:
        found: dict[str, list[AskedPage]] = {}
        for page in self.earlier.pages.values():
            found.setdefault(page.url, []).append(page)
        return found

    def break_off(self, label: str, url: str, why: str) -> None:
        """Note that the listing of a class can't be read beyond `url`, so it may have more."""
        self.ledger.may_have_more.setdefault(label, f"{self.recorded(url)}: {why}")

    def _skip(self, url: str, label: str, why: str, *, cuts: bool) -> None:
        """Note a page that can't be read. If it `cuts` the listing, the pages after it are lost."""
        if cuts:
            self.break_off(label, url, why)
        else:
            self.note(label, url, Outcome.FAILED_FOR_GOOD, why)
