"""A folder in the place of an archive: what can't be read is named, and costs nothing else."""

import json
import os
import shutil
import socket
import sys
from pathlib import Path

import pytest

from pipeline.cli import UserError
from pipeline.listing import BROKEN, LOOPS, OUTSIDE, SPECIAL, UNREADABLE
from pipeline.manifest import Row

PATTERN = r"(?P<label>[^/]+)/[^/]+\.jpg$"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs links, modes and pipes")


def put(files: dict[str, bytes], folder: str = "mine") -> Path:
    for name, content in files.items():
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return Path(folder)


def statuses(rows: list[Row]) -> dict[str, str]:
    return {row.image_url.partition("#")[2]: row.status.value for row in rows}


def left_out() -> dict[str, list[str]]:
    text = Path("data/raw/src/left_out.json").read_text(encoding="utf-8")
    found: dict[str, list[str]] = json.loads(text)
    return found


def test_a_folder_that_cannot_be_read_is_named(unprivileged, take, image) -> None:
    mine = put({"set/mug/1.jpg": image(1), "set/hat/2.jpg": image(2), "other/cap/3.jpg": image(3)})
    (mine / "set/hat").chmod(0)
    (mine / "other").chmod(0o400)  # its names can be read, and nothing more
    try:
        assert statuses(take(url="mine", pattern=PATTERN)) == {"set/mug/1.jpg": "saved"}
        assert left_out() == {UNREADABLE: ["other/cap", "set/hat"]}
    finally:
        (mine / "set/hat").chmod(0o700)
        (mine / "other").chmod(0o700)


def test_a_file_that_cannot_be_read_costs_only_itself(unprivileged, take, image) -> None:
    mine = put({f"mug/{n}.jpg": image(n) for n in range(4)} | {"hat/5.jpg": image(5)})
    for name in ("mug/0.jpg", "mug/2.jpg", "hat/5.jpg"):
        (mine / name).chmod(0)
    rows = take(url="mine", pattern=PATTERN)
    assert statuses(rows) == {
        "hat/5.jpg": "failed_unreadable",
        "mug/0.jpg": "failed_unreadable",
        "mug/1.jpg": "saved",
        "mug/2.jpg": "failed_unreadable",
        "mug/3.jpg": "saved",
    }
    assert rows[0].error == "hat/5.jpg can't be read: Permission denied"
    assert left_out() == {UNREADABLE: ["hat/5.jpg", "mug/0.jpg", "mug/2.jpg"]}


def test_what_is_out_of_sight_for_a_time_stays(unprivileged, take, image) -> None:
    mine = put({"mug/1.jpg": image(1), "hat/2.jpg": image(2), "hats/3.jpg": image(3)})
    saved = dict.fromkeys(("mug/1.jpg", "hat/2.jpg", "hats/3.jpg"), "saved")
    assert statuses(take(url="mine", pattern=PATTERN)) == saved
    (mine / "hat").chmod(0)
    shutil.rmtree(mine / "hats")
    try:
        found = statuses(take(url="mine", pattern=PATTERN))
    finally:
        (mine / "hat").chmod(0o700)
    assert found == saved | {"hats/3.jpg": "rejected_class"}
    assert statuses(take(url="mine", pattern=PATTERN)) == found


def test_nothing_but_what_cannot_be_read_is_an_error_that_says_so(
    unprivileged, take, image
) -> None:
    mine = put({"mug/1.jpg": image(1)})
    for path, match in ((mine / "mug", r"can't be read: 1 \(mug\)"), (mine, r"read: 1 \(mine\)")):
        path.chmod(0)
        try:
            with pytest.raises(UserError, match=match):
                take(url="mine", pattern=PATTERN)
        finally:
            path.chmod(0o700)


def test_a_table_that_cannot_be_read_is_named(unprivileged, take, image) -> None:
    mine = put({"images/1.jpg": image(1), "labels.csv": b"path,label\n1.jpg,mug\n"})
    index = {"file": "labels.csv", "path_column": "path", "label_column": "label"}
    (mine / "labels.csv").chmod(0)
    with pytest.raises(UserError, match=r"labels\.csv can't be read: Permission denied"):
        take(url="mine", index=index)
    (mine / "labels.csv").chmod(0o600)
    assert statuses(take(url="mine", index=index)) == {"images/1.jpg": "saved"}


def test_an_archive_that_may_not_be_read_is_not_called_damaged(
    unprivileged, take, make_zip, image
) -> None:
    Path("x.zip").write_bytes(make_zip({"mug/1.jpg": image(1)}))
    Path("x.zip").chmod(0)
    with pytest.raises(UserError, match=r"x\.zip can't be read by you; change its owner or mode"):
        take(url="x.zip", pattern=PATTERN)


