"""`python -m pipeline.shards`: the same files come back, and little is written a second time."""

import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from bucket import KEYS, NAME, bucket
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import listing
from pipeline.cli import UserError
from pipeline.shards.__main__ import main
from pipeline.shards.pack import pack
from pipeline.shards.plan import plan
from pipeline.shards.store import INDEX, Shard, Store, sha256_of
from pipeline.shards.unpack import unpack

ROOT = Path(__file__).parents[2]
SMALL = 4 * tarfile.RECORDSIZE  # bytes of a shard
ODD = (
    "mug/plain.jpg",
    "mug/with space.jpg",
    "mug/.hidden.jpg",
    "mug/two\nlines.jpg",
    "mug/UPPER.jpg",
    "mug/upper.jpg",
    "Mug/plain.jpg",
    "mug/none",
    "mug/a.b.tar.gz",
    "mug/Käse 🧀.jpg",
    "mug/Ka\u0308se.jpg",
    f"mug/{'n' * 250}.jpg",
    f"{'long ' * 20}class/{'m' * 200}.jpg",
    "mug/deeper/and/deeper.jpg",
    "mug/-dash.jpg",
    "mug/back\\slash.jpg",
    os.fsdecode(b"mug/caf\xe9.jpg"),
    os.fsdecode(b"caf\xe9/\xff\xfe.jpg"),
    "manifest.jsonl",
    "run.json",
)


