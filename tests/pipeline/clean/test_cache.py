"""A cache that can't be used ends a command with a sentence."""

import sqlite3
from pathlib import Path

import pytest

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


def test_other_errors_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.IntegrityError), Cache(tmp_path / "cache.sqlite"):
        raise sqlite3.IntegrityError
