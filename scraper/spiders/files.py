"""The base of the spiders that read a file, of this machine or of the web, as a stream."""

import asyncio
import functools
import time
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import requests

from pipeline.cli import UserError
from scraper.crawling.robots import HostRobots, user_agent
from scraper.datasets.catalog import File
from scraper.datasets.download import copies
from scraper.ledger import LIST
from scraper.reading.sitemaps import is_file
from scraper.spiders import SourceSpider

_FRESH = 24 * 60 * 60  # seconds: an older download of a killed run is made again


class FileSpider(SourceSpider):
    """Downloads a file of any size before it is read, because Scrapy would hold it in memory.

    A download that was cut off continues where it ended. If a run is killed, the next one uses its
    download. A run that ends removes its downloads.
    """

    async def local(self, url: str) -> Path | None:
        """The path of the file on this machine. If it can't be fetched: None, and that is noted."""
        if is_file(url):
            return Path(url)
        try:
            return await asyncio.to_thread(self._download, url)
        except UserError as error:
            self.lose(url, " ".join(str(error).split()))
            return None

    def _download(self, url: str) -> Path:
        """Download the file, if the address guard and robots.txt allow it. Returns its path.

        Raises UserError with the reason if that fails.
        """
        self._robots.require(url)
        file = File(urls=[url], size=None, digest=None)
        path = next(copies(file, self.allow_private, self._prepare))
        if time.time() - path.stat().st_mtime > _FRESH:
            path.unlink()
            path = next(copies(file, self.allow_private, self._prepare))
        self._fetched.append(path)
        return path

    @functools.cached_property
    def _robots(self) -> HostRobots:
        return HostRobots(self.allow_private, self.config)

    def _prepare(self, http: requests.Session) -> None:
        """Set the user agent of a crawl, and check robots.txt for the target of each redirect."""
        http.headers["User-Agent"] = user_agent(self.config.contact)

        def judge(response: requests.Response, **_: Any) -> None:
            if target := http.get_redirect_target(response):
                self._robots.require(urljoin(response.url, target))

        http.hooks["response"].append(judge)

    @functools.cached_property
    def _fetched(self) -> list[Path]:
        return []

    def lose(self, url: str, why: str) -> None:
        """Note that a file or a list can't be read, so that the run counts as unfinished.

        If there are several, all reasons are kept, because none of them belongs to a class.
        """
        before = self.ledger.may_have_more.pop(LIST, None)
        self.break_off(LIST, url, f"{why}; {before}" if before else why)

    def closed(self, reason: str) -> None:
        if reason == "finished":
            for path in self._fetched:
                path.unlink(missing_ok=True)
