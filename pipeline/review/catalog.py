"""Gathers what the review page shows: verdicts of clean, columns of manifests, sets of look-alikes.

An image here is a row of `data/clean/verdicts.parquet`. A decision is about the bytes of an image
(SHA-256), which may be filed in several classes or sources.
"""

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from pipeline import paths
from pipeline.classes import spellings
from pipeline.cli import UserError
from pipeline.manifest import Reason
from pipeline.params import Params, Split
from pipeline.raw import read_raw

SUSPECTS = paths.RESULTS / "audit" / "suspects.csv"
"""`sha256, label, suggested, score`, the most suspicious first; there once an audit has run"""

UNSHOWABLE: Final = frozenset(
    {Reason.MISSING, Reason.UNREADABLE, Reason.TRUNCATED, Reason.TOO_MANY_PIXELS}
)
"""Images with these reasons can't be decoded, so they can be neither shown nor kept."""

_SHOWN = [
    "source", "raw_label", "label", "sha256", "verdict", "reason", "note", "flags", "group",
    "duplicate_of", "official_split", "bytes", "format", "width", "height", "brightness",
    "contrast", "sharpness", "phash",
]  # fmt: skip
_NOT_SENT = {"group", "duplicate_of", "phash"}
_FROM_MANIFEST = ["file", "name", "title", "page_url", "license", "author"]


@dataclass(frozen=True, slots=True)
class Set:
    """Images that show the same. The one that stays comes first, or else the largest."""

    kind: Literal["conflicts", "duplicates"]
    rows: list[int]


@dataclass(frozen=True, slots=True)
class Catalog:
    """Rows of verdicts.parquet as dictionaries, and the files of the images that can be shown."""

    rows: list[dict[str, Any]]
    files: Mapping[str, Path]
    by_sha256: Mapping[str, list[dict[str, Any]]]
    sets: list[Set]
    spelt: Mapping[str, str]
    """how each class is spelt, by its `class_key`"""
    split: Split
    """how the next stage will divide what is kept"""

    def to_page(self) -> dict[str, Any]:
        """Return what the page gets: columns of equal length, and sets of row numbers."""
        names = [name for name in self.rows[0] if name not in _NOT_SENT]
        return {
            "columns": {name: [row[name] for row in self.rows] for name in names},
            "sets": [
                {"kind": s.kind, "rows": s.rows, "bits": [self._bits(s.rows[0], n) for n in s.rows]}
                for s in self.sets
            ],
        }

    def _bits(self, first: int, other: int) -> int | None:
        """Count the bits, of 256, in which two perceptual hashes differ; None for the same row."""
        a, b = (int(self.rows[n]["phash"], 16) for n in (first, other))
        return None if first == other else (a ^ b).bit_count()


def _sets(rows: list[dict[str, Any]]) -> Iterator[Set]:
    """Find images that show the same, in several classes or as other bytes in one class.

    The same bytes twice in one class need no decision, so they form no set.
    """

    def rank(number: int) -> tuple[bool, int, str]:
        row = rows[number]
        return row["verdict"] != "keep", -row["width"] * row["height"], row["sha256"]

    conflicts: dict[str, list[int]] = defaultdict(list)
    copies: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        if Reason.LABEL_CONFLICT in (row["reason"], *row["flags"]):
            conflicts[row["group"]].append(number)
        if row["reason"] != Reason.EXACT_DUPLICATE:
            copies[row["label"], row["duplicate_of"] or row["sha256"]].append(number)
    for numbers in conflicts.values():
        yield Set("conflicts", sorted(numbers, key=rank))
    for numbers in copies.values():
        if len(numbers) > 1:
            yield Set("duplicates", sorted(numbers, key=rank))


def read_catalog(params: Params) -> Catalog:
    """Read what clean found, in the repository that is the working directory.

    Raises UserError if clean has not run, or if an audit's table is ill-formed.
    """
    import pyarrow.parquet as pq  # a third of a second, which `--help` need not wait for

    try:
        rows = pq.read_table(paths.VERDICTS, columns=_SHOWN).to_pylist()
    except FileNotFoundError as error:
        raise UserError(f"{paths.VERDICTS} is not there; make it with: dvc repro clean") from error
    images = {p.key: p for p in read_raw(params.sources, paths.RAW).images}
    suspects = _read_suspects(SUSPECTS)
    files: dict[str, Path] = {}
    by_sha256 = defaultdict(list)
    for row in rows:
        image = images.get((row["source"], row["raw_label"], row["sha256"]))
        row |= {name: getattr(image, name, None) for name in _FROM_MANIFEST}
        row |= suspects.get(row["sha256"], _NO_SUSPECT)
        if image is not None and image.there and row["reason"] not in UNSHOWABLE:
            files[row["sha256"]] = paths.RAW / image.file
        row["shown"] = row["sha256"] in files
        by_sha256[row["sha256"]].append(row)
    spelt = spellings(params.sources, (row["label"] for row in rows))
    return Catalog(rows, files, by_sha256, list(_sets(rows)), spelt, params.split)


_NO_SUSPECT = {"suspect": None, "suggested": None, "score": None}


def _read_suspects(path: Path) -> dict[str, dict[str, Any]]:
    """Return place in the table, suggested class and score by SHA-256."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    try:
        return {
            row["sha256"]: {"suspect": place, "suggested": row["suggested"], "score": row["score"]}
            for place, row in enumerate(csv.DictReader(text.splitlines(), strict=True))
        }
    except (KeyError, csv.Error) as error:
        raise UserError(
            f"{path} is no table of sha256, label, suggested, score ({error}); make it anew"
        ) from error
