import io
from pathlib import Path

import pytest

from model.sources import fetched, images_named
from pipeline.cli import UserError


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
    monkeypatch.setattr("sys.stdin", io.StringIO("b.jpg\n\nin\nwith space.jpg\n"))
    assert images_named(["-", "a.PNG"]) == ["b.jpg", "in/c.webp", "with space.jpg", "a.PNG"]
    with pytest.raises(UserError, match="standard input lists no images"):
        images_named(["-"])


def test_a_folder_without_images_is_refused() -> None:
    with pytest.raises(UserError, match=r"empty has no images \(\.avif, "):
        images_named(["b.jpg", "empty"])


def test_folders_give_the_formats_of_phones_and_scanners() -> None:
    names = ["a.HEIC", "b.heif", "c.hif", "d.jfif", "e.jpe", "f.TIF", "g.tiff", "h.bmp"]
    for name in [*names, "i.NEF", "j.mov"]:
        (Path("empty") / name).touch()
    assert images_named(["empty"]) == [f"empty/{name}" for name in names]


def test_links_to_folders_are_followed_and_what_is_left_aside_is_said(here: Path, capsys) -> None:
    (here / "empty/a.jpg").touch()
    (here / "empty/@eaDir").mkdir()
    (here / "empty/@eaDir/small.jpg").touch()
    (here / "in/there").symlink_to(here / "empty")
    (here / "in/back").symlink_to(here)
    (here / "in/away.jpg").symlink_to("nowhere.jpg")
    (here / "in/b.jxl").touch()
    assert images_named(["in"]) == ["in/c.webp", "in/there/a.jpg"]
    assert capsys.readouterr().err.splitlines() == [
        "in: left out, broken links: 1 (away.jpg)",
        "in: left out, links that lead back: 1 (back)",
        "in: left out, not called like an image: 1 (b.jxl)",
    ]


def test_only_addresses_are_fetched() -> None:
    assert list(fetched(["b.jpg", "in/c.webp"])) == ["b.jpg", "in/c.webp"]
