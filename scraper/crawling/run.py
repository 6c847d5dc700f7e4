"""Runs one spider for one source. If that fails, it says in a sentence what went wrong."""

import difflib
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from scrapy.crawler import AsyncCrawlerProcess
from scrapy.settings import Settings

from pipeline.addresses import RefusedAddressError, check_address, check_url, host_port
from pipeline.cli import UserError
from pipeline.sources import AddressesSource, CrawlSource, SpiderSource
from scraper.crawling.robots import user_agent
from scraper.ledger import Ledger
from scraper.reading.sitemaps import is_file
from scraper.spiders import SEVERAL, SPIDER_KEYS, SourceSpider

_LOGGER = logging.getLogger(__name__)
DEMO = "demo"
_DEMO_NAME = "http://demo-shop.localhost/"


def crawl(
    name: str,
    source: SpiderSource | AddressesSource,
    earlier: Ledger,
    *,
    retry_permanent: bool = False,
) -> Ledger:
    """Crawl a source of params.yaml into data/raw/<name>.

    If the source is the demo shop, this serves it during the crawl. `earlier` says which pages need
    no new request. `retry_permanent` asks again even for images that failed for good.
    Returns what became of the pages. Raises UserError if the spider fails.
    """
    settings = Settings()
    settings.setmodule("scraper.settings", priority="project")
    settings.set("RETRY_PERMANENT", retry_permanent, "cmdline")
    with _served(source) as (config, renamed):
        return run_spider(AsyncCrawlerProcess(settings), name, config, renamed, earlier=earlier)


def run_spider(
    process: AsyncCrawlerProcess,
    name: str,
    config: SpiderSource | AddressesSource,
    renamed: tuple[str, str] = ("", ""),
    folder: Path | None = None,
    earlier: Ledger | None = None,
) -> Ledger:
    """Run `config.spider` to its end in this process. A process can do this only once.

    `renamed` has the address that the source has now, and the one that the manifest uses for it.
    `folder` is where images go, if not to data/raw/<name>.
    Returns and raises what `crawl` does, and KeyboardInterrupt if somebody interrupted it.
    """
    spider = spider_class(process, name, config.spider)
    _check_keys(name, config, spider)
    crawler = process.create_crawler(spider)
    _set_manners(name, config, crawler.settings)
    # Scrapy logs several messages for each image: those below the level are not even formatted
    logging.getLogger("scrapy").setLevel(crawler.settings["LOG_LEVEL"])
    # Scrapy warns of bodies that are too long or too short: their rows say so already
    logging.getLogger("scrapy.core.downloader.handlers").setLevel(logging.ERROR)
    task = process.crawl(
        crawler, source=name, config=config, renamed=renamed, folder=folder, earlier=earlier
    )
    process.start()
    if failure := task.exception():
        raise failure
    stats = crawler.stats
    if stats.get_value("finish_reason") == "shutdown":
        raise KeyboardInterrupt
    if broken := stats.get_value("spider_exceptions/count", 0) + stats.get_value("item_errors", 0):
        raise UserError(f"{name}: the spider failed {broken} times; its messages are above")
    ledger: Ledger = crawler.spider.ledger
    return ledger


def spider_class(process: AsyncCrawlerProcess, name: str, spider: str) -> type[SourceSpider]:
    """The class of the spider that `sources.<name>` calls `spider`. Raises UserError if unknown."""
    known = process.spider_loader.list()
    if spider in known:
        found: type[SourceSpider] = process.spider_loader.load(spider)
        return found
    near = difflib.get_close_matches(spider, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}"
    raise UserError(f"{name}: no spider is called {spider!r}; {hint}")


def _check_keys(name: str, config: CrawlSource, spider: type[SourceSpider]) -> None:
    """Raise UserError if a key has no effect or is missing, or a value is no address or file."""
    if not isinstance(config, spider.source_type):
        raise UserError(f"{name}: {spider.name} is a kind of source; write kind: {spider.name}")
    if isinstance(config, SpiderSource):
        _check_spider_keys(name, config, spider)
    try:
        for address in filter(None, (*config.addresses, getattr(config, "api", None))):
            if not is_file(address):
                check_url(address)
    except RefusedAddressError as error:
        no_file = "" if "://" in address else ", and there is no such file"
        raise UserError(f"{name}: {error}{no_file}") from error


def _check_spider_keys(name: str, config: SpiderSource, spider: type[SourceSpider]) -> None:
    for key in SPIDER_KEYS:
        unset = SpiderSource.model_fields[key].default
        if getattr(config, key) != unset and key not in spider.takes:
            raise UserError(
                f"{name}: the spider {config.spider} takes no {key}; "
                f"set it to {'null' if unset is None else 'false'}"
            )
    if config.url is None and "url" in spider.takes:
        raise UserError(f"{name}: the spider {config.spider} needs a url to start from")
    lists = {"url": config.url, **{f"classes.{x}": value for x, value in config.classes.items()}}
    for key, value in lists.items():
        if isinstance(value, list) and SEVERAL not in spider.takes:
            raise UserError(
                f"{name}: the spider {config.spider} takes no list for {key}; write one value"
            )


def _set_manners(name: str, config: CrawlSource, settings: Settings) -> None:
    if config.contact:  # else the user agent of the settings, or of the command line, stays
        settings.set("USER_AGENT", user_agent(config.contact), "spider")
    if isinstance(config, SpiderSource) and config.browser:
        _set_browser(settings)
    if not config.obey_robots:
        settings.set("ROBOTSTXT_OBEY", False, "spider")
        _LOGGER.warning(
            "%s: obey_robots is false: robots.txt, crawl delays, noai and noimageindex are ignored",
            name,
        )


def _set_browser(settings: Settings) -> None:
    try:
        from scraper.crawling.browser import browser_settings
    except ModuleNotFoundError as error:
        raise UserError('browser: true needs an extra: pip install -e ".[browser]"') from error
    for key, value in browser_settings().items():
        base = settings.getdict(key) if isinstance(value, dict) else None
        settings.set(key, {**base, **value} if base else value, "spider")
    # it logs each page that fails, but our own messages say that already
    logging.getLogger("scrapy-playwright").setLevel(logging.ERROR)


def own_network(url: str) -> list[str]:
    """`host:port` of an address that a person typed, as a list; empty if the address is public.

    A person who types an address vouches for it. Addresses on its pages are checked as always.
    """
    parts = urlsplit(url)
    host, port = str(parts.hostname), int(host_port(url).rpartition(":")[2])
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        for *_, (ip, *_) in found:
            check_address(host, port, str(ip), ())
    except RefusedAddressError:
        return [host_port(url)]
    except OSError:
        pass  # the crawl has a better message
    return []


@contextmanager
def _served(
    source: SpiderSource | AddressesSource,
) -> Iterator[tuple[SpiderSource | AddressesSource, tuple[str, str]]]:
    """The source with the address that it has now, and the address that the manifest uses."""
    if isinstance(source, AddressesSource) or source.url != DEMO:
        yield source, ("", "")
        return
    from scraper.demo_shop import serve  # imported late, because it is slow to import

    with serve() as url:
        update = {"url": url, "allow_private": [*source.allow_private, host_port(url)]}
        yield source.model_copy(update=update), (url, _DEMO_NAME)
