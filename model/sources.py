"""What a command line names as images: files, folders, patterns, addresses, a list on stdin."""

import glob
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from model.images import UnreadableImageError, map_ahead
from pipeline.addresses import fetch, host_port
from pipeline.cli import UserError
from pipeline.formats import BY_SUFFIX, FORMATS
from pipeline.walk import LITTER, Aside, Found, aside_lines, files, root_of

_MAX_BYTES = 20 * 2**20
_CONNECTIONS = 8
_TIMEOUT = 30  # seconds for one address


def images_named(given: Sequence[str]) -> list[str]:
    """The files and addresses that these names mean, in their order; folders by order of names.

    What is left aside in folders is said on standard error.

    UserError where a folder, a pattern or the list on standard input has none.
    """
    names = [name for each in given for name in (_listed() if each == "-" else [each])]
    return [found for name in names for found in _meant(name)]


def is_address(name: str) -> bool:
    return name.lower().startswith(("http://", "https://"))


def fetched(names: Iterable[str]) -> Iterator[str | bytes | UnreadableImageError]:
    """Files' names as they are; of addresses what is there, several being asked at a time."""
    return map_ahead(_fetched, names, _CONNECTIONS, 2 * _CONNECTIONS)


def _listed() -> list[str]:
    names = [line for line in sys.stdin.read().splitlines() if line.strip()]
    if not names:
        raise UserError("standard input lists no images; give a path or an address a line")
    return names


def _meant(name: str) -> list[str]:
    if is_address(name):
        return [name]
    if Path(name).is_dir():
        if found := _images_in(name):
            return found
        usual = sorted(form.suffixes[0] for form in FORMATS.values())
        raise UserError(f"{name} has no images ({', '.join(usual)})")
    if Path(name).exists() or not glob.has_magic(name):
        return [name]  # what isn't there is reported with those that can't be read
    matches = sorted(glob.glob(name, recursive=True))  # noqa: PTH207 - patterns may be absolute
    found = [
        path
        for match in matches
        for path in (_images_in(match) if Path(match).is_dir() else [match])
    ]
    if not found:
        raise UserError(f"no image is called like {name}")
    return found


def _images_in(root: str) -> list[str]:
    """By their names. What is called otherwise is said, and so is what can't be used."""
    aside: Aside = defaultdict(list)
    found: list[Found] = []
    for file in files(root_of(Path(root)), aside):
        if file.path.suffix.lower() in BY_SUFFIX:
            found.append(file)
        else:
            aside["not called like an image"].append(file.name)
    aside.pop(LITTER, None)
    for line in aside_lines(aside):
        print(f"{root}: {line}", file=sys.stderr)
    return [str(file.path) for file in sorted(found, key=_by_folder)]


def _by_folder(file: Found) -> tuple[str, ...]:
    """The files of a folder before those of its folders."""
    *folders, name = file.name.split("/")
    return (*folders, "", name)


def _fetched(name: str) -> str | bytes | UnreadableImageError:
    if not is_address(name):
        return name
    try:  # whoever types an address vouches for its host, redirects elsewhere are guarded
        return fetch(name, max_bytes=_MAX_BYTES, timeout=_TIMEOUT, allow_private=[host_port(name)])
    except UserError as error:
        return UnreadableImageError(str(error))
