"""data/review.csv is written at once, and by many without loss."""

import csv
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.cli import UserError
from pipeline.decisions import Choice, Decision, read_decisions
from pipeline.review.log import DecisionLog

ROOT = Path(__file__).parents[3]
A, B = "a" * 64, "b" * 64
HEADER = "sha256,decision,label,note,decided_at\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "review.csv"
    path.write_text(HEADER)
    return path


def test_a_decision_is_a_line_that_clean_reads(path: Path) -> None:
    log = DecisionLog(path)
    log.decide(A, Choice.RELABEL, "käse", 'so, "really"')
    log.decide(B, Choice.DROP, None, "")
    expected = {
        A: Decision(Choice.RELABEL, "käse", 'so, "really"'),
        B: Decision(Choice.DROP, None, ""),
    }
    assert read_decisions(path) == log.read().decisions == expected
    *_, decided_at = path.read_text().splitlines()[1].split(",")
    assert decided_at.endswith("Z")
    assert [p.name for p in path.parent.iterdir()] == ["review.csv"]


def test_what_others_write_is_seen(path: Path) -> None:
    log = DecisionLog(path)
    before = log.read()
    with path.open("a") as file:
        file.write(f"{A},keep,,,\n")
    after = log.read()
    assert after.version != before.version
    assert after.decisions == {A: Decision(Choice.KEEP, None, "")}


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
def test_a_line_is_added_to_what_any_editor_leaves(path: Path, end: str) -> None:
    before = f"\ufeff{HEADER}{A},keep,,,{end}".encode()
    path.write_bytes(before)
    DecisionLog(path).decide(B, Choice.DROP, None, "")
    assert path.read_bytes().startswith(before)
    assert read_decisions(path).keys() == {A, B}


def test_undo_takes_out_one_line_and_leaves_the_rest_as_it_is(path: Path) -> None:
    path.chmod(0o664)
    others = f'\ufeff{HEADER}{A},keep,,"two\r\nlines",then\r\n{B},drop,,,\r\n'
    path.write_bytes(others.encode())
    log = DecisionLog(path)
    new = log.decide(A, Choice.DROP, None, "no")
    assert log.undo(A, new.decided_at)
    assert path.read_bytes() == others.encode()
    assert log.undo(A, "then")
    assert log.read().decisions.keys() == {B}
    assert path.stat().st_mode & 0o777 == 0o664
    assert [p.name for p in path.parent.iterdir()] == ["review.csv"]


def test_undo_leaves_what_somebody_decided_since(path: Path) -> None:
    log = DecisionLog(path)
    mine = log.decide(A, Choice.DROP, None, "")
    theirs = DecisionLog(path).decide(A, Choice.KEEP, None, "")
    assert not log.undo(A, mine.decided_at)
    assert not log.undo(B, "")
    assert log.read().decisions[A].decided_at == theirs.decided_at


def test_nothing_is_added_to_a_file_that_is_ill_formed(path: Path) -> None:
    path.write_text(broken := f'{HEADER}{A},keep,,"open,\n')
    log = DecisionLog(path)
    with pytest.raises(UserError, match="check the quotes"):
        log.decide(B, Choice.DROP, None, "")
    assert path.read_text() == broken
    path.unlink()
    with pytest.raises(UserError, match="is not there; make it"):
        log.decide(B, Choice.DROP, None, "")


def test_a_full_disk_leaves_no_half_line(path: Path) -> None:
    DecisionLog(path).decide(A, Choice.KEEP, None, "")
    before = path.read_bytes()
    program = """
import resource, sys
from pathlib import Path
from pipeline.cli import run
from pipeline.decisions import Choice
from pipeline.review.log import DecisionLog
path = Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20,) * 2)
run(lambda: DecisionLog(path).decide("b" * 64, Choice.DROP, None, ""))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, path], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "review.csv could not be written: File too large" in done.stderr
    assert path.read_bytes() == before


def test_without_locks_the_threads_of_one_process_lose_nothing(path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    monkeypatch.setitem(sys.modules, "msvcrt", None)
    log = DecisionLog(path)
    names = [f"{n:064x}" for n in range(200)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: log.decide(name, Choice.DROP, None, ""), names))
    assert sorted(read_decisions(path)) == names


def test_undo_where_the_file_can_not_be_replaced(path: Path, monkeypatch) -> None:
    """As on Windows, while it is open."""
    log = DecisionLog(path)
    log.decide(A, Choice.KEEP, None, "stays")
    before = path.read_bytes()
    last = log.decide(A, Choice.DROP, None, "goes")
    monkeypatch.setattr(Path, "replace", _refuse)
    assert log.undo(A, last.decided_at)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["review.csv"]


def _refuse(*args: object) -> None:
    raise PermissionError(13, "Access is denied")


def test_many_at_once_lose_nothing(path: Path) -> None:
    """Four processes add lines, and two of them take every second one out again."""
    program = """
import sys
from pathlib import Path
from pipeline.decisions import Choice
from pipeline.review.log import DecisionLog
log, me, undoes = DecisionLog(Path(sys.argv[1])), int(sys.argv[2]), sys.argv[3] == "undoes"
for n in range(60):
    sha256 = f"{me:032x}{n:032x}"
    one = log.decide(sha256, Choice.DROP, None, "x" * (n % 7))
    if undoes and n % 2:
        assert log.undo(sha256, one.decided_at)
"""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, path, str(me), "undoes" if me % 2 else "adds"],
            cwd=ROOT,
        )
        for me in range(4)
    ]
    assert [process.wait() for process in running] == [0] * 4
    expected = {
        f"{me:032x}{n:032x}" for me in range(4) for n in range(60) if not (me % 2 and n % 2)
    }
    with path.open(newline="") as file:
        lines = [row["sha256"] for row in csv.DictReader(file)]
    assert len(lines) == len(expected)
    assert set(lines) == expected == read_decisions(path).keys()


def test_undo_keeps_a_link_and_changes_what_it_leads_to(tmp_path: Path) -> None:
    kept = tmp_path / "elsewhere/decisions.csv"
    kept.parent.mkdir()
    kept.write_text(HEADER)
    path = tmp_path / "review.csv"
    try:
        path.symlink_to(Path("elsewhere/decisions.csv"))
    except OSError:
        pytest.skip("no links here")
    log = DecisionLog(path)
    first = log.decide(A, Choice.DROP, None, "")
    log.decide(B, Choice.DROP, None, "")
    assert log.undo(A, first.decided_at)
    assert path.is_symlink()
    assert read_decisions(kept).keys() == {B}
    assert [p.name for p in kept.parent.iterdir()] == ["decisions.csv"]


@pytest.mark.parametrize("head", [HEADER.replace(",", ";"), "sep=;\n" + HEADER.replace(",", ";")])
def test_lines_are_added_as_the_spreadsheet_separates_them(path: Path, head: str) -> None:
    path.write_text(f"\ufeff{head};;;;\n{A};keep;;a, b;\n")
    log = DecisionLog(path)
    one = log.decide(B, Choice.RELABEL, "mug", "so; and so")
    assert log.read().decisions == {
        A: Decision(Choice.KEEP, None, "a, b"),
        B: Decision(Choice.RELABEL, "mug", "so; and so"),
    }
    assert log.undo(B, one.decided_at)
    assert path.read_text() == f"\ufeff{head};;;;\n{A};keep;;a, b;\n"
