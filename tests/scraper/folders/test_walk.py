"""What is taken from people's own folders, as what, and what is left out."""

import json
import os
from pathlib import Path

import pytest
from own_folder import OWN, contents, counts, jpeg, put, raw, rows, statuses

from pipeline.cli import UserError
from scraper.collect import collect
from scraper.folders.links import link_folders


def test_a_subfolder_is_a_product(own):
    put(
        own,
        {
            "mug/SKU-1/front.jpg": jpeg("red"),
            "mug/SKU-1/details/back.jpg": jpeg("blue"),
            "mug/alone.jpg": jpeg("green"),
            "cup/SKU-1/front.jpg": jpeg("white"),
        },
    )
    collect("own", OWN)
    products = {name: row.product_id for name, row in rows().items()}
    assert products == {
        "mug/SKU-1/front.jpg": "mug/SKU-1",
        "mug/SKU-1/details/back.jpg": "mug/SKU-1",
        "mug/alone.jpg": None,
        "cup/SKU-1/front.jpg": "cup/SKU-1",  # each class may begin with 1 anew
    }


def test_what_is_no_image_is_counted_by_what_it_is(own, capsys):
    put(
        own,
        {
            "mug/a.jpg": jpeg("red"),
            "mug/manual.pdf": b"%PDF-1.7\n...",
            "mug/film.mov": b"\0\0\0\x14ftypqt  " + bytes(40),
            "mug/a.thm": jpeg("red"),
            "mug/a.xmp": b"<?xpacket begin?><x:xmpmeta/>",
            "mug/DSC_1.NEF": b"MM\0*\0\0\0\x08" + bytes(60),
            "mug/.DS_Store": b"x",
            "mug/Thumbs.db": b"x",
            "mug/@eaDir/a.jpg": jpeg("green"),
            "IMG_0001.jpg": jpeg("blue"),
            "notes.txt": b"hello",
        },
    )
    collect("own", OWN)
    left_out = json.loads((raw() / "left_out.json").read_text())
    assert sum(len(names) for names in left_out.values()) == 10
    by_name = {name: kind for kind, names in left_out.items() for name in names}
    assert "PDF" in by_name["mug/manual.pdf"]
    assert "video" in by_name["mug/film.mov"]
    assert "sidecar" in by_name["mug/a.xmp"] == by_name["mug/a.thm"]
    assert "raw" in by_name["mug/DSC_1.NEF"]
    assert by_name["IMG_0001.jpg"] == by_name["notes.txt"] == "files beside the class folders"
    assert by_name["mug/.DS_Store"] == by_name["mug/Thumbs.db"] == by_name["mug/@eaDir"]
    assert statuses()["mug/a.jpg"] == "saved"
    assert counts()["left_out"] == {kind: len(names) for kind, names in left_out.items()}
    assert counts()["saved"] == 1
    out = capsys.readouterr().out
    for name in ("mug/manual.pdf", "IMG_0001.jpg", "mug/DSC_1.NEF"):
        assert name in out


@pytest.mark.parametrize("kind", ["TIFF", "BMP", "PNG", "GIF", "WEBP", "AVIF"])
def test_every_format_that_clean_reads_is_taken(own, kind):
    put(own, {f"mug/x.{kind.lower()}": jpeg("red", kind)})
    collect("own", OWN)
    assert set(statuses().values()) == {"saved"}


def test_a_class_without_a_folder_is_an_error_with_the_nearest_name(own):
    put(own, {"mugs/a.jpg": jpeg("red"), "cup/b.jpg": jpeg("blue")})
    with pytest.raises(UserError, match=r"names 'mug', .* did you mean 'mugs'"):
        collect("own", OWN.model_copy(update={"classes": ["mug", "cup"]}))
    assert not (raw() / "manifest.jsonl").exists()


