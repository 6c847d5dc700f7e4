"""Where shards lie: a folder, or an address that fsspec knows, such as s3://bucket/shards."""

import os
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import fsspec
from fsspec.core import url_to_fs
from pydantic import TypeAdapter, ValidationError

from pipeline.cli import UserError
from pipeline.files import file_digest, json_text

INDEX: Final = "index.json"


class DamagedShardError(Exception):
    """A shard is missing or damaged. The message is what follows its name: `is missing`."""


@dataclass(frozen=True, slots=True)
class Shard:
    """A tar file, as the index lists it. `name` is its path in the store."""

    name: str
    bytes: int
    sha256: str
    members: int
    names: str
    """the SHA-256 of the names of its members"""


_INDEX = TypeAdapter(dict[str, list[Shard]])


class Store:
    """Reads and writes shards. `address` is the path of a folder, or an address such as s3://….

    All methods raise UserError if a bucket can't be reached, and OSError for a folder that can't be
    read or written. The constructor raises UserError for an address that fsspec does not know.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._folder = None if "://" in address else Path(address)
        if self._folder is None:
            try:
                self._fs, self._root = url_to_fs(address, use_listings_cache=False)
            except ImportError as error:
                raise UserError(
                    f"{address} needs a library ({error}); for s3:// install the extra with: "
                    'pip install -e ".[s3]"'
                ) from error
            except ValueError as error:
                raise UserError(
                    f"{address} is no address of shards ({error}); name a folder, or s3://…"
                ) from error
        else:
            self._fs, self._root = fsspec.filesystem("file"), str(self._folder.absolute())

    def index(self) -> dict[str, Shard]:
        """The shards by name, in the order of the index. Empty where there is no index."""
        try:
            with self._reaching(FileNotFoundError):
                text = self._fs.cat_file(f"{self._root}/{INDEX}")
        except FileNotFoundError:
            return {}
        try:
            found = _INDEX.validate_json(text)["shards"]
        except ValidationError as error:
            raise self._unreadable(error.errors()[0]["msg"]) from error
        except KeyError as error:
            raise self._unreadable(f"it has no {error}") from error
        if wrong := next((shard.name for shard in found if leads_out(shard.name)), None):
            raise self._unreadable(f"it has a shard outside of the folder, {wrong}")
        return {shard.name: shard for shard in found}

    def _unreadable(self, why: str) -> UserError:
        return UserError(
            f"{self.address}/{INDEX} can't be read: {why}; bring it back, for example by dvc pull, "
            "or delete it and pack again"
        )

    def write_index(self, shards: Mapping[str, Shard]) -> None:
        """Write the list of all shards. It appears whole or not at all."""
        text = json_text({"shards": [asdict(shards[name]) for name in sorted(shards)]})
        with self.fresh_file() as path:
            path.write_text(text, encoding="utf-8")
            self._move(path, INDEX)

    def stamp(self, name: str) -> str | None:
        """A text that changes when the file of a shard changes; None where there is no file."""
        try:
            with self._reaching(FileNotFoundError):
                return str(self._fs.ukey(f"{self._root}/{name}"))
        except FileNotFoundError:
            return None

    @contextmanager
    def fetched(self, shard: Shard) -> Iterator[Path]:
        """A file with the bytes of the shard. Its size and its SHA-256 are those of the index.

        Raises DamagedShardError if they are not, or if there is no such file.
        """
        with tempfile.TemporaryDirectory(prefix="shard-") as folder:
            path = self._folder / shard.name if self._folder else Path(folder) / "shard.tar"
            try:
                if not self._folder:
                    with self._reaching(FileNotFoundError):
                        self._fs.get_file(f"{self._root}/{shard.name}", str(path))
                size = path.stat().st_size
                digest = file_digest(path)
            except (FileNotFoundError, NotADirectoryError) as error:
                raise DamagedShardError("is missing") from error
            except OSError as error:
                raise DamagedShardError(f"can't be read ({error.strerror})") from error
            if (size, digest) != (shard.bytes, shard.sha256):
                raise DamagedShardError(
                    f"is damaged: it has {size:,} bytes with the SHA-256 {digest[:12]}…, and "
                    f"not {shard.bytes:,} with {shard.sha256[:12]}…"
                )
            yield path

    @contextmanager
    def fresh_file(self) -> Iterator[Path]:
        """A file to write a shard to, before `put` brings it to its place."""
        if self._folder:
            self._folder.mkdir(parents=True, exist_ok=True)
            # on the disk of the shards, so that it can be moved; Git and DVC ignore the name
            path = self._folder / ".shard.part"
            try:
                yield path
            finally:
                path.unlink(missing_ok=True)
        else:
            with tempfile.TemporaryDirectory(prefix="shard-") as folder:
                yield Path(folder) / "shard.tar"

    def put(self, path: Path, shard: Shard, earlier: Shard | None) -> None:
        """Bring a file to the place of a shard. `earlier` is the shard that the index has there."""
        if self._folder or shard != earlier or self._size(shard.name) != shard.bytes:
            # a bucket looks after its bytes itself: it does not get the same shard a second time
            self._move(path, shard.name)

    def _size(self, name: str) -> int | None:
        try:
            with self._reaching(FileNotFoundError):
                return int(self._fs.size(f"{self._root}/{name}"))
        except FileNotFoundError:
            return None

    def _move(self, path: Path, name: str) -> None:
        if self._folder:
            target = self._folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)
        else:
            with self._reaching():
                self._fs.put_file(str(path), f"{self._root}/{name}")

    def remove(self, name: str) -> None:
        """Delete a shard that the index has no more."""
        with suppress(FileNotFoundError), self._reaching(FileNotFoundError):
            self._fs.rm_file(f"{self._root}/{name}")

    @contextmanager
    def _reaching(self, *expected: type[Exception]) -> Iterator[None]:
        """Say in a sentence why a bucket can't be reached: each library has its own exceptions."""
        try:
            yield
        except Exception as error:
            if self._folder or isinstance(error, expected):
                raise
            raise UserError(
                f"{self.address} can't be reached: {error}; check the address, the connection and "
                "your keys, and run this again"
            ) from error


def leads_out(name: str) -> bool:
    """Whether a name from a foreign file could lead out of the folder that it is put into.

    >>> leads_out("own/mug/1.jpg"), leads_out("own/../../1.jpg")
    (False, True)
    """
    parts = name.split("/")
    if os.name == "nt" and ("\\" in name or ":" in name):  # which lead out there
        return True
    return "\0" in name or any(part in ("", ".", "..") for part in parts)


def new_tar(path: Path) -> tarfile.TarFile:
    """A tar file to write. Its names are the bytes that the disk has, also if they are no UTF-8."""
    kind = tarfile.GNU_FORMAT
    return tarfile.open(path, "w", format=kind, encoding="utf-8", errors="surrogateescape")


def read_tar(path: Path) -> tarfile.TarFile:
    """A tar file to read, which is not compressed. Raises TarError for another file."""
    return tarfile.open(path, "r:", encoding="utf-8", errors="surrogateescape")
