"""The dataset on disk, and what the command says."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from ruamel.yaml import YAML

from pipeline import paths
from pipeline.cli import UserError
from pipeline.split import __main__ as split
from pipeline.split.__main__ import COLUMNS


@pytest.fixture
def divided(work, make) -> list[dict[str, str]]:
    """Two classes of 20 images cleaned and divided; the rows of all metadata.csv."""
    for n in range(20):
        work.add(make.encoded(make.next()), "mug", product_id=f"p {n // 2}")
        work.add(make.encoded(make.next(), "PNG"), "cup", split="train")
    work.clean()
    work.values["split"] |= {"validation": 0.2, "test": 0.2}
    YAML().dump(work.values, paths.PARAMS)
    split.main([])
    rows = []
    for name in paths.SPLITS:
        with (paths.DATASET / name / "metadata.csv").open(newline="") as file:
            rows += [row | {"split": name} for row in csv.DictReader(file)]
    return rows


def test_the_dataset_on_disk(work, divided: list[dict[str, str]]) -> None:
    files = {p.relative_to(paths.DATASET).as_posix() for p in paths.DATASET.rglob("*.jpg")}
    assert files == {f"{row['split']}/{row['file_name']}" for row in divided}
    assert len(divided) == 40
    for row in divided:
        assert list(row)[:-1] == list(COLUMNS)
        assert row["file_name"] == f"{row['label']}/{row['sha256']}.jpg"
        content = (paths.DATASET / row["split"] / row["file_name"]).read_bytes()
        assert content == (paths.CLEAN / row["file_name"]).read_bytes()
        assert (row["width"], row["height"]) == ("200", "150")
        assert row["official_split"] == ("train" if row["label"] == "cup" else "")
    assert len({row["group"] for row in divided if row["label"] == "mug"}) == 10


def test_again_gives_the_same_bytes(work, divided) -> None:
    def digests() -> dict[Path, bytes]:
        return {p: p.read_bytes() for p in sorted(paths.DATASET.rglob("*")) if p.is_file()}

    before = digests()
    split.main([])
    assert digests() == before


def test_another_set_of_classes_leaves_nothing_behind(work, divided) -> None:
    work.source("own", ["mug"])
    YAML().dump(work.values, paths.PARAMS)
    work.clean()
    split.main([])
    assert {p.parent.name for p in paths.DATASET.rglob("*.jpg")} == {"mug"}


def test_the_balance_is_printed(work, divided, capsys: pytest.CaptureFixture) -> None:
    split.main([])
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["class", "train", "validation", "test"]
    assert ["all", *(str(sum(r["split"] == s for r in divided)) for s in paths.SPLITS)] in lines


def test_before_clean_it_says_what_to_run(work) -> None:
    YAML().dump(work.values | {"sources": {}}, paths.PARAMS)
    with pytest.raises(UserError, match=r"verdicts.parquet is not there.*pipeline.clean"):
        split.main([])


def test_too_few_leave_the_dataset_as_it_was(work, divided, make) -> None:
    work.add(make.encoded(make.next()), "plate")
    work.clean()
    with pytest.raises(UserError, match=r"class 'plate' lacks .* it has 1 image in 1 group"):
        split.main([])
    assert len(list(paths.DATASET.rglob("*.jpg"))) == 40
    with Image.open(next(paths.DATASET.rglob("*.jpg"))) as image:
        image.load()


def test_a_class_with_too_few_is_left_out_with_a_report(work, divided, make, capsys) -> None:
    work.add(make.encoded(make.next()), "plate")
    work.clean()
    work.values["split"]["too_few"] = "leave_out"
    YAML().dump(work.values, paths.PARAMS)
    split.main([])
    assert {p.parent.name for p in paths.DATASET.rglob("*.jpg")} == {"cup", "mug"}
    with (paths.DATASET / "left_out.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["label"] == "plate"
    assert "train" in row["lacks"].split() or "test" in row["lacks"].split()
    assert "Left out by split.too_few: class 'plate' lacks" in capsys.readouterr().out


def test_a_class_without_any_image_is_told_of_at_the_end(work, divided, make, capsys) -> None:
    work.add(make.blank(), "plate")
    work.source("shop", ["cup", "spoon"])
    work.clean()
    YAML().dump(work.values, paths.PARAMS)
    split.main([])
    *_, plate, _, spoon = capsys.readouterr().out.splitlines()
    assert plate == (
        "WARNING: class 'plate' has no image: its only one was dropped as blank; "
        "see clean.blank in params.yaml"
    )
    assert spoon.startswith("WARNING: class 'spoon' has no image: none was collected;")


@pytest.mark.parametrize("content", [b"", b"x" * 99, b"PAR1" + bytes(40) + b"PAR1"])
def test_damaged_verdicts_are_told_with_the_remedy(work, divided, content: bytes) -> None:
    YAML().dump(work.values, paths.PARAMS)
    paths.VERDICTS.write_bytes(content)
    with pytest.raises(UserError, match=r"verdicts.parquet is damaged .*python -m pipeline.clean"):
        split.main([])


def test_an_image_that_has_gone_from_clean_is_named(work, divided) -> None:
    YAML().dump(work.values, paths.PARAMS)
    gone = next(paths.CLEAN.rglob("*.jpg"))
    gone.unlink()
    with pytest.raises(UserError, match=rf"{gone.name} is not there; .*python -m pipeline.clean"):
        split.main([])


def test_official_splits_that_are_not_kept_are_told(work, divided, make, capsys) -> None:
    work.add(make.encoded(make.next()), "cup", split="test")
    work.clean()
    YAML().dump(work.values, paths.PARAMS)
    split.main([])
    assert "1 images have an official split of their source, which was not kept; split.keep_" in (
        capsys.readouterr().out
    )


def test_nothing_kept_is_an_error_that_names_the_commonest_reason(work, make) -> None:
    for _ in range(3):
        work.add(make.blank())
    work.add(make.tiny())
    work.clean()
    YAML().dump(work.values, paths.PARAMS)
    with pytest.raises(UserError, match=r"no image\n.*'mug'.* 3 of them as blank; see clean.blank"):
        split.main([])


def test_a_class_that_looks_like_a_number_is_printed_as_it_is(
    work, make, capsys: pytest.CaptureFixture
) -> None:
    work.source("own")
    for label in ("007", "1e3"):
        for _ in range(6):
            work.add(make.encoded(make.next()), label)
    YAML().dump(work.values, paths.PARAMS)
    work.clean()
    split.main([])
    lines = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line]
    assert {"007", "1e3"} <= {*lines}


def test_a_class_of_few_groups_is_divided_alike_in_each_process() -> None:
    """The order of a set differs from process to process, unless PYTHONHASHSEED fixes it."""
    program = (
        "from pipeline.params import Split\n"
        "from pipeline.split.divide import KeptImage, divide\n"
        "few = [KeptImage(label='mug', sha256=f'{n:064}', width=9, height=9, brightness=9.0,"
        " source='own', license='', official_split='', group=str(n)) for n in range(3)]\n"
        "settings = Split(validation=0.15, test=0.15, keep_official=False, seed=1)\n"
        "print(divide(few, settings).places)\n"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in range(6)
    }
    (places,) = said
    assert all(split in places for split in paths.SPLITS)
