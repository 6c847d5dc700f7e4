"""Scrapy by itself: requests the addresses of a table, and an empty item pipeline takes the images.

    python benchmarks/bare_scrapy.py TABLE [--polite]

It has as many requests under way as the project's spiders have. `--polite` adds their pauses
between requests to one host. It checks, writes and remembers nothing. Prints how many images came.
"""

import argparse
import csv
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from scrapy import Request, Spider
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.http import Response

from scraper import settings

POLITE = {
    key: getattr(settings, key)
    for key in (
        "AUTOTHROTTLE_ENABLED",
        "AUTOTHROTTLE_START_DELAY",
        "AUTOTHROTTLE_TARGET_CONCURRENCY",
        "DOWNLOAD_DELAY",
    )
}


class Bare(Spider):
    """Yields an item for each address of a table."""

    name = "bare"
    table: Path

    async def start(self) -> AsyncIterator[Request]:
        with self.table.open(newline="") as file:
            for row in csv.DictReader(file):
                yield Request(row["url"], dont_filter=True)

    def parse(self, response: Response) -> Any:
        yield {"url": response.url, "body": response.body}


class Empty:
    """An item pipeline that counts."""

    count = 0

    def process_item(self, item: dict[str, Any]) -> dict[str, Any]:
        Empty.count += 1
        return item


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path)
    parser.add_argument("--polite", action="store_true")
    options = parser.parse_args()
    own = settings.DOWNLOAD_SLOTS["own network"]["concurrency"]
    common = {
        "CONCURRENT_REQUESTS": max(own, 16),  # 16 is Scrapy's own
        "CONCURRENT_REQUESTS_PER_DOMAIN": 8 if options.polite else own,
        "ITEM_PIPELINES": {Empty: 500},
        "LOG_LEVEL": "WARNING",
        "USER_AGENT": settings.USER_AGENT,
    }
    process = AsyncCrawlerProcess({**common, **(POLITE if options.polite else {})})
    Bare.table = options.table
    process.crawl(Bare)
    process.start()
    print(Empty.count)


if __name__ == "__main__":
    main()
