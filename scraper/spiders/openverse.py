"""Openverse: openly licensed images of many collections, by search. https://api.openverse.org"""

import re
from collections.abc import AsyncIterator, Collection, Iterator
from typing import Any, ClassVar

from scrapy import Request
from scrapy.http import Response

from pipeline.formats import BY_SUFFIX
from scraper.crawling.items import ProductImage
from scraper.spiders.api import ApiSpider

_PAGE_SIZE = 20  # the most that is given to who has no key
_CODES = {"cc0", "pdm", "by", "by-sa", "by-nc", "by-nd", "by-nc-sa", "by-nc-nd"}
_NAMES = {"cc0": "CC0", "pdm": "PDM"}  # CC BY, CC BY-SA, …


class OpenverseSpider(ApiSpider):
    """A class is a query; results come by relevance, page by page."""

    name = "openverse"
    default_api: ClassVar[str] = "https://api.openverse.org/v1/images/"

    async def start(self) -> AsyncIterator[Request]:
        for label, query in self.config.classes.items():
            yield self._page(label, query, 1)

    def _page(self, label: str, query: str, page: int) -> Request:
        asked = {"q": query, "page": page, "page_size": _PAGE_SIZE, "mature": "false"}
        if codes := _codes(self.config.licenses or ()):
            asked["license"] = ",".join(codes)
        return self.ask(self.parse, label, asked, query=query, page=page)

    async def parse(
        self, response: Response, label: str, query: str, page: int
    ) -> AsyncIterator[Any]:
        answer = self.answer(response, label)
        for picture in _pictures(answer, label):
            yield picture
        if page < answer.get("page_count", 0) and label not in self.full:
            yield self._page(label, query, page + 1)


def _codes(licenses: Collection[str]) -> list[str]:
    """The API's names for the licenses that a source takes: others need not be sent at all."""
    names = {re.sub(r"-[0-9].*", "", entry).removeprefix("cc-") for entry in licenses}
    return sorted(names & _CODES)


def _pictures(answer: dict[str, Any], label: str) -> Iterator[ProductImage]:
    for result in answer.get("results", ()):
        code, version = result.get("license"), result.get("license_version")
        name = _NAMES.get(code, f"CC {code.upper()}") if code else None
        yield ProductImage(
            label=label,
            image_url=result["url"],
            page_url=result.get("foreign_landing_url") or result["url"],
            product_id=result.get("foreign_landing_url") or result["id"],
            title=result.get("title"),
            license=f"{name} {version}" if name and version else name,
            license_url=result.get("license_url"),
            author=result.get("creator"),
            format=_format(result.get("filetype")),
            width=result.get("width"),
            height=result.get("height"),
        )


def _format(extension: str | None) -> str | None:
    known = BY_SUFFIX.get(f".{extension}".lower())
    return known.name if known else extension
