"""Where shards lie: a folder, or an address that fsspec knows, such as s3://bucket/shards."""

import errno
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
from pipeline.files import file_digest, json_text, locked
from pipeline.shards.tar import BAD_TAR, bad_tar, leads_out, read_tar

INDEX: Final = "index.json"
_LOCK: Final = ".lock.part"  # Git and DVC ignore the name


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
        path = address.removeprefix("file://")
        self._folder = None if "://" in path else Path(path)
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
            except Exception as error:  # some libraries connect at once
                raise _unreachable(address, error) from error
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
    def alone(self) -> Iterator[None]:
        """Wait until nobody else packs into the folder. A bucket has no such lock."""
        if self._folder is None:
            yield
            return
        words = f"another command packs into {self.address}; waiting for its end"
        with locked(self._folder / _LOCK, words):
            yield

    def tars(self) -> set[str]:
        """The names of all tar files that are there, also of those that are in no index."""
        if self._folder:
            return {
                path.relative_to(self._folder).as_posix() for path in self._folder.rglob("*.tar")
            }
        try:
            with self._reaching(FileNotFoundError, PermissionError):
                found = self._fs.find(self._root)
        except (FileNotFoundError, PermissionError):  # keys that may read need not be able to list
            return set()
        return {name[len(self._root) + 1 :] for name in found if name.endswith(".tar")}

    @contextmanager
    def fetched(self, shard: Shard) -> Iterator[Path]:
        """A file with the bytes of the shard. Its size and its SHA-256 are those of the index.

        Raises DamagedShardError if they are not, or if there is no such file.
        """
        with self._brought(shard.name) as path:
            if wrong := _difference(path, shard):
                raise DamagedShardError(wrong)
            yield path

    def names(self, name: str, shard: Shard | None) -> tuple[list[str], str | None]:
        """The names of the members of a tar file, and what is wrong with the file.

        The names go as far as the file can be read. `shard` is what the index says of the file.
        """
        found: list[str] = []
        try:
            with self._brought(name) as path:
                wrong = _difference(path, shard) if shard else None
                with read_tar(path) as tar:
                    found.extend(info.name for info in tar)  # what is found before an error stays
        except DamagedShardError as error:
            return found, str(error)
        except BAD_TAR as error:
            if is_full(error):
                raise
            return found, bad_tar(error)
        return found, wrong

    @contextmanager
    def _brought(self, name: str) -> Iterator[Path]:
        """A file with what is at the place of a shard. Raises DamagedShardError if nothing is."""
        with tempfile.TemporaryDirectory(prefix="shard-") as folder:
            path = self._folder / name if self._folder else Path(folder) / "shard.tar"
            try:
                if not self._folder:
                    with self._reaching(FileNotFoundError):
                        self._fs.get_file(f"{self._root}/{name}", str(path))
                path.open("rb").close()
            except (FileNotFoundError, NotADirectoryError) as error:
                raise DamagedShardError("is missing") from error
            except OSError as error:
                if is_full(error):
                    raise
                raise DamagedShardError(f"can't be read ({error.strerror})") from error
            yield path

    @contextmanager
    def fresh_file(self) -> Iterator[Path]:
        """A file to write a shard to, before `put` brings it to its place."""
        if self._folder:
            self._folder.mkdir(parents=True, exist_ok=True)
            # on the disk of the shards, so that it can be moved; `alone` keeps it ours
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
            if self._folder or isinstance(error, expected) or is_full(error):
                raise
            raise _unreachable(self.address, error) from error


def _unreachable(address: str, error: Exception) -> UserError:
    return UserError(
        f"{address} can't be reached: {error or type(error).__name__}; check the address, the "
        "connection and your keys, and run this again"
    )


def is_full(error: Exception) -> bool:
    """Whether the error says that a disk of this machine is full."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def _difference(path: Path, shard: Shard) -> str | None:
    """How a file differs from what the index says of it; None if it does not.

    Raises DamagedShardError if the file can't be read.
    """
    try:
        size, digest = path.stat().st_size, file_digest(path)
    except OSError as error:
        raise DamagedShardError(f"can't be read ({error.strerror})") from error
    if (size, digest) == (shard.bytes, shard.sha256):
        return None
    return (
        f"is damaged: it has {size:,} bytes with the SHA-256 {digest[:12]}…, and "
        f"not {shard.bytes:,} with {shard.sha256[:12]}…"
    )
