"""The rows that stages hand on: their types and closed vocabularies.

`data/raw/<source>/manifest.jsonl` is append-only: one row per attempt at a candidate image.
The last row of a (label, image_url) counts.
"""

import dataclasses
import functools
import json
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, ClassVar, Self

from pipeline.cli import UserError
from pipeline.files import write_atomic
from pipeline.formats import is_litter

if TYPE_CHECKING:
    from pydantic import TypeAdapter


class Status(StrEnum):
    """The result of an attempt at a candidate image."""

    SAVED = "saved"
    DUPLICATE = "duplicate"  # the bytes were already there, in this class, under another address
    REJECTED_NOT_IMAGE = "rejected_not_image"
    REJECTED_FORMAT = "rejected_format"
    REJECTED_TOO_LARGE = "rejected_too_large"
    REJECTED_TOO_SMALL = "rejected_too_small"  # than the source's min_side
    REJECTED_LICENSE = "rejected_license"
    REJECTED_ROBOTS = "rejected_robots"
    REJECTED_ADDRESS = "rejected_address"
    REJECTED_CLASS = (
        "rejected_class"  # today's layout and `classes` don't surely give it this class
    )
    REJECTED_SHA256 = "rejected_sha256"  # another file than the source's table expects
    FAILED_HTTP = "failed_http"
    FAILED_CONNECTION = "failed_connection"
    FAILED_TIMEOUT = "failed_timeout"
    FAILED_TRUNCATED = "failed_truncated"
    FAILED_UNREADABLE = "failed_unreadable"  # a person's own file that this user may not read
    FAILED_MISSING = "failed_missing"  # was saved, and its file has vanished since

    @property
    def has_file(self) -> bool:
        return self in (Status.SAVED, Status.DUPLICATE)


class Reason(StrEnum):
    """Why clean dropped or flagged an image."""

    REVIEWED = "reviewed"  # a person said so in data/review.csv
    MISSING = "missing"
    UNREADABLE = "unreadable"
    TRUNCATED = "truncated"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_SMALL = "too_small"
    EXTREME_ASPECT = "extreme_aspect"
    BLANK = "blank"
    DARK = "dark"
    LIGHT = "light"
    LOW_INFORMATION = "low_information"
    BLURRED = "blurred"
    PLACEHOLDER = "placeholder"
    EXACT_DUPLICATE = "exact_duplicate"
    SAME_PIXELS = "same_pixels"
    NEAR_DUPLICATE = "near_duplicate"
    LABEL_CONFLICT = "label_conflict"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One attempt at a candidate image. `file` is relative to the source's folder, with `/`."""

    status: Status
    label: str
    image_url: str
    file: str | None = None
    sha256: str | None = None
    bytes: int | None = None
    format: str | None = None
    width: int | None = None
    height: int | None = None
    page_url: str | None = None
    product_id: str | None = None
    title: str | None = None
    license: str | None = None
    license_url: str | None = None
    author: str | None = None
    fetched_at: str | None = None
    http_status: int | None = None
    split: str | None = None
    error: str | None = None

    __pydantic_config__: ClassVar = {"extra": "forbid", "strict": True}

    @property
    def key(self) -> tuple[str, str]:
        return self.label, self.image_url

    def to_json(self) -> str:
        return json.dumps({name: getattr(self, name) for name in _COLUMNS}, ensure_ascii=False)

    @staticmethod
    def from_json(line: str) -> "Row":
        """The row of a line. Raises ValueError if the line is no row of this type."""
        return _reader().validate_json(line)


_COLUMNS = tuple(field.name for field in dataclasses.fields(Row))


@functools.cache
def _reader() -> "TypeAdapter[Row]":
    """Reads rows four times as fast as json.loads, and keeps equal texts of many rows once."""
    from pydantic import TypeAdapter  # takes a tenth of a second; prediction needs none

    return TypeAdapter(Row)


class Manifest:
    """The counting rows of one source's manifest, and a writer that appends to it.

    A last line torn by a kill is cut off when the manifest is opened for writing; any other line
    that cannot be read is an error, since a person's edit must not be lost silently.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: dict[tuple[str, str], Row] = {}
        self.timeouts: Counter[tuple[str, str]] = Counter()
        """how often each candidate took too long"""
        self._file: IO[str] | None = None
        if path.exists():
            self._read()

    def _read(self) -> None:
        with self.path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    break
                try:
                    row = Row.from_json(line.decode("utf-8", "replace"))
                except ValueError as error:
                    raise UserError(
                        f"{self.path}, line {number} is not a manifest row ({_short(error)}); "
                        "correct or remove that line"
                    ) from error
                self._count(row)

    def _count(self, row: Row) -> None:
        self.rows[row.key] = row
        if row.status is Status.FAILED_TIMEOUT:
            self.timeouts[row.key] += 1

    def append(self, row: Row) -> None:
        """Write one row. When this returns, it is in the file, even if the process is killed."""
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            _cut_torn_line(self.path)
            # JSON can contain half a character (a lone surrogate), which must not make us fail
            self._file = self.path.open("a", encoding="utf-8", errors="replace", newline="\n")
        self._file.write(row.to_json() + "\n")
        self._file.flush()
        self._count(row)

    def write_file(self, file: str, content: bytes) -> None:
        """Write an image for a row: the whole file, or none."""
        write_atomic(self.path.parent / file, content)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _short(error: Any) -> str:
    """The first error in pydantic's message: where it is, and what is wrong."""
    first = error.errors()[0]
    return ": ".join([*map(str, first["loc"]), first["msg"]])


def _cut_torn_line(path: Path) -> None:
    if not path.exists():
        return
    with path.open("rb+") as file:
        data = file.read()
        file.truncate(data.rfind(b"\n") + 1)


# of our own files beside class folders, such as metadata.csv and verdicts.parquet
_OUR_SUFFIX = re.compile(r"\.(?=(csv|jsonl?|md|parquet|part)$)", re.IGNORECASE)
_RESERVED = {
    *("con", "prn", "aux", "nul", "conin$", "conout$"),
    *(f"{device}{n}" for device in ("com", "lpt") for n in range(1, 10)),
}


def safe_label(name: str) -> str:
    """A class name as a folder name on every system: NFC, without separators or control characters.

    It is never called like a file of ours that lies beside class folders, nor like litter.

    >>> safe_label("Mugs / Cups ")
    'Mugs - Cups'

    Raises UserError if no usable name is left.
    """
    label = unicodedata.normalize("NFC", name)
    label = "".join(
        "-" if c in '/\\:*?"<>|' or unicodedata.category(c)[0] == "C" else c for c in label
    )
    label = " ".join(label.split()).strip(" .-")
    while len(label.encode()) > 120:
        label = label[:-1].rstrip(" .-")
    label = _OUR_SUFFIX.sub("-", label)
    if not label or label.split(".")[0].lower() in _RESERVED or is_litter(label):
        raise UserError(
            f"{name!r} can't be the name of a class folder; give the class another name"
        )
    return label
