"""Archives: what is in them, and what is refused."""

import bz2
import gzip
import io
import lzma
import os
import stat
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline import listing
from pipeline.cli import UserError
from scraper.datasets.git_tree import GitTree
from scraper.datasets.member import Caps, DamagedError, UnsafeError
from scraper.datasets.unpack import members

FILES = {
    "set/train/mug/1.jpg": b"one",
    "set/train/mug/zwei ü.jpg": b"two" * 1000,
    "set/README": b"",
}
PACKERS = {
    "x.tar": bytes,
    "x.tar.gz": gzip.compress,
    "x.tgz": gzip.compress,
    "x.tar.bz2": bz2.compress,
    "x.tar.xz": lzma.compress,
}


def read(path: Path, **caps: int) -> dict[str, bytes]:
    return {m.path: m.content for m in members(path, path.name, Caps(**caps))}


@pytest.fixture
def saved(tmp_path: Path):
    def save(name: str, content: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return save


@pytest.mark.parametrize("name", PACKERS)
def test_a_tar_however_packed(saved, make_tar, name: str) -> None:
    assert read(saved(name, PACKERS[name](make_tar(FILES, "w")))) == FILES


def test_an_archive_is_known_by_its_content(saved, make_tar, make_zip) -> None:
    """Some addresses end in no name at all."""
    assert read(saved("download", make_tar(FILES))) == FILES
    assert read(saved("latest", make_zip(FILES))) == FILES


def test_a_zip_and_a_folder(saved, make_zip, tmp_path) -> None:
    assert read(saved("x.zip", make_zip(FILES))) == FILES
    for path, content in FILES.items():
        (tmp_path / "folder" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "folder" / path).write_bytes(content)
    found = [(m.path, m.content) for m in members(tmp_path / "folder", "folder")]
    assert found == sorted(FILES.items())


def test_any_other_file_is_its_own_content(saved) -> None:
    path = saved("train-images.gz", gzip.compress(b"x" * 5000))
    assert read(path) == {"train-images.gz": path.read_bytes()}


@pytest.mark.parametrize("name", ["x.tar.gz", "x.tar", "x.tar.xz", "x.tar.bz2", "x.zip"])
@pytest.mark.parametrize("keep", [0.0, 0.3, 0.8])
def test_a_truncated_archive_is_damaged(saved, make_tar, make_zip, name, keep) -> None:
    files = {f"set/{i}.jpg": os.urandom(3000) for i in range(20)}
    whole = make_zip(files) if name == "x.zip" else PACKERS[name](make_tar(files, "w"))
    path = saved(name, whole[: int(len(whole) * keep)])
    with pytest.raises(DamagedError, match=f"{name} is damaged"):
        read(path)


def test_a_tar_that_ends_between_two_files_is_damaged(saved, make_tar) -> None:
    whole = make_tar({"a.jpg": b"x" * 512, "b.jpg": b"y" * 512}, "w")
    with pytest.raises(DamagedError, match="end mark"):
        read(saved("x.tar", whole[:1024]))


@pytest.mark.parametrize("name", ["x.tar.gz", "x.zip"])
def test_a_flipped_bit_is_found(saved, make_tar, make_zip, name) -> None:
    files = {f"set/{i}.jpg": os.urandom(3000) for i in range(20)}
    content = bytearray(make_zip(files) if name == "x.zip" else make_tar(files))
    content[len(content) // 2] ^= 1
    with pytest.raises(DamagedError):
        read(saved(name, bytes(content)))


OUTSIDE = ["/etc/passwd", "../x", "set/../../x", "set/..", "C:/x", "//server/x"]


@pytest.mark.parametrize("path", OUTSIDE)
def test_a_path_that_leads_outside_is_refused(saved, make_tar, make_zip, path) -> None:
    for name, make in (("x.tar.gz", make_tar), ("x.zip", make_zip)):
        with pytest.raises(UnsafeError, match=f"{name} is refused: .*leads outside"):
            read(saved(name, make({"good.jpg": b"", path: b""})))


def test_backslashes_of_a_zip_are_separators(saved, make_zip) -> None:
    path = saved("x.zip", b"")
    with zipfile.ZipFile(path, "w") as packed:
        info = zipfile.ZipInfo("x")
        info.filename = "..\\x"
        packed.writestr(info, b"")
    with pytest.raises(UnsafeError):
        read(path)


SETTINGS = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)


@SETTINGS
@given(st.lists(st.sampled_from([".", "..", "", "a", "b.jpg", "C:", "~"]), min_size=1, max_size=5))
def test_every_path_that_is_given_is_inside(saved, make_tar, parts) -> None:
    path = saved("x.tar", make_tar({"/".join(parts): b"x"}, "w"))
    try:
        found = read(path)
    except UnsafeError:
        return
    for name in found:
        assert not name.startswith("/")
        assert Path("/root/in", name).resolve().is_relative_to("/root/in")


def tar_with(saved, **fields: object) -> Path:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo("set/odd.jpg")
        for name, value in fields.items():
            setattr(info, name, value)
        tar.addfile(info)
    return saved("x.tar", out.getvalue())


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_are_refused(saved, kind) -> None:
    with pytest.raises(UnsafeError, match=r"set/odd\.jpg is a device"):
        read(tar_with(saved, type=kind))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_a_link_is_not_followed_and_may_not_lead_outside(saved, kind) -> None:
    (link,) = members(tar_with(saved, type=kind, linkname="set/../other.jpg"), "x.tar")
    assert link.is_link
    for target in ("/etc/passwd", "../../etc/passwd"):
        with pytest.raises(UnsafeError, match="link set/odd"):
            read(tar_with(saved, type=kind, linkname=target))


def test_links_and_devices_of_a_zip(saved) -> None:
    def zip_with(mode: int, content: bytes) -> Path:
        path = saved("x.zip", b"")
        with zipfile.ZipFile(path, "w") as packed:
            info = zipfile.ZipInfo("set/odd.jpg")
            info.external_attr = mode << 16
            packed.writestr(info, content)
        return path

    (link,) = members(zip_with(stat.S_IFLNK | 0o777, b"other.jpg"), "x.zip")
    assert link.is_link
    with pytest.raises(UnsafeError, match="leads outside"):
        read(zip_with(stat.S_IFLNK | 0o777, b"/etc/passwd"))
    with pytest.raises(UnsafeError, match="device"):
        read(zip_with(stat.S_IFIFO | 0o644, b""))


def test_a_link_out_of_a_folder_is_not_followed(tmp_path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/secret.jpg").write_bytes(b"secret")
    (tmp_path / "set/mug").mkdir(parents=True)
    (tmp_path / "set/mug/mine.jpg").write_bytes(b"mine")
    (tmp_path / "set/link.jpg").symlink_to(tmp_path / "secret/secret.jpg")
    (tmp_path / "set/by-path.jpg").symlink_to("../secret/secret.jpg")
    (tmp_path / "set/folder").symlink_to(tmp_path / "secret")
    (tmp_path / "set/inside.jpg").symlink_to("mug/mine.jpg")
    (tmp_path / "alias").symlink_to("set")
    for folder in ("set", "alias"):
        aside = listing.left_out()
        found = {m.path: m.content for m in members(tmp_path / folder, folder, aside=aside)}
        assert found == {"inside.jpg": b"mine", "mug/mine.jpg": b"mine"}
        assert aside == {listing.OUTSIDE: ["by-path.jpg", "folder", "link.jpg"]}


def test_bombs_are_refused_by_name(saved, make_tar, make_zip) -> None:
    zeros = {"set/bomb.jpg": bytes(4_000_000)}
    for name, make in (("x.tar.gz", make_tar), ("x.zip", make_zip)):
        path = saved(name, make(zeros))
        with pytest.raises(UnsafeError, match=f"{name} is refused: it unpacks to more than"):
            read(path, slack=100_000, ratio=100)
        assert read(path, slack=5_000_000) == zeros


def test_a_bomb_in_a_header_is_refused(saved) -> None:
    """tarfile reads such a header as a whole: the size of its content may not be believed."""
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 4_000_000
    path = saved("x.tar.gz", gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(4_000_000)))
    with pytest.raises(UnsafeError, match="unpacks to more than"):
        read(path, slack=100_000, ratio=100)


def test_too_many_files_are_refused(saved, make_tar) -> None:
    path = saved("x.tar.gz", make_tar({f"{i}.jpg": b"" for i in range(11)}))
    with pytest.raises(UnsafeError, match="more than 10 files"):
        read(path, files=10)
    assert len(read(path, files=11)) == 11


def test_a_file_too_large_to_read_is_passed_by(saved, make_tar) -> None:
    path = saved("x.tar", make_tar({"big.bin": b"x" * 2000, "a.jpg": b"y"}, "w"))
    found = {m.path: m for m in members(path, "x.tar", Caps(content=1000))}
    assert list(found) == ["big.bin", "a.jpg"]
    with pytest.raises(UnsafeError, match=r"big\.bin has 2,000 bytes"):
        read(path, content=1000)


def test_a_locked_zip_is_named(saved, make_zip) -> None:
    content = bytearray(make_zip({"a.jpg": b"x"}))
    central = content.rindex(b"PK\x01\x02")
    content[central + 8] |= 1  # the flag that says so
    with pytest.raises(UserError, match=r"a\.jpg is locked with a password"):
        read(saved("x.zip", bytes(content)))


def test_git_tree_is_what_git_says(tmp_path, make_tar) -> None:
    """Folders sort as if they ended in a slash; links and executables have modes of their own."""
    root = tmp_path / "set"
    for path in ("a.txt", "a/b.jpg", "a0", "a/ü/c.jpg", "run.sh"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(path.encode() * 99)
    (root / "run.sh").chmod(0o755)
    (root / "link").symlink_to("a/b.jpg")
    git = ["git", "-C", str(root), "-c", "core.autocrlf=false"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    expected = subprocess.run([*git, "write-tree"], check=True, capture_output=True, text=True)
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as tar:
        tar.add(root, "set-main", filter=lambda i: None if "/.git" in i.name else i)

    def tree() -> str:
        found = GitTree()
        for member in members(tmp_path / "x.tar.gz", "x.tar.gz"):
            found.add(member)
        return found.id()

    assert tree() == expected.stdout.strip()
    (root / "a0").write_bytes(b"changed")
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as tar:
        tar.add(root, "set-main", filter=lambda i: None if "/.git" in i.name else i)
    assert tree() != expected.stdout.strip()
