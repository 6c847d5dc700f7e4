import io
import os
from pathlib import Path

import pytest

from model import sources
from model.sources import CAMERA_RAW, NO_IMAGE, fetched, shown
from pipeline.cli import UserError
from pipeline.listing import BROKEN, LITTER, LOOPS, left_out


def images_named(given: list[str]) -> list[str]:
    return sources.images_named(given, left_out())


def stdin(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("b.jpg", "a.PNG", "notes.txt", "in/c.webp", "in/.cache/d.jpg", ".hidden.jpg"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_names_keep_their_order_and_folders_are_walked_by_name() -> None:
    address = "https://shop.example/mug.jpg"
    given = [address, "in", "b.jpg", ".", "gone.jpg"]
    walked = ["a.PNG", "b.jpg", "in/c.webp"]
    assert images_named(given) == [address, "in/c.webp", "b.jpg", *walked, "gone.jpg"]


def test_patterns_take_files_and_folders() -> None:
    assert images_named(["*.jpg", "i*"]) == ["b.jpg", "in/c.webp"]
    assert images_named(["**/*.webp"]) == ["in/c.webp"]
    with pytest.raises(UserError, match=r"no image is called like \*\.tiff"):
        images_named(["*.tiff"])


def test_a_name_that_looks_like_a_pattern_is_a_name_where_it_is_there() -> None:
    Path("photo[1].jpg").touch()
    assert images_named(["photo[1].jpg", "photo*"]) == ["photo[1].jpg"] * 2


def test_a_list_on_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin(monkeypatch, b"b.jpg\n\nin\nwith space.jpg\n")
    assert images_named(["-", "a.PNG"]) == ["b.jpg", "in/c.webp", "with space.jpg", "a.PNG"]
    with pytest.raises(UserError, match="standard input lists no images"):
        images_named(["-"])


def test_a_folder_without_images_is_refused_and_stops_no_other() -> None:
    with pytest.raises(UserError, match=r"empty has no images \(\.avif, .*; no image is called"):
        images_named(["empty", "*.tiff"])
    names = images_named(["b.jpg", "empty", "*.tiff"])
    assert names == ["b.jpg", "empty", "*.tiff"]
    image, folder, pattern = fetched(names)
    assert image == "b.jpg"
    assert "empty has no images" in str(folder)
    assert "no image is called like *.tiff" in str(pattern)


@pytest.mark.parametrize(
    "content",
    [
        b"b.jpg\0in/c.webp\0 odd\nname .jpg\0",
        b"\xef\xbb\xbfb.jpg\r\nin/c.webp\r\n",
        "b.jpg\r\nin/c.webp\r\n".encode("utf-16"),
        b"  b.jpg\t\n \n\t in/c.webp",
        b"\"b.jpg\"\n'in/c.webp'\n",
        b"file:b.jpg\nin/c.webp\n",
        b"caf\xe9.jpg\nb.jpg\nin/c.webp\n",
    ],
)
def test_lists_as_programs_write_them(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    stdin(monkeypatch, content)
    names = images_named(["-"])
    assert [name for name in names if name in ("b.jpg", "in/c.webp")] == ["b.jpg", "in/c.webp"]
    if b"odd" in content:
        assert names[2:] == [" odd\nname .jpg"]
    if b"caf" in content:
        assert names[0] == os.fsdecode(b"caf\xe9.jpg")


def test_a_name_with_blanks_is_a_name_where_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(" a b .jpg").touch()
    stdin(monkeypatch, b" a b .jpg\n c d .jpg\n")
    assert images_named(["-"]) == [" a b .jpg", "c d .jpg"]


def test_file_addresses_are_paths(here: Path) -> None:
    (here / "in/sp ace#1.jpg").touch()
    address = (here / "in/sp ace#1.jpg").as_uri()
    assert address.endswith("/sp%20ace%231.jpg")
    assert images_named([address]) == [str(here / "in/sp ace#1.jpg")]
    assert images_named([f"file://localhost{here}/b.jpg"]) == [str(here / "b.jpg")]
    assert images_named([(here / "in").as_uri()])[0] == str(here / "in/c.webp")
    assert images_named(["file://elsewhere/b.jpg"]) == ["file://elsewhere/b.jpg"]


def test_a_folder_gives_all_its_images_and_counts_what_it_leaves_out(here: Path) -> None:
    mixed, elsewhere = here / "mixed", here / "elsewhere"
    mixed.mkdir()
    elsewhere.mkdir()
    jpeg = b"\xff\xd8\xff\xe0"
    taken = ["a.jpg", "b.jfif", "c.jpe", "d", "e.HEIC", "f.unknown", "g.mpo", "linked/h.png"]
    for name in taken[:-1]:
        (mixed / name).write_bytes(jpeg)
    (elsewhere / "h.png").touch()
    (elsewhere / "back").symlink_to(mixed)
    (mixed / "linked").symlink_to(elsewhere)
    (mixed / "broken.jpg").symlink_to("nowhere.jpg")
    for name in ("notes.txt", "film.mov", "empty"):
        (mixed / name).write_bytes(b"text")
    (mixed / "IMG_1.NEF").touch()
    (mixed / ".DS_Store").touch()
    aside = left_out()
    found = sources.images_named(["mixed"], aside)
    assert found == [f"mixed/{name}" for name in taken]
    assert {why: len(names) for why, names in aside.items()} == {
        NO_IMAGE: 3, CAMERA_RAW: 1, LITTER: 1, BROKEN: 1, LOOPS: 1,
    }  # fmt: skip
    assert aside[CAMERA_RAW] == ["mixed/IMG_1.NEF"]


def test_folders_give_the_formats_of_phones_and_scanners() -> None:
    names = ["a.HEIC", "b.heif", "c.hif", "d.jfif", "e.jpe", "f.TIF", "g.tiff", "h.bmp"]
    for name in [*names, "i.NEF", "j.mov"]:
        (Path("empty") / name).touch()
    assert images_named(["empty"]) == [f"empty/{name}" for name in names]


def test_links_to_folders_are_followed_and_loops_end(here: Path) -> None:
    (here / "empty/a.jpg").touch()
    (here / "in/there").symlink_to(here / "empty")
    (here / "in/back").symlink_to(here)
    aside = left_out()
    assert sources.images_named(["in"], aside) == ["in/c.webp", "in/there/a.jpg"]
    assert aside[LOOPS] == ["in/back"]


def test_only_addresses_are_fetched() -> None:
    assert list(fetched(["b.jpg", "in/c.webp"])) == ["b.jpg", "in/c.webp"]


def test_standard_input_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin(monkeypatch, b"b.jpg\n")
    with pytest.raises(UserError, match="- is standard input, which can be read once"):
        images_named(["-", "-"])


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("data:image/png;base64," + "A" * 5000, "data"),
        ("ftp://shop.example/a.jpg", "ftp"),
        ("s3://bucket/*.jpg", "s3"),
        ("gs://bucket/a.jpg?x=1", "gs"),
        ("file://other/a.jpg", "file"),
        ("BLOB:x", "BLOB"),
    ],
)
def test_addresses_of_other_kinds_say_what_to_do(name: str, kind: str) -> None:
    (refused,) = fetched(images_named([name]))
    assert f"{kind} addresses are not read" in str(refused)
    assert "download the image first" in str(refused)
    assert len(str(refused)) < 300


def test_a_file_whose_name_looks_like_an_address_is_taken() -> None:
    Path("data:x.jpg").touch()
    assert list(fetched(images_named(["data:x.jpg"]))) == ["data:x.jpg"]


def test_an_empty_name_is_told() -> None:
    (refused,) = fetched(images_named([""]))
    assert str(refused) == "a name is empty; give a path or an address"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("a\nb", r"a\nb"),
        ("a\x1b[31mb\r", r"a\x1b[31mb\r"),
        ("\u202egpj.a", r"\u202egpj.a"),
        (os.fsdecode(b"caf\xe9"), r"caf\xe9"),
        ("日本 é 👩\u200d🔬", "日本 é 👩\u200d🔬"),
    ],
)
def test_a_name_is_shown_in_one_line(name: str, told: str) -> None:
    assert shown(name) == told