def test_an_ambiguous_name_of_which_one_file_cannot_be_read(unprivileged, take, image) -> None:
    mine = put({"a/1.jpg": image(1), "b/1.jpg": image(1), "c/2.jpg": image(2)})
    put({"labels.csv": b"path,label\n1.jpg,mug\n2.jpg,mug\n"})
    (mine / "b/1.jpg").chmod(0)
    index = {"file": "labels.csv", "path_column": "path", "label_column": "label"}
    found = statuses(take(url="mine", index=index))
    assert found["c/2.jpg"] == "saved"
    assert "saved" not in (found["a/1.jpg"], found["b/1.jpg"])


def test_links_that_lead_nowhere_or_back_are_named(take, image) -> None:
    mine = put({"set/mug/1.jpg": image(1), "set/hat/2.jpg": image(2), "elsewhere/3.jpg": image(3)})
    links = {
        "set/mug/gone.jpg": "nowhere.jpg",
        "set/gone": "/no/such/folder",
        "set/self.jpg": "self.jpg",
        "set/mug/up": "..",
        "set/hat/whole": str(mine.absolute()),
        "set/one": "two",
        "set/two": "one",
        "set/cap": "../elsewhere",
        "set/mug/again.jpg": "1.jpg",
        "set/out": "/etc",
    }
    for name, target in links.items():
        (mine / name).symlink_to(target)
    assert statuses(take(url="mine", pattern=PATTERN)) == {
        "elsewhere/3.jpg": "saved",
        "set/cap/3.jpg": "saved",
        "set/hat/2.jpg": "saved",
        "set/mug/1.jpg": "saved",
        "set/mug/again.jpg": "duplicate",
    }
    assert left_out() == {
        BROKEN: ["set/gone", "set/mug/gone.jpg", "set/one", "set/self.jpg", "set/two"],
        LOOPS: ["set/hat/whole", "set/mug/up"],
        OUTSIDE: ["set/out"],
    }


def test_links_from_folder_to_folder_end(take, image) -> None:
    mine = put({f"{label}/{label}.jpg": image(n) for n, label in enumerate(("a", "b", "c"))})
    for label in "abc":
        for other in set("abc") - {label}:
            (mine / label / f"to-{other}").symlink_to(f"../{other}")
    found = statuses(take(url="mine", pattern=PATTERN))
    assert {"a/a.jpg", "b/b.jpg", "c/c.jpg"} < found.keys()
    assert all(len(path.split("/")) <= 4 for path in found)
    assert len(left_out()[LOOPS]) > 0


def test_pipes_and_sockets_are_named_and_not_waited_for(take, image) -> None:
    mine = put({"mug/1.jpg": image(1)})
    os.mkfifo(mine / "mug/pipe.jpg")
    (mine / "mug/to-a-device.jpg").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as here:
        os.chdir(mine / "mug")  # the path of a socket is short
        here.bind("socket.jpg")
        os.chdir("../..")
    assert statuses(take(url="mine", pattern=PATTERN)) == {"mug/1.jpg": "saved"}
    assert left_out() == {
        SPECIAL: ["mug/pipe.jpg", "mug/socket.jpg"],
        OUTSIDE: ["mug/to-a-device.jpg"],
    }


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has no such names")
def test_names_that_are_no_utf_8_are_taken_and_told_by_their_bytes(take, image) -> None:
    put({"mug/1.jpg": image(1)})
    for n, name in enumerate((b"caf\xe9.jpg", b"\xff\xfe.jpg", b"\x80/deep\xe9.jpg")):
        put({os.fsdecode(b"mug/" + name): image(n + 2)})
    assert statuses(take(url="mine", pattern=r"(?P<label>mug)/.*\.jpg$")) == {
        "mug/1.jpg": "saved",
        "mug/caf\\xe9.jpg": "saved",
        "mug/\\xff\\xfe.jpg": "saved",
        "mug/\\x80/deep\\xe9.jpg": "saved",
    }


@pytest.mark.skipif(sys.platform == "darwin", reason="its disks take such names for one")
def test_names_that_differ_in_case_are_two_files_of_one_class(take, image) -> None:
    put({"Mug/a.jpg": image(1), "mug/A.jpg": image(2), "mug/a.jpg": image(3), "MUG/a.JPG": b"x"})
    rows = take(url="mine", pattern=PATTERN)
    assert set(statuses(rows).values()) == {"saved"}
    assert set(statuses(rows)) == {"Mug/a.jpg", "mug/A.jpg", "mug/a.jpg"}
    assert len({row.label for row in rows}) == 1
    assert len(list(Path("data/raw/src").glob("*/*.jpg"))) == 3
