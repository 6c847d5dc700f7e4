"""Packing never loses an image without a word, whatever happened to the shards before."""

import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest
from bucket import KEYS, NAME, bucket
from packing import SMALL, again, contents, source, write

from pipeline.cli import UserError
from pipeline.shards import pack as packing
from pipeline.shards.__main__ import main
from pipeline.shards.pack import pack
from pipeline.shards.plan import Member
from pipeline.shards.store import INDEX, Store
from pipeline.shards.unpack import unpack

SHARDS = Path("data/shards")
FIRST, SECOND = SHARDS / "shop/images-000000.tar", SHARDS / "shop/images-000001.tar"


def without_index() -> None:
    (SHARDS / INDEX).unlink()


def without_index_and_damaged() -> None:
    without_index()
    shorter()


def missing() -> None:
    SECOND.unlink()


def shorter() -> None:
    SECOND.write_bytes(SECOND.read_bytes()[:5000])


def changed() -> None:
    SECOND.write_bytes(SECOND.read_bytes()[:-3000] + b"x" * 3000)


def swapped() -> None:
    first, second = FIRST.read_bytes(), SECOND.read_bytes()
    FIRST.write_bytes(second)
    SECOND.write_bytes(first)


DAMAGES = (without_index, without_index_and_damaged, missing, shorter, changed, swapped)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_what_only_damaged_shards_have_is_not_given_up(raw: Path, damage: Callable) -> None:
    write(raw / "shop", source(60))
    pack(raw, Store("data/shards"), most=SMALL)
    with tarfile.open(SECOND) as tar:
        lost = tar.getnames()
    damage()
    for name in lost:
        (raw / name).unlink()
    before = contents(SHARDS)
    with pytest.raises(UserError, match="--drop"):
        pack(raw, Store("data/shards"), most=SMALL)
    assert contents(SHARDS) == before
    pack(raw, Store("data/shards"), most=SMALL, drop=True)
    assert again(raw) == contents(raw)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damaged_shards_are_packed_again_where_all_files_are(raw: Path, damage: Callable) -> None:
    write(raw / "shop", source(60))
    pack(raw, Store("data/shards"), most=SMALL)
    before = contents(SHARDS)
    damage()
    drop = damage is without_index_and_damaged  # nothing says what the shard had
    pack(raw, Store("data/shards"), most=SMALL, drop=drop)
    assert contents(SHARDS) == before


def test_a_shard_stays_if_one_of_its_files_cannot_be_read_now(
    raw: Path, monkeypatch, capsys
) -> None:
    write(raw / "shop", source(10))
    assert main(["pack"]) == 0
    before = contents(raw)
    bad, new = "shop/hat/03743.jpg", source(12, first=10)
    write(raw / "shop", new)
    add = packing._add

    def damaged_disk(tar, member: Member) -> str | None:
        return "Input/output error" if member.name == bad else add(tar, member)

    with monkeypatch.context() as patch:
        patch.setattr(packing, "_add", damaged_disk)
        assert main(["pack"]) == 1
    err = capsys.readouterr().err
    assert "files that could not be packed: 3; run this again" in err
    assert f"{bad}: Input/output error" in err
    assert "stays as it was" in err
    manifest = {"shop/manifest.jsonl": contents(raw)["shop/manifest.jsonl"]}
    assert again(raw) == before | manifest
    assert main(["pack"]) == 0
    assert again(raw) == contents(raw)


def test_a_tar_file_that_is_not_ours_is_named_and_stays(raw: Path, capsys) -> None:
    write(raw / "own", {"mug/1.jpg": b"1"})
    write(SHARDS, {"backup.tar": b"mine", "own/old.tar": b"mine"})
    assert main(["pack"]) == 0
    assert "not ours, and stay as they are: 2:\n  backup.tar\n" in capsys.readouterr().err
    assert main(["unpack", "--raw", "again"]) == 0
    assert "not list; they were not unpacked: 2:\n  backup.tar\n" in capsys.readouterr().err
    assert contents(SHARDS)["own/old.tar"] == b"mine"


