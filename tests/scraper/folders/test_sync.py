"""data/raw follows a person's folder, and nothing is lost."""

import dataclasses
import hashlib
import os
import shutil
from pathlib import Path

import pytest
from own_folder import OWN, contents, jpeg, put, raw, rows, statuses

from pipeline.cli import UserError
from pipeline.manifest import Manifest, Row, Status
from pipeline.sources import FolderSource
from scraper.collect import collect
from scraper.folders.files import examine_file
from scraper.folders.links import link_folders


def test_images_are_copied_under_their_digests(own):
    put(
        own,
        {
            "mug/My photo (1).JPG": jpeg("red"),
            "mug/IMG_2.webp": jpeg("blue"),  # whatever it is called
            "mug/copy.jpg": jpeg("red"),
            "cup/copy.jpg": jpeg("red"),
        },
    )
    collect("own", OWN)
    assert statuses() == {
        "cup/copy.jpg": "saved",
        "mug/IMG_2.webp": "saved",
        "mug/My photo (1).JPG": "saved",
        "mug/copy.jpg": "duplicate",
    }
    assert contents() == {"mug": {jpeg("red"), jpeg("blue")}, "cup": {jpeg("red")}}
    for row in rows().values():
        assert row.file == f"{row.label}/{row.sha256}.jpg"
        assert row.license == "own work"
        assert (row.format, row.width, row.height) == ("jpeg", 20, 10)
    before = (raw() / "manifest.jsonl").read_bytes()
    collect("own", OWN)
    assert (raw() / "manifest.jsonl").read_bytes() == before


def test_a_copy_is_never_a_link_to_the_persons_file(own):
    """DVC would make the linked file read-only, and store what an edit in place then changes."""
    put(own, {"mug/a.jpg": jpeg("red")})
    collect("own", OWN)
    assert (own / "mug/a.jpg").stat().st_nlink == 1
    (copy,) = raw().glob("mug/*.jpg")
    assert not copy.is_symlink()


def test_what_is_removed_renamed_moved_or_edited_is_followed(own):
    put(own, {"mug/a.jpg": jpeg("red"), "mug/b.jpg": jpeg("blue"), "mug/c.jpg": jpeg("green")})
    collect("own", OWN)
    (own / "mug/a.jpg").unlink()
    (own / "mug/b.jpg").rename(own / "mug/z.jpg")
    (own / "cup").mkdir()
    (own / "mug/c.jpg").rename(own / "cup/c.jpg")
    put(own, {"mug/d.jpg": b"no image"})
    collect("own", OWN)
    assert contents()["mug"] == {jpeg("blue")}
    assert contents()["cup"] == {jpeg("green")}
    assert statuses() == {
        "mug/a.jpg": "failed_missing",
        "mug/b.jpg": "failed_missing",
        "mug/z.jpg": "saved",
        "mug/c.jpg": "failed_missing",
        "cup/c.jpg": "saved",
        "mug/d.jpg": "rejected_not_image",
    }
    put(own, {"mug/a.jpg": jpeg("red"), "mug/d.jpg": jpeg("yellow")})
    collect("own", OWN)
    assert statuses()["mug/a.jpg"] == statuses()["mug/d.jpg"] == "saved"


def test_an_edit_of_the_same_size_in_place_is_noticed(own):
    put(own, {"mug/a.jpg": jpeg("red")})
    collect("own", OWN)
    path = own / "mug/a.jpg"
    content, stat = path.read_bytes(), path.stat()
    with path.open("r+b") as file:
        file.write(content[:-3] + b"\0" + content[-2:])
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    collect("own", OWN)
    assert contents()["mug"] == {path.read_bytes()}


def test_an_edit_in_data_raw_itself_is_moved_to_the_folder(own, capsys):
    put(own, {"mug/a.jpg": jpeg("red")})
    collect("own", OWN)
    (copy,) = raw().glob("mug/*.jpg")
    was = copy.stat()
    edited = jpeg("blue").ljust(was.st_size, b"x")[: was.st_size]
    copy.write_bytes(edited)
    os.utime(copy, ns=(was.st_atime_ns, was.st_mtime_ns))
    collect("own", OWN)
    assert copy.read_bytes() == jpeg("red")
    assert (own / "mug" / copy.name).read_bytes() == edited
    assert "1 images lay in data/raw/own" in capsys.readouterr().out


def test_without_the_note_nothing_is_taken_away(own):
    """.cache is safe to delete; so no image can go because it is not there."""
    put(own, {"mug/a.jpg": jpeg("red"), "mug/b.jpg": jpeg("blue")})
    collect("own", OWN)
    shutil.rmtree(".cache")
    (own / "mug/a.jpg").unlink()
    collect("own", OWN)
    assert contents()["mug"] == {jpeg("red"), jpeg("blue")}


def test_somebody_elses_images_stay(own, capsys):
    """A colleague has data/raw/own by `dvc pull`, and a folder with only what is new."""
    put(own, {"mug/a.jpg": jpeg("red")})
    collect("own", OWN)
    shutil.rmtree(".cache")
    shutil.rmtree(own)
    collect("own", OWN)
    assert contents() == {"mug": {jpeg("red")}}
    assert (
        "has no class folder: the 1 images that were collected before stay"
        in capsys.readouterr().out
    )
    put(own, {"cup/new.jpg": jpeg("blue")})
    collect("own", OWN)
    assert contents() == {"mug": {jpeg("red")}, "cup": {jpeg("blue")}}
    assert "1 images were collected from another folder" in capsys.readouterr().out


