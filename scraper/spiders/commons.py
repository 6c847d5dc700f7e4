"""Collects images from Wikimedia Commons, or any other MediaWiki: of a category or of a search.

https://www.mediawiki.org/wiki/API:Categorymembers, API:Search, API:Imageinfo, API:Siteinfo,
API:Etiquette
"""

import dataclasses
import re
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import urljoin, urlsplit

import lxml.html
from lxml import etree
from scrapy import Request
from scrapy.http import Response
from w3lib.html import remove_tags, replace_entities

from scraper.crawling.items import ProductImage
from scraper.spiders.api import ApiSpider
from scraper.spiders.records import image_format, listed, mapping, number, text

_AT_ONCE = 50  # files in one request for details
_COMMON = {"action": "query", "format": "json", "formatversion": 2, "maxlag": 5}
_RIGHTS = {"meta": "siteinfo", "siprop": "rightsinfo"}
_METADATA = ("Artist", "LicenseShortName", "LicenseUrl", "UsageTerms")
_VISIBLE = "//text()[not(ancestor::*[contains(translate(@style, ' ', ''), 'display:none')])]"
_CATEGORY = re.compile(r"\s*:?\s*category\s*:\s*", re.IGNORECASE)
_KINDS = {"6": "file", "14": "subcat"}  # the number is that of a page's namespace
# these wikis name a license for their texts, which is not that of their images
_WIKIMEDIA = (".wikimedia.org", ".wikipedia.org")
_FAULTS = {
    "filemissing": "its file is missing",
    "filehidden": "its file is hidden",
    "suppressed": "its file is hidden",
    "missing": "its page was deleted",
}


@dataclass
class Walk:
    """How far the walk of one class through a wiki has come."""

    label: str
    listing: dict[str, Any]
    """the parameters of the request for the next page"""
    category: str | None = None
    """the category at which it began; None for a search"""
    depth: int = 0
    """number of levels of subcategories below the present one that are walked too"""
    later: deque[tuple[str, int]] = field(default_factory=deque)
    """the categories to come, each with its depth"""
    seen: set[str] = field(default_factory=set)
    is_empty: bool = True
    """no file has been found so far"""

    def enter(self, category: str, depth: int) -> None:
        """Begin to walk a category and `depth` levels of its subcategories."""
        self.depth = depth
        self.listing = {
            "list": "categorymembers",
            "cmtitle": category,
            "cmtype": "file|subcat" if depth else "file",
            "cmprop": "ids|title|type",
            "cmlimit": _AT_ONCE,
        }

    def advance(self, following: dict[str, Any]) -> bool:
        """Go on to the next page of the listing, or to the next category; False at the end."""
        if following:
            self.listing |= following
            return True
        if self.later:
            self.enter(*self.later.popleft())
            return True
        return False


