"""Reads tables of image addresses, such as people have for img2dataset or in a spreadsheet."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, cast

from pipeline.cli import UserError
from pipeline.sources import COLUMNS, AddressesSource, CrawlSource
from scraper.crawling.items import ProductImage
from scraper.datasets.labels import Labels
from scraper.datasets.tables import official_split
from scraper.feeds.items import absolute
from scraper.feeds.merchant import attribute
from scraper.feeds.rows import Row, rows
from scraper.ledger import LIST, Outcome
from scraper.spiders.files import FileSpider
from scraper.spiders.records import text

_BREATH = 200  # rows between two pauses, in which other tasks run
_SHA256 = re.compile("[0-9a-f]{64}")
_NEEDED = ("image", "label")


class _NoCandidate(NamedTuple):
    """Why a row gives no candidate. The ledger's `tally` takes these four values."""

    label: str
    outcome: Outcome
    why: str
    where: str


class AddressesSpider(FileSpider):
    """Yields the image of each row whose label belongs to a class, in the order of the table."""

    name = "addresses"
    takes = frozenset({"url", "part"})
    source_type: ClassVar[type[CrawlSource]] = AddressesSource

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._table = cast("AddressesSource", self.config)  # run.py has checked its type
        self._labels = Labels(self._table.classes)

    async def start(self) -> AsyncIterator[ProductImage]:
        for url in self._table.addresses:
            path = await self.local(url)
            if path is not None:
                async for image in self._images(path, url):
                    yield image
        self._require_classes()

    async def _images(self, path: Path, url: str) -> AsyncIterator[ProductImage]:
        columns: dict[str, str] = {}
        number = 0
        try:
            for number, (where, row) in enumerate(rows(path, self._table.encoding), start=1):
                if number % _BREATH == 0:
                    await asyncio.sleep(0)
                    if self._table.classes and self.full.issuperset(self._table.classes):
                        break
                if not row:
                    why = "the line is no JSON object"
                    at = f"{self.recorded(url)}#{where}"
                    self._count(_NoCandidate(LIST, Outcome.FAILED_FOR_GOOD, why, at))
                    continue
                columns = columns or columns_of(self._table, row)
                found = self._image(row, columns, f"{self.recorded(url)}#{where}", url)
                if isinstance(found, _NoCandidate):
                    self._count(found)
                elif self.is_mine(LIST, found.image_url, found.product_id):
                    self.ledger.tally(found.label, Outcome.READ, "", where)
                    yield found
        except ValueError as error:
            taken = f"; the {number:,} rows before it are taken" if number else ""
            self.lose(url, f"{error}{taken}")
        except UserError as error:
            self.lose(url, str(error))
            return
        else:
            if not columns:
                self.lose(url, "the table has no row" + (" that can be read" if number else ""))
        if columns:
            self.ledger.listing_pages[LIST] += 1

    def _count(self, row: _NoCandidate) -> None:
        """Count a row that gives no candidate. If the table is divided, only part 1 counts it."""
        if self.part.number == 1:
            self.ledger.tally(*row)

    def _image(
        self, row: Row, columns: Mapping[str, str], where: str, url: str
    ) -> "ProductImage | _NoCandidate":
        """The candidate of a row, or why the row gives none."""
        said = {what: _word(row, column) for what, column in columns.items()}
        label = self._label(said["label"], where)
        if isinstance(label, _NoCandidate):
            return label
        address = absolute(url, said["image"]) if said["image"] else None
        if not address:
            why = _no_address(row[columns["image"]], columns["image"])
            return _NoCandidate(label, Outcome.NO_IMAGE, why, where)
        digest = (said.get("sha256") or "").lower().removeprefix("sha256:") or None
        if digest and not _SHA256.fullmatch(digest):
            why = f"the column {columns['sha256']!r} has no SHA-256, which has 64 digits"
            return _NoCandidate(label, Outcome.FAILED_FOR_GOOD, why, f"{where}, {digest[:80]!r}")
        try:
            split = official_split(said.get("split"))
        except UserError as error:
            return _NoCandidate(label, Outcome.FAILED_FOR_GOOD, str(error), where)
        return ProductImage(
            label=label,
            image_url=address,
            page_url=said.get("page") or where,
            product_id=said.get("product") or address,
            title=said.get("title"),
            license=said.get("license"),
            license_url=said.get("license_url"),
            author=said.get("author"),
            split=split,
            sha256=digest,
        )

    def _label(self, theirs: str | None, where: str) -> "str | _NoCandidate":
        """The class of a row, by the label that the table gives it; or why the row has none."""
        if not theirs:
            return _NoCandidate(LIST, Outcome.NO_CLASS, "the row has no label", where)
        try:
            label = self._labels.ours(theirs)
        except UserError as error:
            return _NoCandidate(LIST, Outcome.FAILED_FOR_GOOD, str(error), where)
        if label is None:
            why = "its label belongs to none of the classes"
            return _NoCandidate(LIST, Outcome.NO_CLASS, why, f"{where}, labelled {theirs!r}")
        return label

    def _require_classes(self) -> None:
        """Report the classes whose label no row has, if all tables were read to their end."""
        if not self.ledger.listing_pages[LIST]:
            why = self.ledger.may_have_more.pop(LIST, "no table could be read")
            self.unreadable.update(dict.fromkeys(self._table.classes or [LIST], why))
        elif LIST not in self.ledger.may_have_more and not self.full:
            try:
                self._labels.check(self._labels.found)
            except UserError as error:
                self.break_off(LIST, self._table.addresses[0], str(error))


def columns_of(source: AddressesSource, row: Row) -> dict[str, str]:
    """The table's name for each column of COLUMNS that it has.

    Raises UserError if the table lacks a column that the source names, or has no addresses or
    labels.
    """
    there = {attribute(name): name for name in reversed(row)}
    found: dict[str, str] = {}
    for what, usual in COLUMNS.items():
        key, named = f"{what}_column", source.column(what)
        if named is not None and named not in row:
            raise UserError(f"has no column {named!r} ({key}); it has {', '.join(row)}")
        if what == "label" and source.classes is None:
            usual = usual[:-1]  # not `caption`: each caption would become a class
        free = (there[x] for x in usual if x in there and there[x] not in found.values())
        at = named or next(free, None)
        if at is not None:
            found[what] = at
        elif what in _NEEDED:
            raise UserError(
                f"has no column {' or '.join(usual)}; name yours as {key}. It has {', '.join(row)}"
            )
    return found


def _no_address(value: object, column: str) -> str:
    """Why a row has no address: `value` is what it has in the column."""
    if isinstance(value, bytes) or (isinstance(value, dict) and value.get("bytes")):
        return f"the column {column!r} holds images, not addresses; kind: archive takes such a file"
    if isinstance(value, list | dict) and value:
        what = "a list" if isinstance(value, list) else "an object"
        return f"the column {column!r} holds {what}; write one address in each row"
    return "the row has no address"


def _word(row: Row, column: str) -> str | None:
    """The value of a column as a text; None if it is empty or no text."""
    value = row.get(column)
    if isinstance(value, bytes):
        try:
            value = value.decode()
        except UnicodeDecodeError:
            return None
    if isinstance(value, float):
        # a column of whole numbers with gaps comes as 3.0 and NaN
        value = None if value != value else int(value) if value.is_integer() else value
    return text({column: value}, column)
