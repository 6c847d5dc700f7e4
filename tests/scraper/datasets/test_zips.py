"""Zip archives of many programs: names, parts, and ways of packing."""

import io
import struct
import sys
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.cli import UserError
from scraper.datasets.member import DamagedError
from scraper.datasets.unpack import members

_LOCAL, _CENTRAL = b"PK\x03\x04", b"PK\x01\x02"


def patched(content: bytes, local: dict[int, bytes], central: dict[int, bytes]) -> bytes:
    """A zip with some bytes of each file's two headers changed, by their places."""
    data = bytearray(content)
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        locals_ = [info.header_offset for info in packed.infolist()]
        at = packed.start_dir
    for start in locals_:
        for place, value in local.items():
            data[start + place : start + place + len(value)] = value
    for _ in locals_:
        for place, value in central.items():
            data[at + place : at + place + len(value)] = value
        at += 46 + sum(struct.unpack("<3H", data[at + 28 : at + 34]))
    return bytes(data)


def zip_of(names: list[bytes], flag: int = 0, extra: bytes = b"") -> bytes:
    """A zip of empty files with these bytes as names, and these flags."""
    files, directory = b"", b""
    for name in names:
        head = struct.pack("<5H3L2H", 20, flag, 0, 0, 33, 0, 0, 0, len(name), len(extra))
        rest = struct.pack("<3H2L", 0, 0, 0, 0, len(files))
        directory += _CENTRAL + struct.pack("<H", 20) + head + rest + name + extra
        files += _LOCAL + head + name + extra
    count = len(names)
    end = struct.pack("<4H2LH", 0, 0, count, count, len(directory), len(files), 0)
    return files + directory + b"PK\x05\x06" + end


def read(path: Path, content: bytes, encoding: str | None = None) -> dict[str, bytes]:
    path.write_bytes(content)
    return {m.path: m.content for m in members(path, path.name, encoding=encoding)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.zip"


def test_names_by_their_flag_else_utf8_else_the_encoding(path) -> None:
    for flag in (0, 0x800):
        assert list(read(path, zip_of(["Müsli/ä.jpg".encode()], flag))) == ["Müsli/ä.jpg"]
    for encoding, name in (
        ("cp437", "Müsli/ä.jpg"),
        ("cp1252", "Müsli/ä.jpg"),
        ("shift_jis", "表/ソ.jpg"),  # the second byte of each is a backslash
        ("gbk", "杯子/1.jpg"),
        ("cp1251", "кружка/1.jpg"),
    ):
        content = zip_of([name.encode(encoding)])
        assert list(read(path, content, encoding)) == [name]
        with pytest.raises(UserError, match=r"x\.zip: the name b'.*' is not UTF-8; set the source"):
            read(path, content)


def test_the_extra_field_has_the_name_in_utf8(path) -> None:
    """As WinZip, Info-ZIP and WinRAR write it; one that belongs to another name is not believed."""
    name = "Müsli.jpg".encode("cp850")
    for crc, fits in ((zlib.crc32(name), True), (1, False)):
        field = struct.pack("<BL", 1, crc) + "Müsli.jpg".encode()
        extra = struct.pack("<HH", 0x7075, len(field)) + field
        content = zip_of([name], extra=extra)
        if fits:
            assert list(read(path, content)) == ["Müsli.jpg"]
        else:
            with pytest.raises(UserError, match="is not UTF-8"):
                read(path, content)


def test_a_name_whose_flag_lies_is_shown(path) -> None:
    with pytest.raises(UserError, match=r"b'M\\xfcsli' is marked as UTF-8 and is not; unpack it"):
        read(path, zip_of([b"M\xfcsli"], 0x800))


NAMES = st.one_of(
    st.binary(min_size=1, max_size=12),
    st.text(st.characters(exclude_characters="\0\\/:"), min_size=1).map(
        lambda name: name.encode("utf-8", "replace")
    ),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80)
@given(
    st.lists(NAMES, min_size=1, max_size=4, unique=True),
    st.sampled_from([0, 0x800]),
    st.sampled_from([None, "cp437", "shift_jis"]),
)
def test_any_name_is_read_or_named(path, names, flag, encoding) -> None:
    """And what is valid UTF-8 reads as such, whatever the flag."""
    try:
        found = read(path, zip_of(names, flag, b""), encoding)
    except UserError:
        return
    for name in names:
        text = name.decode("utf-8", "ignore")
        if text.encode() == name and not set(text) & set("\0\\/") and text != ".":
            assert text in found


def deflate64(content: bytes) -> bytes:
    """Short matches only: such a stream is the same in Deflate and Deflate64."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_HUFFMAN_ONLY)
    return packer.compress(content) + packer.flush()


def zip_by(method: int, make_zip, content: bytes = b"mug" * 50) -> bytes:
    """A zip that says so; the content is packed by Deflate."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("mug/1.jpg", deflate64(content))
    crc = struct.pack("<L", zlib.crc32(content))
    size, kind = struct.pack("<L", len(content)), struct.pack("<H", method)
    local, central = {8: kind, 14: crc, 22: size}, {10: kind, 16: crc, 24: size}
    return patched(out.getvalue(), local, central)


def test_deflate64(path, make_zip) -> None:
    pytest.importorskip("stream_inflate", reason="the extra archives is not installed")
    content = bytes(range(256)) * 300
    whole = zip_by(9, make_zip, content)
    assert read(path, whole) == {"mug/1.jpg": content}
    for wrong in (whole.replace(struct.pack("<L", zlib.crc32(content)), b"abcd"),
                  whole.replace(deflate64(content)[50:60], b"0123456789")):  # fmt: skip
        with pytest.raises(DamagedError, match=r"x\.zip is damaged: mug/1\.jpg"):
            read(path, wrong)


@pytest.mark.parametrize(("method", "named"), [(9, "by Deflate64"), (93, "zip"), (98, "zip")])
def test_packing_that_needs_the_extra_is_named_with_the_remedy(
    path, make_zip, monkeypatch, method, named
) -> None:
    for module in ("stream_inflate", "libarchive"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UserError, match=rf'{named}.*-e "\.\[archives\]".* Or unpack it') as error:
        read(path, zip_by(method, make_zip))
    assert "x.zip" in str(error.value)


@pytest.mark.parametrize(
    "name",
    ["x.z01", "x.zip.001", "x.ZIP.002", "x.7z.001", "x.part1.rar", "x.r00", "x.tar.gz.002",
     "x.tar.gz.partaa"],
)  # fmt: skip
def test_one_part_of_several_is_named(path, make_zip, name) -> None:
    part = path.with_name(name)
    with pytest.raises(UserError, match=f"{name} is one part of an archive. Put all parts"):
        read(part, make_zip({"a.jpg": b"x"}))


def test_the_last_part_is_named(path, make_zip) -> None:
    """By its name it could be the whole."""
    whole = make_zip({f"{n}.jpg": bytes(range(256)) * n for n in range(1, 9)})
    for part in (whole[100:], patched(whole, {}, {34: b"\2\0"})):
        with pytest.raises(UserError, match=r"x\.zip is one part of an archive"):
            read(path, part)


def test_folders_of_windows_are_no_files(path) -> None:
    assert list(read(path, zip_of([b"mug\\", b"mug\\1.jpg", b"hat/"]))) == ["mug/1.jpg"]


def test_what_stands_before_a_zip_does_no_harm(path, make_zip) -> None:
    """A zip that unpacks itself is a program with a zip behind it."""
    assert read(path, b"MZ" + bytes(500) + make_zip({"a.jpg": b"x"})) == {"a.jpg": b"x"}
