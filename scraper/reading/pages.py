"""One page of a site: its links, its names, and its markup."""

import functools
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, unquote, urldefrag, urljoin, urlsplit

import lxml.etree
import lxml.html

from scraper.reading.json_ld import read_json_ld
from scraper.reading.microdata import read_microdata, read_rdfa
from scraper.reading.open_graph import OpenGraph

_NUMBER = re.compile("[0-9]{1,4}")
_OFFSETS = {"start", "offset", "skip", "begin", "startrow", "beginindex", "startindex"}
_PAGE_SIZES = {"sz", "size", "limit", "count", "rows", "per_page", "perpage", "pagesize"}
_MAIN = ("//main | //*[@role='main']", "//*[@id='main' or @id='content']", "//body")
_LINKS = (
    ".//a[@href][not(ancestor::nav or ancestor::footer or ancestor::aside"
    " or ancestor::header[not(ancestor::article)])]/@href"
)

_CRUMBS = (
    "contains(translate(@class, 'CRUMB', 'crumb'), 'crumb')"
    " or contains(translate(@aria-label, 'CRUMB', 'crumb'), 'crumb')"
)


class Page:
    """The page at `url`, as text: its links, and what is marked up on it."""

    def __init__(self, text: str, url: str) -> None:
        parser = lxml.html.HTMLParser(encoding="utf-8", huge_tree=True)
        try:
            content = text.replace("\0", "").encode("utf-8", "replace")
            self.tree: Any = lxml.html.document_fromstring(content, parser=parser)
        except lxml.etree.ParserError:  # nothing in it
            self.tree = lxml.html.document_fromstring("<html></html>")
        self.url = self.base = url
        for href in self.tree.xpath("//base/@href")[:1]:
            self.base = self.absolute(href) or url
        canonical = self.tree.xpath("//link[@rel='canonical']/@href")[:1]
        self.names = {place(x) for x in (url, *map(self.absolute, canonical)) if x}
        self.addresses = [x for x in (url, *map(self.absolute, canonical)) if x]

    def is_called(self, url: str) -> bool:
        """Whether `url` is an address of this page."""
        return place(url) in self.names

    def absolute(self, reference: object) -> str | None:
        """The http(s) address that `reference` means on this page, without its fragment."""
        if not isinstance(reference, str) or not reference.strip():
            return None
        try:
            url = urldefrag(urljoin(self.base, reference.strip())).url
            parts = urlsplit(url)
        except ValueError:
            return None
        return url if parts.scheme in ("http", "https") and parts.hostname else None

    def site_links(self, references: Iterable[object]) -> tuple[str, ...]:
        """Absolute, each once, of this site, and not this page itself."""
        links = dict.fromkeys(self.absolute(r) for r in references)
        here, site = urldefrag(self.url).url, place(self.url)[0]
        return tuple(x for x in links if x and x != here and place(x)[0] == site)

    def main_links(self) -> tuple[str, ...]:
        """The links of the main content, but for those to other views of this page."""
        for path in _MAIN:
            for main in self.tree.xpath(path)[:1]:
                links, pages = self.site_links(main.xpath(_LINKS)), set(self._numbered.values())
                return tuple(x for x in links if place(x) != place(self.url) and x not in pages)
        return ()

    def next_page(self) -> str | None:
        """By `rel="next"`, else by the numbers that link to the pages of the listing.

        Or else by their offsets: `?start=24` is the next one after `?start=0`, or after none.
        """
        links = self.tree.xpath("//link[@rel and @href] | //a[@rel and @href]")
        marked = [x.get("href") for x in links if "next" in x.get("rel").lower().split()]
        if following := next(iter(self.site_links(marked)), None):
            return following
        here = max((_number_like(n, url, self.url) for n, url in self._numbered.items()), default=1)
        return self._numbered.get(here + 1) or self._next_offset()

    def _next_offset(self) -> str | None:
        """The smallest offset above this page's, of links that are equal to it otherwise."""
        here, rest = _offset(self.url)
        found: dict[int, str] = {}
        for url in self.site_links(self.tree.xpath("//a/@href")):
            offset, others = _offset(url)
            if offset > here and others == rest and place(url) == place(self.url):
                found.setdefault(offset, url)
        return found[min(found)] if found else None

    @functools.cached_property
    def _numbered(self) -> dict[int, str]:
        """Links whose text is a number that their address has too: `?page=2`, `/page/2/`."""
        found: dict[int, str] = {}
        stem = place(self.url)[1].removesuffix(".html")
        for link in self.tree.xpath("//a[@href]"):
            text = "".join(link.itertext()).strip()
            if not _NUMBER.fullmatch(text):
                continue
            for url in self.site_links([link.get("href")]):
                template = _template(int(text), url)
                if template and (template.fullmatch(self.url) or place(url)[1].startswith(stem)):
                    found.setdefault(int(text), url)
        return found

    def breadcrumb(self) -> list[tuple[str | None, str | None]]:
        """Text and address of the links that lead here from the home page."""
        links = self.tree.xpath(f"//*[{_CRUMBS}]//a[@href]")
        return [(" ".join("".join(a.itertext()).split()) or None, a.get("href")) for a in links]

    @functools.cached_property
    def heading(self) -> str | None:
        """The first main heading that has text."""
        return next(iter(self._texts("//h1")), None)

    @functools.cached_property
    def titles(self) -> tuple[str, ...]:
        """What the page is called: its headings, its title, and that for sharing."""
        found = [*self._texts("//h1")[:3], self.open_graph.title, *self._texts("//head/title")[:1]]
        return tuple(dict.fromkeys(x for x in found if x))

    def _texts(self, path: str) -> list[str]:
        found = (" ".join("".join(e.itertext()).split()) for e in self.tree.xpath(path)[:9])
        return [text for text in found if text]

    @property
    def slug(self) -> str:
        """The words of the last part of its address that has letters."""
        parts = unquote(urlsplit(self.url).path).split("/")
        return next((p for p in reversed(parts) if any(c.isalpha() for c in p)), "")

    @functools.cached_property
    def markup(self) -> tuple[list[Any], ...]:
        """What each syntax says, the most telling first: JSON-LD, microdata, RDFa."""
        rest = (read(self.tree, self.absolute) for read in (read_microdata, read_rdfa))
        return read_json_ld(self.tree), *rest

    @functools.cached_property
    def open_graph(self) -> OpenGraph:
        return OpenGraph(self.tree)


