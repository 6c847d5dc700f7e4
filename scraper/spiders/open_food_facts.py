"""Open Food Facts: packaged food by category. https://openfoodfacts.github.io/openfoodfacts-server"""

from collections.abc import AsyncIterator, Iterator
from typing import Any, ClassVar
from urllib.parse import urljoin

from scrapy import Request
from scrapy.http import Response

from scraper.crawling.items import ProductImage
from scraper.spiders.api import ApiSpider

_PAGE_SIZE = 100


class OpenFoodFactsSpider(ApiSpider):
    """A class is a category's tag, `en:chocolates`, or its English name; most scanned first.

    All photos there are under CC BY-SA 3.0.
    """

    name = "open_food_facts"
    default_api: ClassVar[str] = "https://world.openfoodfacts.org/api/v2/search"

    async def start(self) -> AsyncIterator[Request]:
        for label, category in self.config.classes.items():
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
        answer = self.answer(response, label)
        for picture in self._pictures(answer, label):
            yield picture
        last = page * _PAGE_SIZE >= int(answer.get("count", 0))
        if not last and answer["products"] and label not in self.full:
            yield self._page(label, category, page + 1)

    def _pictures(self, answer: dict[str, Any], label: str) -> Iterator[ProductImage]:
        for product in answer.get("products", ()):
            if not product.get("image_front_url"):
                continue
            barcode = str(product["code"])
            yield ProductImage(
                label=label,
                image_url=product["image_front_url"],
                page_url=product.get("url") or urljoin(self.api, f"/product/{barcode}"),
                product_id=barcode,
                title=product.get("product_name") or None,
                license="CC BY-SA 3.0",
                license_url="https://creativecommons.org/licenses/by-sa/3.0/",
                author="Open Food Facts contributors",
            )
