"""Scrapy item pipeline: a candidate becomes a content-named file and one manifest row.

Scrapy's own ImagesPipeline re-encodes what it gets; here the bytes stay as received.
"""

from collections import Counter
from dataclasses import replace
from typing import Self

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import DropItem
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK
from tqdm import tqdm

from pipeline.manifest import Manifest, Row, Status, write_atomic
from pipeline.paths import MANIFEST, RAW
from scraper.failures import DOWNLOAD_ERRORS, explain, http_message
from scraper.folder import is_here, now
from scraper.items import ProductImage
from scraper.pictures import RejectedError, examine

_ACCEPT = {"Accept": "image/avif,image/webp,image/*;q=0.9,*/*;q=0.1"}
_PERMANENT_HTTP = {404, 410}


class PicturePipeline:
    """Fetches what is new or failed before; what is here already is never fetched again."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._folder = RAW / crawler.spider.source
        self._manifest = Manifest(self._folder / MANIFEST)
        self._progress = tqdm(desc=crawler.spider.source, unit=" pictures", disable=None)
        self._first: dict[tuple[str, str], Row] = {}
        self.saved: Counter[str] = Counter()
        """class: pictures that are here"""
        for row in self._manifest.rows.values():
            if row.status is Status.SAVED and is_here(self._folder, row):
                self._remember(row)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    def close_spider(self) -> None:
        self._progress.close()
        self._manifest.close()

    async def process_item(self, item: ProductImage) -> ProductImage:
        known = self._manifest.rows.get((item.label, self._recorded(item.image_url)))
        if known and self._is_settled(known):
            raise DropItem(f"{known.status} before")
        row = await self._attempt(item)
        self._manifest.append(row)
        self._progress.update()
        if not row.status.has_file:
            raise DropItem(f"{row.status}: {row.error}")
        return item

    def _is_settled(self, row: Row) -> bool:
        if row.status.has_file:
            return is_here(self._folder, row)
        if row.status is Status.FAILED_HTTP:
            return row.http_status in _PERMANENT_HTTP
        # an address may be allowed by now; to refuse it again costs nothing
        return row.status.startswith("rejected") and row.status is not Status.REJECTED_ADDRESS

    async def _attempt(self, item: ProductImage) -> Row:
        row = self._row(item)
        try:
            request = Request(item.image_url, headers=_ACCEPT, callback=NO_CALLBACK)
            response = await self._crawler.engine.download_async(request)
        except DOWNLOAD_ERRORS as error:
            status, message = explain(error)
            return replace(row, status=status, error=message)
        row = replace(row, http_status=response.status)
        if response.status != 200:
            return replace(row, status=Status.FAILED_HTTP, error=http_message(response))
        return self._store(row, response)

    def _store(self, row: Row, response: Response) -> Row:
        try:
            picture = examine(response.body)
        except RejectedError as error:
            return replace(row, status=error.status, bytes=len(response.body), error=str(error))
        first = self._first.get((row.label, picture.sha256))
        row = replace(
            row,
            file=first.file if first else f"{row.label}/{picture.file_name}",
            sha256=picture.sha256,
            bytes=picture.bytes,
            format=picture.format,
            width=picture.width,
            height=picture.height,
        )
        if first is None:
            write_atomic(self._folder / str(row.file), response.body)
            self._remember(row)
        elif first.image_url <= row.image_url:
            return replace(row, status=Status.DUPLICATE)
        else:  # which of equal pictures is the saved one must not depend on which came first
            self._manifest.append(replace(first, status=Status.DUPLICATE))
            self._first[row.label, picture.sha256] = row
        return row

    def _remember(self, row: Row) -> None:
        self._first[row.label, str(row.sha256)] = row
        self.saved[row.label] += 1

    def _row(self, item: ProductImage) -> Row:
        return Row(
            status=Status.SAVED,
            label=item.label,
            image_url=self._recorded(item.image_url),
            page_url=self._recorded(item.page_url),
            product_id=item.product_id,
            title=item.title,
            license=item.license or self._crawler.spider.config.license,
            license_url=item.license_url,
            author=item.author,
            fetched_at=now(),
        )

    def _recorded(self, url: str) -> str:
        return str(self._crawler.spider.recorded(url))
