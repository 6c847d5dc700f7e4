"""Tables that come with images: what they say of each one."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from pipeline.cli import UserError
from pipeline.sources import Index
from scraper.datasets.unpack import Member, faults, gunzip


@dataclass(frozen=True, slots=True)
class Facts:
    """What a table, or a path, says of an image; the words are the dataset's own."""

    label: str | None = None
    split: str | None = None
    product_id: str | None = None
    title: str | None = None


class PathTable:
    """Facts by path. A table's path may be the end of the file's, with or without extension."""

    def __init__(self, rows: Iterable[tuple[str, Facts]]) -> None:
        self._facts = {_normal(path): facts for path, facts in rows}

    def get(self, path: str) -> Facts | None:
        for end in (path, str(PurePosixPath(path).with_suffix(""))):
            parts = end.split("/")
            for start in range(len(parts)):
                if facts := self._facts.get("/".join(parts[start:])):
                    return facts
        return None


def rows(member: Member, index: Index, classes: Sequence[str] = ()) -> Iterator[tuple[Any, Facts]]:
    """The path column's value of each row (a text, or an image's bytes), and the row's facts.

    `classes` are the labels that a Parquet table's numbers stand for where it doesn't say so.
    Raises UserError where the table lacks a column, and names those it has.
    """
    is_parquet = member.path.endswith(".parquet")
    table = _parquet(member, index, classes) if is_parquet else _text(member, index)
    for row in table:
        values = {
            "label": index.label_column and _word(row[index.label_column]),
            "split": index.split_column and _word(row[index.split_column]),
            "product_id": index.product_column and _word(row[index.product_column]),
            "title": index.title_column and _word(row[index.title_column]),
        }
        if row[index.path_column] is not None:
            yield _picture(row[index.path_column]), Facts(**values)


def has_pictures(member: Member, index: Index) -> bool:
    """Whether the path column of this table has the images themselves in it."""
    if not member.path.endswith(".parquet"):
        return False
    import pyarrow.types as types  # here, since it takes longer to start than everything else

    with faults(member.path):
        schema = _open_parquet(member).schema_arrow
    _require(schema.names, index, member)
    kind = schema.field(index.path_column).type
    return bool(types.is_struct(kind) or types.is_binary(kind) or types.is_large_binary(kind))


def listing_facts(listings: Iterable[Member], images: Member) -> PathTable:
    """Amazon Berkeley Objects: facts by path, from product listings and the table of images.

    An image that several listings show belongs to the one whose main image it is.
    """
    main: dict[str, Facts] = {}
    other: dict[str, Facts] = {}
    for member in listings:
        names = member.path.endswith((".json", ".json.gz"))
        for line in gunzip(member).splitlines() if names else ():
            listing = _json(line, member)
            facts = Facts(
                label=_value(listing.get("product_type")),
                product_id=listing.get("item_id"),
                title=_value(listing.get("item_name")),
            )
            if picture := listing.get("main_image_id"):
                main.setdefault(picture, facts)
            for picture in listing.get("other_image_id", ()):
                other.setdefault(picture, facts)
    found = {**other, **main}
    table = rows(images, Index(file="", path_column="path", product_column="image_id"))
    ids = ((path, facts.product_id or "") for path, facts in table)
    return PathTable((path, found[picture]) for path, picture in ids if picture in found)


def _normal(path: str) -> str:
    return "/".join(p for p in path.replace("\\", "/").split("/") if p not in ("", "."))


def _word(value: Any) -> str | None:
    text = "" if value is None else str(value).strip()
    return text or None


def _picture(value: Any) -> str | bytes:
    if isinstance(value, dict):  # as Hugging Face's datasets write it: bytes and path
        return value.get("bytes") or b""
    return value if isinstance(value, bytes) else str(value).strip()


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


def _text(member: Member, index: Index) -> Iterator[dict[str, str | None]]:
    text = gunzip(member).decode("utf-8-sig", errors="replace")
    head = text.partition("\n")[0]
    delimiter = max("\t,;", key=head.count)
    table = csv.DictReader(
        io.StringIO(text, newline=""),
        delimiter=delimiter if delimiter in head else " ",
        skipinitialspace=True,
    )
    try:
        _require(table.fieldnames or (), index, member)
        yield from table
    except csv.Error as error:
        raise UserError(f"{member.path}, line {table.line_num}: {error}") from error


def _parquet(member: Member, index: Index, classes: Sequence[str]) -> Iterator[dict[str, Any]]:
    columns = [value for key, value in index if key.endswith("_column") and value]
    with faults(member.path):
        table = _open_parquet(member)
        _require(table.schema_arrow.names, index, member)
        names = _class_names(table.schema_arrow, index.label_column) or classes
        for batch in table.iter_batches(batch_size=256, columns=columns):
            for row in batch.to_pylist():
                if index.label_column and names:
                    row[index.label_column] = _name(row[index.label_column], names, member)
                yield row


def _class_names(schema: Any, column: str | None) -> list[str]:
    """What the numbers of a column stand for, as Hugging Face's datasets note it (ClassLabel)."""
    note = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
    feature = note.get("info", {}).get("features", {}).get(column)
    return feature.get("names") or [] if isinstance(feature, dict) else []


def _name(label: Any, names: Sequence[str], member: Member) -> Any:
    if not isinstance(label, int) or isinstance(label, bool):
        return label
    if label >= len(names):
        raise UserError(f"{member.path} has the label {label}, and names for {len(names)} only")
    return names[label] if label >= 0 else None  # -1: none is given


def _open_parquet(member: Member) -> Any:
    import pyarrow.parquet

    try:
        return pyarrow.parquet.ParquetFile(io.BytesIO(member.content))
    except pyarrow.ArrowInvalid as error:
        raise OSError(str(error)) from error


def _require(names: Iterable[str], index: Index, member: Member) -> None:
    names = list(names)
    for key, column in index:
        if key.endswith("_column") and column is not None and column not in names:
            raise UserError(
                f"{member.path} has no column {column!r} (index.{key}); it has {', '.join(names)}"
            )
