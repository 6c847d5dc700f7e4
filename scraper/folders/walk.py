"""Which files lie in a person's folder of class folders, and which of them are left aside."""

import os
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.cli import UserError
from pipeline.manifest import safe_label
from pipeline.paths import MANIFEST, SPLIT_WORDS
from pipeline.walk import UNREADABLE, Aside, Found, as_text, entries, files, root_of, stamp_of

LOOSE = "files beside the class folders"


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
    left_out: Aside = field(default_factory=lambda: defaultdict(list))


def walk(root: Path) -> Listing:
    """List `<root>/<class>/…`. A sub-folder of a class is a product. Links are followed.

    Where all folders in `root` are called train, validation, test or the like, the classes are in
    them, and they are official splits.

    Raises UserError for a folder that can't be a class, and for two that would be one.
    """
    listing = Listing()
    tops = entries(root_of(root), listing.left_out)
    if UNREADABLE in listing.left_out and not os.access(root, os.R_OK | os.X_OK):
        raise UserError(f"{root} can't be read by you; change its owner or its mode")
    folders = [top for top in tops if top.is_folder]
    for loose in tops:
        if not loose.is_folder and loose.name not in (MANIFEST, "CREDITS.md"):
            listing.left_out[LOOSE].append(loose.name)
    if _are_splits(folders):
        for top in folders:
            split = SPLIT_WORDS[top.name.lower()]
            for inner in entries(top, listing.left_out):
                if inner.is_folder:
                    _add_class(listing, inner, split)
                else:
                    listing.left_out[LOOSE].append(inner.name)
    else:
        for top in folders:
            _add_class(listing, top, None)
    listing.entries.sort(key=lambda entry: entry.name)
    return listing


def _are_splits(folders: list[Found]) -> bool:
    splits = {SPLIT_WORDS.get(folder.name.lower()) for folder in folders}
    return len(folders) > 1 and None not in splits and "train" in splits


def _add_class(listing: Listing, folder: Found, split: str | None) -> None:
    name = folder.path.name
    label = unicodedata.normalize("NFC", name)  # some systems take names apart
    safe = safe_label(as_text(label))
    if safe != label:
        raise UserError(
            f"{folder.name!r} can't be the folder of a class; rename it, to {safe!r} say"
        )
    if other := next(
        (one for one in listing.labels if one != label and one.casefold() == label.casefold()), None
    ):
        raise UserError(
            f"the folders {other!r} and {label!r} would be one class on some systems; "
            "move the images of one into the other"
        )
    listing.labels.add(label)
    for file in files(folder, listing.left_out):
        inside = file.name.removeprefix(f"{folder.name}/").split("/")
        listing.entries.append(
            Entry(
                label=label,
                path=file.path,
                name=file.name,
                stamp=stamp_of(file.info),
                product=f"{label}/{inside[0]}" if len(inside) > 1 else None,
                split=split,
            )
        )
