"""Files and folders that appear whole or not at all."""

from pathlib import Path

import pytest

from pipeline.files import fresh_folder, write_atomic


def test_a_failed_write_leaves_the_old_content(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a" / "x", "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomic(tmp_path / "a" / "x", "\ud800")
    assert [p.read_text() for p in (tmp_path / "a").iterdir()] == ["old"]


def fill_half(target: Path) -> None:
    with fresh_folder(target) as folder:
        (folder / "half").touch()
        (folder / "half" / "fails").touch()


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "out"
    with fresh_folder(target) as folder:
        (folder / "old").touch()
    with pytest.raises(NotADirectoryError):
        fill_half(target)
    assert [p.name for p in tmp_path.rglob("*")] == ["out", "old"]
    with fresh_folder(target) as folder:
        (folder / "new").touch()
    assert [p.name for p in tmp_path.rglob("*")] == ["out", "new"]


@pytest.mark.parametrize("name", ["x" * 255, "ü" * 127, "x" * 221, "a"])
def test_a_file_with_a_name_as_long_as_the_disk_takes_it(tmp_path: Path, name: str) -> None:
    write_atomic(tmp_path / name, "caf\udce9 ü")
    assert (tmp_path / name).read_text("utf-8") == r"caf\udce9 ü"
    assert [path.name for path in tmp_path.iterdir()] == [name]
