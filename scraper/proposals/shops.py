"""Looks what a shop offers: the JSON of its program, a feed, or pages of categories.

A shop's program is known by its usual addresses, a feed by links, robots.txt and usual names.
"""

import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import requests
from bs4 import BeautifulSoup
from scrapy.http import TextResponse
from scrapy.responsetypes import responsetypes

from pipeline.addresses import HttpAnswer, check_url, reason, session
from pipeline.cli import UserError
from pipeline.sources import SpiderSource
from scraper.crawling.robots import HostRobots, user_agent
from scraper.crawling.run import own_network
from scraper.feeds.kinds import Kind, kind_of
from scraper.feeds.opening import HEAD, head_of
from scraper.feeds.platforms import Platform
from scraper.feeds.read import PLATFORMS, categories, items
from scraper.proposals.asking import ask_patiently
from scraper.proposals.shop_pages import (
    FoundCategory,
    Shop,
    TextPage,
    feed_links,
    name_of,
    parsed,
    product_counts,
    short,
    store_api,
    up_to_the_cut,
)
from scraper.reading.links import menu
from scraper.reading.markup import read_listing
from scraper.reading.sitemaps import MAXSIZE, read_sitemap
from scraper.settings import DOWNLOAD_MAXSIZE, DOWNLOAD_TIMEOUT

_PRODUCTS: Final = {Kind.SHOPIFY: "products.json", Kind.WOOCOMMERCE: "wp-json/wc/store/v1/products"}
_MOST_PAGES: Final = 50  # of a list of categories
_MOST_SITEMAPS: Final = 5
_MOST_FEEDS: Final = 15  # addresses that are tried
_FEED_SECONDS: Final = 120
_FEED_NAMES: Final = (
    "feed.xml", "products.xml", "google.xml", "google-feed.xml", "google_feed.xml",
    "googlebase.xml", "google-merchant.xml", "google_merchant.xml", "google-shopping.xml",
    "merchant.xml", "feeds/google.xml", "products.csv",
)  # fmt: skip
_CATEGORY_MAP: Final = re.compile(r"categor|collection|kategor|taxonom|product_cat", re.IGNORECASE)


class _Missing(Exception):  # noqa: N818 - it is no error, but why something is not there
    pass


