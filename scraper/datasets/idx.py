"""IDX, the format of MNIST: arrays of bytes. Its images become PNG files."""

import math
import struct
import zlib

from scraper.datasets.member import DamagedError, Member, gunzip

_UNSIGNED_BYTES = 0x08


def array(member: Member, dimensions: int) -> tuple[tuple[int, ...], bytes]:
    """Shape and values of an IDX file of unsigned bytes, gzip or not.

    The header is two zeros, the type, the number of dimensions, and each one's size, big-endian.
    """
    content = gunzip(member)
    start = 4 + 4 * dimensions
    if len(content) < start or content[:4] != bytes([0, 0, _UNSIGNED_BYTES, dimensions]):
        raise DamagedError(f"{member.path} is no IDX file of {dimensions} dimension(s)")
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    if len(content) - start != math.prod(shape):
        raise DamagedError(f"{member.path} is damaged: its length is not what its header says")
    return shape, content[start:]


def images(member: Member) -> list[bytes]:
    """Each image of an IDX file (number × rows × columns, 0 is black) as a PNG."""
    (count, height, width), values = array(member, 3)
    size = height * width
    return [png(values[n * size : (n + 1) * size], width, height) for n in range(count)]


def png(values: bytes, width: int, height: int) -> bytes:
    """A greyscale PNG without compression: the same bytes on every machine.

    Compressed ones differ between zlib and its replacements, and a file's name is its digest.
    """
    lines = b"".join(
        b"\0" + values[row * width : (row + 1) * width] for row in range(height)
    )  # each begins with its filter: none
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", _stored(lines))
        + _chunk(b"IEND", b"")
    )


def _stored(data: bytes) -> bytes:
    """A zlib stream of stored blocks (RFC 1950 and 1951, 3.2.4)."""
    blocks = [data[i : i + 0xFFFF] for i in range(0, len(data), 0xFFFF)] or [b""]
    packed = b"".join(
        struct.pack("<BHH", block is blocks[-1], len(block), len(block) ^ 0xFFFF) + block
        for block in blocks
    )
    return b"\x78\x01" + packed + struct.pack(">I", zlib.adler32(data))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )
