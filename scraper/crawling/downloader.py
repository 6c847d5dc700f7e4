"""Scrapy's downloader, with a limit of requests to one host that really holds."""

import asyncio

from scrapy import Request
from scrapy.core.downloader import Downloader, Slot
from scrapy.crawler import Crawler
from scrapy.http import Response


class PerHostDownloader(Downloader):
    """Never has more requests under way in a slot than the slot's concurrency.

    Scrapy 2.19 counts a request only when its task runs. So all requests that come before that
    start at the same time, and most of the connections that they open are closed afterwards.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._places: dict[str, asyncio.Semaphore] = {}

    async def _download(self, slot: Slot, request: Request) -> Response:
        key = self.get_slot_key(request)
        if key not in self._places:
            self._places[key] = asyncio.Semaphore(slot.concurrency)
        async with self._places[key]:
            return await super()._download(slot, request)
