"""The rows of a table that is text: the records of CSV, and the objects of JSON."""

import csv
import io
import json
import logging
import re
from collections.abc import Iterator, Sequence, Set
from typing import Any, Final

from pipeline.cli import UserError

_DELIMITERS: Final = "\t,;| "
"""If several delimiters fit equally well, the first one is taken."""
_HEADER: Final = 1 << 16  # characters
_log = logging.getLogger(__name__)
_IS_JSON: Final = re.compile(r"\.(json|jsonl|ndjson)(\.gz)?$", re.IGNORECASE)
_HOW: Final = 'write a list of objects, such as [{"image": "1.jpg", "label": "mug"}], or a CSV'
_DETECTION: Final = {"images", "annotations"}  # the keys of COCO's format


def columns(header: Sequence[str]) -> list[str]:
    """The names of the columns in the first record of a table."""
    return [name.strip() for name in header]


def delimiter_of(text: str, wanted: Set[str]) -> str:
    """The first delimiter with which the header has the wanted columns, else the most columns.

    >>> delimiter_of("id;name, in words;label", {"id", "label"})
    ';'
    """
    head = io.StringIO(text[:_HEADER], newline="")

    def fit(delimiter: str) -> tuple[int, int]:
        head.seek(0)
        try:
            table = csv.reader(head, delimiter=delimiter, skipinitialspace=True)
            names = columns(next(table, []))
        except csv.Error:
            return 0, 0
        there = len(wanted & set(names))
        return there, 0 if there == len(wanted) else len(names)

    return max(_DELIMITERS, key=fit)


def csv_records(text: str, delimiter: str, path: str) -> Iterator[list[str]]:
    """The values of each record of a CSV text. `path` is the table's name for messages.

    A quote that is never closed would swallow the lines that follow, and their images would be
    lost. So a record whose quotes don't fit ends with its first line, and the log says so.

    >>> list(csv_records('1,"a\\nb"\\n2,"c\\n3,"d"\\n', ",", "table.csv"))
    [['1', 'a\\nb'], ['2', 'c\\n'], ['3', 'd']]
    """
    lines, at, torn = list(io.StringIO(text, newline="")), 0, list[int]()

    def read(end: int, *, strict: bool) -> Any:
        some = map(lines.__getitem__, range(at, end))  # `islice` would go through all before `at`
        return csv.reader(some, delimiter=delimiter, skipinitialspace=True, strict=strict)

    while at < len(lines):
        start, table = at, read(len(lines), strict=True)
        try:
            for values in table:
                at = start + table.line_num
                yield values
        except csv.Error:
            if start + table.line_num > at + 1:
                torn.append(at + 1)
            try:
                yield from read(at + 1, strict=False)
            except csv.Error as error:
                raise UserError(f"{path}, line {at + 1}: {error}") from error
            at += 1
    if torn:
        _log.warning(
            "%s: in %d lines a quote is not closed, first in line %d. Each of them is read as far "
            "as it goes; correct its quotes",
            path,
            len(torn),
            torn[0],
        )


def is_json(path: str) -> bool:
    """Whether a table is JSON, by its name.

    >>> is_json("labels.json"), is_json("metadata.jsonl.gz"), is_json("labels.csv")
    (True, True, False)
    """
    return bool(_IS_JSON.search(path))


def json_records(text: str, path: str) -> list[dict[str, Any]]:
    """The objects of a JSON text: those of a list, or one in each line (JSON Lines).

    Raises UserError for any other JSON, and says what would be right.
    """
    try:
        found = json.loads(text)
    except ValueError as whole:
        found = _json_lines(text, path, whole)
    if isinstance(found, dict) and found.keys() >= _DETECTION:
        raise UserError(
            f"{path} has the boxes of object detection (COCO). A classifier has one label for an "
            f"image: cut the boxes out as images, or {_HOW}"
        )
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise UserError(f"{path} is JSON, but no list of objects; {_HOW}")
    return found


def _json_lines(text: str, path: str, whole: ValueError) -> list[Any]:
    lines = [(n, line) for n, line in enumerate(text.splitlines(), start=1) if line.strip()]
    found = []
    for number, line in lines:
        try:
            found.append(json.loads(line))
        except ValueError as error:
            if not found:  # not even the first line: then it is no JSON Lines
                raise UserError(f"{path} is damaged: it is no JSON: {whole}") from error
            raise UserError(f"{path}, line {number} is no JSON: {error}; correct it") from error
    return found
