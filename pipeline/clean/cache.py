"""Keeps what clean has measured, by SHA-256, in a folder that is safe to delete."""

import dataclasses
import marshal
import sqlite3
import zlib
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter
from pathlib import Path
from typing import Any, Self

from pipeline.clean import measure, near_duplicates
from pipeline.clean.measure import Measured, Measurement, NoMeasurement
from pipeline.clean.near_duplicates import HashedImage, Pair
from pipeline.cli import UserError
from pipeline.decode import decoders
from pipeline.manifest import Reason

_FIELDS = [field.name for field in dataclasses.fields(Measurement)]
_values = attrgetter(*_FIELDS)
_SCHEMA = f"""
CREATE TABLE measurements (
  sha256 TEXT PRIMARY KEY, reason TEXT, error TEXT, {", ".join(_FIELDS)}, seal INT
) WITHOUT ROWID;
CREATE TABLE thumbnails (sha256 TEXT PRIMARY KEY, jpeg BLOB, levels BLOB, seal INT);
CREATE TABLE pairs (
  a TEXT, b TEXT, mirrored INT, distance INT, difference REAL, seal INT,
  PRIMARY KEY (a, b, mirrored)
) WITHOUT ROWID;
CREATE TABLE compared (sha256 TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
"""
_MARKS = ", ".join("?" * (len(_FIELDS) + 4))
_ADD = f"INSERT OR REPLACE INTO measurements VALUES ({_MARKS})"  # noqa: S608 - our own names
# other versions of the decoders may give other pixels: then all images are measured again
_VERSION = f"{measure.VERSION} sealed {decoders()}"


def _sealed(*values: Any) -> tuple[Any, ...]:
    """The values of a row with their checksum. SQLite does not see that a byte has changed."""
    # version 0 writes equal values alike; later ones also say which texts Python has interned
    return (*values, zlib.crc32(marshal.dumps(values, 0)))


def _is_sound(row: Sequence[Any]) -> bool:
    return _sealed(*row[:-1]) == tuple(row)


