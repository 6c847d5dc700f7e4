"""Scrapy middlewares between the spiders and the network: address guard, robots.txt, limits."""

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

from pipeline.addresses import RefusedAddressError, check_address, check_url, host_port
from scraper.crawling.downloader import pause
from scraper.crawling.failures import (
    DOWNLOAD_ERRORS,
    ForbiddenByRobotsError,
    RobotsUnavailableError,
    http_message,
    status_and_reason,
)
from scraper.crawling.item_pipeline import ImagePipeline
from scraper.crawling.items import ProductImage
from scraper.crawling.robots import robots_rules
from scraper.spiders import SourceSpider

_OWN_NETWORK = {"download_slot": "own network", "autothrottle_dont_adjust_delay": True}


class AddressGuard:
    """Refuses the addresses that `pipeline.addresses` refuses, for redirects and robots.txt too.

    The check is in the reactor's resolver, because connections get their addresses there. So no
    connection goes to another address than the checked one. Hosts that a source allows are its own
    network, and are asked without a delay.
    """

    def __init__(self, crawler: Crawler) -> None:
        self.allowed: frozenset[str] = getattr(crawler.spider, "allow_private", frozenset())
        self.resolver: GuardedResolver | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        guard = cls(crawler)
        crawler.signals.connect(guard.spider_opened, signal=signals.spider_opened)
        return guard

    def spider_opened(self) -> None:
        from twisted.internet import reactor  # imported late, because the import installs it

        self.resolver = GuardedResolver(reactor.nameResolver, self.allowed)
        reactor.installNameResolver(self.resolver)

    def process_request(self, request: Request) -> None:
        """Choose the download slot: there is one for the own network, and one for each API."""
        at = host_port(request.url)  # raises if the URL is no address
        for key in _OWN_NETWORK:  # a redirect copies them to the new request
            request.meta.pop(key, None)
        if at in self.allowed:
            request.meta.update(_OWN_NETWORK)
        elif api := request.meta.get("api"):
            request.meta.update({**_OWN_NETWORK, "download_slot": api})

    def process_exception(self, request: Request, exception: Exception) -> None:
        """Raise the guard's own error in the place of "can't resolve host"."""
        assert self.resolver is not None
        if isinstance(exception, CannotResolveHostError):
            refused = self.resolver.refused.get(host_port(request.url))
            if refused:
                raise RefusedAddressError(refused) from exception


@implementer(IHostnameResolver)
class GuardedResolver:
    """Looks up the addresses of a host name, and passes on only those that may be asked."""

    def __init__(self, inner: Any, allowed: frozenset[str]) -> None:
        self._inner = inner
        self._allowed = allowed
        self.refused: dict[str, str] = {}
        """host:port: why it was refused. Scrapy only hears that the name has no address."""

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
    """Obeys robots.txt and its crawl delay.

    If robots.txt can't be read, nothing of the host is fetched (RFC 9309, 2.3.1.4). Scrapy's own
    middleware would fetch it all the same, and knows no crawl delay.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._agent: str = crawler.settings["USER_AGENT"]
        self._rules: dict[str, asyncio.Task[ProtegoRobotParser]] = {}
        self._next_turn: dict[str, float] = {}
        """host with a crawl delay: when we may ask it next, on the event loop's clock"""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        if not crawler.settings.getbool("ROBOTSTXT_OBEY"):
            raise NotConfigured
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Wait for the crawl delay. Raises an IgnoreRequest if robots.txt forbids the request."""
        if not request.meta.get("dont_obey_robotstxt"):
            origin, rules = await self._allowed(request.url)
            if delay := rules.crawl_delay(self._agent):
                await self._wait_for_turn(origin, delay)

    async def process_response(self, request: Request, response: Response) -> Response:
        """Check where a browser's redirects have led, because it follows them by itself."""
        if "playwright" in response.flags and response.url != request.url:
            await self._allowed(response.url)
        return response

    async def _allowed(self, url: str) -> tuple[str, ProtegoRobotParser]:
        check_url(url)  # else the message on a `data:` address would be about its robots.txt
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._rules:
            self._rules[origin] = asyncio.ensure_future(self._fetch(f"{origin}/robots.txt"))
        rules = await self._rules[origin]
        if not rules.allowed(url, self._agent):
            raise ForbiddenByRobotsError(f"{origin}/robots.txt forbids it")
        return origin, rules

    async def _wait_for_turn(self, origin: str, delay: float) -> None:
        now = asyncio.get_running_loop().time()
        turn = max(now, self._next_turn.get(origin, 0))
        self._next_turn[origin] = turn + delay
        await pause(self._crawler, turn - now)

    async def _fetch(self, url: str) -> ProtegoRobotParser:
        request = Request(url, callback=NO_CALLBACK, meta={"dont_obey_robotstxt": True})
        try:
            response = await self._crawler.engine.download_async(request)
        except RefusedAddressError:
            raise
        except DOWNLOAD_ERRORS as error:
            raise _unavailable(url, status_and_reason(error)[1]) from error
        if response.status in _TRY_LATER or response.status >= 500:
            raise _unavailable(url, http_message(response))
        rules = robots_rules(response.body if response.status == 200 else b"")
        delay = rules.crawl_delay(self._agent) or 0
        if delay > _LONG_DELAY:  # without a message the crawl would seem to hang
            self._crawler.spider.logger.warning("%s asks for %g s between requests", url, delay)
        return rules


