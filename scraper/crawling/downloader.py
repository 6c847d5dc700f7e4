"""Scrapy's downloader with a strict limit for each host. It drops waiting images at Ctrl-C."""

import asyncio
import time

from scrapy import Request, Spider
from scrapy.core.downloader import Downloader, Slot
from scrapy.crawler import Crawler
from scrapy.exceptions import DropItem
from scrapy.http import Response
from twisted.internet.defer import Deferred

IS_IMAGE = "is_image"
"""a key in the meta of requests for images. An interrupted crawl leaves these to the next one."""
_INTERRUPTED = "the crawl was interrupted"
_LOOK = 1.0  # seconds between two checks whether the crawl was interrupted


class PerHostDownloader(Downloader):
    """Never has more requests under way in a slot than the slot's concurrency.

    Scrapy 2.19 counts a request only when its task runs. So all requests that come before that
    start at the same time, and most of the connections that they open are closed afterwards.

    An interrupted crawl does not wait for images that were not asked for yet. There may be hundreds
    of one host, with a pause before each. Their requests raise DropItem.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        # Scrapy has one setting for this and for the connections that are kept open
        self.domain_concurrency = self.settings.getint("CONCURRENT_REQUESTS_PER_HOST")
        self._places: dict[str, asyncio.Semaphore] = {}

    def fetch(self, request: Request, spider: Spider | None = None) -> Deferred[Response | Request]:  # noqa: ARG002 - Scrapy's signature
        fetched: Deferred[Response | Request] = super().fetch(request)
        return fetched.addCallback(self._ask_no_more, request)

    def _ask_no_more(self, answer: Response | Request, request: Request) -> Response | Request:
        """Drop the redirect or retry of an image after an interrupt: Scrapy may be closed."""
        if isinstance(answer, Request) and self._is_left(request):
            raise DropItem(_INTERRUPTED)
        return answer

    def _process_queue(self, slot: Slot) -> None:
        if not self.crawler.engine.running:
            for entry in [entry for entry in slot.queue if self._is_left(entry[0])]:
                slot.queue.remove(entry)
                entry[1].errback(DropItem(_INTERRUPTED))
        super()._process_queue(slot)

    async def _download(self, slot: Slot, request: Request) -> Response:
        key = self.get_slot_key(request)
        if key not in self._places:
            self._places[key] = asyncio.Semaphore(slot.concurrency)
        async with self._places[key]:
            if self._is_left(request):
                raise DropItem(_INTERRUPTED)
            return await super()._download(slot, request)

    def _is_left(self, request: Request) -> bool:
        """Whether an interrupted crawl leaves this request to the next one."""
        return not self.crawler.engine.running and IS_IMAGE in request.meta


async def pause(crawler: Crawler, seconds: float) -> None:
    """Wait as long as a host asks for, or until the crawl is interrupted."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0 and crawler.engine.running:
        await asyncio.sleep(min(left, _LOOK))
