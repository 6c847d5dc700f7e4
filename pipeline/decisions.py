"""`data/review.csv`: people's decisions about images, which clean obeys before its own rules."""

import csv
import io
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path, PurePath, PureWindowsPath

from pipeline.cli import UserError
from pipeline.files import conflict_line
from pipeline.manifest import safe_label
from pipeline.names import class_key

COLUMNS = ["sha256", "decision", "label", "note", "decided_at"]
_DELIMITERS = ",;\t"
_SHOWN = 3  # examples in a sentence


class Choice(StrEnum):
    """The decision of a person about an image."""

    KEEP = "keep"
    DROP = "drop"
    RELABEL = "relabel"


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision. `label` is the right class of the image, if the person named one."""

    choice: Choice
    label: str | None
    note: str
    decided_at: str = field(default="", compare=False)

    @property
    def outcome(self) -> tuple[Choice, str | None]:
        return self.choice, self.label


@dataclass(frozen=True, slots=True)
class Record:
    """One line of the file after its header, or several lines if a note has line breaks.

    `start` is the number of the lines before it; `end` is that of the lines up to its last one.
    """

    start: int
    end: int
    values: list[str]


@dataclass(frozen=True, slots=True)
class ReviewTable:
    """The file as it is. A spreadsheet may have saved it with the delimiter of its system."""

    delimiter: str
    records: list[Record]


def parse(text: str, path: Path) -> ReviewTable:
    """Read the file's text, even as spreadsheets save it.

    They put a mark in front, and `sep=;`, and delimiters behind; blank rows may be anywhere. A
    merge of two branches may repeat the header. In the place of its SHA-256 an image may
    have its path.
    Raises UserError naming the line that is wrong and what would be right.
    """
    text = text.removeprefix("\ufeff")
    lines = text.splitlines()
    first = 0
    while first < len(lines) and re.fullmatch(r'["\s,;]*|"?sep=.?"?', lines[first].lower()):
        first += 1
    header = lines[first] if first < len(lines) else ""
    delimiter = max(_DELIMITERS, key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    _refuse_marks(text, path)
    records: list[Record] = []
    start = 0
    try:
        for values in reader:
            if start >= first and any(value.strip() for value in values):
                values = [value.strip() for value in values]
                records.append(Record(start, reader.line_num, values))
            start = reader.line_num
    except csv.Error as error:
        raise UserError(
            f"{path}, line {reader.line_num}: {error}; check the quotes of that line"
        ) from error
    for record in records[:1]:
        record.values[:] = [name.lower() for name in record.values]
    names = records[0].values if records else []
    extra = len(names) - len(COLUMNS)  # empty columns, which a spreadsheet writes in all rows
    if names != COLUMNS + [""] * extra:
        raise UserError(f"{path}, line {first + 1} must be {','.join(COLUMNS)}")
    for record in records if extra else []:
        if not any(record.values[len(COLUMNS) :]):
            del record.values[len(COLUMNS) :]
    told = [record for record in records if record.values[: len(COLUMNS)] != COLUMNS]
    for record in told:
        record.values[0] = _digest(record.values[0])
    return ReviewTable(delimiter, told)


def _refuse_marks(text: str, path: Path) -> None:
    if number := conflict_line(text):
        raise UserError(
            f"{path}, line {number} is a mark of a merge that Git left to you; delete the lines "
            "with <<<<<<<, ======= and >>>>>>>, and keep the decisions of both sides"
        )


def _digest(name: str) -> str:
    """The SHA-256 in the name of an image's file, in small digits.

    >>> _digest("data/clean/mug/" + 64 * "A" + ".jpg") == 64 * "a"
    True
    """
    return PurePath(PureWindowsPath(name.strip()).name).stem.lower()


def read_decisions(path: Path) -> dict[str, Decision]:
    """The decisions by SHA-256. The last line about an image counts.

    Raises UserError, with the wrong line and what would be right.
    """
    return dict(_read(path))


def _read(path: Path) -> Iterator[tuple[str, Decision]]:
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError as error:
        header = ",".join(COLUMNS)
        raise UserError(f"{path} is not there; make it with the one line {header}") from error
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path} is not UTF-8 ({error}); save it as UTF-8 (in Excel: CSV UTF-8)"
        ) from error
    for record in parse(text, path).records:
        try:
            yield _decision(record.values)
        except (ValueError, UserError) as error:
            raise UserError(f"{path}, line {record.end}: {error}") from error


def _decision(values: list[str]) -> tuple[str, Decision]:
    """The decision of a line. Raises ValueError, or UserError with the remedy."""
    if len(values) != len(COLUMNS):
        raise ValueError(
            f"has {len(values)} fields, not {len(COLUMNS)}; quote a note that has commas"
        )
    sha256, choice, label, note, decided_at = values
    choice, label = choice.lower(), unicodedata.normalize("NFC", label)  # macOS: é as e and accent
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


def spelt_alike(decisions: Mapping[str, Decision], spelt: Mapping[str, str]) -> dict[str, Decision]:
    """The decisions with their classes spelt as `spelt` has them, by their `class_key`.

    A new class is spelt as the first decision about it spells it.
    """
    known = dict(spelt)
    return {
        sha256: replace(one, label=known.setdefault(class_key(one.label), one.label))
        if one.label
        else one
        for sha256, one in decisions.items()
    }


def doubts(path: Path, known: Collection[str]) -> list[str]:
    """Sentences about decisions that change nothing, and that contradict each other.

    `known` are the SHA-256 of the images that there are. Raises UserError as `read_decisions` does.
    """
    decisions: dict[str, list[Decision]] = {}
    for sha256, decision in _read(path):
        decisions.setdefault(sha256, []).append(decision)
    sentences = []
    if unknown := [sha256 for sha256 in decisions if sha256 not in known]:
        sentences.append(
            f"{len(unknown)} decision(s) in {path} match no image: {_some(unknown)}. The file was "
            "saved anew since, its source is not in params.yaml now, or the SHA-256 has a typo. "
            "Decide about the image of today, and delete the line"
        )
    differing = [s for s, all_ in decisions.items() if len({one.outcome for one in all_}) > 1]
    # an older line that stands last: two people decided, and Git put the one's lines below
    differing.sort(
        key=lambda s: all(d.decided_at <= decisions[s][-1].decided_at for d in decisions[s])
    )
    if differing:
        told = [f"{s} ({_history(decisions[s])})" for s in differing]
        sentences.append(
            f"{path} has different decisions about the same image, {len(differing)} times; the "
            f"last line counts: {_some(told)}. "
            "Delete the lines that are wrong"
        )
    return sentences


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", …" if names[_SHOWN:] else "")


def _history(decisions: Sequence[Decision]) -> str:
    return ", then ".join(
        f"{one.choice}{f' {one.label}' if one.label else ''} of {one.decided_at or 'no date'}"
        for one in decisions
    )
