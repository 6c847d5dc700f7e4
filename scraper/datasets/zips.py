"""Zip archives: the names of their files, and ways of packing that Python doesn't know."""

import io
import posixpath
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from pipeline.cli import UserError
from scraper.datasets import foreign
from scraper.datasets.member import UNPACK, DamagedError, Member, Opened, faults, git_mode
from scraper.datasets.text import file_name

STARTS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
"""The second: an empty one. The third: written in parts."""

_IS_UTF8 = 0x800
_UNICODE_PATH = 0x7075
_DEFLATE64 = 9
_KNOWN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


def zip_members(archive: Path, opened: Opened) -> Iterator[Member]:
    """The files in a zip, in the order of its directory."""
    limit = opened.caps.unpacked(archive.stat().st_size)
    with faults(opened.name), _open(archive, opened) as packed:
        infos = packed.infolist()
        if any(info.volume or info.header_offset < 0 for info in infos):
            raise foreign.part_error(opened.name)
        opened.check_total(sum(info.file_size for info in infos), limit)
        if any(info.compress_type not in (*_KNOWN, _DEFLATE64) for info in infos):
            yield from foreign.foreign_members(archive, "zip of a newer kind", opened)
            return
        for info in infos:
            path = _path(info, opened)
            if not path.endswith("/"):
                yield _member(packed, info, opened.inside(path), opened)


def _open(archive: Path, opened: Opened) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(archive)
    except UnicodeDecodeError as error:  # Python reads no other name then either
        raise UserError(
            f"{opened.name}: the name {error.object!r} is marked as UTF-8 and is not; {UNPACK}"
        ) from error


def _path(info: zipfile.ZipInfo, opened: Opened) -> str:
    """A file's name: UTF-8 by its flag, else from the extra field in UTF-8, else by `file_name`.

    Sources: APPNOTE.TXT 6.3.10, 4.4.4 (bit 11) and 4.6.9 (Unicode Path).
    """
    name = info.orig_filename
    if not info.flag_bits & _IS_UTF8:
        raw = name.encode("cp437")  # Python takes each byte for a character
        name = _unicode_path(info.extra, raw) or file_name(raw, opened.encoding, opened.name)
    return name.partition("\0")[0].replace("\\", "/")


def _unicode_path(extra: bytes, raw: bytes) -> str | None:
    while len(extra) >= 4:
        kind, size = struct.unpack("<HH", extra[:4])
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == _UNICODE_PATH and field[1:5] == struct.pack("<I", zlib.crc32(raw)):
            return field[5:].decode()
    return None


def _member(packed: zipfile.ZipFile, info: zipfile.ZipInfo, path: str, opened: Opened) -> Member:
    if info.flag_bits & 1:
        raise UserError(f"{opened.name} can't be read: {path} is locked with a password")

    def read() -> bytes:
        opened.check_size(path, info.file_size)
        with faults(opened.name):
            if info.compress_type == _DEFLATE64:
                return _deflate64(packed, info, path, opened)
            return packed.read(info)

    mode = info.external_attr >> 16
    if stat.S_ISLNK(mode):
        target = read().decode("utf-8", "surrogateescape")
        opened.check_link(path, posixpath.dirname(path), target)
        return Member(path, info.file_size, "120000", read)
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise opened.special(path)
    return Member(path, info.file_size, git_mode(mode), read)


def _deflate64(packed: zipfile.ZipFile, info: zipfile.ZipInfo, path: str, opened: Opened) -> bytes:
    """Unpack Deflate64, in which Windows' Explorer packs large files."""
    stream_inflate64 = foreign.deflate64(f"{opened.name} has {path} packed by Deflate64")
    file = packed.fp
    assert file
    file.seek(info.header_offset)
    header = file.read(30)
    file.seek(sum(struct.unpack("<HH", header[26:30])), io.SEEK_CUR)
    chunks, is_done, _ = stream_inflate64()
    content = bytearray()
    try:
        for chunk in chunks([file.read(info.compress_size)]):
            content += chunk
            if len(content) > info.file_size:
                break
    except Exception as error:  # damaged tables of codes make it stumble over anything
        raise DamagedError(f"{opened.name} is damaged: {path}: {error}") from error
    if not is_done() or len(content) != info.file_size or zlib.crc32(content) != info.CRC:
        raise DamagedError(f"{opened.name} is damaged: {path} is not what its checksum says")
    return bytes(content)
