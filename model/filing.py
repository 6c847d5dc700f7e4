"""Files images into a folder for each class: copied or linked, never moved, never overwritten."""

import csv
import filecmp
import hashlib
import io
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from model.classifier import Prediction
from model.images import UnreadableImageError
from pipeline.cli import UserError
from pipeline.manifest import write_atomic

TABLE = "sorted.csv"
NOT_SURE = "not sure"
_COLUMNS = ("file", "label", "confidence", "filed_as", "error")


def file_images(
    answers: Iterable[tuple[str, Prediction | UnreadableImageError]],
    into: Path,
    *,
    link: bool = False,
    min_confidence: float = 0,
) -> dict[str, int]:
    """File each image in `into`/<class>; sorted.csv there says where each went.

    What is none of the classes, or below `min_confidence` (0 to 1), goes to "not sure". An image
    keeps its name; where another one has it, part of its SHA-256 is added. One that is there
    already stays, so a second run adds nothing, and sorted.csv keeps the lines of earlier runs.
    Returns how many images went to each folder.
    """
    lines, counts = _earlier(into / TABLE), dict[str, int]()
    for name, answer in answers:
        row = dict.fromkeys(_COLUMNS, "") | {"file": name}
        if isinstance(answer, UnreadableImageError):
            row["error"] = str(answer)
        else:
            sure = answer.label is not None and answer.confidence >= min_confidence
            folder = str(answer.label) if sure else NOT_SURE
            filed = _file(Path(name), into / folder, link)
            row |= {
                "label": answer.top[0][0],
                "confidence": f"{answer.confidence:.4f}",
                "filed_as": filed.relative_to(into).as_posix(),
            }
            counts[folder] = counts.get(folder, 0) + 1
        lines[name] = row
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines.values())
    write_atomic(into / TABLE, text.getvalue())
    return counts


def _earlier(table: Path) -> dict[str, dict[str, str]]:
    if not table.is_file():
        return {}
    with table.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != _COLUMNS:
            raise UserError(f"{table} is no table of this command; sort into another folder")
        return {row["file"]: row for row in reader}


def _file(image: Path, folder: Path, link: bool) -> Path:
    """Where the image is in `folder` now."""
    folder.mkdir(parents=True, exist_ok=True)
    for target in _names(image, folder):
        if not os.path.lexists(target):
            if link:
                target.symlink_to(image.resolve())
            else:
                part = target.with_name(f".{target.name}.part")
                shutil.copy2(image, part)
                part.replace(target)
            return target
        if target.is_file() and filecmp.cmp(image, target, shallow=False):
            return target
    raise UserError(f"{folder} has other images under all names for {image}; empty it first")


def _names(image: Path, folder: Path) -> Iterable[Path]:
    yield folder / image.name
    digest = hashlib.sha256(image.read_bytes()).hexdigest()
    for digits in (8, 64):
        yield folder / f"{image.stem}-{digest[:digits]}{image.suffix}"
