"""Reads the rows of a table of any size: CSV, TSV, JSON Lines, Parquet."""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Final, TextIO

from pipeline.kinds import ARCHIVE, OFFICE, PAGE, PDF, kind_of
from scraper.feeds.opening import CutShortError, as_text, encoding_of, head_of, open_text

PARQUET: Final = b"PAR1"
_DELIMITERS: Final = "\t,;|"
_LONGEST: Final = 1 << 24  # characters of one value
_BATCH: Final = 1024  # rows of Parquet at once
_BLANK: Final = "\ufeff \r\n\t"
_NO_TABLES: Final = (ARCHIVE, OFFICE, PAGE, PDF)
_SAVE: Final = "save the table as CSV and name that file"
_IN_LINES: Final = re.compile(r"\[[ \t]*[\r\n]")
"""the beginning of a JSON list that has an entry in each line"""
_SEPARATOR: Final = re.compile("sep=.?", re.IGNORECASE)
_LOOKED_AT: Final = 10  # first lines by which JSON Lines are recognised
_MOST_COLUMNS: Final = 10_000

Row = dict[str, Any]
"""column: value. If two columns are called `name`, the second one is `name 2`."""


def rows(path: Path, encoding: str | None = None) -> Iterator[tuple[str, Row]]:
    """Each row with its position before it: `line 7` or `row 7`.

    The first line of a CSV or TSV file names the columns. In JSON Lines, each row has the columns
    of all rows, and a line that is no JSON object gives an empty row.

    Raises CutShortError if the file is cut off, and ValueError if it is no table.
    """
    head = head_of(path)
    if head.startswith(PARQUET):
        yield from _parquet(path)
        return
    if (kind := kind_of(head, path.name)) in _NO_TABLES:
        raise ValueError(f"is no table but {'an' if kind[0] in 'aeiou' else 'a'} {kind}; {_SAVE}")
    found = encoding_of(path, encoding)
    start = as_text(head)
    if not _IN_LINES.match(start) and _is_json_lines(head.decode(found, "replace")):
        yield from _json_lines(path, found)
        return
    if start.startswith("["):
        raise ValueError("is one JSON list; write one object a line, as `jq -c '.[]' FILE` does")
    with open_text(path, found) as text:
        yield from _delimited(text)


def _parquet(path: Path) -> Iterator[tuple[str, Row]]:
    # imported here, because pyarrow is slow to import and few tables need it
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    number = 0
    try:
        for batch in ParquetFile(path).iter_batches(batch_size=_BATCH):
            for row in batch.to_pylist():
                number += 1
                yield f"row {number}", row
    except (ArrowException, OSError) as error:
        raise CutShortError(f"the Parquet file is damaged: {error}") from error


def _is_json_lines(head: str) -> bool:
    """Whether a text begins with `{`, or one of its first lines is a JSON object.

    One line is enough, because others may be damaged.
    """
    lines = [line for line in head.splitlines() if line.strip(_BLANK)][:_LOOKED_AT]
    return any(
        line.lstrip(_BLANK).startswith("{") and (number == 0 or _object(line))
        for number, line in enumerate(lines)
    )


def _json_lines(path: Path, encoding: str) -> Iterator[tuple[str, Row]]:
    names: Row = {}
    try:
        for _, row in _objects(path, encoding):
            if len(names) < _MOST_COLUMNS:
                names.update(dict.fromkeys(row))
    except CutShortError:
        pass  # it is raised again below, after the rows before it
    for where, row in _objects(path, encoding):
        yield where, {**names, **row} if row else row


def _objects(path: Path, encoding: str) -> Iterator[tuple[str, Row]]:
    with open_text(path, encoding) as text:
        for number, line in enumerate(text, start=1):
            if line.strip(_BLANK):
                yield f"line {number}", _object(line)


def _object(line: str) -> Row:
    """The JSON object in a line; an empty one if the line has none."""
    try:
        found = json.loads(line.strip(_BLANK))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _delimited(text: TextIO) -> Iterator[tuple[str, Row]]:
    csv.field_size_limit(_LONGEST)
    first = header_of(text)
    delimiter = delimiter_of(first)
    table = csv.reader(chain([first], text), delimiter=delimiter)
    try:
        names = columns(next(table, []))
        for values in table:
            # a quotation mark that is never closed makes one value of many lines
            swallowed = max((v.count(delimiter) for v in values if "\n" in v), default=0)
            if delimiter == "\t" and swallowed >= max(1, len(names) - 1):
                raise CutShortError(f"line {table.line_num}: a quotation mark is never closed")
            if any(values):
                yield f"line {table.line_num}", dict(zip(names, values, strict=False))
    except csv.Error as error:
        raise CutShortError(f"line {table.line_num}: {error}") from error


def header_of(lines: Iterable[str]) -> str:
    """The line that names the columns, or an empty text. An iterator `lines` is read up to it.

    Lines before it are skipped if they are blank, if they are comments (Meta's templates explain
    their columns that way), or if they tell Excel the delimiter (`sep=;`).
    """
    for line in lines:
        plain = line.strip(_BLANK)
        if plain and not _SEPARATOR.fullmatch(plain) and not _is_comment(plain):
            return line.lstrip("\ufeff")
    return ""


def _is_comment(line: str) -> bool:
    """Whether each cell begins with `#`. The names of some columns may, but not those of all."""
    splits = [next(csv.reader([line], delimiter=mark), []) for mark in _DELIMITERS]
    several = [cells for cells in splits if len(cells) > 1] or splits[:1]
    return any(all(c.lstrip().startswith("#") for c in cells if c) for cells in several)


def delimiter_of(header: str) -> str:
    """The delimiter that splits a header into the most columns. If two do, the tab comes first.

    >>> delimiter_of("id;title, long;image")
    ';'
    """
    return max(_DELIMITERS, key=lambda mark: len(next(csv.reader([header], delimiter=mark), [])))


def columns(header: Sequence[str]) -> list[str]:
    """The names of the columns. A name that is there already gets a number.

    >>> columns(["id", "image", "image"])
    ['id', 'image', 'image 2']
    """
    names: list[str] = []
    for name in header:
        plain = name.strip()
        more = (f"{plain} {n}" for n in range(2, len(header) + 2))
        names.append(next(x for x in chain([plain], more) if x not in names))
    return names
