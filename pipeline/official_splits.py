"""Whether the folders in a folder are the official splits of a dataset, or its classes."""

from collections.abc import Container, Sequence
from pathlib import Path

from pipeline.cli import UserError
from pipeline.listing import Found, inside, left_out
from pipeline.names import class_key
from pipeline.paths import SPLIT_WORDS


def are_splits(root: Path, folders: Sequence[Found], spelt: Container[str]) -> bool:
    """Whether the folders are official splits, and not classes.

    Folders that `classes` names are classes, and so are all folders beside them; `spelt` has their
    `class_key`. A folder called `train` beside classes is a class too: it may have toys. If it is
    alone and has only folders, these are the classes. Raises UserError if several splits and
    classes are beside each other.
    """
    splits = [
        folder
        for folder in folders
        if folder.name.lower() in SPLIT_WORDS and class_key(folder.path.name) not in spelt
    ]
    others = [folder.name for folder in folders if folder not in splits]
    if any(class_key(name) in spelt for name in others):
        return False
    is_several = len({SPLIT_WORDS[folder.name.lower()] for folder in splits}) > 1
    if is_several and others:
        names = " and ".join(folder.name for folder in splits)
        raise UserError(
            f"{root} has {names}, which are called like official splits, beside {others[0]!r}; put "
            "all classes into the splits, or none, or name these folders in `classes`"
        )
    if is_several or not splits or others:
        return is_several
    found = [one for split in splits for one in inside(split, left_out())]
    return bool(found) and all(one.is_folder for one in found)
