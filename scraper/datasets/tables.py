"""Tables that come with images: what they say of each one."""

import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import PurePosixPath
from typing import Any, Final

from pipeline.cli import UserError
from pipeline.kinds import ARCHIVE, IMAGE, OFFICE, PDF, kind_of
from pipeline.official_splits import split_of
from pipeline.paths import SPLIT_WORDS
from pipeline.sources import IndexFile
from scraper.datasets.member import Member, faults, gunzip
from scraper.datasets.records import (
    columns,
    csv_records,
    delimiter_of,
    is_json,
    json_records,
)
from scraper.datasets.text import normal, table_text

_SHOWN, _LONG = 12, 40  # columns in a message, and characters of each
_NOTHING: Final = frozenset(("nan", "-nan", "<na>", "n/a", "#n/a", "null"))
"""words that programs write for a value that is not there, in lower case"""
_SEPARATOR: Final = re.compile(r'"?sep=(.)"?(?:\r\n|\r|\n)', re.IGNORECASE)  # as Excel writes


@dataclass(frozen=True, slots=True)
class TableFacts:
    """The facts that a table or a path has about an image, in the dataset's own words."""

    label: str | None = None
    split: str | None = None
    product_id: str | None = None
    title: str | None = None


class PathTable:
    """Facts by path. A table's path may be the end of the file's, with or without extension."""

    def __init__(self, rows: Iterable[tuple[str, TableFacts]]) -> None:
        self._facts = {normal(path): facts for path, facts in rows}

    def get(self, path: str) -> TableFacts | None:
        for end in (path, str(PurePosixPath(path).with_suffix(""))):
            parts = end.split("/")
            for start in range(len(parts)):
                if facts := self._facts.get("/".join(parts[start:])):
                    return facts
        return None


def official_split(word: str | None) -> str | None:
    """A dataset's word for a split as ours: train, validation or test.

    >>> official_split("Val")
    'validation'
    """
    if not word:
        return None
    if (split := split_of(word)) is None:
        raise UserError(f"the split {word!r} is none of {', '.join(SPLIT_WORDS)}")
    return split


def rows(
    member: Member, index: IndexFile, classes: Sequence[str] = (), encoding: str | None = None
) -> Iterator[tuple[str | bytes, TableFacts]]:
    """The path column's value of each row (a path, or an image's bytes), and the row's facts.

    `classes` are the labels of a Parquet table's numbers, if the table doesn't name them.
    `encoding` is that of a text which is not UTF-8. Raises UserError if the table lacks a column,
    with the columns that it has, or if a column has other values than words or numbers.
    """
    is_parquet = _is_parquet(member)
    table = _parquet(member, index, classes) if is_parquet else _text(member, index, encoding)
    for row in table:
        values = {
            "label": index.label_column and _label(row[index.label_column]),
            "split": index.split_column and _word(row[index.split_column]),
            "product_id": index.product_column and _word(row[index.product_column]),
            "title": index.title_column and _word(row[index.title_column]),
        }
        image = _image(row[index.path_column])
        if image is not None:
            yield image, TableFacts(**values)


def has_images(member: Member, index: IndexFile) -> bool:
    """Whether the path column of this table has the images themselves in it."""
    if not _is_parquet(member):
        return False
    import pyarrow.types as types  # here, since it takes longer to start than everything else

    table = _open_parquet(member)
    _require(table.schema_arrow.names, index, member)
    kind = table.schema_arrow.field(index.path_column).type
    if types.is_struct(kind):  # as Hugging Face's datasets write it: bytes and path
        return any(_has_bytes(table, index.path_column, n) for n in range(table.num_row_groups))
    return bool(types.is_binary(kind) or types.is_large_binary(kind))


def listing_facts(listings: Iterable[Member], images: Member) -> PathTable:
    """Amazon Berkeley Objects: facts by path, from product listings and the table of images.

    An image that several listings show belongs to the one whose main image it is.
    """
    main: dict[str, TableFacts] = {}
    other: dict[str, TableFacts] = {}
    for member in listings:
        names = member.path.endswith((".json", ".json.gz"))
        for line in gunzip(member).splitlines() if names else ():
            listing = _json(line, member)
            facts = TableFacts(
                label=_value(listing.get("product_type")),
                product_id=listing.get("item_id"),
                title=_value(listing.get("item_name")),
            )
            if image := listing.get("main_image_id"):
                main.setdefault(image, facts)
            for image in listing.get("other_image_id", ()):
                other.setdefault(image, facts)
    found = {**other, **main}
    table = rows(images, IndexFile(file="", path_column="path", product_column="image_id"))
    ids = ((str(path), facts.product_id or "") for path, facts in table)
    return PathTable((path, found[image]) for path, image in ids if image in found)


def _word(value: Any) -> str | None:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    text = "" if value is None or value != value else str(value).strip()  # NaN is not itself
    return text or None


def _label(value: Any) -> str | None:
    """The label of a row; None for a word that says there is none, such as pandas' NaN."""
    word = _word(value)
    return None if word is None or word.lower() in _NOTHING else word


def _image(value: Any) -> str | bytes | None:
    if isinstance(value, dict):
        content = value.get("bytes")
        value = value.get("path") if content is None else content
    return value if isinstance(value, bytes) else _word(value)


def _value(values: list[dict[str, str]] | None) -> str | None:
    """An attribute of a listing: one value, or one for each language (English, if there is)."""
    values = values or []
    english = [v for v in values if v.get("language_tag", "").startswith("en")]
    return next((v.get("value") for v in english + values), None)


