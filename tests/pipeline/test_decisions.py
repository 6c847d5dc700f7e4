"""data/review.csv is read as people write it, and refused by line."""

from pathlib import Path

import pytest

from pipeline.cli import UserError
from pipeline.decisions import Choice, Decision, read_decisions

A, B = "a" * 64, "b" * 64
HEADER = "sha256,decision,label,note,decided_at\n"


def read(tmp_path: Path, text: str | bytes) -> dict[str, Decision]:
    path = tmp_path / "review.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_decisions(path)


def test_decisions(tmp_path: Path) -> None:
    text = f'{HEADER}{A},keep,,"good, really",2026-01-01\n\n{B},relabel,käse,,\n'
    assert read(tmp_path, text) == {
        A: Decision(Choice.KEEP, None, "good, really"),
        B: Decision(Choice.RELABEL, "käse", ""),
    }


def test_the_last_line_about_a_picture_counts(tmp_path: Path) -> None:
    text = f"{HEADER}{A},keep,,,\n{A},drop,,,\n"
    assert read(tmp_path, text)[A].choice is Choice.DROP


def test_a_spreadsheet_may_have_saved_it(tmp_path: Path) -> None:
    text = f"{HEADER}{A},drop,,,\n".replace("\n", "\r\n")
    assert read(tmp_path, b"\xef\xbb\xbf" + text.encode()) == {A: Decision(Choice.DROP, None, "")}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1 must be sha256,decision"),
        ("sha,decision\n", "line 1 must be"),
        (f"{HEADER}{A},keep\n", "line 2: has 2 fields, not 5"),
        (f"{HEADER}{A},keep,,a, b,\n", "line 2: has 6 fields, .* quote a note"),
        (f"{HEADER}{A},keep,,,\nxyz,keep,,,\n", "line 3: 'xyz' is no SHA-256"),
        (f"{HEADER}{A.upper()},keep,,,\n", "line 2: .* is no SHA-256"),
        (f"{HEADER}{A},remove,,,\n", "'remove' is no decision; write keep, drop, relabel"),
        (f"{HEADER}{A},relabel,,,\n", "relabel needs the label"),
        (f"{HEADER}{A},drop,mug,,\n", "drop takes no label"),
        (f"{HEADER}{A},relabel,a/b,,\n", "'a/b' can't be a class folder; 'a-b' could"),
        (f"{HEADER}{A},relabel,..,,\n", "line 2: '..' can't be the name"),
        (f'{HEADER}{A},keep,,"open\n', "line 2: .*check the quotes"),
        (b"\xff\xfe", "is not UTF-8"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read(tmp_path, text)


def test_no_file_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not there; make it with the one line sha256,"):
        read_decisions(tmp_path / "review.csv")
