"""What spiders have in common that read a file of this machine or of the web as a stream."""

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

_FRESH = 24 * 60 * 60  # seconds for which a killed run's download serves the next one


class FileSpider(SourceSpider):
    """Has a file of any size here before it is read: Scrapy would hold it in memory.

    A download that was cut off is gone on with, and one that a killed run has made serves the next
    run. It is removed when the run ends.
    """

    async def local(self, url: str) -> Path | None:
        """The file, here; None, and noted, where it can't be had."""
        if is_file(url):
            return Path(url)
        try:
            return await asyncio.to_thread(self._download, url)
        except UserError as error:
            self.lose(url, " ".join(str(error).split()))
            return None

    def _download(self, url: str) -> Path:
        """Fetch it by the address guard and robots.txt. Raises UserError with what went wrong."""
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
        """Give it a crawl's manners: its user agent, and robots.txt also where a redirect leads."""
        http.headers["User-Agent"] = user_agent(self.config.contact)

        def judge(response: requests.Response, **_: Any) -> None:
            if target := http.get_redirect_target(response):
                self._robots.require(urljoin(response.url, target))

        http.hooks["response"].append(judge)

    @functools.cached_property
    def _fetched(self) -> list[Path]:
        return []

    def lose(self, url: str, why: str) -> None:
        """Note that a file or a list can't be read, which leaves the run unfinished.

        Of several each reason stays, since none of them names a class.
        """
        before = self.ledger.may_have_more.pop(LIST, None)
        self.break_off(LIST, url, f"{why}; {before}" if before else why)

    def closed(self, reason: str) -> None:
        if reason == "finished":
            for path in self._fetched:
                path.unlink(missing_ok=True)
