"""Retries requests, and waits as long as the host asks for."""

import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Self
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.retry import RetryMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.settings import BaseSettings

from pipeline.addresses import host_port
from scraper.crawling.downloader import pause

BUSY = frozenset({429, 503})
"""statuses of a host that wants to be asked later"""
_BUSY_WIKI = {b"maxlag", b"ratelimited"}  # MediaWiki says so with status 200


class BusyHostError(IgnoreRequest):
    """A host asks us to wait longer than we do."""


class PatientRetry(RetryMiddleware):
    """Scrapy's retries, but no request goes to a host before the time that its Retry-After names.

    If a busy host names no time, each wait is twice as long as the one before (not on the source's
    own network). If it asks for more than RETRY_AFTER_MAX seconds, its requests fail for that time.
    """

    _crawler: Crawler

    def __init__(self, settings: BaseSettings) -> None:
        super().__init__(settings)
        self._longest = settings.getfloat("RETRY_AFTER_MAX")
        self._backoff = settings.getfloat("RETRY_BACKOFF")
        self._own: frozenset[str] = frozenset()
        self._free_at: dict[str, float] = {}
        """host: when it may be asked again, on the monotonic clock"""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        retry: Self = super().from_crawler(crawler)
        retry._crawler = crawler
        retry._own = crawler.spider.allow_private
        return retry

    async def process_request(self, request: Request) -> None:
        """Wait until the host is free. Raises BusyHostError if it asks for too much time."""
        host = urlsplit(request.url).netloc
        while (wait := self._free_at.get(host, 0) - time.monotonic()) > 0:
            if not self._crawler.engine.running:
                return
            if wait > self._longest:
                raise BusyHostError(f"{host} asks to be left alone for {wait:.0f} s")
            await pause(self._crawler, wait)

    def process_response(self, request: Request, response: Response) -> Request | Response:
        """The request for another try; the response if it needs none, or would wait too long."""
        wiki_is_busy = response.headers.get("MediaWiki-API-Error") in _BUSY_WIKI
        if response.status in BUSY or wiki_is_busy:
            said = response.headers.get("Retry-After", b"").decode("latin-1")
            is_own = host_port(request.url) in self._own
            wait = busy_wait(said, request.meta.get("retry_times", 0), self._backoff, is_own=is_own)
            host = urlsplit(request.url).netloc
            free_at = time.monotonic() + wait
            self._free_at[host] = max(self._free_at.get(host, 0), free_at)
            if wait > self._longest:
                return response
        if wiki_is_busy:
            return self._retry(request, "busy") or response
        retried: Request | Response = super().process_response(request, response)
        return retried


def busy_wait(said: str, retries: int, backoff: float, *, is_own: bool) -> float:
    """Seconds until a busy host is asked again. It was asked again `retries` times before.

    `said` is its Retry-After. If that names no time, the waits begin with `backoff` seconds and
    double. A host of your own network (`is_own`) is asked again at once.

    >>> busy_wait("", 2, 1.5, is_own=False)
    6.0
    """
    wait = retry_after(said)
    if wait is not None:
        return wait
    return 0.0 if is_own else backoff * 2**retries


def retry_after(said: str) -> float | None:
    """Seconds to wait by Retry-After, which gives seconds or a date; None if it gives neither."""
    value = said.strip()
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):  # no date, or one without a time zone
        return None
