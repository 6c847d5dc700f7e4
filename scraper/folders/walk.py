"""Which files lie in a person's folder of class folders, and which of them are left aside."""

import os
import stat
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.cli import UserError
from pipeline.formats import is_litter
from pipeline.manifest import safe_label
from pipeline.names import class_key
from pipeline.paths import MANIFEST, SPLIT_WORDS

KEEP = ".keep"  # in a folder that we make: DVC warns of an empty one
LITTER = "files of the system"
LOOSE = "files beside the class folders"
UNREADABLE = "folders and files that can't be read"
BROKEN = "broken links"
LOOPS = "links that lead back"
SPECIAL = "pipes, sockets and devices"

_Identity = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Entry:
    """One file in a class folder. `name` is its path below the root, as text, with `/`."""

    label: str
    path: Path
    name: str
    stamp: list[int]
    """size, times of content and of inode, inode: changes when the file does"""
    product: str | None
    split: str | None


@dataclass(slots=True)
class Listing:
    """The files of all classes, sorted by name; the class folders; and what is left aside."""

    entries: list[Entry] = field(default_factory=list)
    labels: set[str] = field(default_factory=set)
    left_out: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """names by kind"""


def walk(root: Path, classes: Iterable[str] | None = None) -> Listing:
    """List `<root>/<class>/…`. A sub-folder of a class is a product. Links are followed.

    Where all folders in `root` are called train, validation, test or the like, the classes are in
    them, and they are official splits.

    `Mug` and `mug` are one class, which is spelt as in `classes`, or else as the folder that comes
    first, small letters before capitals. Raises UserError for a folder that can't be a class.
    """
    listing = Listing()
    spelt = {class_key(label): label for label in classes or ()}
    info = root.stat()
    tops = _entries(root, "", ((info.st_dev, info.st_ino),), listing)
    folders = [top for top in tops if top.is_folder]
    folders.sort(key=lambda top: top.name.swapcase())
    for loose in tops:
        if not loose.is_folder and loose.name not in (MANIFEST, "CREDITS.md"):
            listing.left_out[LOOSE].append(loose.name)
    if _are_splits(folders):
        for top in folders:
            split = SPLIT_WORDS[top.name.lower()]
            for inner in _entries(top.path, top.name, top.above, listing):
                if inner.is_folder:
                    _add_class(listing, inner, split, spelt)
                else:
                    listing.left_out[LOOSE].append(inner.name)
    else:
        for top in folders:
            _add_class(listing, top, None, spelt)
    listing.entries.sort(key=lambda entry: entry.name)
    return listing


@dataclass(frozen=True, slots=True)
class _Found:
    path: Path
    name: str
    info: os.stat_result
    above: tuple[_Identity, ...]
    """the folders on the way to it, and itself where it is one"""

    @property
    def is_folder(self) -> bool:
        return stat.S_ISDIR(self.info.st_mode)


def _are_splits(folders: list[_Found]) -> bool:
    splits = {SPLIT_WORDS.get(folder.name.lower()) for folder in folders}
    return len(folders) > 1 and None not in splits and "train" in splits


def _add_class(listing: Listing, folder: _Found, split: str | None, spelt: dict[str, str]) -> None:
    name = folder.path.name
    label = unicodedata.normalize("NFC", name)  # some systems take names apart
    safe = safe_label(_text(label))
    if safe != label:
        raise UserError(
            f"{folder.name!r} can't be the folder of a class; rename it, to {safe!r} say"
        )
    label = spelt.setdefault(class_key(label), label)
    listing.labels.add(label)
    for file in _files(folder, listing):
        inside = file.name.removeprefix(f"{folder.name}/").split("/")
        info = file.info
        listing.entries.append(
            Entry(
                label=label,
                path=file.path,
                name=file.name,
                stamp=[info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_ino],
                product=f"{label}/{inside[0]}" if len(inside) > 1 else None,
                split=split,
            )
        )


def _files(folder: _Found, listing: Listing) -> Iterator[_Found]:
    for found in _entries(folder.path, folder.name, folder.above, listing):
        if found.is_folder:
            yield from _files(found, listing)
        else:
            yield found


def _entries(
    folder: Path, name: str, above: tuple[_Identity, ...], listing: Listing
) -> list[_Found]:
    """What lies in one folder, sorted; what can't be used is put aside."""
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208 - names, also those that are no UTF-8
    except OSError:
        listing.left_out[UNREADABLE].append(name or str(folder))
        return []
    found = []
    for each in names:
        path, inner = folder / each, f"{name}/{_text(each)}" if name else _text(each)
        if each == KEEP:
            continue
        if is_litter(each):
            listing.left_out[LITTER].append(inner)
            continue
        try:
            info = path.stat()
        except OSError:
            listing.left_out[BROKEN if path.is_symlink() else UNREADABLE].append(inner)
            continue
        identity = (info.st_dev, info.st_ino)
        if stat.S_ISDIR(info.st_mode):
            if identity in above:
                listing.left_out[LOOPS].append(inner)
            else:
                found.append(_Found(path, inner, info, (*above, identity)))
        elif stat.S_ISREG(info.st_mode):
            found.append(_Found(path, inner, info, above))
        else:
            listing.left_out[SPECIAL].append(inner)
    return found


def _text(name: str) -> str:
    """A name that is not UTF-8, as text that is and tells its bytes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
