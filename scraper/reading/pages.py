"""One page of a site: its links, and the markup that extruct finds in it."""

import copy
import functools
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, urldefrag, urljoin, urlsplit

import extruct
import lxml.etree
import lxml.html
from extruct.jsonld import JsonLdExtractor

from scraper.reading import img
from scraper.reading.canonical import is_same_page, is_view, once, place, unescaped

_MAIN = ("//main | //*[@role='main']", "//*[@id='main' or @id='content']", "//body")
_LINKS = (
    ".//a[@href][not(ancestor::nav or ancestor::footer or ancestor::aside"
    " or ancestor::header[not(ancestor::article)])]/@href"
)

_CRUMBS = (
    "contains(translate(@class, 'CRUMB', 'crumb'), 'crumb')"
    " or contains(translate(@aria-label, 'CRUMB', 'crumb'), 'crumb')"
)
# what puts a product into the cart: by the names that shop systems give it, whatever the language
_ORDER = re.compile(
    r"add[-_]?(to|2)?[-_]?(the[-_]?)?(cart|basket|bag)|cart/add|(buy|order)[-_]?(now|button|box)",
    re.IGNORECASE,
)
_MOST_ORDERS = 2  # many shops show the button once more where the page is scrolled
_SAYS = ("class", "id", "name", "action", "href", "data-action", "data-button-action")
_PLAIN = re.compile(r"/(?!/)[\w/=%~+,:@!$*().-]*(\?[\w/=&%~+,:@!$*().-]+)?", re.ASCII)
_OWN = "[not(ancestor::li or ancestor::nav or ancestor::aside or ancestor::footer)]"


class Page:
    """The page at `url`, as text: its links, and what is marked up on it.

    `encoding` is what it came in: browsers ask for the queries of its links in that.
    """

    def __init__(self, text: str, url: str, encoding: str = "utf-8") -> None:
        parser = lxml.html.HTMLParser(encoding="utf-8")
        try:
            content = text.encode("utf-8", "replace")
            self.tree: Any = lxml.html.document_fromstring(content, parser=parser)
        except lxml.etree.ParserError:  # nothing in it
            self.tree = lxml.html.document_fromstring("<html></html>")
        self.url = self.base = url
        self._origin = ""  # what an absolute path is put behind
        self._encoding = encoding
        for href in self.tree.xpath("//base/@href")[:1]:
            self.base = self.absolute(href) or url
        if re.match("https?://[^/?#]", self.base):
            self._origin = "/".join(re.split("[/?#]", self.base)[:3])
        canonical = self.tree.xpath("//link[@rel='canonical']/@href")[:1]
        self._names = {place(x) for x in (url, *map(self.absolute, canonical)) if x}
        img.show_largest(self.tree, self.absolute)

    def absolute(self, reference: object) -> str | None:
        """The http(s) address that `reference` means on this page, without its fragment."""
        if not isinstance(reference, str) or not reference.strip():
            return None
        if self._origin and _PLAIN.fullmatch(reference) and "/." not in reference:
            return self._origin + reference  # as nearly all are: a tenth of the time
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
        """With the query in the page's encoding; what that lacks goes as browsers send it."""
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
        """Absolute, each once, of this site, and not this page itself."""
        here = place(self.url)
        urls = filter(None, map(self.absolute, references))
        return tuple(x for x in once(urls) if place(x).site == here.site and place(x) != here)

    def main_links(self) -> tuple[str, ...]:
        """The links of the main content, but for those to other views of this page."""
        here = place(self.url)
        for path in _MAIN:
            for main in self.tree.xpath(path)[:1]:
                links = self.site_links(main.xpath(_LINKS))
                return tuple(x for x in links if not is_view(place(x), here))
        return ()

    def breadcrumb(self) -> list[tuple[str | None, str | None]]:
        """Text and address of the links that lead here from the home page."""
        links = self.tree.xpath(f"//*[{_CRUMBS}]//a[@href]")
        return [(" ".join("".join(a.itertext()).split()) or None, a.get("href")) for a in links]

    @property
    def heading(self) -> str | None:
        headings = self.tree.xpath("//h1")
        return " ".join("".join(headings[0].itertext()).split()) or None if headings else None

    @property
    def is_like_a_product(self) -> bool:
        """One main heading, and something to put one product, not several, into the cart."""
        controls = self.tree.xpath(
            f"//*[self::form or self::button or self::input or self::a]{_OWN}"
        )
        orders = {x for x in controls if any(_ORDER.search(x.get(k, "")) for k in _SAYS)}
        outermost = [x for x in orders if orders.isdisjoint(x.iterancestors())]
        return len(self.tree.xpath("//h1")) == 1 and 0 < len(outermost) <= _MOST_ORDERS

    @functools.cached_property
    def markup(self) -> tuple[list[Any], ...]:
        """What each syntax says, the most telling first: JSON-LD, microdata, RDFa."""
        return self._json_ld(), self._extract("microdata", self.tree), self._rdfa()

    def _json_ld(self) -> list[Any]:
        found: list[Any] = []
        for script in self.tree.iter("script"):
            try:  # one by one: a broken script takes no other along
                found += JsonLdExtractor().extract_items(script)
            except (ValueError, RecursionError):
                continue
        return found

    def _rdfa(self) -> list[Any]:
        """Its subset "RDFa Lite", read as the microdata that says the same.

        (As triples it would have lost the order of the images.)
        """
        if not self.tree.xpath("//*[@typeof]"):
            return []
        tree = copy.deepcopy(self.tree)
        for node in tree.xpath("//*[@itemscope or @itemprop]"):
            for name in ("itemscope", "itemprop", "itemtype", "itemref"):
                node.attrib.pop(name, None)
        for node in tree.xpath("//*[@typeof]"):
            node.set("itemscope", "")
            node.set("itemtype", " ".join(map(_local, node.get("typeof").split())))
            if address := node.get("resource") or node.get("href"):
                node.set("itemid", address)
        for node in tree.xpath("//*[@property]"):
            node.set("itemprop", " ".join(map(_local, node.get("property").split())))
        return self._extract("microdata", tree)

    @functools.cached_property
    def open_graph(self) -> dict[str, Any]:
        return next(iter(self._extract("opengraph", self.tree)), {})

    def _extract(self, syntax: str, tree: Any) -> list[Any]:
        try:
            found = extruct.extract(
                tree, base_url=self.base, syntaxes=[syntax], errors="ignore", uniform=True
            )
        except KeyError:  # extruct's own way to say that it could not read the syntax
            return []
        return list(found.get(syntax, []))


def _local(name: str) -> str:
    """`schema:name`, `http://schema.org/name` and `name` are one; `og:image` is none of them."""
    prefix, _, local = name.rpartition(":")
    if not prefix or prefix == "schema":
        return local
    return local.rpartition("/")[2] if local.startswith("//schema.org/") else name
