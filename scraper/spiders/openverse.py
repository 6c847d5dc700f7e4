"""Searches Openverse for images of many collections, all under open licenses.

https://api.openverse.org
"""

import re
from collections.abc import AsyncIterator, Collection
from typing import Any, ClassVar

from scrapy import Request
from scrapy.http import Response

from scraper.crawling.items import ProductImage
from scraper.spiders.api import ApiSpider
from scraper.spiders.records import image_format, number, text

_PAGE_SIZE = 20  # the most that the API gives without a key
_CODES = {"cc0", "pdm", "by", "by-sa", "by-nc", "by-nd", "by-nc-sa", "by-nc-nd"}
_NAMES = {"cc0": "CC0", "pdm": "PDM"}  # CC BY, CC BY-SA, …


class OpenverseSpider(ApiSpider):
    """The value of a class has the words of a search. Results come by relevance, page by page."""

    name = "openverse"
    default_api: ClassVar[str] = "https://api.openverse.org/v1/images/"

    async def start(self) -> AsyncIterator[Request]:
        for label, query in self.classes.items():
            yield self._page(label, query, 1)

    def _page(self, label: str, query: str, page: int) -> Request:
        asked = {"q": query, "page": page, "page_size": _PAGE_SIZE, "mature": "false"}
        if codes := _codes(self.config.licenses or ()):
            asked["license"] = ",".join(codes)
        return self.ask(self.parse, label, asked, query=query, page=page)

    async def parse(
        self, response: Response, label: str, query: str, page: int
    ) -> AsyncIterator[Any]:
        if not (answer := self.answer(response, label)):
            return
        pages = number(answer, "page_count")
        results, goes_on = self.results(response, label, answer.get("results"), page, pages)
        for place, result in enumerate(results, start=1):
            yield self._image(label, result, f"{response.url}#{place}")
        if goes_on and label not in self.full:
            yield self._page(label, query, page + 1)

    def _image(self, label: str, result: dict[str, Any], place: str) -> ProductImage:
        """The candidate of a result. `place` stands for an address if the record has none."""
        url = self.address(text(result, "url"))
        page_url = self.address(text(result, "foreign_landing_url", "detail_url"))
        code, version = text(result, "license"), text(result, "license_version")
        name = _NAMES.get(code.lower(), f"CC {code.upper()}") if code else None
        return ProductImage(
            label=label,
            image_url=url or page_url or place,
            page_url=page_url or url or place,
            product_id=page_url or text(result, "id") or url or place,
            title=text(result, "title"),
            license=f"{name} {version}" if name and version else name,
            license_url=self.address(text(result, "license_url")),
            author=text(result, "creator"),
            format=image_format(text(result, "filetype")),
            width=number(result, "width"),
            height=number(result, "height"),
            fault=None if url else "the API's record names no address of an image",
        )


def _codes(licenses: Collection[str]) -> list[str]:
    """The API's names for the source's licenses, so that it sends only images under these."""
    names = {re.sub(r"-[0-9].*", "", entry).removeprefix("cc-") for entry in licenses}
    return sorted(names & _CODES)