class CommonsSpider(ApiSpider):
    """The value of a class is a category, such as `Category:Hats`, or the words of a search.

    `Category:Hats|2` takes two levels of subcategories too. The files of a category come in its
    order, level by level. The files of a search come by relevance.
    """

    name = "commons"
    default_api: ClassVar[str] = "https://commons.wikimedia.org/w/api.php"
    takes = frozenset({"api", "thumbnail_width"})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._rights: dict[str, Any] = {}
        """the license of the whole wiki"""

    async def start(self) -> AsyncIterator[Request]:
        for label, value in self.classes.items():
            category, bar, depth = value.partition("|")
            search = {
                "list": "search", "srsearch": value, "srnamespace": 6, "srlimit": _AT_ONCE,
                "srinfo": "", "srprop": "",
            }  # fmt: skip
            walk = Walk(label, search)
            if "://" in value:
                self.unreadable[label] = (
                    f"{value!r} is an address; write the name of a category, such as "
                    "Category:Hats, or the words of a search"
                )
            elif not (found := _CATEGORY.match(category)):
                yield self._listing(walk)
            elif bar and not depth.strip().isdecimal():
                self.unreadable[label] = f"{value!r}: write a number of levels after the |"
            else:
                walk.category = "Category:" + category[found.end() :].replace("_", " ").strip()
                walk.seen.add(walk.category)
                walk.enter(walk.category, int(depth or 0))
                yield self._listing(walk)

    def _listing(self, walk: Walk) -> Request:
        return self.ask(self.parse, walk.label, _COMMON | _RIGHTS | walk.listing, walk=walk)

    async def parse(self, response: Response, label: str, walk: Walk) -> AsyncIterator[Any]:
        """Read one page of a listing. It asks for details of the files, then goes on."""
        answer = self.answer(response, label)
        query = mapping(answer.get("query"))
        self._rights = self._rights or mapping(query.get("rightsinfo"))
        files: dict[int, str] = {}
        for member in listed(query.get(walk.listing["list"])) or ():
            title, page = text(member, "title"), number(member, "pageid")
            kind = text(member, "type") or _KINDS.get(text(member, "ns") or "", "file")
            kind = kind.lower()
            if kind == "subcat" and title and title not in walk.seen:
                walk.seen.add(title)
                walk.later.append((title, walk.depth - 1))
            elif kind == "file" and page:
                files[page] = title or f"page {page}"
            elif kind == "file":
                place = f"{response.url}#{len(files)}"
                yield self._candidate(label, title or place, place, "the wiki names no page of it")
        walk.is_empty = walk.is_empty and not files
        following = mapping(answer.get("continue"))
        if following and walk.listing | following == walk.listing:
            self._note(response.url, label, "the same page again, though another was asked for")
            following = {}
        goes_on = walk.advance(following)
        if files:
            yield self._details(walk, files, goes_on=goes_on)
        elif goes_on:
            yield self._listing(walk)
        elif answer and walk.is_empty and walk.category:
            # a wiki answers alike for a category without files and for one that isn't there
            asked = {"titles": walk.category, "prop": "categoryinfo|links", "plnamespace": 14}
            yield self.ask(self.parse_category, label, _COMMON | asked, category=walk.category)
        elif answer and walk.is_empty:
            self.unreadable[label] = f"{response.url}: nothing is found for that"

    def parse_category(self, response: Response, label: str, category: str) -> None:
        """Say why a class has no file, and which value would find some."""
        answer = self.answer(response, label)
        pages = listed(mapping(answer.get("query")).get("pages")) or [{}]
        subcategories = number(mapping(pages[0].get("categoryinfo")), "subcats")
        links = [text(link, "title") for link in listed(pages[0].get("links")) or ()]
        if "missing" in pages[0] and not subcategories:
            why = f"{category!r} is not there"
        elif subcategories:
            why = (
                f"{category!r} has no file of its own, but {subcategories} subcategories; "
                f"{category}|1 takes their files too"
            )
        elif links:
            why = f"{category!r} has no file; its page leads to {', '.join(filter(None, links))}"
        else:
            why = f"{category!r} has no file"
        if answer:
            self.unreadable[label] = why

    def _details(self, walk: Walk, files: dict[int, str], *, goes_on: bool, **more: Any) -> Request:
        asked = _COMMON | {
            "prop": "imageinfo",
            "pageids": "|".join(map(str, files)),
            "iiprop": "url|size|mime|thumbmime|mediatype|extmetadata",
            "iiextmetadatafilter": "|".join(_METADATA),
            "iiextmetadatalanguage": "en",
        }
        if width := self.config.thumbnail_width:
            asked["iiurlwidth"] = width
        found = more.pop("found", {})
        state = {"files": files, "found": found, "goes_on": goes_on, "before": more}
        return self.ask(self.parse_details, walk.label, asked | more, walk=walk, **state)

    async def parse_details(
        self,
        response: Response,
        label: str,
        walk: Walk,
        files: dict[int, str],
        found: dict[int, ProductImage],
        goes_on: bool,
        before: dict[str, Any],
    ) -> AsyncIterator[Any]:
        """Read details of files. They come in any order, and long ones in several answers."""
        answer = self.answer(response, label)
        for page in listed(mapping(answer.get("query")).get("pages")) or ():
            key = number(page, "pageid")
            info = next(iter(listed(page.get("imageinfo")) or ()), None)
            if key in files and (info or "missing" in page):
                found[key] = self._image(label, key, text(page, "title") or files[key], page, info)
        following = mapping(answer.get("continue"))
        if following and following != before:
            yield self._details(walk, files, goes_on=goes_on, found=found, **following)
            return
        for key, title in files.items():
            if key in found:
                yield found[key]
            elif answer:
                place = self._page_url(key)
                yield self._candidate(label, title, place, "the wiki gives no details of it")
        if goes_on and label not in self.full:
            yield self._listing(walk)

    def _image(
        self, label: str, key: int, title: str, page: dict[str, Any], info: dict[str, Any] | None
    ) -> ProductImage:
        info = info or {}
        page_url = self.address(text(info, "descriptionurl")) or self._page_url(key)
        thumbnail = self.address(text(info, "thumburl"))
        url = thumbnail or self.address(text(info, "url"))
        if url is None:
            marks = (why for mark, why in _FAULTS.items() if info.get(mark) or mark in page)
            fault = next(marks, "the wiki names no address of its file")
            return self._candidate(label, title, page_url, fault)
        # The thumbnail of a drawing is a PNG, and that of a document is a JPEG. So that neither
        # passes as an image in these formats, the type of the file itself counts for them.
        is_bitmap = (text(info, "mediatype") or "BITMAP").upper() == "BITMAP"
        mime = (thumbnail and is_bitmap and text(info, "thumbmime")) or text(info, "mime")
        license_name, license_url = self._license(mapping(info.get("extmetadata")))
        return dataclasses.replace(
            self._candidate(label, title, page_url, None),
            image_url=url,
            license=license_name,
            license_url=license_url,
            author=_value(mapping(info.get("extmetadata")), "Artist"),
            format=image_format(mime),
            width=number(info, "thumbwidth" if thumbnail else "width"),
            height=number(info, "thumbheight" if thumbnail else "height"),
        )

    def _candidate(self, label: str, title: str, page_url: str, fault: str | None) -> ProductImage:
        """The candidate of a file without an image. `fault` says why it has no image's address."""
        return ProductImage(
            label=label,
            image_url=page_url,
            page_url=page_url,
            product_id=title,
            title=title.partition(":")[2] or title,
            fault=fault,
        )

    def _page_url(self, key: int) -> str:
        return urljoin(self.api, f"index.php?curid={key}")

    def _license(self, metadata: dict[str, Any]) -> tuple[str | None, str | None]:
        """Name and address of a file's license, or else of the whole wiki's; None if unknown."""
        name = _value(metadata, "LicenseShortName") or _value(metadata, "UsageTerms")
        url = _value(metadata, "LicenseUrl")
        if not (name or url or self.config.license or self._is_wikimedia()):
            name, url = text(self._rights, "text"), text(self._rights, "url")
        return name, urljoin("https:", url) if url else None

    def _is_wikimedia(self) -> bool:
        return (urlsplit(self.api).hostname or "").endswith(_WIKIMEDIA)


def _value(metadata: dict[str, Any], name: str) -> str | None:
    """A value of `extmetadata`, which is HTML, as plain text without its hidden parts."""
    markup = text(mapping(metadata.get(name)), "value")
    if not markup:
        return None
    try:
        tree: Any = lxml.html.fromstring(markup)
        shown = "".join(tree.xpath(_VISIBLE))
    except (etree.LxmlError, ValueError):  # a comment alone, a declaration, a control character
        shown = replace_entities(remove_tags(markup))
    return " ".join(shown.split()) or None
