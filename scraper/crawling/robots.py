"""Reads robots.txt in any encoding, and says before a crawl what it allows."""

from collections.abc import Collection
from urllib.parse import urlsplit

from scrapy.robotstxt import ProtegoRobotParser
from w3lib.encoding import read_bom

from pipeline.addresses import FetchError, RefusedAddressError, ask
from pipeline.cli import UserError
from pipeline.sources import CrawlSource
from scraper.settings import BOT_NAME, DOWNLOAD_MAXSIZE, DOWNLOAD_TIMEOUT, USER_AGENT


def user_agent(contact: str | None) -> str:
    """The user agent of a source's requests. It has the source's contact, if there is one."""
    return f"{BOT_NAME} ({contact})" if contact else USER_AGENT


def robots_rules(body: bytes) -> ProtegoRobotParser:
    """The rules of a robots.txt. A byte order mark tells its encoding, if it is not UTF-8.

    The whole file counts, even beyond the 500 KiB that RFC 9309 asks for, and with any line ends.
    """
    encoding, mark = read_bom(body)
    body = body[len(mark or b"") :]
    if encoding is None and b"\0" in body[:2]:  # UTF-16 without a mark: a letter beside a zero
        encoding = "utf-16-be" if body[:1] == b"\0" else "utf-16-le"
    text = body.decode(encoding or "utf-8", "ignore")
    return ProtegoRobotParser("\n".join(text.splitlines()).encode(), spider=None)


class HostRobots:
    """Reads the robots.txt of each host once, and applies it as the spiders do."""

    def __init__(self, allow_private: Collection[str], source: CrawlSource) -> None:
        self.allow_private = allow_private
        self._obeyed = source.obey_robots
        self._agent = user_agent(source.contact)
        self._rules: dict[str, ProtegoRobotParser | str] = {}
        """address of a robots.txt: its rules, or why its host is left alone"""

    def require(self, url: str) -> None:
        """Raise UserError if the source obeys robots.txt, and this forbids `url`."""
        if why := self.refusal(url):
            raise UserError(f"{url} would not be fetched: {why}")

    def refusal(self, url: str) -> str | None:
        """Why robots.txt forbids `url`; None if it does not, or if the source does not obey it."""
        return self._objection(url) if self._obeyed else None

    def summary(self, url: str) -> str:
        """What robots.txt says about `url`, in words for a person."""
        rules = self._of(url)
        if objection := self._objection(url):
            return f"{objection}; not obeyed, as the source says so"
        delay = None if isinstance(rules, str) else rules.crawl_delay(USER_AGENT)
        return "allows it" + (f", with {delay:g} s between requests" if delay else "")

    def sitemaps(self, url: str) -> list[str]:
        """The sitemaps that robots.txt of this host names."""
        rules = self._of(url)
        return [] if isinstance(rules, str) else [str(x) for x in rules.rp.sitemaps]

    def _objection(self, url: str) -> str | None:
        rules = self._of(url)
        if isinstance(rules, str):
            return rules
        return None if rules.allowed(url, USER_AGENT) else "robots.txt forbids it"

    def _of(self, url: str) -> ProtegoRobotParser | str:
        parts = urlsplit(url)
        address = f"{parts.scheme}://{parts.netloc}/robots.txt"
        if address not in self._rules:
            self._rules[address] = self._read(address)
        return self._rules[address]

    def _read(self, address: str) -> ProtegoRobotParser | str:
        try:
            answer = ask(
                address,
                max_bytes=DOWNLOAD_MAXSIZE,
                timeout=DOWNLOAD_TIMEOUT,
                allow_private=self.allow_private,
                user_agent=self._agent,
            )
        except RefusedAddressError as error:
            return str(error)
        except FetchError as error:
            return f"{error}, so its host is left alone"
        if answer.status == 429 or answer.status >= 500:
            return f"{address} answers {answer.status}, so its host is left alone"
        return robots_rules(answer.body if answer.status == 200 else b"")
