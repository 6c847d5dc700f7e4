"""Scrapy item pipeline: it turns a candidate into one manifest row and a file with its bytes.

The file is named after the hash of its bytes, which stay as they were received. (Scrapy's own
ImagesPipeline encodes images again.)
"""

import asyncio
import re
from collections import Counter
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Self

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import DropItem, NotConfigured
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK
from tqdm import tqdm

from pipeline.manifest import Row, Status
from pipeline.sources import CrawlSource
from scraper.crawling.downloader import IS_IMAGE
from scraper.crawling.failures import DOWNLOAD_ERRORS, http_message, status_and_reason
from scraper.crawling.incoming import manifest_of
from scraper.crawling.items import ProductImage
from scraper.crawling.selection import Candidate, check
from scraper.examine import ImageFile, RejectedError, examine
from scraper.raw_folder import PERMANENT_HTTP, is_by_hand, is_here, now
from scraper.reading.optout import image_opt_out
from scraper.spiders import SourceSpider

_ANY_FORMAT = "image/avif,image/webp,image/*;q=0.9,*/*;q=0.1"
_WHOLE = re.compile(r"\s*bytes\s+0-(\d+)/(\d+)\s*", re.IGNORECASE)  # a Content-Range
_LONGEST_PATIENCE = 8  # times DOWNLOAD_TIMEOUT


