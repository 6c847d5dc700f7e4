"""Files that cannot be read, disks that are full, and files that change during a run."""

import os
import shutil
import time
from pathlib import Path

import pytest
from own_folder import OWN, contents, counts, jpeg, put, raw, statuses

from pipeline.cli import UserError
from scraper.collect import collect
from scraper.folders import files, sync, walk
from scraper.folders.files import examine_file

LATER = time.time_ns() + 3600 * 10**9  # newer than all that a test does


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


def test_a_class_whose_folder_cannot_be_read_is_not_called_empty(own, monkeypatch, capsys):
    put(own, {"mug/a.jpg": jpeg("red"), "hat/b.jpg": jpeg("blue")})
    unlistable(monkeypatch, "hat")
    collect("own", OWN)
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("WARNING: class 'hat' of own has no image: its folder can't be read; ")


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
