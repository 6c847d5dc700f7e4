"""Reads one page of a site: its links, its names, and its markup."""

import functools
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, unquote, urldefrag, urljoin, urlsplit

import lxml.etree
import lxml.html

from scraper.reading.canonical import is_same_page, is_view, once, place, unescaped
from scraper.reading.json_ld import read_json_ld
from scraper.reading.microdata import read_microdata, read_rdfa
from scraper.reading.open_graph import OpenGraph

_MAIN = ("//main | //*[@role='main']", "//*[@id='main' or @id='content']", "//body")
_LINKS = (
    ".//a[@href][not(ancestor::nav or ancestor::footer or ancestor::aside"
    " or ancestor::header[not(ancestor::article)])]/@href"
)

_CRUMBS = (
    "contains(translate(@class, 'CRUMB', 'crumb'), 'crumb')"
    " or contains(translate(@aria-label, 'CRUMB', 'crumb'), 'crumb')"
)
_PLAIN = re.compile(r"/(?!/)[\w/=%~+,:@!$*().-]*(\?[\w/=&%~+,:@!$*().-]+)?", re.ASCII)


class Page:
    """The text of the page at `url`: its links and its markup.

    `encoding` is the encoding of the page. Browsers use it for the queries of its links.
    """

    def __init__(self, text: str, url: str, encoding: str = "utf-8") -> None:
        parser = lxml.html.HTMLParser(encoding="utf-8", huge_tree=True)
        try:
            content = text.replace("\0", "").encode("utf-8", "replace")
            self.tree: Any = lxml.html.document_fromstring(content, parser=parser)
        except lxml.etree.ParserError:  # nothing in it
            self.tree = lxml.html.document_fromstring("<html></html>")
        self.url = self.base = url
        self._origin = ""  # scheme and host, which come before a path that begins with `/`
        self._encoding = encoding
        for href in self.tree.xpath("//base/@href")[:1]:
            self.base = self.absolute(href) or url
        if re.match("https?://[^/?#]", self.base):
            self._origin = "/".join(re.split("[/?#]", self.base)[:3])
        canonical = self.tree.xpath("//link[@rel='canonical']/@href")[:1]
        self.addresses = [x for x in (url, *map(self.absolute, canonical)) if x]
        self._names = set(map(place, self.addresses))

    def absolute(self, reference: object) -> str | None:
        """The http(s) address to which `reference` leads from this page, without its fragment.

        None if it leads to none.
        """
        if not isinstance(reference, str) or not reference.strip():
            return None
        if self._origin and _PLAIN.fullmatch(reference) and "/." not in reference:
            return self._origin + reference  # most references; this is ten times as fast
        path, mark, query = unescaped(reference.strip()).partition("?")
        try:
            url = urldefrag(urljoin(self.base, path.replace("\\", "/") + mark + query)).url
            parts = urlsplit(url)
        except ValueError:
            return None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return None
        return url if parts.query.isascii() else self._encoded(url, parts.query)

    def _encoded(self, url: str, query: str) -> str:
        """The address with its query in the page's encoding. Other letters become entities.

        Browsers do the same.
        """
        if self._encoding.lower().startswith("utf"):
            return url
        sent = (
            x if x.isascii() else quote(x.encode(self._encoding, "xmlcharrefreplace"), safe="")
            for x in query
        )
        return url.removesuffix(query) + "".join(sent)

    def is_called(self, url: str) -> bool:
        """Whether `url` is this page's address, or the one that it calls its canonical address."""
        return any(is_same_page(place(url), name) for name in self._names)

    def site_links(self, references: Iterable[object]) -> tuple[str, ...]:
        """The addresses of other pages of this site among the references, each once."""
        here = place(self.url)
        urls = filter(None, map(self.absolute, references))
        return tuple(x for x in once(urls) if place(x).site == here.site and place(x) != here)

    def main_links(self) -> tuple[str, ...]:
        """The links of the main content, without links to other views of this page."""
        here = place(self.url)
        for path in _MAIN:
            for main in self.tree.xpath(path)[:1]:
                links = self.site_links(main.xpath(_LINKS))
                return tuple(x for x in links if not is_view(place(x), here))
        return ()

    def breadcrumb(self) -> list[tuple[str | None, str | None]]:
        """Text and reference of the links in the breadcrumb, from the home page to this one."""
        links = self.tree.xpath(f"//*[{_CRUMBS}]//a[@href]")
        return [(" ".join("".join(a.itertext()).split()) or None, a.get("href")) for a in links]

    @functools.cached_property
    def heading(self) -> str | None:
        """The first main heading that has a text, or None."""
        return next(iter(self._texts("//h1")), None)

    @functools.cached_property
    def titles(self) -> tuple[str, ...]:
        """The names of the page: its headings, its title for sharing, and its title."""
        found = [*self._texts("//h1")[:3], self.open_graph.title, *self._texts("//head/title")[:1]]
        return tuple(dict.fromkeys(x for x in found if x))

    def _texts(self, path: str) -> list[str]:
        found = (" ".join("".join(e.itertext()).split()) for e in self.tree.xpath(path)[:9])
        return [text for text in found if text]

    @property
    def slug(self) -> str:
        """The last part of the address that has letters."""
        parts = unquote(urlsplit(self.url).path).split("/")
        return next((p for p in reversed(parts) if any(c.isalpha() for c in p)), "")

    @functools.cached_property
    def markup(self) -> tuple[list[Any], ...]:
        """The markup in each syntax, the best one first: JSON-LD, microdata, RDFa."""
        rest = (read(self.tree, self.absolute) for read in (read_microdata, read_rdfa))
        return read_json_ld(self.tree), *rest

    @functools.cached_property
    def open_graph(self) -> OpenGraph:
        return OpenGraph(self.tree)
