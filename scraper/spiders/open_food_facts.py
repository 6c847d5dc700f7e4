"""Collects packaged food from Open Food Facts.

https://openfoodfacts.github.io/openfoodfacts-server
"""

from collections.abc import AsyncIterator
from typing import Any, ClassVar
from urllib.parse import urljoin

from scrapy import Request
from scrapy.http import Response

from scraper.crawling.items import ProductImage
from scraper.spiders.api import ApiSpider
from scraper.spiders.records import number, text

_PAGE_SIZE = 100


class OpenFoodFactsSpider(ApiSpider):
    """The value of a class is a category: its tag, such as `en:chocolates`, or its English name.

    The products that people scan most come first. All images there are under CC BY-SA 3.0.
    """

    name = "open_food_facts"
    default_api: ClassVar[str] = "https://world.openfoodfacts.org/api/v2/search"

    async def start(self) -> AsyncIterator[Request]:
        for label, category in self.classes.items():
            yield self._page(label, category, 1)

    def _page(self, label: str, category: str, page: int) -> Request:
        tags = "categories_tags" if ":" in category else "categories_tags_en"
        asked = {
            tags: category,
            "fields": "code,product_name,url,image_front_url",
            "sort_by": "unique_scans_n",
            "page": page,
            "page_size": _PAGE_SIZE,
        }
        return self.ask(self.parse, label, asked, category=category, page=page)

    async def parse(
        self, response: Response, label: str, category: str, page: int
    ) -> AsyncIterator[Any]:
        if not (answer := self.answer(response, label)):
            return
        count = number(answer, "count")
        pages = None if count is None else count / _PAGE_SIZE
        products, goes_on = self.results(response, label, answer.get("products"), page, pages)
        for place, product in enumerate(products, start=1):
            yield self._image(label, product, f"{response.url}#{place}")
        if goes_on and label not in self.full:
            yield self._page(label, category, page + 1)

    def _image(self, label: str, product: dict[str, Any], place: str) -> ProductImage:
        """The candidate of a product. `place` stands for an address if the record has none."""
        barcode = text(product, "code")
        url = self.address(text(product, "image_front_url"))
        page_url = self.address(text(product, "url"))
        if barcode and not page_url:
            page_url = urljoin(self.api, f"/product/{barcode}")
        return ProductImage(
            label=label,
            image_url=url or page_url or place,
            page_url=page_url or url or place,
            product_id=barcode or page_url or url or place,
            title=text(product, "product_name"),
            license="CC BY-SA 3.0",
            license_url="https://creativecommons.org/licenses/by-sa/3.0/",
            author="Open Food Facts contributors",
            fault=None if url else "the product has no image of its front",
        )
