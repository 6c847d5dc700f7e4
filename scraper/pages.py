"""One page of a site: its links, and the markup that extruct finds in it."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

import extruct
import lxml.etree
import lxml.html
from extruct.jsonld import JsonLdExtractor

_MAIN = ("//main | //*[@role='main']", "//*[@id='main' or @id='content']", "//body")
_LINKS = (
    ".//a[@href][not(ancestor::nav or ancestor::footer or ancestor::aside"
    " or ancestor::header[not(ancestor::article)])]/@href"
)


class Page:
    """The page at `url`, as text: its links, and what is marked up on it."""

    def __init__(self, text: str, url: str) -> None:
        parser = lxml.html.HTMLParser(encoding="utf-8")
        try:
            content = text.encode("utf-8", "replace")
            self.tree: Any = lxml.html.document_fromstring(content, parser=parser)
        except lxml.etree.ParserError:  # nothing in it
            self.tree = lxml.html.document_fromstring("<html></html>")
        self.url = self.base = url
        for href in self.tree.xpath("//base/@href")[:1]:
            self.base = self.absolute(href) or url
        canonical = self.tree.xpath("//link[@rel='canonical']/@href")[:1]
        self.names = {place(x) for x in (url, *map(self.absolute, canonical)) if x}

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
                links = self.site_links(main.xpath(_LINKS))
                return tuple(x for x in links if place(x) != place(self.url))
        return ()

    def next_page(self) -> str | None:
        links = self.tree.xpath("//link[@rel and @href] | //a[@rel and @href]")
        marked = [x.get("href") for x in links if "next" in x.get("rel").lower().split()]
        return next(iter(self.site_links(marked)), None)

    def json_ld(self) -> list[Any]:
        found: list[Any] = []
        for script in self.tree.iter("script"):
            try:  # one by one: a broken script takes no other along
                found += JsonLdExtractor().extract_items(script)
            except (ValueError, RecursionError):
                continue
        return found

    def microdata(self) -> list[Any]:
        return self._extract("microdata")

    def open_graph(self) -> dict[str, Any]:
        return next(iter(self._extract("opengraph")), {})

    def _extract(self, syntax: str) -> list[Any]:
        try:
            found = extruct.extract(
                self.tree, base_url=self.base, syntaxes=[syntax], errors="ignore", uniform=True
            )
        except KeyError:  # extruct's own way to say that it could not read the syntax
            return []
        return list(found.get(syntax, []))


def place(url: str) -> tuple[str, str]:
    """Site and path, for comparing addresses that are written in different ways."""
    parts = urlsplit(url)
    return parts.netloc.lower().removeprefix("www."), parts.path.rstrip("/")