def write(root: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def contents(root: Path) -> dict[str, bytes | None]:
    """All files below a folder, and its empty folders."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes() if path.is_file() else None
        for path in root.rglob("*")
        if path.is_file() or not any(path.iterdir())
    }


def digests(shards: Path) -> dict[str, str]:
    return {path.relative_to(shards).as_posix(): sha256_of(path) for path in shards.rglob("*.tar")}


def source(count: int, first: int = 0) -> dict[str, bytes]:
    """Images of a source and its manifest, whose order is not that of the names."""
    names = [f"{'mug' if n % 3 else 'hat'}/{n * 7919 % 10007:05}.jpg" for n in range(count)]
    rows = "".join(json.dumps({"file": name}) + "\n" for name in names)
    images = {name: random.Random(name).randbytes(2000) for name in names[first:]}
    return {**images, "manifest.jsonl": rows.encode()}


@pytest.fixture
def raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data/raw in a working directory of its own."""
    monkeypatch.chdir(tmp_path)
    raw = Path("data/raw")
    raw.mkdir(parents=True)
    return raw


def again(raw: Path) -> dict[str, bytes | None]:
    """What unpacking gives in a new folder."""
    shutil.rmtree("again", ignore_errors=True)
    assert main(["unpack", "--raw", "again"]) == 0
    return contents(Path("again"))


def test_all_names_and_bytes_come_back(raw: Path) -> None:
    write(raw / "own", {name: name.encode("utf-8", "surrogateescape") for name in ODD})
    write(raw / "my shop", {"mug/1.jpg": b"1", "mug/0.jpg": b""})
    write(raw / os.fsdecode(b"caf\xe9"), {"mug/1.jpg": b"2"})
    for empty in ("own/hat", "own/deep/empty", "nothing"):
        (raw / empty).mkdir(parents=True)
    before = contents(raw)
    assert main(["pack"]) == 0
    assert again(raw) == before
    assert main(["unpack"]) == 0  # where all is there
    assert contents(raw) == before


def test_links_are_followed_and_what_is_no_file_is_said(raw: Path, capsys) -> None:
    write(raw / "own", {"mug/1.jpg": b"1", "mug/.half.part": b"x"})
    write(Path("elsewhere"), {"2.jpg": b"2"})
    (raw / "own/mug/link.jpg").symlink_to("1.jpg")
    (raw / "own/hat").symlink_to(Path("elsewhere").absolute())
    (raw / "own/mug/loop").symlink_to("..")
    (raw / "own/mug/broken.jpg").symlink_to("none")
    os.mkfifo(raw / "own/mug/pipe")
    write(raw, {"notes.txt": b"x"})
    assert main(["pack"]) == 0
    out = capsys.readouterr().out
    for kind, name in (
        (listing.LOOPS, "own/mug/loop"),
        (listing.BROKEN, "own/mug/broken.jpg"),
        (listing.SPECIAL, "own/mug/pipe"),
        (listing.LITTER, "own/mug/.half.part"),
        ("files beside the folders of sources", "notes.txt"),
    ):
        assert f"left out, {kind}: 1 ({name})" in out
    expected = {"own/mug/1.jpg": b"1", "own/mug/link.jpg": b"1", "own/hat/2.jpg": b"2"}
    assert again(raw) == expected


def test_what_cannot_be_read_stops_nothing_else(unprivileged: Path, capsys) -> None:
    raw = Path("data/raw")
    write(raw / "own", {"mug/1.jpg": b"1", "mug/2.jpg": b"2", "hat/3.jpg": b"3"})
    (raw / "own/mug/1.jpg").chmod(0)
    (raw / "own/hat").chmod(0)
    assert main(["pack"]) == 1
    output = capsys.readouterr()
    assert "own/mug/1.jpg: Permission denied" in output.err
    assert f"left out, {listing.UNREADABLE}: 1 (own/hat)" in output.out
    assert again(raw) == {"own/mug/2.jpg": b"2", "own/hat": None}
    (raw / "own/hat").chmod(0o700)


def test_a_file_that_vanishes_meanwhile_stops_no_other(raw: Path, monkeypatch) -> None:
    write(raw / "own", {"mug/1.jpg": b"1", "mug/2.jpg": b"22", "mug/3.jpg": b"3"})
    planned = plan(raw, listing.left_out())
    (raw / "own/mug/1.jpg").unlink()
    (raw / "own/mug/2.jpg").write_bytes(b"4444")
    monkeypatch.setattr("pipeline.shards.pack.plan", lambda *_: planned)
    packed = pack(raw, Store("data/shards"))
    assert packed.unread == [
        "own/mug/1.jpg: No such file or directory",
        "own/mug/2.jpg: it has changed meanwhile",
    ]
    assert again(raw) == {"own/mug/3.jpg": b"3"}


def test_the_same_files_give_the_same_shards(raw: Path) -> None:
    files = source(60)
    write(raw / "shop", files)
    (raw / "shop/empty").mkdir()
    there = Path("there")
    write(there / "shop", dict(reversed(files.items())))
    (there / "shop/empty").mkdir()
    for path in there.rglob("*.jpg"):
        path.chmod(0o400)
        os.utime(path, (1, 1))
    pack(raw, Store("here-shards"), most=SMALL)
    pack(there, Store("there-shards"), most=SMALL)
    here = digests(Path("here-shards"))
    assert len(here) > 4
    assert here == digests(Path("there-shards"))
    assert Path("here-shards", INDEX).read_text() == Path("there-shards", INDEX).read_text()
    for name in here:
        assert Path("here-shards", name).stat().st_size <= SMALL
        with tarfile.open(Path("here-shards", name)) as tar:
            owned = {(i.mtime, i.uid, i.gid, i.uname, i.gname, i.mode) for i in tar if i.isreg()}
        assert owned <= {(0, 0, 0, "", "", 0o644)}


def test_a_larger_file_has_a_shard_of_its_own(raw: Path) -> None:
    write(raw / "own", {"mug/1.jpg": b"1", "mug/2.jpg": bytes(3 * SMALL), "mug/3.jpg": b"3"})
    assert len(pack(raw, Store("data/shards"), most=SMALL).shards) == 3
    assert again(raw) == contents(raw)


numbers = st.integers(0, 10**6)


def shards_of(root: Path, images: list[int]) -> list[tuple[str, ...]]:
    """The names in each shard of images, where the manifest names the images in this order."""
    shutil.rmtree(root, ignore_errors=True)
    names = [f"mug/{number}.jpg" for number in images]
    rows = "".join(json.dumps({"file": name}) + "\n" for name in names).encode()
    write(root / "own", {**dict.fromkeys(names, bytes(900)), "manifest.jsonl": rows})
    planned = plan(root, listing.left_out(), SMALL)
    return [tuple(m.name for m in ms) for name, ms in planned.items() if "images" in name]


@settings(max_examples=25, deadline=None)
@given(st.lists(numbers, max_size=60, unique=True), st.lists(numbers, max_size=20, unique=True))
def test_new_images_change_the_last_shard_alone(tmp_path_factory, images, new) -> None:
    root = tmp_path_factory.mktemp("raw")
    before = shards_of(root, images)
    after = shards_of(root, list(dict.fromkeys([*images, *new])))
    assert after[: len(before[:-1])] == before[:-1]
    assert sum(after, ()) == tuple(f"own/mug/{n}.jpg" for n in dict.fromkeys([*images, *new]))


def test_a_lost_image_changes_few_shards(tmp_path: Path) -> None:
    images = list(range(900))
    before = set(shards_of(tmp_path, images))
    assert len(before) > 30
    changed = [before - set(shards_of(tmp_path, images[:n] + images[n + 1 :])) for n in (0, 5, 60)]
    assert all(len(shards) <= 6 for shards in changed)


def test_what_is_packed_is_not_packed_again(raw: Path, monkeypatch) -> None:
    monkeypatch.setattr(listing, "_TICK", 0)
    write(raw / "shop", source(60))
    shards = Path("data/shards")
    pack(raw, Store("data/shards"), most=SMALL)
    before = {path: path.stat().st_mtime_ns for path in shards.rglob("*.tar")}
    packed = pack(raw, Store("data/shards"), most=SMALL)
    assert (packed.written, packed.removed) == (0, 0)
    assert {path: path.stat().st_mtime_ns for path in shards.rglob("*.tar")} == before
    write(raw / "shop", source(62, first=60))
    pack(raw, Store("data/shards"), most=SMALL)
    unchanged = [path for path, time in before.items() if path.stat().st_mtime_ns == time]
    assert len(unchanged) == len(before) - 2  # not the last of images, nor the manifest's
    shards.joinpath("shop/images-000001.tar").write_bytes(b"damaged")
    pack(raw, Store("data/shards"), most=SMALL)
    assert again(raw) == contents(raw)


def test_shards_do_not_lose_what_raw_lacks(raw: Path, capsys) -> None:
    write(raw / "shop", source(60))
    write(raw / "own", {"mug/1.jpg": b"1"})
    before = contents(raw)
    assert main(["pack"]) == 0
    shutil.rmtree(raw / "own")
    (raw / "shop/hat/00000.jpg").unlink()
    with pytest.raises(
        UserError, match=r"has files that data/raw lacks: 2, such as own/mug/1\.jpg"
    ):
        main(["pack"])
    assert again(raw) == before
    assert main(["pack", "--drop"]) == 0
    assert again(raw) == contents(raw)
    assert not Path("data/shards/own/rest-000000.tar").exists()


def test_nothing_to_pack_or_unpack_is_an_error(raw: Path) -> None:
    with pytest.raises(UserError, match="has no source to pack"):
        main(["pack"])
    with pytest.raises(UserError, match=r"index\.json is missing"):
        main(["unpack"])
    with pytest.raises(UserError, match="lie in one another"):
        main(["pack", "data/raw/shards"])
    with pytest.raises(UserError, match="is no address of shards"):
        main(["unpack", "nothing://x"])


@pytest.mark.parametrize("index", ["{", "[]", '{"shards": [{}]}', '{"shards": 1}', "\xff"])
def test_a_damaged_index_is_an_error(raw: Path, index: str) -> None:
    write(raw / "own", {"mug/1.jpg": b"1"})
    write(Path("data/shards"), {INDEX: index.encode("latin-1")})
    for command in ("pack", "unpack"):
        with pytest.raises(UserError, match="can't be read"):
            main([command])


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
    shard = Shard(name, path.stat().st_size, sha256_of(path), len(infos), "")
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
    from pipeline.shards.unpack import why_unsafe

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


KILLED = """
import os, signal, sys
left = [int(sys.argv.pop(1))]
def look(event, arguments):
    if event == "os.rename" and (left.append(left.pop() - 1) or left[0] < 0):
        os.kill(os.getpid(), signal.SIGKILL)
from pathlib import Path
from pipeline.shards import pack
pack.pack.__kwdefaults__["most"] = 40960
from pipeline.shards.__main__ import main
sys.addaudithook(look)
sys.exit(main(sys.argv[1:]))
"""


def killed(number: int, *arguments: str) -> None:
    """Run the command, and end it by SIGKILL before it puts file `number` to its place."""
    command = [sys.executable, "-c", KILLED, str(number), *arguments]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)
    assert done.returncode == -signal.SIGKILL


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_a_killed_run_can_be_run_again(raw: Path) -> None:
    write(raw / "shop", source(60))
    pack(raw, Store("expected"), most=SMALL)
    for number in (0, 3, len(digests(Path("expected")))):  # the last one is the index
        killed(number, "pack")
        assert not Path("data/shards", INDEX).exists()
    pack(raw, Store("data/shards"), most=SMALL)
    assert contents(Path("data/shards")) == contents(Path("expected"))
    for number in (0, 10, 20):
        killed(number, "unpack", "--raw", "again")
        there = {name for name, content in contents(Path("again")).items() if content is not None}
        assert {n for n in there if contents(Path("again"))[n] != contents(raw).get(n)} <= {
            "shop/.unpack.part"
        }
    assert unpack(Store("data/shards"), Path("again")).new == 61 - 30
    assert contents(Path("again")) == contents(raw)


def test_shards_in_a_bucket(raw: Path, monkeypatch) -> None:
    pytest.importorskip("s3fs", reason="needs dvc-s3")
    pytest.importorskip("moto.server", reason="needs moto")
    write(raw / "shop", source(60))
    write(raw / "my shop", {os.fsdecode(b"mug/caf\xe9.jpg"): b"1"})
    for key, value in KEYS.items():
        monkeypatch.setenv(key, value)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    there = f"s3://{NAME}/a/shards"
    with bucket() as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        assert main(["pack", there]) == 0
        before = Store(there).index()
        write(raw / "shop", source(63, first=60))
        assert main(["pack", there]) == 0
        assert Store(there).index().keys() == before.keys()
        assert main(["unpack", there, "--raw", "again"]) == 0
        assert contents(Path("again")) == contents(raw)
        with pytest.raises(UserError, match="has no shards"):
            main(["unpack", f"s3://{NAME}/none"])
        with pytest.raises(UserError, match="can't be reached"):
            main(["pack", "s3://no-such-bucket/none"])
    with pytest.raises(UserError, match="can't be reached"):
        main(["unpack", there])
