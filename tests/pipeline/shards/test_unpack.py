"""Damaged shards, foreign shards and files that differ: each is said, and nothing else suffers."""

import gzip
import io
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packing import SMALL, contents, source, write

from pipeline.cli import UserError
from pipeline.files import file_digest
from pipeline.shards.__main__ import main
from pipeline.shards.pack import pack
from pipeline.shards.store import Shard, Store
from pipeline.shards.unpack import why_unsafe


@pytest.mark.parametrize("kind", ["missing", "truncated", "changed", "folder", "empty"])
def test_a_bad_shard_stops_no_other(raw: Path, kind: str, capsys) -> None:
    write(raw / "shop", source(60))
    pack(raw, Store("data/shards"), most=SMALL)
    bad = Path("data/shards/shop/images-000001.tar")
    content = bad.read_bytes()
    bad.unlink()
    if kind == "folder":
        bad.mkdir()
    elif kind != "missing":
        half = len(content) // 2
        changed = content[:half] + bytes([content[half] ^ 1]) + content[half + 1 :]
        bad.write_bytes({"truncated": content[:half], "changed": changed, "empty": b""}[kind])
    assert main(["unpack", "--raw", "again"]) == 1
    err = capsys.readouterr().err
    assert "shards that could not be unpacked: 1;" in err
    assert "shop/images-000001.tar " in err
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        lost = set(tar.getnames())
    expected = {name: content for name, content in contents(raw).items() if name not in lost}
    assert contents(Path("again")) == expected
    if kind == "folder":
        bad.rmdir()
    pack(raw, Store("data/shards"), most=SMALL)  # mends it
    assert main(["unpack", "--raw", "again"]) == 0
    assert contents(Path("again")) == contents(raw)


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    info.size = 4 if kind == tarfile.REGTYPE else 0
    return info


HOSTILE = [
    member("../out.jpg"),
    member("own/../../out.jpg"),
    member("own/mug/../../../out.jpg"),
    member("/tmp/own/out.jpg"),
    member("own//out.jpg"),
    member("./out.jpg"),
    member("out.jpg"),
    member("../out", tarfile.DIRTYPE),
    member("own/mug/link.jpg", tarfile.SYMTYPE, "/etc/passwd"),
    member("own/mug", tarfile.SYMTYPE, "../../.."),
    member("own/mug/link.jpg", tarfile.LNKTYPE, "own/mug/good.jpg"),
    member("own/mug/null", tarfile.CHRTYPE),
    member("own/mug/disk", tarfile.BLKTYPE),
    member("own/mug/pipe", tarfile.FIFOTYPE),
]


