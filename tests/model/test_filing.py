import csv
import os
from pathlib import Path

import pytest

from model.classifier import Prediction
from model.filing import file_images as file_all
from model.filing import filed_earlier
from model.images import UnreadableImageError
from pipeline.cli import UserError

LABELS = ("cap", "mug")


def file_images(answers, into: Path, labels=LABELS, **options) -> dict[str, int]:
    counts, failed = file_all(answers, into, labels, **options)
    assert not failed
    return counts


def answer(label: str | None, confidence: float = 0.9) -> Prediction:
    return Prediction(label, confidence, [(label or "mug", confidence), ("cap", 1 - confidence)])


@pytest.fixture
def images(tmp_path: Path) -> dict[str, Path]:
    """Four images by name; two folders have an a.jpg each. Filing asks only for their bytes."""
    found = {}
    for name in ("one/a.jpg", "two/a.jpg", "one/b.jpg", "one/c.jpg"):
        found[name] = tmp_path / "in" / name
        found[name].parent.mkdir(parents=True, exist_ok=True)
        found[name].write_bytes(name.encode())
    return found


def files(root: Path) -> dict[str, bytes]:
    inside = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in inside}


def rows(into: Path) -> dict[str, dict[str, str]]:
    with (into / "sorted.csv").open(encoding="utf-8", newline="") as file:
        return {row["file"]: row for row in csv.DictReader(file)}


def test_images_are_copied_and_a_table_says_where(images: dict[str, Path], tmp_path: Path) -> None:
    into, before = tmp_path / "out", files(tmp_path / "in")
    one, _, b, c = map(str, images.values())
    answers = [
        (one, answer("mug")),
        (b, answer(None, 0.95)),
        (c, answer("cap", 0.5)),
        ("gone.jpg", UnreadableImageError("gone.jpg is not there")),
    ]
    counts = file_images(answers, into, min_confidence=0.8)
    assert counts == {"mug": 1, "not sure": 2}
    assert files(tmp_path / "in") == before
    filed = files(into)
    assert filed.pop("sorted.csv")
    assert filed == {
        "mug/a.jpg": b"one/a.jpg",
        "not sure/b.jpg": b"one/b.jpg",
        "not sure/c.jpg": b"one/c.jpg",
    }
    table = rows(into)
    assert table[one] == {
        "file": one, "label": "mug", "confidence": "0.9000", "filed_as": "mug/a.jpg", "error": "",
    }  # fmt: skip
    assert table[c]["label"] == "cap"
    assert table["gone.jpg"]["error"] == "gone.jpg is not there"
    assert table["gone.jpg"]["filed_as"] == ""


@pytest.mark.parametrize("link", [False, True])
def test_nothing_is_overwritten_and_a_second_run_adds_nothing(
    images: dict[str, Path], tmp_path: Path, link: bool
) -> None:
    into = tmp_path / "out"
    (into / "mug").mkdir(parents=True)
    (into / "mug/b.jpg").write_bytes(b"somebody else's")
    (into / "mug/c.jpg").symlink_to("nowhere")
    answers = [(str(path), answer("mug")) for path in images.values()]
    file_images(answers, into, link=link)
    first = files(into)
    assert first["mug/b.jpg"] == b"somebody else's"
    assert (into / "mug/c.jpg").readlink() == Path("nowhere")
    contents = [first[row["filed_as"]] for row in rows(into).values()]
    assert contents == [path.read_bytes() for path in images.values()]
    assert len(first) == 1 + 1 + 4  # the table, what was there, the images
    filed = [into / row["filed_as"] for row in rows(into).values()]
    assert [path.is_symlink() for path in filed] == [link] * 4
    file_images(answers, into, link=link)
    assert files(into) == first


def test_the_table_keeps_earlier_runs(images: dict[str, Path], tmp_path: Path) -> None:
    into = tmp_path / "out"
    one, two, *_ = map(str, images.values())
    file_images([(one, answer("mug"))], into)
    file_images([(two, answer("cap"))], into)
    assert [row["filed_as"] for row in rows(into).values()] == ["mug/a.jpg", "cap/a.jpg"]


