"""Lists the files in a person's folder of class folders, and what is left aside there."""

import os
import unicodedata
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.cli import UserError
from pipeline.listing import (
    LOOSE,
    UNREADABLE,
    Found,
    LeftOut,
    below,
    entries,
    inside,
    left_out,
    stamp_of,
    text,
)
from pipeline.manifest import safe_label
from pipeline.names import class_key
from pipeline.official_splits import are_splits, split_of
from pipeline.paths import MANIFEST

_BOXES = (  # folders that exports for object detection have, in lower case
    {"images", "labels"},  # YOLO
    {"annotations"},  # VOC, COCO
)
_FEW = 3  # groups of a class, which split needs: one for each split


@dataclass(frozen=True, slots=True)
class FolderFile:
    """One file in a class folder. `name` is its path below the root, as text, with `/`."""

    label: str
    path: Path
    name: str
    stamp: list[int]
    """`listing.stamp_of`: it changes if the file changes"""
    product: str | None
    split: str | None


@dataclass(slots=True)
class FolderListing:
    """The files of all classes, sorted by name; the class folders; and what is left aside."""

    entries: list[FolderFile] = field(default_factory=list)
    labels: set[str] = field(default_factory=set)
    left_out: LeftOut = field(default_factory=left_out)


def walk(root: Path, classes: Iterable[str] | None = None) -> FolderListing:
    """List `<root>/<class>/…`. A sub-folder of a class is a product. Links are followed.

    If all folders in `root` are called train, validation, test or the like, they are official
    splits, and the class folders are inside them: see `are_splits`.

    `Mug` and `mug` are one class, which is spelt as in `classes`, or else as the folder that comes
    first, small letters before capitals. Raises UserError for a folder that can't be a class, and
    for one that has the splits inside.
    """
    listing = FolderListing()
    spelt = {class_key(label): label for label in classes or ()}
    root.stat()  # raises OSError for a folder that can't be reached, which is not an empty one
    tops = entries(root, listing.left_out)
    if UNREADABLE in listing.left_out and not os.access(root, os.R_OK | os.X_OK):
        raise UserError(f"{root} can't be read by you; change its owner or its mode")
    folders = [top for top in tops if top.is_folder]
    folders.sort(key=lambda top: top.name.swapcase())
    for loose in tops:
        if not loose.is_folder and loose.name not in (MANIFEST, "CREDITS.md"):
            listing.left_out[LOOSE].append(loose.name)
    _refuse_boxes(root, folders, spelt)
    if are_splits(root, folders, spelt):
        for top in folders:
            split, inner = split_of(top.name), inside(top, listing.left_out)
            _refuse_boxes(top.path, inner, spelt)
            for one in inner:
                if one.is_folder:
                    _add_class(listing, one, split, spelt)
                else:
                    listing.left_out[LOOSE].append(one.name)
    else:
        for top in folders:
            _add_class(listing, top, None, spelt)
    listing.entries.sort(key=lambda entry: entry.name)
    return listing


def _add_class(
    listing: FolderListing, folder: Found, split: str | None, spelt: dict[str, str]
) -> None:
    name = folder.path.name
    label = unicodedata.normalize("NFC", name)  # macOS writes é as e and an accent
    safe = safe_label(text(label))
    if safe != label:
        raise UserError(
            f"{folder.name!r} can't be the folder of a class; rename it, to {safe!r} say"
        )
    label = spelt.setdefault(class_key(label), label)
    listing.labels.add(label)
    first = len(listing.entries)
    for file in below(folder, listing.left_out):
        places = file.name.removeprefix(f"{folder.name}/").split("/")
        listing.entries.append(
            FolderFile(
                label=label,
                path=file.path,
                name=file.name,
                stamp=stamp_of(file.info),
                product=f"{label}/{places[0]}" if len(places) > 1 else None,
                split=split,
            )
        )
    if split is None:
        _refuse_splits_inside(folder, listing.entries[first:])


def _refuse_boxes(folder: Path, inner: Iterable[Found], spelt: Container[str]) -> None:
    """Raises UserError for an export for object detection: `images` and `labels` are no classes."""
    names = {class_key(one.path.name) for one in inner if one.is_folder}
    has = next((sorted(some) for some in _BOXES if some <= names), None)
    if has and not any(name in spelt for name in names):
        raise UserError(
            f"{folder} has {' and '.join(has)} in it, as exports for object detection have (YOLO, "
            "VOC, COCO). Their boxes are not read, because an image has one class here. Make a "
            "folder for each class, or take kind: archive and a table of labels. If these folders "
            "are classes, name them in `classes`"
        )


def _refuse_splits_inside(folder: Found, entries: Iterable[FolderFile]) -> None:
    """Raises UserError for `mug/train/…` beside `mug/test/…`, which are no two products."""
    names = {e.product.split("/")[1] for e in entries if e.product}
    splits = {name: split for name in sorted(names) if (split := split_of(name))}
    if len(set(splits.values())) > 1:
        right = folder.path.parent / next(iter(splits)) / folder.name
        raise UserError(
            f"{folder.path} has {' and '.join(splits)} in it, which are called like official "
            f"splits. Put the classes into the splits ({right}), or, if {folder.name!r} is no "
            f"class, name {folder.path} as the source's path"
        )


def hints(
    root: Path, listing: FolderListing, classes: Iterable[str] | None = None
) -> Iterator[str]:
    """Sentences about a folder that may be one level above the class folders, or one below."""
    if not listing.labels and LOOSE in listing.left_out:
        yield (
            f"{root} has files and no class folder. An image needs a folder that is called like "
            f"its class. If {root.name!r} is a class itself, name the folder above as the path. If "
            "the names of the files tell the class, as in mug_001.jpg, take kind: archive with "
            "url: in the place of path: and pattern: '(?P<label>[^/_]+)_[^/]*$'"
        )
    products: dict[str, set[str]] = defaultdict(set)
    for entry in listing.entries:
        if entry.product:
            products[entry.label].add(entry.product.split("/")[1])
    for label in {e.label for e in listing.entries if e.product is None}:
        products.pop(label, None)  # it has images beside the folders
    if classes is None and len(listing.labels) == 1 and any(len(p) > 1 for p in products.values()):
        ((label, names),) = products.items()
        yield (
            f"{label!r} is the only class, and the {len(names)} folders in it count as products "
            f"({_some(names)}). If they are your classes, name the folder {label!r} as the "
            "source's path"
        )
        return
    by_hand = {e.label for e in listing.entries if e.split}
    few = {x: p for x, p in products.items() if len(p) < _FEW and x not in by_hand}
    if few:
        yield (
            f"{_some(few)}: all images of such a class lie in one or two folders, which count as "
            f"products ({_some(set().union(*few.values()))}). A product stays in one split, so a "
            f"class needs {_FEW} of them. If these folders are your classes, take kind: archive "
            "with url: in the place of path: and pattern: '^(?P<label>[^/]+/[^/]+)/'"
        )


def _some(names: Iterable[str]) -> str:
    names = sorted(names)
    return ", ".join(names[:3]) + (", …" if names[3:] else "")
