"""The results of evaluate as tables, for a notebook or a script.

evaluation = Evaluation.load()
evaluation.metrics["accuracy"]
evaluation.mistakes.groupby(["label", "predicted"]).size()
"""

import csv
import io
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeAlias

from tabulate import tabulate

from model import saved
from model.revisions import COLUMNS
from pipeline.paths import EVALUATE

Table: TypeAlias = Any
"""A DataFrame; without pandas a list with a dictionary for each row."""
Grid: TypeAlias = Any
"""A DataFrame, `grid.loc[row, column]`; without pandas dictionaries, `grid[row][column]`."""

Row: TypeAlias = dict[str, Any]

_REMEDY = "`dvc repro evaluate` writes it anew"
_PROBABILITY = "p_"  # stands before the name of a class


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The results on the test split. The tables are DataFrames where pandas is installed."""

    metrics: dict[str, float]
    """accuracy, macro_f1, …: those of metrics.json"""
    per_class: Grid
    """a row for each class: precision, recall, f1, support (its images)"""
    predictions: Table
    """a row for each image: file (in data/dataset/test), label, predicted, confidence, and the
    probability of each class as p_<class>"""
    mistakes: Table
    """the rows of `predictions` that are wrong, the surest first"""
    confusion: Grid
    """images by their label (row) and what was predicted (column)"""

    @classmethod
    def load(cls, folder: Path | str = EVALUATE) -> Self:
        """Read what evaluate wrote to `folder`. UserError if a file is missing or damaged."""
        folder = Path(folder)
        metrics = saved.read_json(folder / "metrics.json", "metrics", _REMEDY, {"accuracy": float})
        rows = _predictions(folder / "predictions.csv")
        of_each = {row["label"]: dict for row in rows}
        per_class = saved.read_json(folder / "per_class.json", "metrics by class", _REMEDY, of_each)
        wrong = [row for row in rows if row["label"] != row["predicted"]]
        wrong.sort(key=lambda row: -row["confidence"])
        pandas = _pandas()
        columns = list(rows[0]) if rows else COLUMNS
        return cls(
            metrics=metrics,
            per_class=_grid(pandas, per_class, "class", None),
            predictions=_table(pandas, rows, columns),
            mistakes=_table(pandas, wrong, columns),
            confusion=_grid(pandas, _confusion(per_class, rows), "label", "predicted"),
        )

    def _repr_html_(self) -> str:
        shown = tabulate(self.metrics.items(), floatfmt=".3f", tablefmt="html")
        return str(shown)


def _predictions(path: Path) -> list[Row]:
    with saved.reading(path, "a table of predictions", _REMEDY):
        text = path.read_text(encoding="utf-8")
        header, *lines = list(csv.reader(io.StringIO(text, newline=""))) or [[]]
        if header[: len(COLUMNS)] != COLUMNS:
            raise ValueError(f"it has not the columns {', '.join(COLUMNS)}")
        return [_row(header, line) for line in lines]


def _row(header: list[str], line: list[str]) -> Row:
    named = zip(header, line, strict=True)
    file, label, predicted = (next(named)[1] for _ in range(3))
    row: Row = {"file": file, "label": label, "predicted": predicted}
    row["confidence"] = float(next(named)[1])
    # tables of earlier versions have classes that are called like columns of ours
    row |= {name: float(value) for name, value in named if name.startswith(_PROBABILITY)}
    return row


def _confusion(labels: Iterable[str], rows: Sequence[Mapping[str, Any]]) -> dict[str, Row]:
    known = sorted({*labels, *(row[name] for row in rows for name in ("label", "predicted"))})
    counts = {label: dict.fromkeys(known, 0) for label in known}
    for row in rows:
        counts[row["label"]][row["predicted"]] += 1
    return counts


def _pandas() -> Any:
    """The module pandas. If it is not installed: None, after a warning."""
    try:
        import pandas as pd
    except ImportError:
        warnings.warn(
            "pandas is not installed, so tables are lists of rows; to have DataFrames: "
            "pip install pandas",
            stacklevel=3,  # the caller of Evaluation.load
        )
        return None
    return pd


def _table(pandas: Any, rows: Sequence[Row], columns: Sequence[str]) -> Table:
    return pandas.DataFrame(rows, columns=columns) if pandas else rows


def _grid(pandas: Any, values: Mapping[str, Row], row: str, column: str | None) -> Grid:
    if not pandas:
        return values
    grid = pandas.DataFrame.from_dict(values, orient="index")
    return grid.rename_axis(index=row, columns=column)