class Cache:
    """Measurements, thumbnails and compared pairs in one SQLite file. A context manager."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._open()
        except sqlite3.OperationalError as error:
            raise self._unusable(error) from error
        except sqlite3.DatabaseError as error:
            raise self._damaged(error) from error

    def _open(self) -> None:
        self._database = sqlite3.connect(self._path, timeout=60)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")
        tables = self._database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if tables and self._setting("version") != _VERSION:
            self._database.close()
            self._path.unlink()
            self._open()
        elif not tables:
            self._database.executescript(_SCHEMA)
            self._set("version", _VERSION)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._database.close()
        if isinstance(error, sqlite3.OperationalError):
            raise self._unusable(error) from error
        if type(error) is sqlite3.DatabaseError:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> UserError:
        return UserError(f"{self._path} is damaged ({error}); delete it, it is made anew")

    def _unusable(self, error: Exception) -> UserError:
        """An error that names the file and the remedy. SQLite's own message names no file."""
        return UserError(
            f"{self._path} can't be used ({error}); its folder has to be one that you may write "
            "to, on a disk with room, and no other command may be at it"
        )

    def measurements(self, wanted: Iterable[str]) -> dict[str, Measurement | NoMeasurement]:
        """The measurements of those wanted images that were measured before, by SHA-256.

        A row that is damaged is left out, so its image is measured again.
        """
        with self._wanted(wanted):
            rows = self._database.execute("SELECT * FROM measurements JOIN wanted USING (sha256)")
            return {row[0]: _result(row[1:-1]) for row in rows if _is_sound(row)}

    def add(self, results: Iterable[tuple[str, Measured | NoMeasurement]]) -> None:
        """Keep these results, in one transaction."""
        measurements, thumbnails = [], []
        for sha256, result in results:
            if isinstance(result, Measured):
                measurements.append(_sealed(sha256, None, None, *_values(result.measurement)))
                thumbnails.append(_sealed(sha256, result.thumbnail, result.levels))
            else:
                nothing = [None] * len(_FIELDS)
                measurements.append(_sealed(sha256, result.reason.value, result.error, *nothing))
        with self._database:
            self._database.executemany(_ADD, measurements)
            self._database.executemany(
                "INSERT OR REPLACE INTO thumbnails VALUES (?, ?, ?, ?)", thumbnails
            )

    def thumbnail(self, sha256: str) -> bytes:
        """A measured image in small, as JPEG. Raises KeyError."""
        return self._kept(sha256)[0]

    def levels(self, sha256: str) -> bytes:
        """What the second look compares of a measured image. Raises KeyError."""
        return self._kept(sha256)[1]

    def _kept(self, sha256: str) -> tuple[bytes, bytes]:
        query = "SELECT * FROM thumbnails WHERE sha256 = ?"
        row = self._database.execute(query, (sha256,)).fetchone()
        if row is None:
            raise KeyError(sha256)
        if not _is_sound(row):
            raise sqlite3.DatabaseError(f"the thumbnail of {sha256} has changed")
        return row[1], row[2]

    def compared(self, radius: int, mirrored: bool) -> set[str]:
        """The images that were compared, each with all others, under these settings."""
        settings = f"{near_duplicates.VERSION} {radius} {mirrored}"
        if self._setting("compared") != settings:
            with self._database:
                self._database.execute("DELETE FROM pairs")
                self._database.execute("DELETE FROM compared")
            self._set("compared", settings)
        return {sha256 for (sha256,) in self._database.execute("SELECT * FROM compared")}

    def candidates(self, wanted: Iterable[str] | None = None) -> list[HashedImage]:
        """The hashes of the wanted images, or of all images of `compared`, sorted by SHA-256."""
        if wanted is None:
            return self._candidates("compared")
        with self._wanted(wanted):
            return self._candidates("wanted")

    def _candidates(self, table: str) -> list[HashedImage]:
        columns = "sha256, phash, mirrored_phash, tiny"
        query = f"SELECT {columns} FROM measurements JOIN {table} USING (sha256)"  # noqa: S608 - ours
        return [HashedImage(*row) for row in self._database.execute(f"{query} ORDER BY sha256")]

    def add_pairs(self, compared: Iterable[str], pairs: Iterable[Pair]) -> None:
        """Note that these images were compared with all others, and keep the pairs found."""
        with self._database:
            self._database.executemany(
                "INSERT OR REPLACE INTO pairs VALUES (?, ?, ?, ?, ?, ?)",
                (_pair_row(pair) for pair in pairs),
            )
            self._database.executemany("INSERT INTO compared VALUES (?)", ((s,) for s in compared))

    def pairs(self, wanted: Container[str]) -> list[Pair]:
        """The pairs that were found among the wanted images, sorted."""
        rows = self._database.execute("SELECT * FROM pairs ORDER BY a, b, mirrored")
        found = []
        for row in rows:
            if not _is_sound(row):
                raise sqlite3.DatabaseError("a pair of near-duplicates has changed")
            a, b, mirrored, distance, difference, _ = row
            if a in wanted and b in wanted:
                found.append(Pair(a, b, bool(mirrored), distance, difference))
        return found

    @contextmanager
    def _wanted(self, wanted: Iterable[str]) -> Iterator[None]:
        self._database.execute("CREATE TEMP TABLE wanted (sha256 TEXT PRIMARY KEY) WITHOUT ROWID")
        try:
            in_order = ((sha256,) for sha256 in sorted(wanted))
            self._database.executemany("INSERT INTO wanted VALUES (?)", in_order)
            yield
        finally:
            self._database.rollback()
            self._database.execute("DROP TABLE IF EXISTS temp.wanted")

    def _setting(self, name: str) -> str | None:
        query = "SELECT value FROM settings WHERE name = ?"
        row = self._database.execute(query, (name,)).fetchone()
        return row[0] if row else None

    def _set(self, name: str, value: str) -> None:
        with self._database:
            self._database.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))


def _pair_row(pair: Pair) -> tuple[Any, ...]:
    return _sealed(pair.a, pair.b, int(pair.mirrored), pair.distance, pair.difference)


def _result(values: Sequence[Any]) -> Measurement | NoMeasurement:
    reason, error, *fields = values
    if reason is not None:
        return NoMeasurement(Reason(reason), error)
    return Measurement(*fields)