def _json(line: bytes, member: Member) -> dict[str, Any]:
    try:
        listing: dict[str, Any] = json.loads(line)
    except ValueError as error:
        raise UserError(f"{member.path} has a line that is no listing: {error}") from error
    return listing


def _text(member: Member, index: IndexFile, encoding: str | None) -> Iterator[dict[str, Any]]:
    content = gunzip(member)
    if (kind := kind_of(content[:4096], member.path)) in (ARCHIVE, OFFICE, IMAGE, PDF):
        raise UserError(f"{member.path} is no text but {kind}; save the table as CSV")
    text = table_text(content, encoding, member.path).removeprefix("\ufeff").lstrip("\r\n")
    if is_json(member.path):
        yield from _objects(text, index, member)
        return
    if separator := _SEPARATOR.match(text):
        text = text[separator.end() :]
    delimiter = separator[1] if separator else delimiter_of(text, _wanted(index))
    table = csv_records(text, delimiter, member.path)
    names = columns(next(table, []))
    _require(names, index, member)
    for values in table:
        if values:
            yield dict(zip_longest(names, values[: len(names)]))


def _objects(text: str, index: IndexFile, member: Member) -> Iterator[dict[str, Any]]:
    """The rows of a table in JSON. An object may lack keys that others have."""
    found = json_records(text, member.path)
    _require(dict.fromkeys(key for one in found for key in one), index, member)
    keys = {column: key for key, column in index if key.endswith("_column") and column}
    for one in found:
        for column, key in keys.items():
            if isinstance(one.get(column), dict | list):
                raise UserError(_not_plain(member, column, key, "a list or an object"))
        yield {column: one.get(column) for column in keys}


def _wanted(index: IndexFile) -> set[str]:
    return {value for key, value in index if key.endswith("_column") and value}


def _parquet(member: Member, index: IndexFile, classes: Sequence[str]) -> Iterator[dict[str, Any]]:
    table = _open_parquet(member)
    _require(table.schema_arrow.names, index, member)
    _require_plain(table.schema_arrow, index, member)
    names = _class_names(table.schema_arrow, index.label_column) or classes
    with faults(member.path):
        for batch in table.iter_batches(batch_size=256, columns=sorted(_wanted(index))):
            for row in batch.to_pylist():
                if index.label_column and names:
                    row[index.label_column] = _name(row[index.label_column], names, member)
                yield row


def _require_plain(schema: Any, index: IndexFile, member: Member) -> None:
    """Raise UserError for a column of lists or objects: a row has one label and one image."""
    import pyarrow.types as types

    for key, column in index:
        if not key.endswith("_column") or column is None:
            continue
        kind = schema.field(column).type
        is_image = key == "path_column"
        if is_image and types.is_struct(kind) and {"bytes", "path"} & {f.name for f in kind}:
            continue
        if types.is_nested(kind):
            takes = "an image's bytes or path" if is_image else "a word or a number"
            raise UserError(_not_plain(member, column, key, str(kind), takes))


def _not_plain(
    member: Member, column: str, key: str, has: str, takes: str = "a word or a number"
) -> str:
    return (
        f"{member.path}: the column {column!r} (index.{key}) has {has} in each row, and must have "
        f"{takes}; name another column, or write a table that has one of these"
    )


def _has_bytes(table: Any, column: str, group: int) -> bool:
    """Whether a row group has an image's bytes, by its statistics; true if it has no statistics."""
    rows = table.metadata.row_group(group)
    for number in range(rows.num_columns):
        chunk = rows.column(number)
        if chunk.path_in_schema == f"{column}.bytes":
            known = chunk.statistics
            return not (known and known.has_null_count and known.null_count == rows.num_rows)
    return False


def _class_names(schema: Any, column: str | None) -> list[str]:
    """The names of a column's numbers, as Hugging Face's datasets note them (ClassLabel)."""
    note = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
    feature = note.get("info", {}).get("features", {}).get(column)
    return feature.get("names") or [] if isinstance(feature, dict) else []


def _name(label: Any, names: Sequence[str], member: Member) -> Any:
    if not isinstance(label, int) or isinstance(label, bool):
        return label
    if label >= len(names):
        raise UserError(f"{member.path} has the label {label}, and names for {len(names)} only")
    return names[label] if label >= 0 else None  # -1: none is given


def _is_parquet(member: Member) -> bool:
    return member.path.lower().endswith(".parquet")


def _open_parquet(member: Member) -> Any:
    import pyarrow.parquet

    with faults(member.path):
        try:
            return pyarrow.parquet.ParquetFile(io.BytesIO(member.content))
        except pyarrow.ArrowInvalid as error:
            raise OSError(str(error)) from error


def _require(names: Iterable[str], index: IndexFile, member: Member) -> None:
    names = list(names)
    if not names:
        raise UserError(f"{member.path} is empty; is it whole, and the right table?")
    for key, column in index:
        if key.endswith("_column") and column is not None and column not in names:
            near = [column_[:_LONG] for column_ in names[:_SHOWN]]
            there = ", ".join(near) + (", …" if len(names) > _SHOWN else "")
            remedy = (
                "name one of these, or let index.file find only tables with labels"
                if key == "label_column"
                else "name one of these"
            )
            raise UserError(
                f"{member.path} has no column {column!r} (index.{key}); it has {there}; {remedy}"
            )
