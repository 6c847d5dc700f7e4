"""Runs one spider for one source, and says in a sentence what went wrong."""

import difflib
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from scrapy.crawler import AsyncCrawlerProcess
from scrapy.settings import Settings

from pipeline.cli import UserError
from pipeline.params import SpiderSource
from scraper.addresses import RefusedAddressError, check_address, check_url, host_port

DEMO = "demo"
_DEMO_NAME = "http://demo-shop.localhost/"


def crawl(name: str, source: SpiderSource) -> None:
    """Crawl a source of params.yaml into data/raw/<name>; the demo shop runs for as long.

    Raises UserError where a category can't be read or the spider fails.
    """
    settings = Settings()
    settings.setmodule("scraper.settings", priority="project")
    with _served(source) as (config, renamed):
        run_spider(AsyncCrawlerProcess(settings), name, config, renamed)


def run_spider(
    process: AsyncCrawlerProcess,
    name: str,
    config: SpiderSource,
    renamed: tuple[str, str] = ("", ""),
) -> None:
    """Run `config.spider` to its end in this process, which can do so once.

    `renamed` is the address that the source has now and the one that the manifest calls it by.
    Raises UserError as `crawl` does, KeyboardInterrupt where it was interrupted.
    """
    try:
        check_url(config.url)
    except RefusedAddressError as error:
        raise UserError(f"{name}: {error}") from error
    known = process.spider_loader.list()
    if config.spider not in known:
        near = difflib.get_close_matches(config.spider, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}"
        raise UserError(f"{name}: no spider is called {config.spider!r}; {hint}")
    crawler = process.create_crawler(config.spider)
    # of bodies too long or too short: their rows say so
    logging.getLogger("scrapy.core.downloader.handlers").setLevel(logging.ERROR)
    task = process.crawl(crawler, source=name, config=config, renamed=renamed)
    process.start()
    if error := task.exception():
        raise error
    stats = crawler.stats
    if stats.get_value("finish_reason") == "shutdown":
        raise KeyboardInterrupt
    if broken := stats.get_value("spider_exceptions/count", 0) + stats.get_value("item_errors", 0):
        raise UserError(f"{name}: the spider failed {broken} times; its messages are above")
    if unreadable := crawler.spider.unreadable:
        lines = [f"{label}: {why}" for label, why in sorted(unreadable.items())]
        raise UserError(
            "\n  ".join([f"{name}: {len(lines)} categories can't be read", *lines])
            + "\ncheck these addresses and the network, then run this again"
        )


def own_network(url: str) -> list[str]:
    """`host:port` of an address typed by hand, if it is none of the public network.

    Who types an address vouches for it; what its pages then name is checked as ever.
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
        pass  # the crawl says it better
    return []


@contextmanager
def _served(source: SpiderSource) -> Iterator[tuple[SpiderSource, tuple[str, str]]]:
    """The source as it can be reached now, and how the manifest calls its address."""
    if source.url != DEMO:
        yield source, ("", "")
        return
    from scraper.demo_shop import serve  # only here, for its start-up

    with serve() as url:
        update = {"url": url, "allow_private": [*source.allow_private, host_port(url)]}
        yield source.model_copy(update=update), (url, _DEMO_NAME)
