"""`python -m pipeline.shards`: the same files come back, and little is written a second time."""

import json
import os
import shutil
import tarfile
from contextlib import chdir, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packing import SMALL, again, contents, digests, source, write

from pipeline import listing
from pipeline.cli import UserError
from pipeline.shards.__main__ import main
from pipeline.shards.pack import pack
from pipeline.shards.plan import plan
from pipeline.shards.store import INDEX, Store
from pipeline.shards.unpack import unpack

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
    b"mug/caf\xe9.jpg",
    b"caf\xe9/\xff\xfe.jpg",
    "manifest.jsonl",
    "run.json",
)


def test_all_names_and_bytes_come_back(raw: Path) -> None:
    for folder in ("own", "my shop", b"caf\xe9"):
        for name in ODD:
            with suppress(OSError, ValueError):  # not every system takes all of these names
                write(raw / os.fsdecode(folder), {os.fsdecode(name): os.fsencode(name)})
    write(raw / "own", {"mug/empty.jpg": b""})
    for empty in ("own/hat", "own/deep/empty", "nothing"):
        (raw / empty).mkdir(parents=True)
    before = contents(raw)
    assert main(["pack"]) == 0
    assert again(raw) == before
    assert main(["unpack"]) == 0  # where all is there
    assert contents(raw) == before


names = st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1, max_size=60)
trees = st.dictionaries(st.tuples(names, names), st.binary(max_size=99), max_size=8)


@settings(max_examples=40)
@given(trees)
def test_any_names_come_back(tmp_path_factory: pytest.TempPathFactory, tree) -> None:
    root = tmp_path_factory.mktemp("any")
    for (label, name), content in tree.items():
        with suppress(OSError, ValueError):
            if not {label, name} & {".", ".."} and not name.endswith(".part"):
                write(root / "raw/own", {f"{label}/{name}": content})
    (root / "raw/own").mkdir(parents=True, exist_ok=True)
    store = Store(str(root / "shards"))
    with chdir(root):
        pack(root / "raw", store, most=SMALL)
    unpack(store, root / "again")
    assert contents(root / "again") == contents(root / "raw")


@pytest.mark.skipif(os.name != "posix", reason="links and pipes of POSIX")
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


TYPES = '{"shards": [{"name": "a/b", "bytes": "many", "sha256": "", "members": 0, "names": ""}]}'


@pytest.mark.parametrize(
    "index", ["{", "[]", "{}", '{"shards": [{}]}', '{"shards": 1}', TYPES, "\xff"]
)
def test_a_damaged_index_is_an_error(raw: Path, index: str) -> None:
    write(raw / "own", {"mug/1.jpg": b"1"})
    write(Path("data/shards"), {INDEX: index.encode("latin-1")})
    for command in ("pack", "unpack"):
        with pytest.raises(UserError, match="can't be read"):
            main([command])
