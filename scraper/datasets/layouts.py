"""Which of an archive's files are images, and of what: by path, by table, by format."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from pipeline.cli import UserError
from pipeline.paths import SPLIT_WORDS
from scraper.datasets import idx, tables
from scraper.datasets.catalog import FilesLayout, IdxLayout, Layout, ListingsLayout
from scraper.datasets.tables import Facts, PathTable
from scraper.datasets.unpack import DamagedError, Member


@dataclass(frozen=True, slots=True)
class Found:
    """An image that the layout points at. Its label is the dataset's own."""

    path: str
    label: str
    split: str | None
    size: int
    is_link: bool
    read: Callable[[], bytes]
    product_id: str | None = None
    title: str | None = None


Finder = Callable[[Member], Iterable[Found]]


class Members(Protocol):
    """All files of all archives, or of the one archive with that name."""

    def __call__(self, archive: str | None = None) -> Iterator[Member]: ...


def finder(layout: Layout, classes: list[str], every: Members) -> Finder:
    """What finds the images of `layout` in one member after the other.

    Layouts with tables go through the members once by `every`, to read those first. `classes` are
    the labels that numbers stand for.
    """
    match layout:
        case FilesLayout(index=None):
            return partial(_by_path, layout, None, classes)
        case FilesLayout():
            return partial(_by_path, layout, _table(layout, every), classes)
        case IdxLayout():
            return partial(_by_number, layout, _numbers(layout, every), classes)
        case ListingsLayout():
            return partial(_by_listing, layout, _listings(layout, every))


def official_split(word: str | None) -> str | None:
    """A dataset's word for a split as ours: train, validation or test."""
    if not word:
        return None
    if word.lower() not in SPLIT_WORDS:
        raise UserError(f"the split {word!r} is none of {', '.join(SPLIT_WORDS)}")
    return SPLIT_WORDS[word.lower()]


def _by_path(
    layout: FilesLayout, table: PathTable | None, classes: list[str], member: Member
) -> Iterator[Found]:
    index = layout.index
    if index and (place := re.search(index.file, member.path)):
        if tables.has_pictures(member, index):
            yield from _in_table(layout, classes, member, place.groupdict().get("split"))
        return
    place = re.search(layout.pattern, member.path) if layout.pattern else None
    facts = table.get(member.path) if table else Facts()
    if facts is None or (layout.pattern and not place):
        return
    words = place.groupdict() if place else {}
    if label := facts.label or words.get("label"):
        split = official_split(facts.split or words.get("split"))
        if product := words.get("product"):  # often a number that each class begins anew
            facts = replace(facts, product_id=f"{label}/{product}")
        yield _whole(member, label, split, facts)


def _whole(member: Member, label: str, split: str | None, facts: Facts) -> Found:
    return Found(
        path=member.path,
        label=label,
        split=split,
        size=member.size,
        is_link=member.is_link,
        read=lambda: member.content,
        product_id=facts.product_id,
        title=facts.title,
    )


def _in_table(
    layout: FilesLayout, classes: list[str], member: Member, split: str | None
) -> Iterator[Found]:
    assert layout.index
    for number, (content, facts) in enumerate(tables.rows(member, layout.index, classes)):
        if facts.label:
            yield Found(
                path=f"{member.path}/{number}",
                label=facts.label,
                split=official_split(facts.split or split),
                size=len(content),
                is_link=False,
                read=partial(bytes, content),
                product_id=facts.product_id,
                title=facts.title,
            )


def _table(layout: FilesLayout, every: Members) -> PathTable:
    index, rows, seen = layout.index, [], 0
    assert index
    for member in every():
        if place := re.search(index.file, member.path):
            seen += 1
            split = place.groupdict().get("split")
            if not tables.has_pictures(member, index):
                for path, facts in tables.rows(member, index):
                    known = Facts(facts.label, facts.split or split, facts.product_id, facts.title)
                    rows.append((path, known))
    if not seen:
        raise UserError(f"index.file {index.file!r} is in no path of the archive")
    return PathTable(rows)


def _numbers(layout: IdxLayout, every: Members) -> dict[str, bytes]:
    """The numbers of the labels, by the name of the file with their images."""
    pairs = layout.splits.values()
    return {pair.images: idx.array(m, 1)[1] for pair in pairs for m in every(pair.labels)}


def _by_number(
    layout: IdxLayout, numbers: dict[str, bytes], classes: list[str], member: Member
) -> Iterator[Found]:
    for split, pair in layout.splits.items():
        if member.path == pair.images:
            labels = numbers[pair.images]
            contents = idx.pictures(member)
            if len(contents) != len(labels) or max(labels, default=0) >= len(classes):
                raise DamagedError(f"{pair.labels} doesn't go with {pair.images}")
            for number, (content, label) in enumerate(zip(contents, labels, strict=True)):
                yield Found(
                    path=f"{member.path}/{number}",
                    label=classes[label],
                    split=split,
                    size=len(content),
                    is_link=False,
                    read=partial(bytes, content),
                )


def _listings(layout: ListingsLayout, every: Members) -> PathTable:
    (images,) = every(layout.images)
    return tables.listing_facts(every(layout.listings), images)


def _by_listing(layout: ListingsLayout, table: PathTable, member: Member) -> Iterator[Found]:
    facts = table.get(member.path) if re.search(layout.pictures, member.path) else None
    if facts and facts.label:
        yield _whole(member, facts.label, None, facts)
