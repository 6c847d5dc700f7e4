"""The split stage: data/clean → data/dataset/{train,validation,test}/<class>/."""

import argparse
import shutil
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from tqdm import tqdm

from pipeline import paths
from pipeline.classes import class_table, empty_classes, warn_of_empty
from pipeline.cli import UserError, run
from pipeline.files import alone, csv_text, fresh_folder, write_atomic
from pipeline.params import load_params
from pipeline.split.divide import KeptImage, Lack, divide

COLUMNS = (
    *("file_name", "label", "sha256", "source", "group", "official_split"),
    *("license", "width", "height", "brightness"),
)
_REPORT = "left_out.csv"
"""It lists the classes that were left out, the splits that each one lacks, and why."""


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.split",
        description="Copy the images in data/clean to data/dataset/{train,validation,test}/: "
        "each class in the shares of params.yaml, groups of near-duplicates whole.",
    )
    parser.parse_args(argv)
    params = load_params()
    verdicts = _verdicts()
    images = [_kept(row) for row in verdicts if row["verdict"] == "keep"]
    empty = list(
        empty_classes(
            params.sources, ((row["raw_label"], row["label"], row["reason"]) for row in verdicts)
        )
    )
    if not images:
        raise UserError("\n  ".join(["clean kept no image", *empty]))
    division = divide(images, params.split)
    _write(images, division.places, division.lacks)
    print(_balance(images, division.places))
    out = {lack.label for lack in division.lacks}
    leaks = sum(
        place is None and image.label not in out
        for image, place in zip(images, division.places, strict=True)
    )
    if leaks:
        print(
            f"\nLeft out: {leaks} images with a copy in a stronger official split "
            "(test before validation before train)."
        )
    official = sum(bool(image.official_split) for image in images)
    if official and not params.split.keep_official:
        print(
            f"\n{official} images have an official split of their source, which was not kept; "
            "split.keep_official: true keeps it."
        )
    for lack in division.lacks:
        print(f"\nLeft out by split.too_few: {lack}")
    warn_of_empty(empty)


def _verdicts() -> list[dict[str, Any]]:
    if not paths.VERDICTS.exists():
        raise UserError(f"{paths.VERDICTS} is not there; make it with: python -m pipeline.clean")
    import pyarrow as pa  # it takes a third of a second, which --help does not need
    import pyarrow.parquet as pq

    names = [field.name for field in fields(KeptImage)]
    try:
        table = pq.read_table(paths.VERDICTS, columns=["verdict", "reason", *names])
    except PermissionError:
        raise
    except (pa.ArrowInvalid, OSError) as error:
        why = " ".join(str(error).split())  # it can be several lines
        raise UserError(
            f"{paths.VERDICTS} is damaged ({why}); make it anew with: python -m pipeline.clean"
        ) from error
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def _kept(row: dict[str, Any]) -> KeptImage:
    values = {field.name: row[field.name] for field in fields(KeptImage)}
    return KeptImage(**values | {"brightness": round(row["brightness"], 1)})


def _write(
    images: Sequence[KeptImage], places: Sequence[str | None], lacks: Sequence[Lack]
) -> None:
    by_split: dict[str, list[KeptImage]] = defaultdict(list)
    for image, place in zip(images, places, strict=True):
        if place is not None:
            by_split[place].append(image)
    with alone(paths.DATASET), fresh_folder(paths.DATASET) as folder:
        for split, members in by_split.items():
            for image in tqdm(members, f"copying {split}", unit=" images", disable=None):
                target = folder / split / image.file_name
                target.parent.mkdir(parents=True, exist_ok=True)
                _copy(paths.CLEAN / image.file_name, target)
            members.sort(key=lambda image: image.file_name)
            rows = ([getattr(image, name) for name in COLUMNS] for image in members)
            write_atomic(folder / split / "metadata.csv", csv_text(COLUMNS, rows))
        if lacks:
            table = ((lack.label, " ".join(lack.splits), lack.why) for lack in lacks)
            write_atomic(folder / _REPORT, csv_text(("label", "lacks", "why"), table))


def _copy(source: Path, target: Path) -> None:
    try:
        shutil.copyfile(source, target)
    except FileNotFoundError as error:
        raise UserError(
            f"{source} is not there; make it anew with: python -m pipeline.clean"
        ) from error


def _balance(images: Sequence[KeptImage], places: Sequence[str | None]) -> str:
    """A table of images by class and split."""
    counts = Counter((p.label, place) for p, place in zip(images, places, strict=True))
    labels = sorted({p.label for p in images})
    table = [[label, *(counts[label, split] for split in paths.SPLITS)] for label in labels]
    table.append(["all", *(places.count(split) for split in paths.SPLITS)])
    return class_table(table, ["class", *paths.SPLITS])


if __name__ == "__main__":
    run(main)