def test_a_folder_that_is_away_costs_nothing(own, tmp_path_factory):
    disks = tmp_path_factory.mktemp("disks")
    elsewhere = disks / "disk"
    put(elsewhere, {"mug/a.jpg": jpeg("red")})
    source = FolderSource(kind="folder", path=str(elsewhere))
    collect("own", source)
    elsewhere.rename(disks / "unplugged")
    collect("own", source)
    assert contents() == {"mug": {jpeg("red")}}
    elsewhere.mkdir()  # a mount point without its disk
    collect("own", source)
    assert contents() == {"mug": {jpeg("red")}}


def test_what_a_crawl_brought_keeps_its_page_and_license(own):
    crawled = Row(
        status=Status.SAVED, label="cap", image_url="http://shop.example/a.jpg", file="cap/0a.jpg",
        bytes=len(jpeg("red")), sha256="", page_url="http://shop.example/p", license="CC0",
        product_id="P1", fetched_at="2026-01-01T00:00:00+00:00",
    )  # fmt: skip
    put(own, {"cap/0a.jpg": jpeg("red"), "cap/mine.jpg": jpeg("blue")})
    digest = hashlib.sha256(jpeg("red")).hexdigest()
    with Manifest(own / "manifest.jsonl") as manifest:
        manifest.append(dataclasses.replace(crawled, sha256=digest))
    (own / "hat").mkdir()
    (own / "cap/0a.jpg").rename(own / "hat/moved.jpg")  # a person knows better what it is
    collect("own", OWN)
    row = rows()["http://shop.example/a.jpg"]
    assert (row.label, row.license, row.page_url) == ("hat", "CC0", "http://shop.example/p")
    assert (row.product_id, row.file) == ("P1", f"hat/{digest}.jpg")
    assert rows()["cap/mine.jpg"].license == "own work"


def test_images_of_an_earlier_layout_are_taken_over(own, capsys):
    """They lay in data/raw/own itself, under their own names, where an experiment deletes them."""
    own.rmdir()
    put(
        raw(),
        {"mug/My photo.jpg": jpeg("red"), "cap/0a.jpg": jpeg("blue"), "new/x.jpg": jpeg("tan")},
    )
    with Manifest(raw() / "manifest.jsonl") as manifest:
        for label, url, file in (
            ("mug", "mug/My photo.jpg", "mug/My photo.jpg"),
            ("cap", "http://shop.example/a.jpg", "cap/0a.jpg"),
        ):
            content = (raw() / file).read_bytes()
            manifest.append(
                Row(status=Status.SAVED, label=label, image_url=url, file=file, bytes=len(content),
                    sha256=hashlib.sha256(content).hexdigest(), license="CC0")
            )  # fmt: skip
    collect("own", OWN)
    assert "3 images lay in data/raw/own" in capsys.readouterr().out
    assert (own / "mug/My photo.jpg").read_bytes() == jpeg("red")
    assert (own / "new/x.jpg").read_bytes() == jpeg("tan")
    assert (own / "cap/0a.jpg").read_bytes() == jpeg("blue")
    assert contents() == {"mug": {jpeg("red")}, "cap": {jpeg("blue")}, "new": {jpeg("tan")}}
    assert rows()["http://shop.example/a.jpg"].license == "CC0"
    put(raw(), {"mug/habit.jpg": jpeg("gold")})  # some will still put them there
    collect("own", OWN)
    assert (own / "mug/habit.jpg").read_bytes() == jpeg("gold")
    assert not (raw() / "mug/habit.jpg").exists()
    assert jpeg("gold") in contents()["mug"]


def test_the_last_image_of_a_class_can_go(own):
    put(own, {"mug/a.jpg": jpeg("red")})
    collect("own", OWN)
    (own / "mug/a.jpg").unlink()
    collect("own", OWN)
    assert statuses() == {"mug/a.jpg": "failed_missing"}


@pytest.mark.parametrize("leaves", ["nothing", "an empty folder"])
def test_a_folder_that_goes_while_it_is_read_is_an_error(own, leaves, monkeypatch):
    """A disk that is pulled out: its new files are no unreadable ones, and the run did not end."""
    put(own, {f"mug/{n}.jpg": jpeg(f"#{n}f0000") for n in range(9)})
    collect("own", OWN)
    put(own, {f"cap/{n}.jpg": jpeg(f"#0000{n}f") for n in range(9)})
    read = []

    def pull_out(entry):
        if read.append(entry) or len(read) == 4:
            own.rename("away")
            if leaves == "an empty folder":
                own.mkdir()
        return examine_file(entry)

    monkeypatch.setattr("scraper.folders.sync.examine_file", pull_out)
    with pytest.raises(UserError, match=r"has gone while it was read\. Connect its disk again"):
        collect("own", OWN)
    collect("own", OWN)
    assert len(contents()["mug"]) == 9
    if own.exists():
        own.rmdir()
    Path("away").rename(own)
    collect("own", OWN)
    assert set(statuses().values()) == {"saved"}
    assert len(contents()["cap"]) == 9


def test_a_folder_that_was_moved_away_is_not_made_again(own):
    """Else it could not be moved back, or would end up inside the new one."""
    put(own, {"mug/a.jpg": jpeg("red")})
    collect("own", OWN)
    own.rename("away")
    link_folders({"own": OWN})
    collect("own", OWN)
    assert not own.exists()
    assert contents() == {"mug": {jpeg("red")}}
    collect("own", OWN.model_copy(update={"path": "data/another"}))
    assert Path("data/another/.keep").exists()
