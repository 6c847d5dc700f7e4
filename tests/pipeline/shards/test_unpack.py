"""Damaged shards, foreign shards and files that differ: each is said, and nothing else suffers."""

import io
import tarfile
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


def foreign(infos: list[tarfile.TarInfo], shards: Path = Path("data/shards")) -> None:
    """A shard with these members, and an index that tells of it."""
    path = shards / "own/images-000000.tar"
    path.parent.mkdir(parents=True)
    with tarfile.open(path, "w") as tar:
        for info in infos:
            tar.addfile(info, io.BytesIO(b"evil"))
    store = Store(str(shards))
    name = "own/images-000000.tar"
    shard = Shard(name, path.stat().st_size, file_digest(path), len(infos), "")
    store.write_index({name: shard})


@pytest.mark.parametrize("bad", HOSTILE, ids=lambda info: f"{info.name} {info.type!r}")
def test_a_foreign_member_leads_nowhere(raw: Path, bad: tarfile.TarInfo, capsys) -> None:
    foreign([member("own/mug/first.jpg"), bad, member("own/mug/good.jpg")])
    assert main(["unpack"]) == 1
    assert "files that " in capsys.readouterr().err
    assert contents(raw) == {"own/mug/first.jpg": b"evil", "own/mug/good.jpg": b"evil"}
    everywhere = {path for path in Path().rglob("*") if path.is_file() or path.is_symlink()}
    assert len(everywhere) == 4  # with the shard and its index


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