_TRY_LATER = {429}
_LONG_DELAY = 10  # seconds
_SOON = 0.05  # seconds


def _unavailable(url: str, why: str) -> RobotsUnavailableError:
    return RobotsUnavailableError(f"{url} can't be read ({why}), so its host is left alone")


class CandidateLimits:
    """Lets each candidate through once, up to the source's limits for a class and for a product.

    While the candidates before it may still fill a limit, a candidate waits. So the images that are
    taken depend on the order in which the spider yields them, and not on which one arrives first.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._seen: set[tuple[str, str]] = set()
        self._pending: Counter[str | tuple[str, str]] = Counter()
        self._most: int = crawler.settings.getint("CANDIDATES_UNDER_WAY")
        self._under_way = 0
        self._ending: asyncio.Task[None] | None = None
        self._settled = asyncio.Event()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        if not isinstance(crawler.spider, SourceSpider):
            raise NotConfigured
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
        async for item in self._limited(result):
            yield item

    async def process_start(self, start: AsyncIterator[Any]) -> AsyncIterator[Any]:
        async for item in self._limited(start):
            yield item
            # Scrapy takes all at once, which may be millions of a large table
            while self._under_way >= self._most:
                await self._next_settled()
        # If `start` ended before its images are done, Scrapy would notice their end only every
        # five seconds.
        while self._crawler.engine.scraper.slot.itemproc_size:
            await asyncio.sleep(_SOON)

    async def _limited(self, result: AsyncIterator[Any]) -> AsyncIterator[Any]:
        async for item in result:
            if not self._crawler.engine.running:  # interrupted
                return
            if not isinstance(item, ProductImage):
                yield item
            elif (item.label, item.image_url) not in self._seen:
                self._seen.add((item.label, item.image_url))
                if await self._admitted(item):
                    yield item

    async def _admitted(self, item: ProductImage) -> bool:
        """Wait until it is sure whether the candidate fits into the limits. True if it does."""
        spider = self._crawler.spider
        label, product = item.label, (item.label, item.product_id)
        per_class, per_product = spider.config.limit_per_class, spider.config.limit_per_product
        images = self._crawler.get_item_pipeline(ImagePipeline)
        while True:
            of_class, of_product = images.saved[label], images.of_product[product]
            if per_class is not None and of_class >= per_class:
                spider.full.add(label)
                return False
            if per_product is not None and of_product >= per_product:
                return False
            if (per_class is None or of_class + self._pending[label] < per_class) and (
                per_product is None or of_product + self._pending[product] < per_product
            ):
                break
            await self._next_settled()
        self._pending.update([label, product])
        self._under_way += 1
        return True

    async def _next_settled(self) -> None:
        self._settled.clear()
        await self._settled.wait()

    def item_settled(self, item: ProductImage) -> None:
        self._pending.subtract([item.label, (item.label, item.product_id)])
        self._under_way -= 1
        if self._ending is None and self._crawler.engine._slot.closing is not None:
            self._ending = asyncio.ensure_future(self._let_end())
        self._settled.set()

    async def _let_end(self) -> None:
        """End an interrupted crawl: Scrapy does not notice that the last item of `start` is done.

        It would wait for ever.
        """
        scraper = self._crawler.engine.scraper
        while scraper.slot.closing is None or scraper.slot.itemproc_size:
            await asyncio.sleep(_SOON)
        if not scraper.slot.closing.called:
            scraper._check_if_closing()

    def item_error(self) -> None:
        self._crawler.stats.inc_value("item_errors")
