"""What the project's spiders have in common: each collects the classes of one source."""

import logging
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, ClassVar

from scrapy import Request, Spider
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK

from pipeline.paths import RAW
from pipeline.sources import SpiderSource
from scraper.crawling.failures import (
    DOWNLOAD_ERRORS,
    ForbiddenByRobotsError,
    explain,
    http_message,
    may_pass,
    status_may_pass,
)
from scraper.reading.sitemaps import MAXSIZE

SPIDER_KEYS = ("url", "api", "browser", "thumbnail_width")
"""of a source's keys, those that only some spiders know"""


class SourceSpider(Spider):
    """Yields the `ProductImage`s of a source's classes, those of one class in listing order.

    `scrapy crawl NAME -a source=… -a label=… -a url=…` and the collect stage hand it `config`.
    """

    takes: ClassVar[frozenset[str]] = frozenset({"url"})
    """of SPIDER_KEYS, those that mean something to this spider"""

    def __init__(
        self,
        source: str,
        config: SpiderSource,
        renamed: tuple[str, str] = ("", ""),
        folder: Path | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.source = source
        self.folder = folder or RAW / source
        """where its class folders and its manifest are"""
        self.config = config
        self.allow_private = frozenset(config.allow_private)
        self._renamed = renamed
        self.full: set[str] = set()
        """classes that have as many images as they may: a spider can stop there"""
        self.unreadable: dict[str, str] = {}
        """class: why its listing could not be read"""
        self.cut_short: dict[str, str] = {}
        """class: where its listing ended before its end, and why: there may be more another time"""
        self.skipped_pages: defaultdict[str, list[str]] = defaultdict(list)
        """class: pages that could not be read, and why"""
        self.forbidden_pages: defaultdict[str, list[str]] = defaultdict(list)
        self._read: Counter[str] = Counter()

    @property
    def page_meta(self) -> dict[str, bool]:
        """Of requests for pages, for a source whose pages need a browser."""
        return {"playwright": True} if self.config.browser else {}

    list_meta: ClassVar[dict[str, Any]] = {"download_maxsize": MAXSIZE}
    """of requests for sitemaps, which may be larger than pages and images"""

    def recorded(self, url: str) -> str:
        """The address as the manifest has it: the demo shop is at another port every time."""
        here, there = self._renamed
        return there + url.removeprefix(here) if here and url.startswith(here) else url

    async def fetch(self, url: str, label: str, *, is_page: bool = True) -> Response | None:
        """A page or another file, or None where it can't be had, which is then noted."""
        try:
            meta = self.page_meta if is_page else self.list_meta
            request = Request(url, callback=NO_CALLBACK, meta=meta)
            response = await self.crawler.engine.download_async(request)
        except ForbiddenByRobotsError:
            self.forbidden_pages[label].append(url)
            return None
        except DOWNLOAD_ERRORS as error:
            self._skip(url, label, explain(error)[1], cuts=not is_page and may_pass(error))
            return None
        if response.status != 200:
            cuts = not is_page and status_may_pass(response.status)
            self._skip(url, label, http_message(response), cuts=cuts)
            return None
        self._read[label] += 1
        return response

    def _skip(self, url: str, label: str, why: str, *, cuts: bool) -> None:
        """Note a page that can't be read, and whether the listing ends there before its end."""
        self.skipped_pages[label].append(f"{url}: {why}")
        if cuts:
            self.cut_short.setdefault(label, f"{url}: {why}")

    def closed(self, reason: str) -> None:  # noqa: ARG002 - Scrapy's signature
        for label, pages in sorted(self.skipped_pages.items()):
            self.logger.warning(
                "%s: %d pages could not be read, the first: %s", label, len(pages), pages[0]
            )
        for label, pages in sorted(self.forbidden_pages.items()):
            level = logging.INFO if self._read[label] else logging.WARNING
            self.logger.log(
                level, "%s: robots.txt forbids %d pages, the first: %s", label, len(pages), pages[0]
            )
