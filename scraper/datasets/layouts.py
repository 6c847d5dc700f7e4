"""Finds the images among an archive's files, and their labels: by path, by table, by format."""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from posixpath import splitext
from typing import Protocol

from pipeline.cli import UserError
from pipeline.formats import BY_SUFFIX, is_litter
from pipeline.listing import LITTER
from scraper.datasets import idx, tables
from scraper.datasets.catalog import FilesLayout, IdxLayout, Layout, ListingsLayout
from scraper.datasets.matching import Matches, TableRow, match
from scraper.datasets.member import DamagedError, Member, UnreadableError
from scraper.datasets.tables import PathTable, TableFacts, official_split
from scraper.datasets.text import file_name, normal

NO_LABEL = "images without a label"
LACKING = "images that a table names and the archive lacks"
NO_ROW = "images that no table names"
NO_MATCH = "images that the pattern does not fit"
INNER = "archives inside of it, which must be unpacked"

_ARCHIVE = re.compile(r"\.(zip|tar|tgz|7z|rar|(tar\.)?(gz|bz2|xz|zst))$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class LayoutImage:
    """An image that the layout names. Its label is the dataset's own."""

    path: str
    label: str
    split: str | None
    size: int
    is_link: bool
    read: Callable[[], bytes]
    product_id: str | None = None
    title: str | None = None
    unclear: str | None = None
    """why it is not sure that this image has the label"""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A thing that the layout names and that can't be used."""

    path: str
    kind: str


Results = Iterator[LayoutImage | LeftOut]


@dataclass(frozen=True)
class Finder:
    """Finds the images of a layout in one member after the other."""

    find: Callable[[Member], Results]
    left_out: list[LeftOut] = field(default_factory=list)
    """the things that are left out before any member is read"""


class Members(Protocol):
    """All files of all archives, or of the one archive with that name."""

    def __call__(self, archive: str | None = None) -> Iterator[Member]: ...


def finder(
    layout: Layout, classes: list[str], every: Members, encoding: str | None = None
) -> Finder:
    """The finder for the images of `layout`.

    Layouts with tables read the tables first, through `every`. `classes` are the labels that
    numbers stand for. `encoding` is that of tables which are not UTF-8.
    """
    match layout:
        case FilesLayout(index=None):
            return Finder(partial(_by_path, layout))
        case FilesLayout():
            found = _matches(layout, every, encoding)
            lacking = [LeftOut(path, LACKING) for path in found.lacking]
            return Finder(partial(_by_table, layout, found, classes), lacking)
        case IdxLayout():
            return Finder(partial(_by_number, layout, _numbers(layout, every), classes))
        case ListingsLayout():
            return Finder(partial(_by_listing, layout, _listings(layout, every)))


def _by_path(layout: FilesLayout, member: Member) -> Results:
    if (words := _words(layout, member)) is not None:
        yield from _labelled(member, TableFacts(), words)
    else:
        yield from _aside(member, NO_MATCH)


def _aside(member: Member, kind: str) -> Results:
    """Name a file that the layout doesn't take, if a person may miss it. Other files need no word.

    Only the name tells what the file is: to read all files would take as long as to take them.
    """
    parts = member.path.split("/")
    if any(map(is_litter, parts)):
        return
    if splitext(parts[-1])[1].lower() in BY_SUFFIX:
        yield LeftOut(member.path, kind)
    elif _ARCHIVE.search(parts[-1]):
        yield LeftOut(member.path, INNER)


def _by_table(layout: FilesLayout, found: Matches, classes: list[str], member: Member) -> Results:
    index = layout.index
    if index and (place := re.search(index.file, normal(member.path))):
        if tables.has_images(member, index):
            yield from _in_table(layout, classes, member, place.groupdict().get("split"))
        return
    words = _words(layout, member)
    if words is None:
        yield from _aside(member, NO_MATCH)
    elif member.path not in found.facts:
        yield from _aside(member, NO_ROW)
    else:
        for facts in found.facts[member.path]:
            yield from _labelled(member, facts, words, found.unclear.get(member.path))


def _words(layout: FilesLayout, member: Member) -> dict[str, str | None] | None:
    """The groups of the pattern in a path; None if it doesn't match."""
    if layout.pattern is None:
        return {}
    place = re.search(layout.pattern, normal(member.path))
    return place.groupdict() if place else None


def _labelled(
    member: Member, facts: TableFacts, words: dict[str, str | None], unclear: str | None = None
) -> Results:
    label = facts.label or words.get("label")
    if any(map(is_litter, member.path.split("/"))):
        yield LeftOut(member.path, LITTER)
    elif not label:
        yield LeftOut(member.path, NO_LABEL)
    else:
        label = file_name(label.encode("utf-8", "surrogateescape"), None, member.path)
        facts = replace(facts, split=facts.split or words.get("split"))
        if product := words.get("product"):  # often a number that each class begins anew
            facts = replace(facts, product_id=f"{label}/{product}")
        yield _whole(member, label, facts, unclear)


def _whole(
    member: Member, label: str, facts: TableFacts, unclear: str | None = None
) -> LayoutImage:
    return LayoutImage(
        path=member.path,
        label=label,
        split=official_split(facts.split),
        size=member.size,
        is_link=member.is_link,
        read=lambda: member.content,
        product_id=facts.product_id,
        title=facts.title,
        unclear=unclear,
    )


def _inside(
    member: Member, number: int, content: bytes, label: str, split: str | None, facts: TableFacts
) -> LayoutImage:
    """An image that is a part of a file."""
    return LayoutImage(
        path=f"{member.path}/{number}",
        label=label,
        split=official_split(split),
        size=len(content),
        is_link=False,
        read=partial(bytes, content),
        product_id=facts.product_id,
        title=facts.title,
    )


def _in_table(
    layout: FilesLayout, classes: list[str], member: Member, split: str | None
) -> Results:
    assert layout.index
    for number, (content, facts) in enumerate(tables.rows(member, layout.index, classes)):
        if isinstance(content, str):
            yield LeftOut(content, LACKING)
        elif facts.label:
            yield _inside(member, number, content, facts.label, facts.split or split, facts)
        else:
            yield LeftOut(f"{member.path}/{number}", NO_LABEL)


def _matches(layout: FilesLayout, every: Members, encoding: str | None) -> Matches:
    """Match the rows of the tables with the files."""
    index, rows, files, seen = layout.index, list[TableRow](), list[str](), 0
    assert index
    for member in every():
        if place := re.search(index.file, normal(member.path)):
            seen += 1
            split = place.groupdict().get("split")
            if not tables.has_images(member, index):
                for path, facts in tables.rows(member, index, encoding=encoding):
                    facts = replace(facts, split=facts.split or split)
                    rows.append(TableRow(member.path, str(path), facts))
        elif _words(layout, member) is not None and not any(map(is_litter, member.path.split("/"))):
            files.append(member.path)
    if not seen:
        raise UserError(f"index.file {index.file!r} is in no path of the archive")
    return match(rows, files, partial(_digests, every))


def _digests(every: Members, paths: set[str]) -> dict[str, bytes]:
    return {member.path: _digest(member) for member in every() if member.path in paths}


def _digest(member: Member) -> bytes:
    """A digest of the content. A file that can't be read gets one of its own."""
    try:
        return hashlib.sha256(member.content).digest()
    except UnreadableError:
        return member.path.encode("utf-8", "surrogateescape")


def _numbers(layout: IdxLayout, every: Members) -> dict[str, bytes]:
    """The numbers of the labels, by the name of the file with their images."""
    pairs = layout.splits.values()
    return {pair.images: idx.array(m, 1)[1] for pair in pairs for m in every(pair.labels)}


def _by_number(
    layout: IdxLayout, numbers: dict[str, bytes], classes: list[str], member: Member
) -> Results:
    for split, pair in layout.splits.items():
        if member.path == pair.images:
            labels = numbers[pair.images]
            contents = idx.images(member)
            if len(contents) != len(labels) or max(labels, default=0) >= len(classes):
                raise DamagedError(f"{pair.labels} doesn't go with {pair.images}")
            for number, (content, label) in enumerate(zip(contents, labels, strict=True)):
                yield _inside(member, number, content, classes[label], split, TableFacts())


def _listings(layout: ListingsLayout, every: Members) -> PathTable:
    (images,) = every(layout.images)
    return tables.listing_facts(every(layout.listings), images)


def _by_listing(layout: ListingsLayout, table: PathTable, member: Member) -> Results:
    facts = table.get(member.path) if re.search(layout.paths, member.path) else None
    if facts and facts.label:
        yield _whole(member, facts.label, facts)