def test_links_are_followed_and_loops_end(own, tmp_path):
    put(tmp_path / "disk", {"a.jpg": jpeg("red"), "b.jpg": jpeg("blue")})
    (own / "mug").symlink_to(tmp_path / "disk")
    put(own, {"cup/c.jpg": jpeg("green")})
    (own / "cup/d.jpg").symlink_to(tmp_path / "disk/a.jpg")
    (own / "cup/loop").symlink_to(own / "cup")
    (own / "cup/up").symlink_to(own)
    (own / "cup/gone.jpg").symlink_to(tmp_path / "nothing")
    os.mkfifo(own / "cup/pipe")
    collect("own", OWN)
    assert contents() == {
        "mug": {jpeg("red"), jpeg("blue")},
        "cup": {jpeg("green"), jpeg("red")},
    }
    assert counts()["left_out"] == {
        "broken links": 1,
        "links that lead back": 2,
        "pipes, sockets and devices": 1,
    }


def test_names_that_are_no_utf8_are_taken(own):
    put(own, {"mug/a.jpg": jpeg("red")})
    (own / "mug/a.jpg").rename(os.fsdecode(os.fsencode(own / "mug") + b"/caf\xe9.jpg"))
    collect("own", OWN)
    assert statuses() == {"mug/caf\\xe9.jpg": "saved"}


def test_official_splits_by_hand(own):
    put(own, {f"{split}/mug/{split}.jpg": jpeg(colour) for split, colour in
              (("Train", "red"), ("val", "blue"), ("test", "green"))})  # fmt: skip
    collect("own", OWN)
    found = {row.image_url: (row.label, row.split) for row in rows().values()}
    assert found == {
        "Train/mug/Train.jpg": ("mug", "train"),
        "val/mug/val.jpg": ("mug", "validation"),
        "test/mug/test.jpg": ("mug", "test"),
    }


@pytest.mark.parametrize(
    ("train", "test"),
    [("training_set", "test_set"), ("train_images", "test_images"), ("seg_train", "seg_test"),
     ("trainset", "testset"), ("Training data", "Test data"), ("train", "eval"),
     ("Train_", "Test_")],
)  # fmt: skip
def test_splits_as_people_call_them(own, train, test):
    put(own, {f"{train}/mug/a.jpg": jpeg("red"), f"{test}/mug/b.jpg": jpeg("blue")})
    collect("own", OWN)
    found = {(row.label, row.split) for row in rows().values()}
    assert found == {("mug", "train"), ("mug", "validation" if test == "eval" else "test")}


@pytest.mark.parametrize("splits", [("train", "test"), ("training_set", "val")])
def test_splits_inside_of_a_folder_are_no_products(own, splits):
    put(own, {f"mug/{split}/{split}.jpg": jpeg("red") for split in splits})
    with pytest.raises(UserError, match=r"(?s)official splits.*name .*mug as the source's path"):
        collect("own", OWN)


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (("dataset/mug/a.jpg", "dataset/cap/b.jpg"), True),
        (("train/images/mug/a.jpg", "train/images/cap/b.jpg", "test/images/mug/c.jpg"), True),
        (("mug/1/a.jpg", "mug/2/b.jpg", "mug/alone.jpg"), False),
        (("mug/1/a.jpg", "cap/1/b.jpg", "cap/2/c.jpg"), False),
    ],
)
def test_one_folder_around_the_classes_is_told(own, capsys, files, told):
    put(own, {name: jpeg(f"#{n}00") for n, name in enumerate(files, start=10)})
    collect("own", OWN)
    assert ("is the only class, and the 2 folders in it" in capsys.readouterr().out) == told


@pytest.mark.parametrize(("classes", "label"), [(None, "mug"), (["MUG"], "MUG"), (["Mug"], "Mug")])
def test_spellings_of_one_class_are_one_class(own, classes, label):
    put(own, {"Mug/a.jpg": jpeg("red"), "mug/b.jpg": jpeg("blue"), "MUG/p/c.jpg": jpeg("green")})
    collect("own", OWN.model_copy(update={"classes": classes}))
    assert {(row.label, row.status.value) for row in rows().values()} == {(label, "saved")}
    assert set(rows()) == {"Mug/a.jpg", "mug/b.jpg", "MUG/p/c.jpg"}
    assert [path.name for path in raw().iterdir() if path.is_dir()] == [label]


