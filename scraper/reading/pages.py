"""One page of a site: its links, and the markup that extruct finds in it."""

import copy
import functools
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, urldefrag, urljoin, urlsplit

import extruct
import lxml.etree
import lxml.html
from extruct.jsonld import JsonLdExtractor

from scraper.reading import img

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
# what puts a product into the cart: by the names that shop systems give it, whatever the language
_ORDER = re.compile(
    r"add[-_]?(to|2)?[-_]?(the[-_]?)?(cart|basket|bag)|cart/add|(buy|order)[-_]?(now|button|box)",
    re.IGNORECASE,
)
_MOST_ORDERS = 2  # many shops show the button once more where the page is scrolled
_SAYS = ("class", "id", "name", "action", "href", "data-action", "data-button-action")
_OWN = "[not(ancestor::li or ancestor::nav or ancestor::aside or ancestor::footer)]"


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
        img.show_largest(self.tree, self.absolute)

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


def _local(name: str) -> str:
    """`schema:name`, `http://schema.org/name` and `name` are one; `og:image` is none of them."""
    prefix, _, local = name.rpartition(":")
    if not prefix or prefix == "schema":
        return local
    return local.rpartition("/")[2] if local.startswith("//schema.org/") else name


def place(url: str) -> tuple[str, str]:
    """Site and path, for comparing addresses that are written in different ways."""
    parts = urlsplit(url)
    return parts.netloc.lower().removeprefix("www."), parts.path.rstrip("/")
