"""A wrong name of an output destroys no file."""

import argparse
import os
from pathlib import Path

import pytest

from model import compare, predict
from model.outputs import HTML, file_name, folder_name, may_replace
from pipeline.cli import UserError

TABLE = "table of this command"


@pytest.mark.parametrize(
    ("content", "beginning"),
    [
        (b"\xff\xd8\xff\xe0 JPEG", b"file,label,confidence,"),
        (b"my,own,table\n1,2,3\n", b"file,label,confidence,"),
        (b"[1, 2]\n", b'{"file": '),
        (b"file,label,predicted,confidence\n", HTML),
    ],
)
def test_a_file_of_another_kind_is_kept(tmp_path: Path, content: bytes, beginning: bytes) -> None:
    path = tmp_path / "there"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"there is there and is no table of this .* name another"):
        may_replace(path, beginning, TABLE)
    assert path.read_bytes() == content


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html>\n<html>", b"<!doctype html>"])
def test_a_file_of_the_same_kind_may_be_replaced(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "there"
    path.write_bytes(content)
    may_replace(path, HTML, "page")
    may_replace(tmp_path / "new", HTML, "page")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_folders_pipes_and_devices_are_kept(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, reason in (
        (tmp_path, "is a folder"),
        (tmp_path / "pipe", "is a device or a pipe"),
        (Path(os.devnull), "is a device or a pipe"),
    ):
        with pytest.raises(UserError, match=reason):
            may_replace(path, b"", TABLE)


@pytest.mark.parametrize("name", ["", " ", "\t", "-"])
def test_a_name_that_is_no_file(name: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="name"):
        file_name(name)
    if name != "-":
        with pytest.raises(argparse.ArgumentTypeError, match="name a folder"):
            folder_name(name)


@pytest.mark.parametrize(
    "options", [["--csv", "{}"], ["--json", "--out", "{}"], ["--csv", "{}", "--resume"]]
)
def test_answers_replace_no_image(here: Path, folder: Path, options: list[str]) -> None:
    image = folder / "b.PNG"
    content = image.read_bytes()
    with pytest.raises(UserError, match=r"b\.PNG is there and is no "):
        predict.main([str(folder), *(option.format(image) for option in options)])
    assert image.read_bytes() == content


@pytest.mark.parametrize("option", ["--csv", "--sort-into"])
def test_an_empty_name_writes_nowhere(here: Path, folder: Path, option: str, capsys) -> None:
    before = sorted(Path().iterdir())
    with pytest.raises(SystemExit):
        predict.main([str(folder), option, ""])
    assert "the name is empty" in capsys.readouterr().err
    assert sorted(Path().iterdir()) == before


def test_a_page_of_compare_replaces_no_table(monkeypatch: pytest.MonkeyPatch, here: Path) -> None:
    table = Path("results/evaluate/predictions.csv")
    content = table.read_bytes()
    with pytest.raises(UserError, match=r"predictions\.csv is there and is no page"):
        compare.main(["workspace", "--html", str(table)])
    assert table.read_bytes() == content
