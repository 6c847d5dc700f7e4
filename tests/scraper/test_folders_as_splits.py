"""Folders that are called like official splits, in a person's own folder."""

from pathlib import Path

import pytest

from pipeline.cli import UserError
from scraper.folders.walk import walk


def found(root: Path, files: list[str], classes: list[str] | None = None) -> set[tuple]:
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    return {(entry.label, entry.split) for entry in walk(root, classes).entries}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["train/mug/1.jpg", "test/mug/2.jpg"], {("mug", "train"), ("mug", "test")}),
        (["train/mug/1.jpg", "train/hat/2.jpg"], {("mug", "train"), ("hat", "train")}),
        (["Valid/mug/1.jpg", "TEST/mug/2.jpg"], {("mug", "validation"), ("mug", "test")}),
        (["train/mug/1.jpg", "dev/mug/2.jpg"], {("mug", "train"), ("mug", "validation")}),
        (["train/1.jpg", "car/2.jpg"], {("train", None), ("car", None)}),
        (["train/steam/1.jpg", "car/2.jpg"], {("train", None), ("car", None)}),
        (["train/1.jpg"], {("train", None)}),
        (["train/1.jpg", "train/steam/2.jpg"], {("train", None)}),
    ],
)
def test_splits_are_told_from_classes(tmp_path: Path, files, expected) -> None:
    assert found(tmp_path, files) == expected


@pytest.mark.parametrize("other", ["mug/3.jpg", "hat/p/3.jpg"])
def test_splits_beside_classes_are_refused_with_the_remedy(tmp_path: Path, other: str) -> None:
    files = ["train/mug/1.jpg", "val/mug/2.jpg", other]
    with pytest.raises(UserError, match=r"train and val, .* beside '(mug|hat)'; put all classes"):
        found(tmp_path, files)


def test_what_classes_names_is_a_class(tmp_path: Path) -> None:
    files = ["train/1.jpg", "test/2.jpg", "mug/3.jpg"]
    classes = ["Train", "test", "mug"]
    assert found(tmp_path, files, classes) == {("Train", None), ("test", None), ("mug", None)}
    assert {split for _, split in found(tmp_path, files, ["mug"])} == {None}
