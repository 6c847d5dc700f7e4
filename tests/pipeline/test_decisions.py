"""data/review.csv is read as people write it, and refused by line."""

import subprocess
from pathlib import Path

import pytest

from pipeline.cli import UserError
from pipeline.decisions import Choice, Decision, doubts, read_decisions, spelt_alike

ROOT = Path(__file__).parents[2]
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


def test_the_last_line_about_an_image_counts(tmp_path: Path) -> None:
    text = f"{HEADER}{A},keep,,,\n{A},drop,,,\n"
    assert read(tmp_path, text)[A].choice is Choice.DROP


def test_a_spreadsheet_may_have_saved_it(tmp_path: Path) -> None:
    text = f"{HEADER}{A},drop,,,\n".replace("\n", "\r\n")
    assert read(tmp_path, b"\xef\xbb\xbf" + text.encode()) == {A: Decision(Choice.DROP, None, "")}


@pytest.mark.parametrize(
    "line",
    [
        f"{A.upper()},drop,,,",
        f" {A} , Drop ,, ,",
        f"{A}.jpg,drop,,,",
        f"data/clean/mug/{A}.jpg,DROP,,,",
        f"C:\\data\\clean\\mug\\{A}.jpg,drop,,,",
        f"{A},drop,,,\n{HEADER.strip()}",
    ],
)
def test_what_people_write_of_an_image(tmp_path: Path, line: str) -> None:
    assert read(tmp_path, f"{HEADER}{line}\n") == {A: Decision(Choice.DROP, None, "")}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1 must be sha256,decision"),
        ("sha,decision\n", "line 1 must be"),
        (f"{HEADER}{A},keep\n", "line 2: has 2 fields, not 5"),
        (f"{HEADER}{A},keep,,a, b,\n", "line 2: has 6 fields, .* quote a note"),
        (f"{HEADER}{A},keep,,,\nxyz,keep,,,\n", "line 3: 'xyz' is no SHA-256"),
        (f"{HEADER}{A[:12]},keep,,,\n", "line 2: .* is no SHA-256"),
        (f"{HEADER}{A},remove,,,\n", "'remove' is no decision; write keep, drop, relabel"),
        (f"{HEADER}{A},relabel,,,\n", "relabel needs the label"),
        (f"{HEADER}{A},drop,mug,,\n", "drop takes no label"),
        (f"{HEADER}{A},relabel,a/b,,\n", "'a/b' can't be a class folder; 'a-b' could"),
        (f"{HEADER}{A},relabel,..,,\n", "line 2: '..' can't be the name"),
        (f'{HEADER}{A},keep,,"open\n', "line 2: .*check the quotes"),
        (b"\xff\xfe", "is not UTF-8"),
        *(
            (text, rf"line {line} is a mark of a merge .*keep the decisions of both sides")
            for text, line in (
                (f"{HEADER}<<<<<<< HEAD\n{A},keep,,,\n=======\n{A},drop,,,\n>>>>>>> a/b\n", 2),
                (f"{HEADER}{A},keep,,,\n>>>>>>> origin/main\n", 3),
                (f"<<<<<<< HEAD\n{HEADER}=======\n{HEADER}>>>>>>> x\n", 1),
                (f"\ufeff<<<<<<< HEAD\r\n{HEADER}".encode(), 1),
            )
        ),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read(tmp_path, text)


def test_no_file_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not there; make it with the one line sha256,"):
        read_decisions(tmp_path / "review.csv")


SAVED = {
    "semicolons": f"{HEADER}{A},drop,,,\n".replace(",", ";"),
    "sep": f"sep=,\n{HEADER}{A},drop,,,\n",
    "quoted sep": f'"sep=;"\n{HEADER}{A},drop,,,\n'.replace(",", ";"),
    "a mark, then sep": f"\ufeffsep=;\r\n{HEADER}{A},drop,,,\r\n".replace(",", ";"),
    "tabs": f"{HEADER}{A},drop,,,\n".replace(",", "\t"),
    "blank rows": f"\n,,,,\n{HEADER},,,,\n\n{A},drop,,,\n,,,,\n",
    "blank rows and semicolons": f";;;;\n{HEADER}{A},drop,,,\n;;;;\n".replace(",", ";"),
    "quotes": f'"sha256","decision","label","note","decided_at"\n"{A}","drop","","",""\n',
    "a mark and quotes": f'\ufeff"sha256",decision,label,note,decided_at\n{A},drop,,,\n',
    "empty columns": f"{HEADER.strip()},,\n{A},drop,,,,,\n",
    "capitals": f"SHA256, Decision,Label,Note,decided_at\n{A},drop,,,\n",
    "an old Macintosh": f"{HEADER}{A},drop,,,\n".replace("\n", "\r"),
}