def tar_of(infos: list[tarfile.TarInfo]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for info in infos:
            tar.addfile(info, io.BytesIO(b"evil"))
    return out.getvalue()


def foreign_shards(**tars: bytes) -> None:
    """Shards with this content, each of one member, and an index that tells of them."""
    shards = {}
    for key, content in tars.items():
        name = f"{key}/images-000000.tar"
        write(Path("data/shards"), {name: content})
        digest = file_digest(Path("data/shards") / name)
        shards[name] = Shard(name, len(content), digest, 1, "")
    Store("data/shards").write_index(shards)


def foreign(infos: list[tarfile.TarInfo]) -> None:
    """A shard with these members, and an index that tells of it."""
    foreign_shards(own=tar_of(infos))
    store = Store("data/shards")
    (shard,) = store.index().values()
    store.write_index({shard.name: replace(shard, members=len(infos))})


@pytest.mark.parametrize("bad", HOSTILE, ids=lambda info: f"{info.name} {info.type!r}")
def test_a_foreign_member_leads_nowhere(raw: Path, bad: tarfile.TarInfo, capsys) -> None:
    foreign([member("own/mug/first.jpg"), bad, member("own/mug/good.jpg")])
    assert main(["unpack"]) == 1
    assert "files that " in capsys.readouterr().err
    assert contents(raw) == {"own/mug/first.jpg": b"evil", "own/mug/good.jpg": b"evil"}
    everywhere = {path for path in Path().rglob("*") if path.is_file() or path.is_symlink()}
    assert len(everywhere) == 4  # with the shard and its index


def pax(key: str, value: str) -> bytes:
    """A tar file whose first member has this record before it."""
    record = f"{key}={value}\n"
    size = next(size for size in range(99) if size == len(f"{size} {record}"))
    return block(b"x", f"{size} {record}".encode()) + tar_of([member("own/mug/1.jpg")])


def block(kind: bytes, content: bytes, size: int | None = None) -> bytes:
    """A header that says something of the next one, and its content."""
    info = tarfile.TarInfo("x")
    info.type, info.size = kind, len(content) if size is None else size
    return info.tobuf(tarfile.GNU_FORMAT) + content.ljust(512, b"\0")


def with_size(size: bytes) -> bytes:
    """A member whose size is given by these twelve bytes."""
    head = bytearray(tarfile.TarInfo("own/mug/1.jpg").tobuf())
    head[124:136] = size
    head[148:156] = b"%06o\0 " % (sum(head[:148]) + 8 * 32 + sum(head[156:]))
    return bytes(head) + bytes(1024)


UNREADABLE = {
    "a long name of a long name of …": block(tarfile.GNUTYPE_LONGNAME, b"own\0") * 5000,
    "a record of a record of …": block(b"x", b"12 path=abc\n") * 5000,
    "a long name of a terabyte": block(tarfile.GNUTYPE_LONGNAME, b"", 1 << 40),
    "a size that no machine can count": pax("size", "9" * 30),
    "a size that leads back": pax("size", "-2048"),
    "a size in binary that is too large": with_size(b"\x80" + b"\x7f" * 11),
    "a map of holes that is none": pax("GNU.sparse.map", "1,a"),
    "compressed": gzip.compress(tar_of([member("own/mug/1.jpg")])),
    "two members, not one": tar_of([member("own/mug/1.jpg"), member("own/mug/2.jpg")]),
}


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE)
def test_a_hostile_tar_file_stops_no_other(raw: Path, content: bytes, capsys) -> None:
    foreign_shards(bad=content, own=tar_of([member("own/mug/good.jpg")]))
    assert main(["unpack"]) == 1
    err = capsys.readouterr().err
    assert "shards that could not be unpacked: 1;" in err
    assert "  bad/images-000000.tar " in err
    assert contents(raw)["own/mug/good.jpg"] == b"evil"


def test_no_shards_in_the_index(raw: Path) -> None:
    foreign_shards()
    with pytest.raises(UserError, match="or lists none"):
        main(["unpack"])


@pytest.mark.parametrize("name", ["../x.tar", "/x.tar", "own/../../x.tar"])
def test_an_index_leads_nowhere(raw: Path, name: str) -> None:
    write(Path(), {"x.tar": b""})
    Store("data/shards").write_index({name: Shard(name, 0, "", 0, "")})
    with pytest.raises(UserError, match="can't be read"):
        main(["unpack"])


@given(st.text(st.sampled_from("a/.\\\0:"), max_size=8))
def test_no_name_leads_out(name: str) -> None:
    if why_unsafe(member(name)) is None:
        assert Path("/raw", name).resolve().is_relative_to("/raw")
        assert Path("/raw", name).resolve().parent != Path("/raw")


def test_members_that_cannot_be_written_stop_no_other(raw: Path, capsys) -> None:
    foreign(
        [
            member(f"own/mug/{'n' * 300}.jpg"),
            member("own/mug/good.jpg"),
            member("own/mug/good.jpg/inner.jpg"),
            member("own/mug/good.jpg", tarfile.DIRTYPE),
            member("own/mug"),
        ]
    )
    assert main(["unpack"]) == 1
    err = capsys.readouterr().err
    for why in ("File name too long", "File exists", "Is a directory"):
        assert f"can't be written ({why})" in err
    assert contents(raw) == {"own/mug/good.jpg": b"evil"}


def test_files_that_differ_stay_unless_told(raw: Path, capsys) -> None:
    write(raw / "own", {"mug/1.jpg": b"1", "mug/2.jpg": b"2", "run.json": b"new"})
    write(raw / "own", {"manifest.jsonl": b"first\nsecond\n"})
    packed = contents(raw)
    assert main(["pack"]) == 0
    mine = {"mug/1.jpg": b"mine", "manifest.jsonl": b"first\n", "run.json": b"old"}
    write(raw / "own", mine)
    (raw / "own/mug/2.jpg").unlink()
    assert main(["unpack"]) == 1
    err = capsys.readouterr().err
    assert "files that differ from those that are there: 2; --force overwrites those:" in err
    kept = {"own/mug/1.jpg": b"mine", "own/run.json": b"old"}
    assert contents(raw) == packed | kept  # a manifest that has only grown loses nothing
    assert main(["unpack", "--force"]) == 0
    assert contents(raw) == packed