def test_a_class_without_an_image_is_told_at_the_end(own, capsys):
    put(own, {"mug/a.jpg": jpeg("red"), "cap/a.jpg": b"words", "cap/b.jpg": b"more"})
    (own / "hat").mkdir()
    collect("own", OWN)
    cap, _, hat = capsys.readouterr().out.splitlines()[-3:]
    assert cap.startswith("WARNING: class 'cap' of own has no image: 2 of 2 files are ")
    assert hat.startswith("WARNING: class 'hat' of own has no image: its folder is empty")


def test_a_class_folder_in_the_place_of_the_folder_of_classes_is_told(own, capsys):
    put(own, {"mug/a.jpg": jpeg("red")})
    collect("own", OWN.model_copy(update={"path": "data/own/mug"}))
    assert "If 'mug' is a class itself, name the folder above as the path" in (
        capsys.readouterr().out
    )


def test_a_class_that_was_renamed_is_not_missed(own, capsys):
    put(own, {"mug/a.jpg": jpeg("red"), "cap/b.jpg": jpeg("blue")})
    collect("own", OWN)
    (own / "cap").rename(own / "hat")
    for classes in (["cap", "mug"], None):
        collect("own", OWN.model_copy(update={"classes": classes}))
        assert ("WARNING: class 'cap'" in capsys.readouterr().out) == bool(classes)


@pytest.mark.parametrize("names", [("mug.",), ("a:b",), ("con",)])
def test_folders_that_can_be_no_class_are_refused_before_anything_is_written(own, names):
    put(own, {f"{name}/x.jpg": jpeg("red") for name in ("alpha", *names)})
    with pytest.raises(UserError, match=r"rename it|class folder"):
        collect("own", OWN)
    assert not (raw() / "manifest.jsonl").exists()


def test_a_folder_that_we_make_is_not_empty_for_dvc_and_has_nothing_for_us(own):
    own.rmdir()
    link_folders({"own": OWN})
    assert [path.name for path in own.iterdir()] == [".keep"]
    collect("own", OWN)
    assert counts()["candidates"] == 0
    assert counts()["left_out"] == {}


def test_a_file_that_is_too_large_is_not_read(own, monkeypatch):
    monkeypatch.setattr("scraper.folders.files._MAX_BYTES", 500)
    put(own, {"mug/a.jpg": jpeg("red") + bytes(500)})
    collect("own", OWN)
    assert statuses() == {"mug/a.jpg": "rejected_too_large"}
    assert counts()["left_out"] == {"images that are too large": 1}


def test_only_the_classes_that_params_yaml_names_are_counted(own, capsys):
    put(own, {"mug/a.jpg": jpeg("red"), "cup/a.jpg": jpeg("red")})
    collect("own", OWN.model_copy(update={"classes": ["mug"]}))
    assert counts()["saved_by_class"] == {"mug": 1}
    assert "left out, as sources.own.classes does not name them: cup" in capsys.readouterr().out


@pytest.mark.parametrize(
    "name",
    [
        b"\xff\xfe.jpg",
        b"two\nlines.jpg",
        b"tab\there.JPG",
        b"q\"uo'te.jpg",
        b"-rf.jpg",
        b"*.jpg",
        b"trailing .jpg ",
        "e\u0301\u200d\u202e.jpg".encode(),
        b"x" * 251 + b".jpg",
        "ü".encode() * 125 + b".jpg",
    ],
)
@pytest.mark.parametrize("place", ["data/own", "data/raw/own"])
def test_odd_names_are_names(own, place, name, capsys):
    """Also where an earlier layout had its images."""
    put(Path(place), {"mug/a.jpg": jpeg("red")})
    os.rename(f"{place}/mug/a.jpg", os.fsencode(f"{place}/mug/") + name)  # noqa: PTH104
    collect("own", OWN)
    assert list(statuses().values()) == ["saved"]
    assert contents() == {"mug": {jpeg("red")}}
    assert Path(os.fsdecode(os.fsencode(own / "mug/") + b"/" + name)).exists()


def test_a_name_of_two_lines_takes_one_line_of_the_report(own, capsys):
    put(own, {"mug/a.jpg": jpeg("red"), "mug/two\nlines.txt": b"hello"})
    collect("own", OWN)
    assert r"left out, text: 1 ('mug/two\nlines.txt')" in capsys.readouterr().out