class ImagePipeline:
    """Fetches candidates that are new or have failed before, but no image that is here already."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._source: CrawlSource = crawler.spider.config
        self._accept = {"Accept": accept(self._source.formats)}
        self._timeout = crawler.settings.getfloat("DOWNLOAD_TIMEOUT")
        self._folder = crawler.spider.folder
        self._manifest = manifest_of(crawler.spider.source, self._folder)
        self._writer = ThreadPoolExecutor(1, "images")
        """writes files, so that the crawl does not wait for the disk. It has a single thread, so
        that equal files are written one after the other."""
        self._retry_permanent = crawler.settings.getbool("RETRY_PERMANENT")
        self._first: dict[tuple[str, str], Row] = {}
        self.saved: Counter[str] = Counter()
        """class: number of images that are here, without those that people put there"""
        self.of_product: Counter[tuple[str, str]] = Counter()
        """class and product: number of its images that are here. A duplicate counts too."""
        for row in self._manifest.rows.values():
            if row.status.has_file and is_here(self._folder, row):
                self._remember(row)
        limit, classes = self._source.limit_per_class, crawler.spider.config.classes
        self._progress = tqdm(  # without a limit the total is unknown
            desc=crawler.spider.source,
            total=limit * len(classes) if limit and classes else None,
            initial=self._wanted_here(),
            unit=" images",
            disable=None,
        )

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        if not isinstance(crawler.spider, SourceSpider):
            raise NotConfigured  # `scrapy shell`, say
        return cls(crawler)

    def close_spider(self) -> None:
        self._progress.close()
        self._writer.shutdown()
        self._manifest.close()

    async def process_item(self, item: ProductImage) -> ProductImage:
        """Fetch a candidate if that may change something, and append its row to the manifest.

        Raises DropItem if there is nothing to do, or if the row has no file.
        """
        row = self._row(item)
        known = self._manifest.rows.get(row.key)
        is_expected = known and item.sha256 in (None, known.sha256)
        if known and is_expected and known.status.has_file and is_here(self._folder, known):
            raise DropItem(f"{known.status} before")
        declared = known if known and known.format else item
        try:
            check(_candidate(row, declared, item.opt_out, item.fault), self._source)
        except RejectedError as error:
            row = replace(row, status=error.status, error=str(error))
        else:
            if known and not self._retry_permanent and self._is_permanent(known, item):
                raise DropItem(f"{known.status} before")
            row = await self._attempt(row, item)
        if known and _refused_again(known, row):
            raise DropItem(f"{row.status} again")
        self._manifest.append(row)
        self._progress.update(self._wanted_here() - self._progress.n)
        if not row.status.has_file:
            raise DropItem(f"{row.status}: {row.error}")
        return item

    def _wanted_here(self) -> int:
        """Number of images that are here, of the classes that the source names now."""
        wanted = self._crawler.spider.config.classes
        return sum(self.saved[label] for label in (self.saved if wanted is None else wanted))

    def _is_permanent(self, row: Row, item: ProductImage) -> bool:
        """Whether another request would get the same answer."""
        match row.status:
            case Status.REJECTED_NOT_IMAGE | Status.REJECTED_TOO_LARGE:
                return True
            case Status.REJECTED_SHA256:
                return row.error is not None and row.error.endswith(str(item.sha256))
            case Status.REJECTED_FORMAT:  # no parameter can make us keep a format that is unknown
                return row.http_status is not None and row.format is None
            case Status.REJECTED_ROBOTS:  # a header of the image itself asked for it
                return row.http_status is not None and self._source.obey_robots
        return row.status is Status.FAILED_HTTP and row.http_status in PERMANENT_HTTP

    async def _attempt(self, row: Row, item: ProductImage) -> Row:
        meta: dict[str, Any] = {IS_IMAGE: True}
        if timeouts := self._manifest.timeouts[row.key]:
            patience = min(2**timeouts, _LONGEST_PATIENCE)
            meta["download_timeout"] = patience * self._timeout
        try:
            request = Request(item.image_url, headers=self._accept, callback=NO_CALLBACK, meta=meta)
            response = await self._crawler.engine.download_async(request)
        except DOWNLOAD_ERRORS as error:
            status, message = status_and_reason(error)
            return replace(row, status=status, error=message)
        found: dict[str, Any] = {"http_status": response.status}
        if why := _not_whole(response):
            return replace(row, status=why[0], error=why[1], **found)
        found["bytes"] = len(response.body)
        try:
            image = examine(response.body)
            _require_expected(image, item)
            found |= {key: getattr(image, key) for key in ("format", "width", "height")}
            check(_candidate(row, image, image_opt_out(response)), self._source)
        except RejectedError as error:
            return replace(row, status=error.status, error=str(error), **found)
        return await self._store(row, image, response.body, found)

    async def _store(
        self, row: Row, image: ImageFile, content: bytes, found: dict[str, Any]
    ) -> Row:
        file, identity = f"{row.label}/{image.file_name}", (row.label, image.sha256)
        if identity not in self._first:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._writer, self._manifest.write_file, file, content)
        # only now, because the same image may have come from another address while we wrote
        first = self._first.get(identity)
        found |= {"file": first.file if first else file, "sha256": image.sha256}
        row = replace(row, **found)
        if first and first.image_url <= row.image_url:
            row = replace(row, status=Status.DUPLICATE)
        elif first:  # the smallest address is saved, whichever of the equal images came first
            self._manifest.append(replace(first, status=Status.DUPLICATE))
            self._first[identity] = row
        self._remember(row)
        return row

    def _remember(self, row: Row) -> None:
        self.of_product[row.label, str(row.product_id)] += 1
        if row.status is Status.SAVED and (row.label, str(row.sha256)) not in self._first:
            self._first[row.label, str(row.sha256)] = row
            self.saved[row.label] += not is_by_hand(row)

    def _row(self, item: ProductImage) -> Row:
        named = item.license or item.license_url
        return Row(
            status=Status.SAVED,
            label=item.label,
            image_url=self._recorded(item.image_url),
            page_url=self._recorded(item.page_url),
            product_id=self._recorded(item.product_id),
            title=item.title,
            license=item.license if named else self._source.license,
            license_url=item.license_url,
            author=item.author,
            split=item.split,
            fetched_at=now(),
        )

    def _recorded(self, url: str) -> str:
        return str(self._crawler.spider.recorded(url))


def accept(formats: Collection[str] | None) -> str:
    """The header Accept that asks for these formats. None asks for all, the smallest files first.

    Some servers choose a format by this header. They send another format only if they have none of
    these. With `image/*` they could choose any.
    """
    if formats is None:
        return _ANY_FORMAT
    names = [*formats, "heif"] if "heic" in formats else formats
    return ",".join([*(f"image/{name}" for name in names), "*/*;q=0.1"])


def _not_whole(response: Response) -> tuple[Status, str] | None:
    """Why an answer is no whole file, or None if it is one.

    A whole file comes with 200, 203, or 206 from the first to the last byte. Some servers send 206
    although we did not ask for a part.
    """
    if response.status in (200, 203):
        return None
    if response.status != 206:
        return Status.FAILED_HTTP, http_message(response)
    header = (response.headers.get("Content-Range") or b"no Content-Range").decode("latin-1")
    span = _WHOLE.fullmatch(header)
    if span and int(span[1]) + 1 == int(span[2]):
        return None
    return Status.FAILED_TRUNCATED, f"{http_message(response)}: only a part of the file ({header})"


def _candidate(
    row: Row,
    seen: Row | ProductImage | ImageFile,
    opt_out: str | None,
    fault: str | None = None,
) -> Candidate:
    return Candidate(
        license=row.license,
        license_url=row.license_url,
        format=seen.format,
        width=seen.width,
        height=seen.height,
        opt_out=opt_out,
        fault=fault,
    )


def _require_expected(image: ImageFile, item: ProductImage) -> None:
    """Raise RejectedError if the image has another SHA-256 than the item expects."""
    if item.sha256 and image.sha256 != item.sha256:
        message = f"another file: its SHA-256 is {image.sha256}, and should be {item.sha256}"
        raise RejectedError(Status.REJECTED_SHA256, message)


def _refused_again(known: Row, row: Row) -> bool:
    """Whether the candidate was refused for the same reason as before, without a request."""
    is_refusal = row.status.startswith("rejected") and row.http_status is None
    return is_refusal and (known.status, known.error) == (row.status, row.error)
