"""What collect says of folders that are no classes, and of files that a person may miss."""

import json
import shutil
from pathlib import Path

import pytest
from own_folder import OWN, counts, jpeg, put, raw

from pipeline.cli import UserError
from pipeline.sources import ArchiveSource
from scraper.collect import collect


@pytest.mark.parametrize(
    "files",
    [
        ("images/train/1.jpg", "images/val/2.jpg", "labels/train/1.txt", "data.yaml"),
        ("train/images/1.jpg", "train/labels/1.txt", "valid/images/2.jpg", "valid/labels/2.txt"),
        ("JPEGImages/1.jpg", "Annotations/1.xml", "ImageSets/Main/train.txt"),
        ("train2017/1.jpg", "val2017/2.jpg", "annotations/instances_train2017.json"),
        ("Images/1.jpg", "Labels/1.txt"),
    ],
)
def test_boxes_of_object_detection_are_no_classes(own, files):
    put(own, {name: jpeg(f"#{n}00") for n, name in enumerate(files, start=10)})
    with pytest.raises(UserError, match=r"exports for object detection.*a folder for each class"):
        collect("own", OWN)
    assert not (raw() / "manifest.jsonl").exists()


def test_classes_may_be_called_like_a_detectors_folders(own):
    put(own, {"labels/1.jpg": jpeg("red"), "tags/2.jpg": jpeg("blue"), "images/3.jpg": jpeg("red")})
    collect("own", OWN.model_copy(update={"classes": ["labels", "images"]}))
    assert counts()["saved_by_class"] == {"labels": 1, "images": 1}


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (("men/shoes/1.jpg", "men/hats/2.jpg", "women/shoes/3.jpg", "women/hats/4.jpg"), "men, wo"),
        (("men/shoes/a/1.jpg", "men/hats/b/2.jpg", "kids/3.jpg"), "men"),
        (("mug/1/a.jpg", "cap/1/b.jpg", "cap/2/c.jpg", "cap/3/d.jpg"), "mug"),
        (("mug/1/a.jpg", "mug/2/b.jpg", "mug/3.jpg", "cap/4.jpg"), None),
        (("mug/1/a.jpg", "mug/2/b.jpg", "mug/3/c.jpg", "cap/4.jpg"), None),
        (("train/mug/1/a.jpg", "test/mug/1/b.jpg", "train/cap/1/c.jpg"), None),
    ],
)
def test_folders_that_are_few_products_are_told(own, capsys, files, told):
    put(own, {name: jpeg(f"#{n}00") for n, name in enumerate(files, start=10)})
    collect("own", OWN)
    said = [
        line for line in capsys.readouterr().out.splitlines() if "in one or two folders" in line
    ]
    assert [line[: len(told)] for line in said] == [told] if told else not said


def test_the_remedies_of_hints_work(own, capsys):
    """The patterns that the hints give make classes of file names, and of folders in folders."""
    put(own, {"mug_1.jpg": jpeg("red"), "red-hat_1.jpg": jpeg("blue")})
    collect("own", OWN)
    by_name = capsys.readouterr().out.partition("pattern: '")[2].partition("'")[0]
    put(own, {f"{a}/{b}/1.jpg": jpeg(f"#{a}{b}{b}") for a in "12" for b in "345"[: int(a) + 1]})
    collect("own", OWN)
    by_folder = capsys.readouterr().out.partition("pattern: '")[2].partition("'")[0]
    for pattern, labels in ((by_name, {"mug": 1, "red-hat": 1}), (by_folder, None)):
        source = ArchiveSource(kind="archive", url="data/own", pattern=pattern)
        collect("archive", source)
        saved = json.loads(Path("results/collect/archive.json").read_text())["saved_by_class"]
        assert saved == (labels or {f"{a}-{b}": 1 for a in "12" for b in "345"[: int(a) + 1]})
        shutil.rmtree("data/raw/archive")


def test_a_class_folder_that_was_emptied_is_called_empty(own, capsys):
    put(own, {"mug/a.jpg": jpeg("red"), "cap/b.jpg": jpeg("blue")})
    collect("own", OWN)
    (own / "cap/b.jpg").unlink()
    collect("own", OWN)
    assert "class 'cap' of own has no image: its folder is empty" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "content", "remedy"),
    [
        ("a.cr2", b"II*\0\x10\0\0\0CR\2\0", "export it as JPEG or PNG"),
        ("a.psd", b"8BPS\0\1", "export it as JPEG or PNG"),
        ("prices.pdf", b"%PDF-1.4", "export its images as JPEG or PNG"),
        ("photos.zip", b"PK\3\4....", "unpack it"),
        ("clip.mov", b"\0\0\0\x14ftypqt  ", "export single frames of it as JPEG"),
        ("notes.txt", b"words", None),
    ],
)
def test_what_a_person_may_miss_is_told_with_the_remedy(own, capsys, name, content, remedy):
    put(own, {"mug/1.jpg": jpeg("red"), f"mug/{name}": content})
    collect("own", OWN)
    (line,) = [x for x in capsys.readouterr().out.splitlines() if name in x]
    assert line.endswith(f"; to take it, {remedy}" if remedy else f"(mug/{name})")
