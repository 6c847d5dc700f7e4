"""Finds the images of a command line: files, folders, patterns, addresses, a list on stdin."""

import codecs
import glob
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from model.images import UnreadableImageError, map_ahead
from pipeline.addresses import fetch, host_port
from pipeline.cli import UserError
from pipeline.formats import BY_SUFFIX, FORMATS, RAW_SUFFIXES, is_camera_raw, sniff
from pipeline.listing import UNREADABLE, LeftOut, files, text

NO_IMAGE = "files that are no images"
CAMERA_RAW = "camera raw files (export them as JPEG)"
_MAX_BYTES = 20 * 2**20
_CONNECTIONS = 8
_TIMEOUT = 30  # seconds for one address
_HEAD = 64  # bytes that tell a format
_LONGEST = 100  # characters of a name in a message
_OTHER_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+)://|(data|blob):", re.IGNORECASE)
_JOINERS = "\u200c\u200d"  # not printable, but parts of words and emoji


def images_named(given: Sequence[str], aside: LeftOut) -> list[str]:
    """The files and addresses that these names mean, in their order; folders by order of names.

    What lies in folders and is left out goes into `aside`. A name that means nothing stays, and is
    reported with the images that can't be read. UserError where all do, or standard input is empty.
    """
    if given.count("-") > 1:
        raise UserError("- is standard input, which can be read once; give it once")
    names = [name for each in given for name in (_listed() if each == "-" else [each])]
    found = [_meant(name, aside) for name in names]
    if not any(found):
        raise UserError("; ".join(map(_nothing_in, names)))
    return [one for name, of in zip(names, found, strict=True) for one in of or [name]]


def is_address(name: str) -> bool:
    return name.lower().startswith(("http://", "https://"))


def shown(name: str) -> str:
    r"""A name, or a sentence with names, in one line for a person to read.

    >>> shown("mug\n.jpg")
    'mug\\n.jpg'
    """
    return "".join(
        letter
        if letter.isprintable() or letter in _JOINERS
        else letter.encode("unicode_escape").decode()
        for letter in text(name)
    )


def with_name(name: str, error: UnreadableImageError) -> str:
    """The reason why an image can't be read, which begins with its name if it lacks it."""
    start = name[:_LONGEST]
    return str(error) if start in str(error) else f"{start}: {error}"


def fetched(names: Iterable[str]) -> Iterator[str | bytes | UnreadableImageError]:
    """Files' names as they are; of addresses what is there, several being asked at a time."""
    return map_ahead(_fetched, names, _CONNECTIONS, 2 * _CONNECTIONS)


def _listed() -> list[str]:
    """Names on standard input: one a line, or ended by NUL as `find -print0` does it."""
    content = sys.stdin.buffer.read()
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):  # PowerShell's
        content = content.decode("utf-16").encode()
    listed = os.fsdecode(content.removeprefix(codecs.BOM_UTF8))
    if "\0" in listed:
        names = [name for name in listed.split("\0") if name]
    else:
        names = [_unpadded(line) for line in listed.split("\n") if line.strip()]
    if not names:
        raise UserError("standard input lists no images; give a path or an address a line")
    return names


def _unpadded(line: str) -> str:
    """A name without blanks and quotation marks around it, unless a file has these in its name."""
    line = line.removesuffix("\r")
    bare = line.strip()
    if len(bare) > 1 and bare[0] == bare[-1] in "'\"" and not os.path.lexists(bare):
        bare = bare[1:-1]
    return line if os.path.lexists(line) else bare


def _meant(name: str, aside: LeftOut) -> list[str]:
    """Empty where it means nothing."""
    if is_address(name):
        return [name]
    if name.lower().startswith("file:"):
        name = _path_of(name)
    if os.path.isdir(name):  # noqa: PTH112 - a name may be too long
        return _images_in(name, aside)
    if _OTHER_ADDRESS.match(name):
        return [name]  # it is refused with the images that can't be read
    if os.path.lexists(name) or not glob.has_magic(name):
        return [name]  # a missing file is reported with those that can't be read
    return [
        path
        for match in sorted(glob.glob(name, recursive=True))  # noqa: PTH207 - may be absolute
        for path in (_images_in(match, aside) if Path(match).is_dir() else [match])
    ]


def _path_of(address: str) -> str:
    """The path of a file:// address; the address itself if the file is on another machine."""
    parts = urlsplit(address)
    return url2pathname(parts.path) if parts.netloc in ("", "localhost") else address


def _nothing_in(name: str) -> str:
    if name and Path(name).is_dir():
        usual = sorted(form.suffixes[0] for form in FORMATS.values())
        return f"{text(name)} has no images ({', '.join(usual)})"
    return f"no image is called like {text(name)}"


def _images_in(root: str, aside: LeftOut) -> list[str]:
    """Files with the name of an image, and files that begin as an image does, with any name."""
    found, here = [], LeftOut(list)
    for file in files(Path(root), here):
        if (why := _why_not(file.path)) is None:
            found.append(str(file.path))
        else:
            here[why].append(file.name)
    for why, names in here.items():
        aside[why] += [text(str(Path(root, name))) for name in names]
    return found


def _why_not(path: Path) -> str | None:
    suffix = path.suffix.lower()
    if suffix in BY_SUFFIX:
        return None
    if suffix in RAW_SUFFIXES:
        return CAMERA_RAW
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return UNREADABLE
    if is_camera_raw(head, path.name):
        return CAMERA_RAW
    return None if sniff(head) else NO_IMAGE


def _fetched(name: str) -> str | bytes | UnreadableImageError:
    if not is_address(name):  # an address may have a ?, which is also a sign of a pattern
        return _on_disk(name)
    try:  # a person who types an address vouches for its host; redirects elsewhere are checked
        return fetch(name, max_bytes=_MAX_BYTES, timeout=_TIMEOUT, allow_private=[host_port(name)])
    except UserError as error:
        return UnreadableImageError(str(error))


def _on_disk(name: str) -> str | UnreadableImageError:
    if not name:
        return UnreadableImageError("a name is empty; give a path or an address")
    is_there = os.path.lexists(name)
    if (other := _OTHER_ADDRESS.match(name)) and not is_there:
        start = name if len(name) <= _LONGEST else f"{name[:_LONGEST]}…"
        kind = other[1] or other[2]
        return UnreadableImageError(
            f"{start} can't be fetched: {kind} addresses are not read, only http, https and files "
            "here; download the image first"
        )
    if os.path.isdir(name) or (glob.has_magic(name) and not is_there):  # noqa: PTH112
        return UnreadableImageError(_nothing_in(name))
    return name
