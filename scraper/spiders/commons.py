"""Wikimedia Commons, or any other MediaWiki: images of a category or of a search.

https://www.mediawiki.org/wiki/API:Categorymembers, API:Search, API:Imageinfo, API:Etiquette
"""

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import urljoin

import lxml.html
from scrapy import Request
from scrapy.http import Response

from scraper.crawling.items import ProductImage
from scraper.spiders.api import ApiSpider

_AT_ONCE = 50  # files whose details one request may ask for
_COMMON = {"action": "query", "format": "json", "formatversion": 2, "maxlag": 5}
_METADATA = ("Artist", "LicenseShortName", "LicenseUrl", "UsageTerms")
_VISIBLE = "//text()[not(ancestor::*[contains(translate(@style, ' ', ''), 'display:none')])]"


@dataclass
class Walk:
    """Where one class's walk through a wiki is: what it asks now, and which categories follow."""

    label: str
    listing: dict[str, Any]
    depth: int = 0
    """levels of subcategories below the present one that are walked too"""
    later: deque[tuple[str, int]] = field(default_factory=deque)
    seen: set[str] = field(default_factory=set)

    def enter(self, category: str, depth: int) -> None:
        self.depth = depth
        self.listing = {
            "list": "categorymembers",
            "cmtitle": category,
            "cmtype": "file|subcat" if depth else "file",
            "cmprop": "ids|title|type",
            "cmlimit": _AT_ONCE,
        }

    def advance(self, following: dict[str, Any] | None) -> bool:
        """Turn to the next page of the listing, else to the next category; False at the end."""
        if following:
            self.listing |= following
            return True
        if self.later:
            self.enter(*self.later.popleft())
            return True
        return False


class CommonsSpider(ApiSpider):
    """A class is a category, `Category:Hats`, with `|2` two levels of its subcategories too, or
    the words of a search.

    Files come in the order of their category, level by level, or by relevance.
    """

    name = "commons"
    default_api: ClassVar[str] = "https://commons.wikimedia.org/w/api.php"
    takes = frozenset({"api", "thumbnail_width"})

    async def start(self) -> AsyncIterator[Request]:
        for label, value in self.config.classes.items():
            category, _, depth = value.partition("|")
            search = {
                "list": "search", "srsearch": value, "srnamespace": 6, "srlimit": _AT_ONCE,
                "srinfo": "", "srprop": "",
            }  # fmt: skip
            walk = Walk(label, search)
            if not value.startswith("Category:"):
                yield self._listing(walk)
            elif depth and not depth.strip().isdecimal():
                self.unreadable[label] = f"{value!r}: after the | comes a number of levels"
            else:
                walk.seen.add(category.strip())
                walk.enter(category.strip(), int(depth or 0))
                yield self._listing(walk)

    def _listing(self, walk: Walk) -> Request:
        return self.ask(self.parse, walk.label, _COMMON | walk.listing, walk=walk)

    async def parse(self, response: Response, label: str, walk: Walk) -> AsyncIterator[Any]:
        """One page of a listing: its subcategories for later, its files for now."""
        answer = self.answer(response, label)
        members = answer.get("query", {}).get(walk.listing["list"], [])
        for member in members:
            if member.get("type") == "subcat" and member["title"] not in walk.seen:
                walk.seen.add(member["title"])
                walk.later.append((member["title"], walk.depth - 1))
        files = [m["pageid"] for m in members if m.get("type", "file") == "file"]
        goes_on = walk.advance(answer.get("continue"))
        if files:
            yield self._details(walk, files, goes_on=goes_on)
        elif goes_on:
            yield self._listing(walk)

    def _details(self, walk: Walk, files: list[int], *, goes_on: bool, **more: Any) -> Request:
        asked = _COMMON | {
            "prop": "imageinfo",
            "pageids": "|".join(map(str, files)),
            "iiprop": "url|size|mime|thumbmime|mediatype|extmetadata",
            "iiextmetadatafilter": "|".join(_METADATA),
            "iiextmetadatalanguage": "en",
        }
        if width := self.config.thumbnail_width:
            asked["iiurlwidth"] = width
        state = {"walk": walk, "files": files, "found": more.pop("found", {}), "goes_on": goes_on}
        return self.ask(self.parse_details, walk.label, asked | more, **state)

    async def parse_details(
        self,
        response: Response,
        label: str,
        walk: Walk,
        files: list[int],
        found: dict[int, ProductImage],
        goes_on: bool,
    ) -> AsyncIterator[Any]:
        """Details come in any order, and in several answers where they are long."""
        answer = self.answer(response, label)
        for page in answer.get("query", {}).get("pages", ()):
            if info := page.get("imageinfo"):
                found[page["pageid"]] = _picture(label, page["title"], info[0])
        if following := answer.get("continue"):
            yield self._details(walk, files, goes_on=goes_on, found=found, **following)
            return
        for file in files:
            if file in found:
                yield found[file]
        if goes_on and label not in self.full:
            yield self._listing(walk)


def _picture(label: str, title: str, info: dict[str, Any]) -> ProductImage:
    thumbnail = info.get("thumburl")
    # a thumbnail of a drawing is a PNG, of a document a JPEG, and yet no photo
    is_photo = info.get("mediatype", "BITMAP") == "BITMAP"
    mime = (thumbnail and is_photo and info.get("thumbmime")) or info["mime"]
    metadata = info.get("extmetadata") or {}
    license_url = _text(metadata, "LicenseUrl")
    return ProductImage(
        label=label,
        image_url=thumbnail or info["url"],
        page_url=info["descriptionurl"],
        product_id=title,
        title=title.partition(":")[2],
        license=_text(metadata, "LicenseShortName") or _text(metadata, "UsageTerms"),
        license_url=urljoin("https:", license_url) if license_url else None,
        author=_text(metadata, "Artist"),
        format=mime.partition("/")[2].partition("+")[0],
        width=info["thumbwidth"] if thumbnail else info.get("width"),
        height=info["thumbheight"] if thumbnail else info.get("height"),
    )


def _text(metadata: dict[str, Any], name: str) -> str | None:
    """A value of extmetadata, which is HTML, as it reads."""
    value = str(metadata.get(name, {}).get("value") or "").strip()
    if not value:
        return None
    tree: Any = lxml.html.fromstring(value)
    return " ".join("".join(tree.xpath(_VISIBLE)).split()) or None