def _offset(url: str) -> tuple[int, list[tuple[str, str]]]:
    """How many products come before those of this page, and what else its query says."""
    offset, rest = 0, []
    for name, value in parse_qsl(urlsplit(url).query, keep_blank_values=True):
        if name.lower() in _OFFSETS and value.isascii() and value.isdigit():
            offset = int(value[:9])
        elif name.lower() not in _PAGE_SIZES:
            rest.append((name, value))
    return offset, sorted(rest)


def _template(number: int, url: str) -> re.Pattern[str] | None:
    """What the addresses of a listing's pages look like, where `url` is that of page `number`."""
    found = list(re.finditer(rf"(?<![0-9]){number}(?![0-9])", url))
    if not found:
        return None
    before, after = re.escape(url[: found[-1].start()]), re.escape(url[found[-1].end() :])
    return re.compile(f"{before}([0-9]{{1,4}}){after}")


def _number_like(number: int, url: str, here: str) -> int:
    """The number of the page at `here`; 1 where its address has none like that."""
    template = _template(number, url)
    found = template.fullmatch(here) if template else None
    return int(found[1]) if found else 1


def place(url: str) -> tuple[str, str]:
    """Site and path, for comparing addresses that are written in different ways."""
    parts = urlsplit(url)
    return parts.netloc.lower().removeprefix("www."), parts.path.rstrip("/")
