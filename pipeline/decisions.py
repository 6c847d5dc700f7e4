"""`data/review.csv`: people's decisions about images, which clean obeys before its own rules."""

import csv
import io
import re
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from pipeline.cli import UserError
from pipeline.manifest import safe_label

COLUMNS = ["sha256", "decision", "label", "note", "decided_at"]


class Choice(StrEnum):
    """What a person wants done with an image."""

    KEEP = "keep"
    DROP = "drop"
    RELABEL = "relabel"


@dataclass(frozen=True, slots=True)
class Decision:
    """`label` is the class that the image is of, where the person named one."""

    choice: Choice
    label: str | None
    note: str
    decided_at: str = field(default="", compare=False)


def read_decisions(path: Path) -> dict[str, Decision]:
    """The decisions by SHA-256; the last line about an image counts.

    Raises UserError naming the line that is wrong and what would be right.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # spreadsheets put a mark in front
    except FileNotFoundError as error:
        header = ",".join(COLUMNS)
        raise UserError(f"{path} is not there; make it with the one line {header}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 ({error}); save it as UTF-8") from error
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    decisions = {}
    try:
        if next(lines, None) != COLUMNS:
            raise UserError(f"{path}, line 1 must be {','.join(COLUMNS)}")
        for values in lines:
            if values:
                try:
                    sha256, decision = _decision(values)
                except (ValueError, UserError) as error:
                    raise UserError(f"{path}, line {lines.line_num}: {error}") from error
                decisions[sha256] = decision
    except csv.Error as error:
        raise UserError(
            f"{path}, line {lines.line_num}: {error}; check the quotes of that line"
        ) from error
    return decisions


def _decision(values: list[str]) -> tuple[str, Decision]:
    """Raises ValueError or UserError with the remedy."""
    if len(values) != len(COLUMNS):
        raise ValueError(
            f"has {len(values)} fields, not {len(COLUMNS)}; quote a note that has commas"
        )
    sha256, choice, label, note, decided_at = values
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise ValueError(f"{sha256!r} is no SHA-256 of 64 small hexadecimal digits")
    if choice not in list(Choice):
        raise ValueError(f"{choice!r} is no decision; write {', '.join(Choice)}")
    if choice == Choice.RELABEL and not label:
        raise ValueError("relabel needs the label that is right")
    if choice == Choice.DROP and label:
        raise ValueError("drop takes no label; leave it empty")
    if label and safe_label(label) != label:
        raise ValueError(f"{label!r} can't be a class folder; {safe_label(label)!r} could")
    return sha256, Decision(Choice(choice), label or None, note, decided_at)
