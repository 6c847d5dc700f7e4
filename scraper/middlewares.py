"""What stands between the spiders and the network: address guard, robots.txt, limits."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any, Self
from urllib.parse import urlsplit

from scrapy import Request, signals
from scrapy.crawler import Crawler
from scrapy.exceptions import CannotResolveHostError, NotConfigured
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK
from scrapy.robotstxt import ProtegoRobotParser
from twisted.internet.interfaces import IHostnameResolver, IResolutionReceiver
from zope.interface import implementer

from scraper.addresses import RefusedAddressError, check_address, check_url, host_port
from scraper.failures import (
    DOWNLOAD_ERRORS,
    ForbiddenByRobotsError,
    RobotsUnavailableError,
    explain,
    http_message,
)
from scraper.images import PicturePipeline
from scraper.items import ProductImage

_OWN_NETWORK = {"download_slot": "own network", "autothrottle_dont_adjust_delay": True}


class AddressGuard:
    """Refuses addresses that `scraper.addresses` refuses, redirects and robots.txt included.

    The reactor's resolver is where a connection gets its address: what is checked there is what is
    connected to. Hosts that a source allows are its own network, and are asked without a delay.
    """

    def __init__(self, crawler: Crawler) -> None:
        self.allowed: frozenset[str] = crawler.spider.allow_private
        self.resolver: GuardedResolver | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        guard = cls(crawler)
        crawler.signals.connect(guard.spider_opened, signal=signals.spider_opened)
        return guard

    def spider_opened(self) -> None:
        from twisted.internet import reactor  # importing it installs it

        self.resolver = GuardedResolver(reactor.nameResolver, self.allowed)
        reactor.installNameResolver(self.resolver)

    def process_request(self, request: Request) -> None:
        check_url(request.url)
        for key in _OWN_NETWORK:  # a redirect takes them along
            request.meta.pop(key, None)
        if host_port(request.url) in self.allowed:
            request.meta.update(_OWN_NETWORK)

    def process_exception(self, request: Request, exception: Exception) -> None:
        assert self.resolver is not None
        if isinstance(exception, CannotResolveHostError):
            refused = self.resolver.refused.get(host_port(request.url))
            if refused:
                raise RefusedAddressError(refused) from exception


@implementer(IHostnameResolver)
class GuardedResolver:
    """Hands on, of a name's addresses, only those that may be asked."""

    def __init__(self, inner: Any, allowed: frozenset[str]) -> None:
        self._inner = inner
        self._allowed = allowed
        self.refused: dict[str, str] = {}
        """host:port: why. A name without other addresses looks as if it had none"""

    def resolveHostName(  # noqa: N802 - Twisted's names
        self,
        receiver: Any,
        host: str,
        portNumber: int = 0,  # noqa: N803
        *more: Any,
    ) -> Any:
        guarded = _GuardedReceiver(receiver, host, portNumber, self._allowed, self.refused)
        return self._inner.resolveHostName(guarded, host, portNumber, *more)


@implementer(IResolutionReceiver)
class _GuardedReceiver:
    def __init__(
        self, inner: Any, host: str, port: int, allowed: frozenset[str], refused: dict[str, str]
    ) -> None:
        self._host, self._port, self._allowed, self._refused = host, port, allowed, refused
        self._inner = inner
        self.resolutionBegan = inner.resolutionBegan
        self.resolutionComplete = inner.resolutionComplete

    def addressResolved(self, address: Any) -> None:  # noqa: N802 - Twisted's name
        try:
            check_address(self._host, self._port, address.host, self._allowed)
        except RefusedAddressError as error:
            host = f"[{self._host}]" if ":" in self._host else self._host
            self._refused[host_port(f"http://{host}:{self._port}")] = str(error)
        else:
            self._inner.addressResolved(address)


class RobotsMiddleware:
    """Obeys robots.txt; where it can't be read (RFC 9309, 2.3.1.4), the host is left alone.

    Scrapy's own goes ahead then.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._agent: str = crawler.settings["USER_AGENT"]
        self._rules: dict[str, asyncio.Task[ProtegoRobotParser]] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        if not crawler.settings.getbool("ROBOTSTXT_OBEY"):
            raise NotConfigured
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        if request.meta.get("dont_obey_robotstxt"):
            return
        parts = urlsplit(request.url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._rules:
            self._rules[origin] = asyncio.ensure_future(self._fetch(f"{origin}/robots.txt"))
        if not (await self._rules[origin]).allowed(request.url, self._agent):
            raise ForbiddenByRobotsError(f"{origin}/robots.txt forbids it")

    async def _fetch(self, url: str) -> ProtegoRobotParser:
        request = Request(url, callback=NO_CALLBACK, meta={"dont_obey_robotstxt": True})
        try:
            response = await self._crawler.engine.download_async(request)
        except RefusedAddressError:
            raise
        except DOWNLOAD_ERRORS as error:
            raise _unavailable(url, explain(error)[1]) from error
        if response.status in _TRY_LATER or response.status >= 500:
            raise _unavailable(url, http_message(response))
        rules = response.body if response.status == 200 else b""
        return ProtegoRobotParser(rules, spider=None)


_TRY_LATER = {429}


def _unavailable(url: str, why: str) -> RobotsUnavailableError:
    return RobotsUnavailableError(f"{url} can't be read ({why}), so its host is left alone")


class CandidateLimits:
    """Each candidate once, and no more saved pictures of a class than `limit_per_class`.

    A candidate waits where those before it may yet fill the limit, so that which ones are taken
    follows the order in which the spider yields them, whatever arrives first.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._seen: set[tuple[str, str]] = set()
        self._pending: Counter[str] = Counter()
        self._settled = asyncio.Event()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        limits = cls(crawler)
        for signal in (signals.item_scraped, signals.item_dropped, signals.item_error):
            crawler.signals.connect(limits.item_settled, signal=signal)
        crawler.signals.connect(limits.item_error, signal=signals.item_error)
        return limits

    async def process_spider_output(
        self,
        response: Response,  # noqa: ARG002 - Scrapy's signature
        result: AsyncIterator[Any],
    ) -> AsyncIterator[Any]:
        async for item in result:
            if not isinstance(item, ProductImage):
                yield item
            elif (item.label, item.image_url) not in self._seen:
                self._seen.add((item.label, item.image_url))
                if await self._admitted(item.label):
                    yield item

    async def _admitted(self, label: str) -> bool:
        spider = self._crawler.spider
        limit = spider.config.limit_per_class
        pictures = self._crawler.get_item_pipeline(PicturePipeline)
        while limit is not None and pictures.saved[label] + self._pending[label] >= limit:
            if pictures.saved[label] >= limit:
                spider.full.add(label)
                return False
            self._settled.clear()
            await self._settled.wait()
        self._pending[label] += 1
        return True

    def item_settled(self, item: ProductImage) -> None:
        self._pending[item.label] -= 1
        self._settled.set()

    def item_error(self) -> None:
        self._crawler.stats.inc_value("item_errors")
