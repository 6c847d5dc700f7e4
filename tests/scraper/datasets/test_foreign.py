"""Archives that are neither tar nor zip."""

import random
import struct
import sys
import zlib
from pathlib import Path

import pytest

from pipeline.cli import UserError
from scraper.datasets.member import Caps, DamagedError, UnsafeError
from scraper.datasets.unpack import members

STARTS = {
    "set.7z": b"7z\xbc\xaf\x27\x1c\0\4",
    "set.rar": b"Rar!\x1a\7\1\0",
    "old.rar": b"Rar!\x1a\7\0",
    "set.tar.zst": b"\x28\xb5\x2f\xfd",
    "set.tar.lz4": b"\x04\x22\x4d\x18",
    "set.tar.lz": b"LZIP\1",
    "set.tar.Z": b"\x1f\x9d\x90",
    "set.cab": b"MSCF",
    "download": b"7z\xbc\xaf\x27\x1c\0\4",
}


def read(path: Path, **caps: int) -> dict[str, bytes]:
    return {m.path: m.content for m in members(path, path.name, Caps(**caps))}


@pytest.mark.parametrize("name", STARTS)
def test_without_the_extra_it_is_named_with_the_remedy(tmp_path, monkeypatch, name) -> None:
    monkeypatch.setitem(sys.modules, "libarchive", None)
    path = tmp_path / name
    path.write_bytes(STARTS[name] + bytes(200))
    with pytest.raises(UserError, match=rf'{name} is a .*-e "\.\[archives\]"\. Or unpack it'):
        read(path)


def test_without_the_library_of_the_system_it_is_named(tmp_path, monkeypatch) -> None:
    (tmp_path / "libarchive.py").write_text("raise OSError('no such library')")
    monkeypatch.delitem(sys.modules, "libarchive", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "set.7z").write_bytes(STARTS["set.7z"] + bytes(200))
    with pytest.raises(UserError, match=r"install your system's libarchive .* Or unpack it"):
        read(tmp_path / "set.7z")
    sys.modules.pop("libarchive", None)


@pytest.mark.parametrize("name", ["set.iso", "set.sit", "set.tar.br", "set.ace", "set.7z"])
def test_another_kind_is_named_by_what_it_is(tmp_path, name) -> None:
    path = tmp_path / name
    path.write_bytes(b'{"message": "log in first"}')
    with pytest.raises(
        DamagedError, match=rf"{name} .* can't be read: .* text: '{{\"message\".*unpack it"
    ):
        read(path)


@pytest.fixture
def libarchive():
    """The library, where it is installed."""
    try:
        import libarchive
    except (ImportError, AttributeError, OSError, TypeError):
        pytest.skip("the extra archives, or libarchive itself, is not installed")
    return libarchive


FILES = {"set/mug/1.jpg": b"one" * 999, "set/mug/2.jpg": b"", "set/hat/3.jpg": bytes(5000)}


def write(libarchive, path: Path, kind: str, packing: str | None = None) -> Path:
    with libarchive.file_writer(str(path), kind, packing) as out:
        for name, content in FILES.items():
            out.add_file_from_memory(name, len(content), content)
    return path


@pytest.mark.parametrize(
    ("name", "kind", "packing"),
    [
        ("x.7z", "7zip", None),
        ("x.tar.zst", "pax", "zstd"),
        ("x.tar.lz4", "gnutar", "lz4"),
        ("download", "7zip", None),
    ],
)
def test_others_are_read_by_libarchive(libarchive, tmp_path, name, kind, packing) -> None:
    path = write(libarchive, tmp_path / name, kind, packing)
    assert read(path) == FILES
    assert {m.path for m in members(path, name)} == set(FILES)  # content may stay unread
    for keep in (0.2, 0.6, 0.9):
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
        with pytest.raises(DamagedError, match=f"{name} is damaged"):
            read(path)


def test_a_flipped_bit_of_a_7z_is_found(libarchive, tmp_path, caplog) -> None:
    """libarchive only warns of a wrong checksum."""
    path, content = tmp_path / "x.7z", random.Random(1).randbytes(500)
    with libarchive.file_writer(str(path), "7zip") as out:
        out.add_file_from_memory("1.jpg", len(content), content)
    whole, named = path.read_bytes(), set()
    for at in range(32, len(whole), 5):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        try:
            assert read(path) == {"1.jpg": content}
        except DamagedError as error:
            named.add(str(error))
    assert any("1.jpg: 7-Zip bad CRC" in error for error in named)
    assert not caplog.messages


def test_caps_hold_there_too(libarchive, tmp_path) -> None:
    path = write(libarchive, tmp_path / "x.7z", "7zip")
    with pytest.raises(UnsafeError, match="unpacks to more than 4,000 bytes"):
        read(path, slack=4000, ratio=0)
    with pytest.raises(UnsafeError, match="has 5,000 bytes, too many"):
        read(path, content=4000)
    with pytest.raises(UnsafeError, match="more than 2 files"):
        read(path, files=2)


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "set/../../x"])
def test_paths_that_lead_outside_are_refused(libarchive, tmp_path, name) -> None:
    path = tmp_path / "x.7z"
    with libarchive.file_writer(str(path), "7zip") as out:
        out.add_file_from_memory(name, 1, b"x")
    with pytest.raises(UnsafeError, match="leads outside"):
        read(path)


def rar(files: dict[str, bytes]) -> bytes:
    """RAR 5.0, stored: https://www.rarlab.com/technote.htm."""

    def number(value: int) -> bytes:
        low, high = value & 127, value >> 7
        return bytes([low | 128]) + number(high) if high else bytes([low])

    def block(*fields: int | bytes) -> bytes:
        head = b"".join(f if isinstance(f, bytes) else number(f) for f in fields)
        head = number(len(head)) + head
        return struct.pack("<L", zlib.crc32(head)) + head

    out = b"Rar!\x1a\7\1\0" + block(1, 0, 0)
    for path, content in files.items():
        crc, name = struct.pack("<L", zlib.crc32(content)), path.encode()
        size = len(content)
        out += block(2, 2, size, 4, size, 0o644, crc, 0, 1, len(name), name) + content
    return out + block(5, 0, 0)


def test_rar(libarchive, take, image) -> None:
    images = {f"set/{label}/1.jpg": image(n) for n, label in enumerate(("Müsli", "mug"))}
    Path("set.rar").write_bytes(rar(images))
    rows = take(url="set.rar", pattern=r"(?P<label>[^/]+)/[^/]+\.jpg$")
    assert {(row.label, row.bytes) for row in rows} == {
        (path.split("/")[1], len(content)) for path, content in images.items()
    }
