"""Predict files a folder's images under their classes."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from model import predict
from pipeline.cli import UserError


def test_a_folder_is_sorted(
    here: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    (folder / "broken.png").write_bytes(b"<html>")
    into = folder / "sorted"
    for _ in range(2):  # the second run leaves out what the first one filed
        assert predict.main([str(folder), "--sort-into", str(into)]) == 1
        shown = capsys.readouterr()
        assert shown.out.splitlines()[0].split() == ["folder", "images"]
        assert "broken.png can't be read" in shown.err
        with (into / "sorted.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert [row["filed_as"] for row in rows] == ["leaf/b.PNG", "", "sky/a.png"]
    assert (into / "leaf/b.PNG").read_bytes() == (folder / "b.PNG").read_bytes()
    for path in into.rglob("*.png"):
        path.unlink()
    shutil.copytree(here / "results", tmp_path / "results")
    monkeypatch.chdir(tmp_path)
    about = Path("results/model/classifier.json")  # of a model that is never quite sure
    unsure = {"temperature": 9.0, "images": 1, "confidences": [0.0]}
    about.write_text(json.dumps(json.loads(about.read_text()) | {"calibration": unsure}))
    assert (
        predict.main([str(folder / "b.PNG"), "--sort-into", str(into), "--min-confidence", "1"])
        == 0
    )
    assert (into / "not sure/b.PNG").is_file()


def test_only_files_are_sorted_and_options_for_it_need_it(here: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"download https://shop\.example/mug\.jpg first"):
        predict.main(["https://shop.example/mug.jpg", "--sort-into", str(tmp_path)])
    for option in (["--link"], ["--min-confidence", "0.5"]):
        with pytest.raises(SystemExit):
            predict.main(["x.png", *option])


def test_a_folder_is_sorted_into_itself(here: Path, folder: Path, capsys) -> None:
    arguments = [str(folder), "--sort-into", str(folder)]
    assert predict.main(arguments) == 0
    first = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))
    assert {"leaf/b.PNG", "sky/a.png", "b.PNG", "more/a.png", "sorted.csv"} <= set(first)
    (folder / "mug").mkdir()
    shutil.copy(folder / "b.PNG", folder / "mug/mine.png")
    assert predict.main(arguments) == 0
    after = {path.relative_to(folder).as_posix() for path in folder.rglob("*.*")}
    assert after - set(first) == {"mug/mine.png", "leaf/mine.png"}
