"""What there is to look at: clean's verdicts with what the manifests say, and what goes together.

A picture here is a row of `data/clean/verdicts.parquet`; a decision is about its bytes (SHA-256),
which may be filed in several classes or sources.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipeline import paths
from pipeline.cli import UserError
from pipeline.manifest import Reason
from pipeline.params import Params
from pipeline.raw import read_raw
from pipeline.review.decisions import Choice, Decision

SUSPECTS = paths.RESULTS / "audit" / "suspects.csv"
"""`sha256, label, suggested, score`, the most suspicious first; there once an audit has run"""

UNSHOWABLE: Final = frozenset(
    {Reason.MISSING, Reason.UNREADABLE, Reason.TRUNCATED, Reason.TOO_MANY_PIXELS}
)
"""What can't be decoded: there is nothing to show, and no person can keep it."""

_SHOWN = [
    "source", "raw_label", "label", "sha256", "verdict", "reason", "note", "flags", "group",
    "duplicate_of", "official_split", "bytes", "format", "width", "height", "brightness",
    "contrast", "sharpness", "phash",
]  # fmt: skip
_NOT_SENT = {"group", "duplicate_of", "phash"}
_FROM_MANIFEST = ["title", "page_url", "license", "author"]


@dataclass(frozen=True, slots=True)
class Catalog:
    """Rows of verdicts.parquet as dictionaries; by SHA-256, the files of what can be shown."""

    rows: list[dict[str, Any]]
    files: Mapping[str, Path]
    by_sha256: Mapping[str, list[dict[str, Any]]]

    def to_page(self) -> dict[str, Any]:
        """What the page is given: columns of equal length, and sets of row numbers."""
        names = [name for name in self.rows[0] if name not in _NOT_SENT]
        return {
            "columns": {name: [row[name] for row in self.rows] for name in names},
            "sets": [
                {"kind": kind, "rows": rows, "bits": [_bits(self.rows, rows[0], n) for n in rows]}
                for kind, sets in (("conflicts", self._conflicts()), ("duplicates", self._copies()))
                for rows in sets
            ],
        }

    def _conflicts(self) -> Iterator[list[int]]:
        """What shows the same under several classes."""
        groups = defaultdict(list)
        for number, row in enumerate(self.rows):
            if Reason.LABEL_CONFLICT in (row["reason"], *row["flags"]):
                groups[row["group"]].append(number)
        yield from (self._best_first(rows) for rows in groups.values())

    def _copies(self) -> Iterator[list[int]]:
        """Other bytes that show the same, in one class; the same bytes twice are no question."""
        groups: dict[str, list[int]] = defaultdict(list)
        for number, row in enumerate(self.rows):
            if row["reason"] != Reason.EXACT_DUPLICATE:
                groups[row["duplicate_of"] or row["sha256"]].append(number)
        yield from (self._best_first(rows) for rows in groups.values() if len(rows) > 1)

    def _best_first(self, numbers: Iterable[int]) -> list[int]:
        def rank(number: int) -> tuple[bool, int, str]:
            row = self.rows[number]
            return row["verdict"] != "keep", -row["width"] * row["height"], row["sha256"]

        return sorted(numbers, key=rank)


def _bits(rows: list[dict[str, Any]], first: int, other: int) -> int | None:
    """In how many of 256 bits their perceptual hashes differ."""
    a, b = (int(rows[n]["phash"], 16) for n in (first, other))
    return None if first == other else (a ^ b).bit_count()


def read_catalog(params: Params) -> Catalog:
    """Read what clean found, in the repository that is the working directory.

    Raises UserError where clean has not run, or an audit's table is ill-formed.
    """
    import pyarrow.parquet as pq  # a third of a second, which `--help` need not wait for

    try:
        rows = pq.read_table(paths.VERDICTS, columns=_SHOWN).to_pylist()
    except FileNotFoundError as error:
        raise UserError(f"{paths.VERDICTS} is not there; make it with: dvc repro clean") from error
    pictures = {p.key: p for p in read_raw(params.sources, paths.RAW).pictures}
    suspects = _read_suspects(SUSPECTS)
    files: dict[str, Path] = {}
    by_sha256 = defaultdict(list)
    for row in rows:
        picture = pictures.get((row["source"], row["raw_label"], row["sha256"]))
        row |= {name: getattr(picture, name, None) for name in _FROM_MANIFEST}
        row |= suspects.get(row["sha256"], _NO_SUSPECT)
        if picture is not None and picture.there and row["reason"] not in UNSHOWABLE:
            files[row["sha256"]] = paths.RAW / picture.file
        row["shown"] = row["sha256"] in files
        by_sha256[row["sha256"]].append(row)
    return Catalog(rows, files, by_sha256)


_NO_SUSPECT = {"suspect": None, "suggested": None, "score": None}


def _read_suspects(path: Path) -> dict[str, dict[str, Any]]:
    """By SHA-256: place in the table, suggested class and score."""
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


def changes(catalog: Catalog, decisions: Mapping[str, Decision]) -> dict[str, int]:
    """What clean will do otherwise, because of these decisions, than in the verdicts at hand.

    Pictures (by SHA-256) that will be `kept`, `dropped`, `relabelled`, or, where a decision it
    obeyed is gone, judged `anew`. What follows for their copies is clean's to find out.
    """
    counts = dict.fromkeys(("kept", "dropped", "relabelled", "anew"), 0)
    for sha256, rows in catalog.by_sha256.items():
        kept = any(row["verdict"] == "keep" for row in rows)
        decision = decisions.get(sha256)
        if decision is None:
            counts["anew"] += any(_was_reviewed(row) for row in rows)
        elif decision.choice is Choice.DROP:
            counts["dropped"] += kept
        elif not any(row["reason"] in UNSHOWABLE for row in rows):
            counts["kept"] += not kept
            labels = {decision.label or row["raw_label"] for row in rows}
            counts["relabelled"] += not labels <= {row["label"] for row in rows}
    return counts


def _was_reviewed(row: Mapping[str, Any]) -> bool:
    return Reason.REVIEWED in (row["reason"], *row["flags"])
