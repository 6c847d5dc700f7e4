"""The rows of a table of any size: CSV, TSV, JSON Lines, Parquet."""

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
_BATCH: Final = 1024
_BLANK: Final = "\ufeff \r\n\t"
_NO_TABLES: Final = (ARCHIVE, OFFICE, PAGE, PDF)
_SAVE: Final = "save the table as CSV and name that file"
_IN_LINES: Final = re.compile(r"\[[ \t]*[\r\n]")
"""begins a JSON list with an entry in each line"""
_SEPARATOR: Final = re.compile("sep=.?", re.IGNORECASE)
_LOOKED_AT: Final = 10  # lines that tell what a text is
_MOST_COLUMNS: Final = 10_000

Row = dict[str, Any]
"""column: value. Columns of one name follow each other, as `name` and `name 2`"""


def rows(path: Path, encoding: str | None = None) -> Iterator[tuple[str, Row]]:
    """Each row, and where it is: `line 7` or `row 7`.

    The first line of a CSV or TSV file has the columns. Each row of JSON Lines has the columns of
    all rows, and a line that is no JSON object is an empty row.

    Raises CutShortError where the file ends before its end, ValueError for what is no table.
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
        raise ValueError("is one JSON list; write an object a line, as `jq -c '.[]' FILE` does")
    with open_text(path, found) as text:
        yield from _delimited(text)


def _parquet(path: Path) -> Iterator[tuple[str, Row]]:
    # here, since it takes longer to start than everything else
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
    """Whether a text begins as an object, or one of its first lines is one: a line may be bad."""
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
        pass  # raised again below, behind the rows that are there
    for where, row in _objects(path, encoding):
        yield where, {**names, **row} if row else row


def _objects(path: Path, encoding: str) -> Iterator[tuple[str, Row]]:
    with open_text(path, encoding) as text:
        for number, line in enumerate(text, start=1):
            if line.strip(_BLANK):
                yield f"line {number}", _object(line)


def _object(line: str) -> Row:
    """The object of a line of JSON; an empty one where there is none."""
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
            swallowed = max((v.count(delimiter) for v in values if "\n" in v), default=0)
            if delimiter == "\t" and swallowed >= max(1, len(names) - 1):
                raise CutShortError(f"line {table.line_num}: a quotation mark is never closed")
            if any(values):
                yield f"line {table.line_num}", dict(zip(names, values, strict=False))
    except csv.Error as error:
        raise CutShortError(f"line {table.line_num}: {error}") from error


def header_of(lines: Iterable[str]) -> str:
    """The line that names the columns; of the iterator `lines`, those behind it are left.

    Before it there may be blank lines, comments (Meta's templates explain each column in one), and
    the line by which Excel is told the delimiter.
    """
    for line in lines:
        plain = line.strip(_BLANK)
        if plain and not _SEPARATOR.fullmatch(plain) and not _is_comment(plain):
            return line.lstrip("\ufeff")
    return ""


def _is_comment(line: str) -> bool:
    """Whether each cell begins with `#`; a column may be called so, but not all are."""
    splits = [next(csv.reader([line], delimiter=mark), []) for mark in _DELIMITERS]
    several = [cells for cells in splits if len(cells) > 1] or splits[:1]
    return any(all(c.lstrip().startswith("#") for c in cells if c) for cells in several)


def delimiter_of(header: str) -> str:
    """The delimiter by which a header has the most columns; the tab counts before the comma."""
    return max(_DELIMITERS, key=lambda mark: len(next(csv.reader([header], delimiter=mark), [])))


def columns(header: Sequence[str]) -> list[str]:
    """The names of the columns, each once."""
    names: list[str] = []
    for name in header:
        plain = name.strip()
        more = (f"{plain} {n}" for n in range(2, len(header) + 2))
        names.append(next(x for x in chain([plain], more) if x not in names))
    return names