class Looker:
    """Looks at one shop, by the address guard, robots.txt and a pause between requests."""

    def __init__(self, url: str, contact: str | None = None) -> None:
        check_url(url)
        self.allow_private = own_network(url)
        rules = SpiderSource(kind="spider", spider="shop", url=url, classes={}, contact=contact)
        self._robots = HostRobots(self.allow_private, rules)
        self._contact = contact
        self._pause = 0.0 if self.allow_private else 1.0
        self._next = 0.0
        parts = urlsplit(url)
        self.root = f"{parts.scheme}://{parts.netloc}/"
        self.url = url
        self._lost: list[tuple[str, str]] = []
        """what was looked for, and why it did not do"""

    def look(self, is_enough: Callable[[Shop], bool]) -> Shop:
        """The first way to collect the shop that is enough, else the first way that works.

        `lost` has the ways that were tried before, and the reasons why they did not work.
        """
        shop = Shop(self.root)
        page: TextPage | None = None
        try:
            page = self._page(self.url)
        except _Missing as missing:
            self._lost.append(("the page", str(missing)))
        ways: tuple[tuple[str, Callable[[TextPage | None], Shop]], ...] = (
            ("Shopify's list", lambda page: self._platform(Kind.SHOPIFY, page)),
            ("WooCommerce's list", lambda page: self._platform(Kind.WOOCOMMERCE, page)),
            ("a feed", self._feeds),
            ("a sitemap of categories", self._sitemaps),
            ("a menu", self._menu),
        )
        found: list[Shop] = []
        for what, way in ways:
            try:
                found.append(way(page))
            except _Missing as missing:
                self._lost.append((what, str(missing)))
                continue
            if is_enough(found[-1]):
                break
            self._lost.append((what, f"{found[-1].what} has no category that is called so"))
        best = next((x for x in found if is_enough(x)), (found or [shop])[0])
        best.allow_private, best.lost = self.allow_private, self._lost
        return best

    def _platform(self, kind: Kind, page: TextPage | None) -> Shop:
        """The list of products of the shop's program, and its categories."""
        platform = PLATFORMS[kind]
        url = urljoin(self.root, _PRODUCTS[kind])
        if kind is Kind.WOOCOMMERCE:
            url = store_api(page) or url
        answer = self._get(platform.page(url, 1))
        if kind_of(answer.body[:HEAD]) is not kind:
            raise _Missing(f"{url} is no list of products")
        directories = platform.directories(url)
        shelves = [x for one in directories for x in self._directory(platform, *one)]
        counted = categories(up_to_the_cut(platform.items(parsed(answer.body), url)))
        known = {shelf.name for shelf in shelves}
        others = [str(x) for x in counted if x.path and str(x) not in known]
        shelves += [FoundCategory(name, name, is_listed=False) for name in others]
        if not shelves:
            raise _Missing(f"{url} names no categories")
        what = f"{platform.name}'s list of products"
        return Shop(url, "feed", what, shelves)

    def _directory(self, platform: Platform, kind: str, address: str) -> Iterator[FoundCategory]:
        entries: list[Any] = []
        for number in range(1, _MOST_PAGES):
            try:
                page = parsed(self._get(platform.page(address, number)).body)
            except _Missing as missing:
                self._lost.append((f"the categories of {platform.name}'s list", str(missing)))
                break
            if page in entries[-1:]:
                break
            entries.append(page)
            if platform.count(page) < platform.size:
                break
        try:
            shelves = platform.shelves(entries, kind)
        except ValueError as error:
            self._lost.append((f"the categories of {platform.name}'s list", str(error)))
            return
        counts = {
            number: count for page in entries for number, count in product_counts(page).items()
        }
        for shelf in shelves:
            ways = [x for x in shelf.category.keys if x.startswith("/")]
            name = shelf.category.path[-1] if shelf.category.path else shelf.number
            yield FoundCategory(name, min(ways) if ways else name, counts.get(shelf.number))

    def _feeds(self, page: TextPage | None) -> Shop:
        usual = [urljoin(self.root, name) for name in _FEED_NAMES]
        tried = list(dict.fromkeys([*feed_links(page), *usual]))[:_MOST_FEEDS]
        for url in tried:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "feed")
                with suppress(_Missing):  # most of these addresses are not there
                    self._download(url, path)
                if not path.exists():
                    continue
                kind = kind_of(head_of(path))
                if kind not in (Kind.XML, Kind.TABLE):
                    continue
                counted = categories(up_to_the_cut(items(path, kind, url)))
                shelves = [
                    FoundCategory(str(x), str(x), n) for x, n in counted.most_common() if x.path
                ]
                if not shelves:
                    raise _Missing(f"{url} files its products under nothing")
                return Shop(url, "feed", str(kind), shelves)
        raise _Missing(f"none is linked, nor at one of {len(tried)} usual addresses")

    def _sitemaps(self, _: TextPage | None) -> Shop:
        """Pages that sitemaps of categories list; a sitemap says so by its name."""
        named = self._robots.sitemaps(self.root) or [urljoin(self.root, "sitemap.xml")]
        seen: dict[str, None] = {}
        pages: list[str] = []
        why = "no sitemap lists categories apart from products"
        waiting = sorted(named, key=lambda x: not _CATEGORY_MAP.search(x))
        while waiting and len(seen) < _MOST_SITEMAPS:
            url = waiting.pop(0)
            if url in seen:
                continue
            seen[url] = None
            try:
                listed, inner = read_sitemap(self._get(url, MAXSIZE).body, url)
            except (_Missing, ValueError) as error:
                why = str(error) if isinstance(error, _Missing) else f"{url} {error}"
                continue
            fits = _CATEGORY_MAP.search(urlsplit(url).path)
            pages += [x for x in listed if fits or _CATEGORY_MAP.search(urlsplit(x).path)]
            waiting = [*(x for x in inner if _CATEGORY_MAP.search(x)), *waiting]
        host = urlsplit(self.root).netloc
        here = [urlsplit(x) for x in dict.fromkeys(pages) if urlsplit(x).netloc == host]
        shelves = [FoundCategory(name_of(x.path), x.path) for x in here if name_of(x.path)]
        if not shelves:
            raise _Missing(why)
        return Shop(self.root, "shop", "its sitemap", shelves)

    def _menu(self, page: TextPage | None) -> Shop:
        if page is None:
            raise _Missing("the page could not be read")
        text = page.text
        listing = read_listing(text, page.url)
        products = () if listing.is_guess else listing.products
        found = menu(page, BeautifulSoup(text, "lxml"), products)
        if not found:
            raise _Missing("the page has no menu; if it shows one, it needs JavaScript")
        host = urlsplit(page.url).netloc
        return Shop(
            self.root,
            "shop",
            "its menu",
            [FoundCategory(name, short(url, host)) for name, url in found.items()],
        )

    def _page(self, url: str) -> TextPage:
        answer = self._get(url)
        headers = {k: v for k, v in answer.headers if k.lower() == "content-type"}
        kind = responsetypes.from_args(headers=headers, url=answer.url, body=answer.body)
        response = kind(answer.url, headers=headers, body=answer.body)
        if not isinstance(response, TextResponse):
            raise _Missing(f"{url} is no web page")
        parts = urlsplit(answer.url)
        if answer.url != url:  # shop.example sends to www.shop.example
            self.root = f"{parts.scheme}://{parts.netloc}/"
        return TextPage(response.text, answer.url, response.encoding)

    def _wait(self, url: str) -> None:
        if refusal := self._robots.refusal(url):
            raise _Missing(f"{url}: {refusal}")
        time.sleep(max(0.0, self._next - time.monotonic()))
        self._next = time.monotonic() + self._pause

    def _get(self, url: str, most: int = DOWNLOAD_MAXSIZE) -> HttpAnswer:
        self._wait(url)
        try:
            answer = ask_patiently(
                url, max_bytes=most, allow_private=self.allow_private, contact=self._contact
            )
        except UserError as error:
            raise _Missing(str(error)) from error
        if answer.status >= 400:
            raise _Missing(f"{url} answers {answer.status} {answer.reason}".strip())
        if answer.url != url and (refusal := self._robots.refusal(answer.url)):
            raise _Missing(f"{answer.url}: {refusal}")
        return answer

    def _download(self, url: str, path: Path) -> None:
        """Download the beginning of a feed. A part of a long feed shows its categories."""
        self._wait(url)
        end = time.monotonic() + _FEED_SECONDS
        agent = {"User-Agent": user_agent(self._contact)}
        try:
            with (
                session(self.allow_private) as http,
                http.get(url, stream=True, timeout=DOWNLOAD_TIMEOUT, headers=agent) as answer,
                path.open("wb") as file,
            ):
                if not answer.ok or self._robots.refusal(answer.url):
                    raise _Missing(f"{url} answers {answer.status_code}")
                for chunk in answer.iter_content(1 << 16):
                    file.write(chunk)
                    is_feed = file.tell() > HEAD or kind_of(chunk)
                    if not is_feed or file.tell() > MAXSIZE or time.monotonic() > end:
                        break
        except (UserError, OSError, requests.RequestException) as error:
            raise _Missing(f"{url} can't be fetched: {reason(error)}") from error
