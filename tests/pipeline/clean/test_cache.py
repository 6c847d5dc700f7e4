"""A cache that can't be used ends a command with a sentence."""

import sqlite3
from pathlib import Path

import pytest

from pipeline import paths
from pipeline.clean.cache import Cache
from pipeline.clean.measure import NoMeasurement
from pipeline.cli import UserError
from pipeline.manifest import Reason


def test_a_place_where_no_database_can_be(tmp_path: Path) -> None:
    (tmp_path / "cache.sqlite").mkdir()
    with pytest.raises(UserError, match=r"cache\.sqlite can't be used \(unable to open .*write to"):
        Cache(tmp_path / "cache.sqlite")


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "cache.sqlite").write_bytes(b"x" * 1000)
    with pytest.raises(UserError, match=r"is damaged .*; delete it"):
        Cache(tmp_path / "cache.sqlite")


@pytest.mark.parametrize("pragma", ["query_only=1", "max_page_count=1"])
def test_a_disk_that_takes_no_more(tmp_path: Path, pragma: str) -> None:
    """A share that may only be read, and a disk that is full."""
    with pytest.raises(UserError, match=r"can't be used \(.*(readonly|full).*on a disk with room"):
        _write(tmp_path / "cache.sqlite", pragma)


def _write(path: Path, pragma: str) -> None:
    with Cache(path) as cache:
        cache._database.execute(f"PRAGMA {pragma}")
        cache.add([(str(n), NoMeasurement(Reason.UNREADABLE, "y" * 1000)) for n in range(1000)])


def _cleaned(work, make) -> dict[str, bytes]:
    image = make.next()
    for content in (make.encoded(image), make.recompressed(image), make.encoded(image, "PNG")):
        work.add(content)
    work.add(make.encoded(make.next().rotate(90), "PNG"), "cup")
    work.clean()
    return work.written()


def test_no_changed_byte_changes_the_result(work, make) -> None:
    """Bytes inside of pages: SQLite itself sees only some of them."""
    expected = _cleaned(work, make)
    path = paths.CLEAN_CACHE / "findings.sqlite"
    good = path.read_bytes()
    for at in range(4096, len(good), len(good) // 40):
        path.write_bytes(good[:at] + bytes([good[at] ^ 0x55]) + good[at + 1 :])
        try:
            work.clean()
        except UserError as error:
            assert "delete it, it is made anew" in str(error)  # noqa: PT017
            continue
        assert work.written() == expected


def test_a_damaged_page_is_told(work, make) -> None:
    _cleaned(work, make)
    path = paths.CLEAN_CACHE / "findings.sqlite"
    good = path.read_bytes()
    path.write_bytes(good[:4096] + bytes(len(good) - 4096))
    with pytest.raises(UserError, match=r"is damaged .*; delete it, it is made anew"):
        work.clean()


@pytest.mark.parametrize("kept", [0, 1000, -1])
def test_an_encoded_image_that_was_changed_is_encoded_anew(work, make, kept: int) -> None:
    expected = _cleaned(work, make)
    files = list((paths.CLEAN_CACHE / "encoded").rglob("*.sealed"))
    assert files
    for path in files:
        path.write_bytes(path.read_bytes()[:kept] + b"x" * (kept == -1))
    work.clean()
    assert work.written() == expected


def test_other_errors_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.IntegrityError), Cache(tmp_path / "cache.sqlite"):
        raise sqlite3.IntegrityError
