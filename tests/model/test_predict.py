"""The command that classifies files, folders and addresses."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from model import predict
from model.classifier import Prediction
from pipeline.cli import UserError

ROOT = Path(__file__).parents[2]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server(folder: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()


def test_folders_are_walked_and_answers_are_a_table(here: Path, folder: Path, capsys) -> None:
    assert predict.main([str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["image", "class", "1.", "2.", "3."]
    assert [line.split()[0] for line in lines[2:]] == [
        str(folder / "b.PNG"),
        str(folder / "more/a.png"),
    ]
    assert lines[2].split()[2] == "leaf"


def test_json_lines(here: Path, folder: Path, capsys) -> None:
    assert predict.main([str(folder), "--json", "--top", "2"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["file"] for row in rows] == [str(folder / "b.PNG"), str(folder / "more/a.png")]
    assert rows[0]["top"][0]["label"] == "leaf"
    assert rows[0]["top"][0]["confidence"] == rows[0]["confidence"]
    assert [len(row["top"]) for row in rows] == [2, 2]


def test_csv_file(here: Path, folder: Path, tmp_path: Path, capsys) -> None:
    bad = folder / "bad.png"
    bad.write_bytes(b"<html>")
    out = tmp_path / "answers.csv"
    assert predict.main([str(folder), "--csv", str(out), "--top", "9"]) == 1
    with out.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:5] == ["file", "label", "confidence", "label_1", "confidence_1"]
    assert "label_3" in rows[0]
    assert "label_4" not in rows[0]
    assert [bool(row["error"]) for row in rows] == [False, True, False]
    assert capsys.readouterr().out == ""


def test_the_rest_is_done_when_some_are_unreadable(here: Path, folder: Path, capsys) -> None:
    (folder / "broken.jpg").write_bytes((folder / "b.PNG").read_bytes()[:200])
    assert predict.main([str(folder / "gone.jpg"), str(folder)]) == 1
    shown = capsys.readouterr()
    assert "b.PNG" in shown.out
    assert "a.png" in shown.out
    errors = [line for line in shown.err.splitlines() if not line.startswith("left out, ")]
    assert len(errors) == 2
    assert errors[0].endswith("gone.jpg is not there")
    assert "broken.jpg can't be read" in errors[1]


def test_a_folder_without_images(here: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(UserError, match=r"has no images \(\.avif, "):
        predict.main([str(tmp_path)])


def test_addresses_are_fetched(here: Path, server: str, capsys) -> None:
    addresses = [f"{server}/b.PNG", f"{server}/gone.png", f"{server}/notes.txt"]
    assert predict.main([*addresses, "--json"]) == 1
    shown = capsys.readouterr()
    rows = [json.loads(line) for line in shown.out.splitlines()]
    assert [row["file"] for row in rows] == addresses
    assert rows[0]["top"][0]["label"] == "leaf"
    assert "404" in rows[1]["error"]
    assert f"{server}/notes.txt" in rows[2]["error"]
    assert shown.err.count("error: ") == 2


def test_help_teaches_and_a_wrong_top_is_refused(capsys) -> None:
    with pytest.raises(SystemExit) as done:
        predict.main(["--help"])
    assert done.value.code == 0
    assert "PATH_OR_URL" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        predict.main(["x.png", "--top", "0"])


def test_a_missing_model_is_said_in_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "model.predict", "x.jpg"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: results/model/classifier.keras is not there")
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_a_list_on_standard_input(here: Path, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "model.predict", "-", "--json"],
        input=f"{folder}/b.PNG\n{folder}/gone.png\n{folder}/more\n",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["file"] for row in rows] == [
        f"{folder}/{n}" for n in ("b.PNG", "gone.png", "more/a.png")
    ]
    assert done.stderr.endswith(f"\nerror: {folder}/gone.png is not there\n")


def test_what_a_folder_leaves_out_is_told(here: Path, folder: Path, capsys) -> None:
    shutil.copy(folder / "b.PNG", folder / "no suffix")
    assert predict.main([str(folder), "--json"]) == 0
    shown = capsys.readouterr()
    names = [Path(json.loads(line)["file"]).name for line in shown.out.splitlines()]
    assert names == ["b.PNG", "a.png", "no suffix"]
    assert shown.err.splitlines()[:2] == [
        f"left out, files of the system: 2 ({folder}/.hidden.png, {folder}/more/.cache)",
        f"left out, files that are no images: 1 ({folder}/notes.txt)",
    ]


@pytest.mark.parametrize("options", [["--csv", "OUT"], ["--json", "--out", "OUT"]])
def test_an_interrupted_run_goes_on(
    here: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    out = tmp_path / "answers"
    arguments = [str(folder), *(str(out) if one == "OUT" else one for one in options)]
    assert predict.main(arguments) == 0
    whole = out.read_text()
    lines = whole.splitlines(keepends=True)
    asked: list[str] = []
    real = predict._answers

    def watched(classifier, names, top):
        asked.extend(names)
        for name, answer in real(classifier, names, top):
            yield name, answer
            if interrupts:
                raise KeyboardInterrupt

    monkeypatch.setattr(predict, "_answers", watched)
    interrupts = True
    with pytest.raises(KeyboardInterrupt):
        predict.main(arguments)
    assert out.read_text() == "".join(lines[:-1])
    interrupts = False
    asked.clear()
    assert predict.main([*arguments, "--resume"]) == 0
    assert [Path(name).name for name in asked] == ["a.png"]
    assert list(map(stem, out.read_text().splitlines())) == list(map(stem, lines))
    asked.clear()
    (folder / "bad.png").write_bytes(b"<html>")
    assert predict.main([*arguments, "--resume"]) == 1
    assert predict.main([*arguments, "--resume"]) == 1  # what failed is tried again
    assert [Path(name).name for name in asked] == ["bad.png"] * 2
    assert len(out.read_text().splitlines()) == len(lines) + 1


def stem(line: str) -> str:
    """A line as far as it has no probability: these depend on the batch, in the last places."""
    return re.split(r"0\.\d", line)[0].strip()


def test_names_that_are_no_utf8(here: Path, folder: Path, tmp_path: Path, capfd) -> None:
    odd = folder / os.fsdecode(b"caf\xe9.png")
    shutil.copy(folder / "b.PNG", odd)
    gone = str(folder / os.fsdecode(b"gone\xff.png"))
    for options in ([], ["--json"], ["--csv", str(tmp_path / "out.csv")]):
        assert predict.main([str(odd), gone, *options]) == 1
    shown = capfd.readouterr()
    assert shown.out.count("xe9.png") == 2
    assert shown.err.count("gone\\xff.png is not there") == 3
    assert "caf\\xe9.png" in (tmp_path / "out.csv").read_text(encoding="utf-8")


def test_a_reader_that_goes_away_is_no_traceback(here: Path, folder: Path) -> None:
    many = [str(folder / "b.PNG")] * 2000
    with subprocess.Popen(
        [sys.executable, "-m", "model.predict", "-", "--json"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdin.write("\n".join(many).encode())
        process.stdin.close()
        assert b'"label": "leaf"' in process.stdout.readline()
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()
    assert process.returncode == 141


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--min-confidence", "80"], "80 is not allowed: 0 to 1; did you mean 0.8?"),
        (["--min-confidence", "80%"], "80% is not allowed: 0 to 1; did you mean 0.8?"),
        (["--min-confidence", "1.5"], "1.5 is not allowed: 0 to 1; did you mean 0.015?"),
        (["--min-confidence", "-1"], "-1 is not allowed: 0 to 1"),
        (["--min-confidence", "high"], "high is not allowed: 0 to 1"),
        (["--min-confidence", "nan"], "nan is not allowed: 0 to 1"),
        (["--top", "0"], "0 is not allowed: whole numbers from 1 on"),
        (["--top", "2.5"], "2.5 is not allowed: whole numbers from 1 on"),
        (["--resume"], "--resume needs --csv FILE, or --json with --out FILE"),
        (["--out", "a.jsonl"], "--out is for --json"),
    ],
)
def test_an_option_error_says_what_is_allowed(capsys, options: list[str], message: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        predict.main(["a.jpg", *options])
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("end", ["?width=300", "?ids[]=3&name=*", "#part", "?a=1?b=2"])
def test_an_address_may_have_the_signs_of_a_pattern(
    here: Path, server: str, end: str, capsys
) -> None:
    address = f"{server}/b.PNG{end}"
    assert predict.main([address, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["file"] == address


def test_names_and_classes_are_shown_as_they_are() -> None:
    """A name with a line break takes one line, and numbers stay as they are written."""
    answers = [
        Prediction(label, 0.5, [(label or "007", 0.5)]) for label in ("007", "1e3", "nan", None)
    ]
    names = ["007", "1e3", "odd\n\x1b[31m.png", "1_000"]
    table = predict._table(zip(names, answers, strict=True), "_none of these")
    assert [line.split()[:2] for line in table.splitlines()[2:]] == [
        ["007", "007"],
        ["1e3", "1e3"],
        [r"odd\n\x1b[31m.png", "nan"],
        ["1_000", "_none"],
    ]
