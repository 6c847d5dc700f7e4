"""A CSV table or lines of JSON, written as the answers come: what was done is there."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Self

from pipeline.cli import UserError
from pipeline.files import write_atomic


class Table:
    """Rows by `file`, appended to FILE.part; FILE is whole when the block ends, however it ends.

    After a kill the rows are in FILE.part, where the next one with `keep` finds them. Of several
    rows of a file the last one counts.
    """

    def __init__(
        self, path: Path, columns: Sequence[str], *, keep: bool = False, as_json: bool = False
    ) -> None:
        """Open the table. `keep` keeps its rows. UserError if they are those of another table."""
        self.path, self.columns, self._as_json = path, list(columns), as_json
        self._part = _part(path)
        if path.is_dir():
            raise UserError(f"{path} is a folder; name a file")
        earlier = self.read(path, columns, as_json=as_json) if keep else []
        self.rows = {row["file"]: row for row in earlier}
        write_atomic(self._part, self._whole())
        self._file: IO[str] = self._part.open("a", encoding="utf-8", newline="")

    @staticmethod
    def read(path: Path, columns: Sequence[str], *, as_json: bool = False) -> list[dict[str, Any]]:
        """The rows there, also those of a run that was killed; a torn one is left out."""
        rows: list[dict[str, Any]] = []
        for file in (path, _part(path)):
            if file.is_file():
                text = file.read_bytes().decode("utf-8", "replace")
                whole = text[: text.rfind("\n") + 1]
                rows += _json_rows(file, whole) if as_json else _csv_rows(file, whole, columns)
        return list({row["file"]: row for row in rows}.values())

    def write(self, row: Mapping[str, Any]) -> None:
        """Write the row of an answer; it is on its way to the disk on return."""
        self.rows[row["file"]] = dict(row)
        self._file.write(self._line(row))
        self._file.flush()

    def _whole(self) -> str:
        head = "" if self._as_json else _line(self.columns)
        return head + "".join(map(self._line, self.rows.values()))

    def _line(self, row: Mapping[str, Any]) -> str:
        if self._as_json:
            return json.dumps(row, ensure_ascii=False) + "\n"
        return _line([row.get(column, "") for column in self.columns])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._file.close()
        write_atomic(self.path, self._whole())
        self._part.unlink(missing_ok=True)


def _part(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


def _line(values: Sequence[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue()


def _csv_rows(path: Path, text: str, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    lines = csv.DictReader(io.StringIO(text, newline=""), restval="")
    if text and lines.fieldnames != list(columns):
        raise UserError(
            f"{path} is no table of this command with these options (its columns would be "
            f"{', '.join(columns)}); name another one, or move this one away"
        )
    yield from lines


def _json_rows(path: Path, text: str) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(text.split("\n")[:-1], start=1):
        try:
            row = json.loads(line)
            row = {**row, "file": str(row["file"])}
        except (ValueError, TypeError, KeyError) as error:
            raise UserError(
                f"{path}, line {number} is no answer of this command; correct or remove that line"
            ) from error
        yield row
