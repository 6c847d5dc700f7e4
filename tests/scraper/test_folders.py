"""People's own folders: what is taken from them, what is left out, and that nothing is lost."""

import dataclasses
import hashlib
import io
import json
import os
import shutil
import time
from pathlib import Path

import pytest
from PIL import Image

from pipeline.cli import UserError
from pipeline.manifest import Manifest, Row, Status
from pipeline.sources import FolderSource
from scraper.collect import collect
from scraper.folders import files, sync, walk
from scraper.folders.files import examine_file
from scraper.folders.links import link_folders

LATER = time.time_ns() + 3600 * 10**9  # newer than all that a test does
OWN = FolderSource(kind="folder", license="own work")


def jpeg(colour: str, kind: str = "JPEG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (20, 10), colour).save(out, kind)
    return out.getvalue()


@pytest.fixture
def own(tmp_path, monkeypatch) -> Path:
    """data/own in an empty project."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "data/own"
    folder.mkdir(parents=True)
    return folder


def put(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def raw() -> Path:
    return Path("data/raw/own")


def rows() -> dict[str, Row]:
    return {row.image_url: row for row in Manifest(raw() / "manifest.jsonl").rows.values()}


def statuses() -> dict[str, str]:
    return {name: row.status.value for name, row in rows().items()}


def contents() -> dict[str, set[bytes]]:
    """What lies in data/raw/own, by class."""
    found: dict[str, set[bytes]] = {}
    for path in raw().glob("*/*"):
        found.setdefault(path.parent.name, set()).add(path.read_bytes())
    return found


def counts() -> dict:
    return json.loads(Path("results/collect/own.json").read_text())


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


def test_a_path_that_was_never_there_is_an_error(own, tmp_path):
    with pytest.raises(UserError, match=r"sources\.own\.path: .*nowhere is not there"):
        collect("own", FolderSource(kind="folder", path=str(tmp_path.parent / "nowhere")))
    (own / "file").write_bytes(b"")
    with pytest.raises(UserError, match="is a file"):
        collect("own", FolderSource(kind="folder", path=str(own / "file")))


@pytest.mark.parametrize(
    "path", ["data/raw/own", "data/clean/x", "results", ".", "..", "/", "${x}"]
)
def test_a_path_that_dvc_writes_is_refused(own, path):
    with pytest.raises(ValueError, match=r"choose another|contains the project|\$\{"):
        FolderSource(kind="folder", path=path)


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


def test_a_file_that_cannot_be_read_costs_that_file_only(own, monkeypatch):
    put(own, {"mug/a.jpg": jpeg("red"), "mug/b.jpg": jpeg("blue")})
    opened = Path.open

    def refusing(self, *args, **kwargs):  # root may read all, so a refusal has to be made
        if self.name == "a.jpg":
            raise PermissionError(13, "Permission denied")
        return opened(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", refusing)
    collect("own", OWN)
    assert statuses() == {"mug/a.jpg": "failed_unreadable", "mug/b.jpg": "saved"}
    assert counts()["left_out"] == {"folders and files that can't be read": 1}


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


@pytest.mark.parametrize("names", [("mug.",), ("a:b",), ("con",)])
def test_folders_that_can_be_no_class_are_refused_before_anything_is_written(own, names):
    put(own, {f"{name}/x.jpg": jpeg("red") for name in ("alpha", *names)})
    with pytest.raises(UserError, match=r"rename it|class folder"):
        collect("own", OWN)
    assert not (raw() / "manifest.jsonl").exists()


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


def test_a_folder_that_we_make_is_not_empty_for_dvc_and_has_nothing_for_us(own):
    own.rmdir()
    link_folders({"own": OWN})
    assert [path.name for path in own.iterdir()] == [".keep"]
    collect("own", OWN)
    assert counts()["candidates"] == 0
    assert counts()["left_out"] == {}


def test_two_sources_do_not_read_one_folder(own):
    with pytest.raises(UserError, match=r"sources\.a and sources\.b both read"):
        link_folders({"a": OWN, "b": OWN})


def test_dvc_gets_a_link_where_it_can_look(own, tmp_path):
    put(own, {"mug/a.jpg": jpeg("red")})
    link_folders({"own": OWN})
    link = Path("data/folders/own")
    assert link.resolve() == own.resolve()
    (own / "cup").symlink_to(tmp_path)  # which DVC doesn't follow
    link_folders({"own": OWN})
    assert link.is_file()
    before = link.read_bytes()
    collect("own", OWN)
    assert link.read_bytes() != before  # so that both stages run again
    link_folders({})
    assert not link.exists()
    assert (own / "mug/a.jpg").exists()


def test_a_file_that_is_too_large_is_not_read(own, monkeypatch):
    monkeypatch.setattr("scraper.folders.files._MAX_BYTES", 500)
    put(own, {"mug/a.jpg": jpeg("red") + bytes(500)})
    collect("own", OWN)
    assert statuses() == {"mug/a.jpg": "rejected_too_large"}


def test_only_the_classes_that_params_yaml_names_are_counted(own, capsys):
    put(own, {"mug/a.jpg": jpeg("red"), "cup/a.jpg": jpeg("red")})
    collect("own", OWN.model_copy(update={"classes": ["mug"]}))
    assert counts()["saved_by_class"] == {"mug": 1}
    assert "left out, as sources.own.classes does not name them: cup" in capsys.readouterr().out


def test_the_last_image_of_a_class_can_go(own):
    put(own, {"mug/a.jpg": jpeg("red")})
    collect("own", OWN)
    (own / "mug/a.jpg").unlink()
    collect("own", OWN)
    assert statuses() == {"mug/a.jpg": "failed_missing"}


def test_what_comes_while_it_runs_is_taken_in(own, monkeypatch):
    """DVC takes the folder as it is at the end of the stage for what the stage has read."""
    put(own, {"mug/a.jpg": jpeg("red")})
    late = {"mug/late.jpg": jpeg("blue")}
    read = sync._read

    def reading(*arguments):
        rows = read(*arguments)
        put(own, late)
        late.clear()
        return rows

    monkeypatch.setattr(sync, "_read", reading)
    collect("own", OWN)
    assert contents()["mug"] == {jpeg("red"), jpeg("blue")}


def test_a_run_that_is_killed_knows_what_it_has_seen(own, monkeypatch):
    put(own, {"mug/a.jpg": jpeg("red"), "mug/b.jpg": jpeg("blue")})
    monkeypatch.setattr(sync, "_forget_what_has_gone", lambda *_: os._exit(9))
    if (child := os.fork()) == 0:
        collect("own", OWN)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    monkeypatch.undo()
    monkeypatch.chdir(own.parents[1])
    (own / "mug/a.jpg").unlink()
    collect("own", OWN)
    assert contents()["mug"] == {jpeg("blue")}


def unlistable(monkeypatch, name: str) -> None:
    """Have the system refuse to list a folder: root may list all."""
    listed = os.listdir

    def refusing(path):
        if Path(path).name == name:
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(os, "listdir", refusing)


def test_what_lies_in_a_folder_that_cannot_be_read_any_more_stays(own, monkeypatch, capsys):
    put(own, {"mug/a.jpg": jpeg("red"), "mug/in/b.jpg": jpeg("blue"), "cup/c.jpg": jpeg("green")})
    collect("own", OWN)
    before = contents()
    with monkeypatch.context() as while_it_lasts:
        unlistable(while_it_lasts, "in")
        for _ in range(2):
            collect("own", OWN)
            assert contents() == before
            assert statuses()["mug/in/b.jpg"] == "saved"
            assert "1 images lie in folders that can't be read now" in capsys.readouterr().out
    (own / "mug/in/b.jpg").unlink()
    collect("own", OWN)
    assert statuses()["mug/in/b.jpg"] == "failed_missing"


def test_a_folder_that_cannot_be_read_at_all_is_an_error(own, monkeypatch):
    put(own, {"mug/a.jpg": jpeg("red")})
    unlistable(monkeypatch, "own")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(UserError, match=r"data/own can't be read by you; change its owner"):
        collect("own", OWN)


def test_a_note_that_cannot_be_written_is_said(own, capsys):
    put(own, {"mug/a.jpg": jpeg("red")})
    put(Path(), {".cache/folders": b"a file in the place of the folder"})
    collect("own", OWN)
    assert statuses() == {"mug/a.jpg": "saved"}
    assert "can't be written, so all of data/own is read again" in capsys.readouterr().out


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


def test_a_file_that_changes_while_it_is_copied_is_read_again(own, monkeypatch):
    put(own, {"mug/a.jpg": jpeg("red", "BMP")})
    edits = iter([jpeg("blue", "BMP")])

    def edit(entry):
        found = examine_file(entry)
        if content := next(edits, None):
            entry.path.write_bytes(content)
        return found

    monkeypatch.setattr(sync, "examine_file", edit)
    collect("own", OWN)
    assert contents() == {"mug": {jpeg("blue", "BMP")}}
    assert statuses() == {"mug/a.jpg": "saved"}


def test_an_edit_within_one_tick_of_a_coarse_clock_is_noticed(own, monkeypatch):
    """Some disks keep whole seconds: the stamp of such an edit is that of the file before."""
    monkeypatch.setattr(walk, "stamp_of", lambda info: [info.st_size, LATER, LATER, info.st_ino])
    monkeypatch.setattr(files, "stamp_of", walk.stamp_of)
    put(own, {"mug/a.jpg": jpeg("red", "BMP")})
    collect("own", OWN)
    (own / "mug/a.jpg").write_bytes(jpeg("blue", "BMP"))
    collect("own", OWN)
    assert contents() == {"mug": {jpeg("blue", "BMP")}}


def test_a_known_image_whose_file_cannot_be_read_any_more_costs_itself(own, monkeypatch):
    put(own, {"mug/a.jpg": jpeg("red"), "mug/b.jpg": jpeg("blue")})
    collect("own", OWN)
    shutil.rmtree(raw())

    def refused(entry, target, found):
        if entry.path.name == "a.jpg":
            raise PermissionError(13, "Permission denied", str(entry.path))
        return copied(entry, target, found)

    copied = files._copy
    monkeypatch.setattr(files, "_copy", refused)
    collect("own", OWN)
    assert statuses() == {"mug/a.jpg": "failed_unreadable", "mug/b.jpg": "saved"}


def test_a_full_disk_is_no_fault_of_a_file(own, monkeypatch):
    put(own, {"mug/a.jpg": jpeg("red")})

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "_copy", full)
    with pytest.raises(OSError, match="No space left"):
        collect("own", OWN)
