"""Revisions that lack their predictions, or whose predictions cannot be read."""

import shutil
from pathlib import Path

import pytest
from dvc.repo import Repo
from runs import figures, table

from model import compare
from pipeline.cli import UserError


def test_predictions_are_fetched_from_a_remote(own: Path, tmp_path: Path, capsys) -> None:
    with Repo() as repo, repo.config.edit() as config:
        config["remote"] = {"store": {"url": str(tmp_path / "store")}}
        config["core"] = {"remote": "store"}
    shutil.copytree(own / ".dvc/cache/files", tmp_path / "store/files")
    shutil.rmtree(own / ".dvc/cache")
    assert figures(capsys, "good", "bad")["images"] == 80


def test_a_revision_without_results(project: Path) -> None:
    with pytest.raises(UserError, match=r"empty has no .*predictions.csv: `git checkout empty"):
        compare.main(["empty"])


def test_a_missing_cache(own: Path) -> None:
    shutil.rmtree(own / ".dvc/cache")
    with pytest.raises(UserError, match=r"of bad is neither in DVC's cache .*then `dvc repro`"):
        compare.main(["bad"])


def test_an_unknown_revision(project: Path) -> None:
    with pytest.raises(UserError, match=r"'nobody' can't be opened: .*dvc exp list"):
        compare.main(["nobody"])


def test_no_results_here(own: Path) -> None:
    (own / "results/evaluate/predictions.csv").unlink()
    with pytest.raises(UserError, match=r"predictions.csv is not there; `dvc repro` makes it"):
        compare.main(["good"])


def test_predictions_of_another_dataset(project: Path) -> None:
    with pytest.raises(UserError, match=r"80 images of cap, mug, .* cup, hat.* two datasets"):
        compare.main(["good", "other"])


@pytest.mark.parametrize("text", ["", "name,label\nx,y\n", table(set(), range(0))])
def test_a_file_that_holds_no_predictions(own: Path, text: str) -> None:
    (own / "results/evaluate/predictions.csv").write_text(text)
    with pytest.raises(UserError, match=r"of workspace (is no table|has no row)"):
        compare.main(["good"])


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: text.rindex("mug/") + 70],
        lambda text: text.replace("mug/", "<<<<<<< HEAD\nmug/", 1),
        lambda text: text.replace("0.75", "", 1),
        lambda text: text.replace("0.75", "much", 1),
    ],
)
def test_a_damaged_table_is_named_with_its_row(own: Path, damage) -> None:
    path = own / "results/evaluate/predictions.csv"
    path.write_text(damage(path.read_text()))
    with pytest.raises(UserError, match=r"of workspace is damaged: row \d+ .*repro evaluate"):
        compare.main(["good"])


@pytest.mark.parametrize("name", ["good:dvc.yaml", "good^{tree}", "good:results"])
def test_a_file_or_a_folder_in_git_is_no_revision(project: Path, name: str) -> None:
    with pytest.raises(UserError, match=r"is a file or a folder in Git, and no commit; name the"):
        compare.main([name])


@pytest.mark.parametrize("name", ["", " "])
def test_an_empty_name_is_no_revision(project: Path, name: str) -> None:
    with pytest.raises(UserError, match="a revision's name is empty; 'workspace' is"):
        compare.main([name])


@pytest.mark.parametrize(
    "row", ["a.jpg,cup,cup,nan", "a.jpg,cup,cup,7", "a.jpg,cup,cup,-0.1", ",cup,cup,1", "a,,cup,1"]
)
def test_a_row_that_is_no_prediction_is_named(own: Path, row: str) -> None:
    head = "file,label,predicted,confidence"
    (own / "results/evaluate/predictions.csv").write_text(f"{head}\n{row}\n")
    with pytest.raises(UserError, match=f"is damaged: row 1 is '{row}'"):
        compare.main(["good"])