@pytest.mark.parametrize("name", SAVED)
def test_what_spreadsheets_save_is_read(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, SAVED[name]) == {A: Decision(Choice.DROP, None, "")}


def test_a_class_may_be_written_as_macos_writes_it(tmp_path: Path) -> None:
    """é as e and an accent: nobody sees the difference."""
    (decision,) = read(tmp_path, f"{HEADER}{A},relabel,Caf\u0065\u0301,,\n").values()
    assert decision.label == "Caf\u00e9"


def test_classes_are_spelt_alike() -> None:
    decisions = {
        sha256: Decision(Choice.RELABEL, label, "")
        for sha256, label in ((A, "MUG"), (B, "Plate"), ("c" * 64, "plate"))
    }
    decisions["d" * 64] = Decision(Choice.KEEP, None, "")
    found = spelt_alike(decisions, {"mug": "Mug"})
    assert [one.label for one in found.values()] == ["Mug", "Plate", "Plate", None]


def test_decisions_that_match_no_image_are_told(tmp_path: Path) -> None:
    path = tmp_path / "review.csv"
    path.write_text(f"{HEADER}{A},drop,,,\n{B},keep,,,\n")
    assert doubts(path, {A, B}) == []
    (sentence,) = doubts(path, {A})
    assert "1 decision(s)" in sentence
    assert B in sentence
    assert A not in sentence


@pytest.mark.parametrize(
    "header",
    [
        "sha256,decision,label,zone,decided_at",
        "sha256,decision,label,a,decided_at",
        "sha256,decision,label,note,decided_at,more",
        "sha256,decision,label,note",
    ],
)
def test_another_header_is_refused_whatever_its_letters(tmp_path: Path, header: str) -> None:
    with pytest.raises(UserError, match="line 1 must be sha256,decision,label,note,decided_at"):
        read(tmp_path, f"{header}\n{A},drop,,,\n")


@pytest.mark.parametrize(("count", "shown", "more"), [(3, 3, False), (4, 3, True)])
def test_three_examples_are_enough(tmp_path: Path, count: int, shown: int, more: bool) -> None:
    path = tmp_path / "review.csv"
    names = [f"{n:064x}" for n in range(count)]
    path.write_text(HEADER + "".join(f"{name},drop,,,\n" for name in names))
    (sentence,) = doubts(path, set())
    assert [name for name in names if name in sentence] == names[:shown]
    assert (", …" in sentence) == more


def test_a_line_that_two_people_decided_differently_is_told(tmp_path: Path) -> None:
    path = tmp_path / "review.csv"
    lines = [f"{A},keep,,,2026-01-02", f"{A},drop,,,2026-01-03", f"{A},keep,,so,2026-01-04"]
    lines += [f"{B},relabel,cup,,2026-01-02", f"{B},relabel,mug,,2026-01-01"]
    lines += [f"{'c' * 64},drop,,,2026-01-01", f"{'c' * 64},drop,,twice,2026-01-02"]
    path.write_text(HEADER + "\n".join(lines) + "\n")
    (sentence,) = doubts(path, {A, B, "c" * 64})
    assert "2 times; the last line counts" in sentence
    # first what an older line overrules
    assert sentence.index(f"{B} (relabel cup of 2026-01-02, then relabel mug") < sentence.index(A)


def test_what_two_people_added_is_merged_by_itself(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=x", "-c", "user.email=x@localhost"]
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True)

    (tmp_path / "data").mkdir()
    path = tmp_path / "data/review.csv"
    (tmp_path / ".gitattributes").write_bytes((ROOT / ".gitattributes").read_bytes())
    path.write_text(HEADER)
    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-qm", "start")
    for branch, line in (("one", f"{A},drop,,,\n"), ("two", f"{B},keep,,,\n")):
        git("checkout", "-q", "-b", branch, "main")
        path.write_text(HEADER + line)
        git("commit", "-qam", branch)
    git("merge", "-q", "--no-edit", "one")
    assert read_decisions(path).keys() == {A, B}
