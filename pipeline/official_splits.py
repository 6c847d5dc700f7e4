"""Whether the folders in a folder are the official splits of a dataset, or its classes."""

import re
from collections.abc import Container, Sequence
from pathlib import Path

from pipeline.cli import UserError
from pipeline.listing import Found, inside, left_out
from pipeline.names import class_key
from pipeline.paths import SPLIT_WORDS

_IN_NAME = re.compile(
    rf"((seg|images?|imgs?|photos?|data|dataset)[ _-])?"
    rf"(?P<word>{'|'.join(sorted(SPLIT_WORDS, key=len, reverse=True))})"
    rf"[ _-]?(set|split|data|dataset|images?|imgs?|photos?)?[ _-]?"
)


def split_of(name: str) -> str | None:
    """The official split that a folder or a word means; None where it means none.

    >>> split_of("Val"), split_of("test_set"), split_of("seg_train"), split_of("mug")
    ('validation', 'test', 'train', None)
    """
    found = _IN_NAME.fullmatch(name.lower())
    return SPLIT_WORDS[found["word"]] if found else None


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
        if split_of(folder.name) and class_key(folder.path.name) not in spelt
    ]
    others = [folder.name for folder in folders if folder not in splits]
    if any(class_key(name) in spelt for name in others):
        return False
    is_several = len({split_of(folder.name) for folder in splits}) > 1
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