def test_somebody_elses_table_is_left_alone(images: dict[str, Path], tmp_path: Path) -> None:
    table = tmp_path / "out/sorted.csv"
    table.parent.mkdir()
    table.write_text("name,price\nmug,3\n")
    with pytest.raises(UserError, match="is no table of this command"):
        file_images([(str(images["one/a.jpg"]), answer("mug"))], table.parent)
    assert files(table.parent) == {"sorted.csv": b"name,price\nmug,3\n"}


def test_classes_that_are_called_like_names_of_ours(
    images: dict[str, Path], tmp_path: Path
) -> None:
    into = tmp_path / "out"
    one, two, b, _c = map(str, images.values())
    labels = ("Not Sure", "_not sure", "sorted.csv", "mug")
    answers = [(one, answer("Not Sure")), (two, answer(None)), (b, answer("sorted.csv"))]
    for _ in range(2):
        counts = file_images(answers, into, labels)
        assert counts == {"Not Sure": 1, "__not sure": 1, "sorted-csv": 1}
    assert set(files(into)) == {
        "Not Sure/a.jpg", "__not sure/a.jpg", "sorted-csv/b.jpg", "_sorted.csv",
    }  # fmt: skip
    assert filed_earlier(into, labels) == {
        into / "Not Sure/a.jpg", into / "__not sure/a.jpg", into / "sorted-csv/b.jpg",
    }  # fmt: skip


NAMES = [
    b"caf\xe9.jpg",
    b"a" * 248 + b".jpg",
    "é".encode() * 124 + b".jpg",
    b"no suffix",
    b"-x.jpg",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_of_any_kind_are_filed_also_where_another_has_the_name(
    tmp_path: Path, name: bytes
) -> None:
    paths = [tmp_path / folder / os.fsdecode(name) for folder in ("one", "two")]
    for path in paths:
        path.parent.mkdir()
        path.write_bytes(path.parent.name.encode())
    into = tmp_path / "out"
    answers = [(str(path), answer("mug")) for path in paths]
    assert file_images(answers, into) == {"mug": 2}
    assert sorted(files(into / "mug").values()) == [b"one", b"two"]
    assert file_images(answers, into) == {"mug": 2}
    assert len(files(into / "mug")) == 2
    assert len(rows(into)) == 2


def test_what_cannot_be_filed_stops_no_other(images: dict[str, Path], tmp_path: Path) -> None:
    into = tmp_path / "out"
    into.mkdir()
    (into / "cap").write_bytes(b"a file of this name")
    one, two, b, _c = map(str, images.values())
    Path(two).unlink()
    answers = [(one, answer("cap")), (two, answer("mug")), (b, answer("mug"))]
    counts, failed = file_all(answers, into, LABELS)
    assert counts == {"mug": 1}
    assert len(failed) == 2
    assert "can't be filed in cap: there is a file of this name" in failed[0]
    assert failed[1].startswith(f"{two} can't be filed in mug")
    table = rows(into)
    assert [bool(row["error"]) for row in table.values()] == [True, True, False]
    assert (into / "cap").read_bytes() == b"a file of this name"


def test_what_was_filed_is_in_the_table_also_where_it_was_interrupted(
    images: dict[str, Path], tmp_path: Path
) -> None:
    def answers():
        yield str(images["one/a.jpg"]), answer("mug")
        assert "one/a.jpg" in (tmp_path / "out/sorted.csv.part").read_text()  # as it goes
        yield str(images["one/b.jpg"]), answer("cap")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        file_images(answers(), tmp_path / "out")
    assert [row["filed_as"] for row in rows(tmp_path / "out").values()] == [
        "mug/a.jpg",
        "cap/b.jpg",
    ]
    assert not (tmp_path / "out/sorted.csv.part").exists()
