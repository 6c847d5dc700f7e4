"""Sorts images into a folder for each class. It copies or links; it never moves or overwrites."""

import errno
import filecmp
import os
import shutil
from collections.abc import Collection, Iterable
from pathlib import Path

from model.classifier import Prediction
from model.images import UnreadableImageError
from model.tables import Table
from pipeline.cli import UserError
from pipeline.files import file_digest
from pipeline.listing import text
from pipeline.manifest import safe_label

TABLE = "sorted.csv"
NOT_SURE = "not sure"
_COLUMNS = ("file", "label", "confidence", "filed_as", "error")
_LONGEST = 255  # bytes of a name, on most disks


def own_name(name: str, labels: Collection[str]) -> str:
    """A name for a folder or file of ours beside the class folders; `_name` if a class has `name`.

    >>> own_name("sorted.csv", ["cap"]), own_name("not sure", ["Not sure"])
    ('sorted.csv', '_not sure')
    """
    taken = {label.casefold() for label in labels}
    while name.casefold() in taken:
        name = f"_{name}"
    return name


def filed_earlier(into: Path, labels: Collection[str]) -> set[Path]:
    """The files that earlier runs put into the folder, with the names that its table has for them.

    A name that is not UTF-8 is as `pipeline.listing.text` writes it. UserError if the table is not
    ours.
    """
    rows = Table.read(into / own_name(TABLE, labels), _COLUMNS)
    folder = text(os.path.abspath(into))  # noqa: PTH100
    return {Path(folder, row["filed_as"]) for row in rows if row["filed_as"]}


def file_images(
    answers: Iterable[tuple[str, Prediction | UnreadableImageError]],
    into: Path,
    labels: Collection[str],
    *,
    link: bool = False,
    min_confidence: float = 0,
) -> tuple[dict[str, int], list[str]]:
    """Put each image into `into`/<class>. `into`/sorted.csv says where each one went.

    An image that is none of the classes, or whose confidence is below `min_confidence` (0 to 1),
    goes to "not sure". An image keeps its name. If another image has that name, a part of the
    SHA-256 is added. An image that is there already stays, so a second run adds nothing, and
    sorted.csv keeps the lines of earlier runs. `own_name` says what happens if a class is called
    "not sure" or "sorted.csv".

    Returns how many images went to each folder, and the reasons why others could not be filed.
    """
    counts, failed = dict[str, int](), list[str]()
    unsure = own_name(NOT_SURE, labels)
    with Table(into / own_name(TABLE, labels), _COLUMNS, keep=True) as table:
        for name, answer in answers:
            row = {"file": text(name)}
            if isinstance(answer, UnreadableImageError):
                row["error"] = text(str(answer))
            else:
                sure = answer.label is not None and answer.confidence >= min_confidence
                folder = safe_label(str(answer.label)) if sure else unsure
                row |= {"label": answer.top[0][0], "confidence": f"{answer.confidence:.4f}"}
                try:
                    filed = _file(Path(name), into / folder, link)
                except (OSError, UserError) as error:
                    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                        raise  # the disk is full, so all other images would fail too
                    row["error"] = f"{text(name)} can't be filed in {folder}: {error}"
                    failed.append(row["error"])
                else:
                    row["filed_as"] = text(filed.relative_to(into).as_posix())
                    counts[folder] = counts.get(folder, 0) + 1
            table.write(row)
    return counts, failed


def _file(image: Path, folder: Path, link: bool) -> Path:
    """Copy or link the image into `folder`, and return its path there."""
    if os.path.lexists(folder) and not folder.is_dir():
        raise UserError("there is a file of this name; move it away")
    folder.mkdir(parents=True, exist_ok=True)
    for target in _names(image, folder):
        if not os.path.lexists(target):
            if link:
                target.symlink_to(image.resolve())
            else:
                part = folder / f".{os.getpid()}.part"  # image.name may leave no room for a suffix
                try:
                    shutil.copy2(image, part)
                    part.replace(target)
                finally:
                    part.unlink(missing_ok=True)
            return target
        if target.is_file() and filecmp.cmp(image, target, shallow=False):
            return target
    raise UserError("there are other images under all names for it; empty the folder first")


def _names(image: Path, folder: Path) -> Iterable[Path]:
    yield folder / image.name
    digest = file_digest(image)
    for digits in (8, 64):
        end = os.fsencode(f"-{digest[:digits]}{image.suffix}")
        stem = os.fsencode(image.stem)[: _LONGEST - len(end)]
        while True:  # cut the name between two letters, not within one
            try:
                name = os.fsdecode(stem.decode("utf-8").encode() + end)
                break
            except UnicodeDecodeError as error:
                if error.end < len(stem) or not stem:  # the name is not UTF-8
                    name = os.fsdecode(stem + end)
                    break
                stem = stem[: error.start]
        yield folder / name