def test_a_shard_that_a_killed_run_left_goes(raw: Path) -> None:
    write(raw / "shop", source(60))
    pack(raw, Store("data/shards"), most=SMALL)
    before = contents(SHARDS)
    shutil.copy(FIRST, SHARDS / "shop/images-000099.tar")
    assert pack(raw, Store("data/shards"), most=SMALL).removed == 1
    assert contents(SHARDS) == before


ODD_SOURCES = (
    "index.json",
    "ü" * 100,
    "😀 " * 40,
    "-dash",
    "a%20b",
    "a b",
    "A b",
    "CON",
)


def test_any_name_of_a_source_has_a_folder(raw: Path) -> None:
    for name in ODD_SOURCES:
        write(raw / name, {"mug/1.jpg": name.encode()})
    assert main(["pack"]) == 0
    assert again(raw) == contents(raw)


def test_names_that_unpacking_itself_may_use(raw: Path) -> None:
    write(raw / "own", {".unpack.part/1.jpg": b"1", "mug.part/2.jpg": b"2"})
    assert main(["pack"]) == 0
    assert again(raw) == contents(raw)


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("", "is empty"),
        ("s3:/bucket/shards", "two slashes follow the colon: s3://"),
        ("s3:bucket", "two slashes follow the colon: s3://"),
        ("s3://", "can't be reached"),
    ],
)
def test_a_place_that_cannot_be_meant_is_refused(raw: Path, place: str, told: str) -> None:
    if place == "s3://":
        pytest.importorskip("s3fs", reason="needs dvc-s3")
    write(raw / "own", {"mug/1.jpg": b"1"})
    with pytest.raises(UserError, match=told):
        main(["pack", place])
    assert {path.name for path in Path().iterdir()} == {"data"}


def test_a_folder_as_an_address(raw: Path) -> None:
    write(raw / "own", {"mug/1.jpg": b"1"})
    place = f"file://{Path.cwd()}/new/shards"
    assert main(["pack", place]) == 0
    assert main(["unpack", place, "--raw", "again"]) == 0
    assert contents(Path("again")) == contents(raw)


def test_two_who_pack_into_one_bucket_at_the_same_time_are_told(raw: Path, monkeypatch) -> None:
    pytest.importorskip("s3fs", reason="needs dvc-s3")
    pytest.importorskip("moto.server", reason="needs moto")
    write(raw / "shop", source(30))
    write(Path("other/shop"), source(40))
    for key, value in KEYS.items():
        monkeypatch.setenv(key, value)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    there, put, calls = f"s3://{NAME}/two/shards", Store.put, []

    def interrupted(store: Store, *arguments) -> None:
        calls.append(arguments)
        if len(calls) == 2:
            pack(Path("other"), Store(there), most=SMALL)
        put(store, *arguments)

    monkeypatch.setattr(Store, "put", interrupted)
    fsspec.get_filesystem_class("s3").clear_instance_cache()  # of another server
    with bucket() as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        with pytest.raises(UserError, match="somebody else packs"):
            pack(raw, Store(there), most=SMALL)
        pack(Path("other"), Store(there), most=SMALL)  # as the message says
        assert not unpack(Store(there), raw).lost
        pack(raw, Store(there), most=SMALL)
        assert not unpack(Store(there), Path("again")).lost
    assert contents(Path("again")) == contents(Path("other"))


@pytest.mark.skipif(os.name != "posix", reason="a device that is always full")
def test_a_full_disk_of_this_machine_is_no_fault_of_the_shards(raw: Path, monkeypatch) -> None:
    write(raw / "own", {"mug/1.jpg": b"1"})
    store = Store("memory://full-disk")
    pack(raw, store)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store._fs, "get_file", full)
    with pytest.raises(OSError, match="No space left"):
        unpack(store, Path("again"))
