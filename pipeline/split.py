"""The split stage: data/clean → data/dataset/{train,validation,test}/<class>/.

Every group (near-duplicates, views of one product) is whole in one split. Where it goes is decided
by a hash of its name, so that new images move few old ones: the hash, as a number from 0 to 1, is
compared with the shares. A class may then be off its shares by chance; where that is by more than
2 % of its images, the border between two splits is moved just so far.
"""

import argparse
import csv
import hashlib
import io
import shutil
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import accumulate
from typing import TypeAlias

from tabulate import tabulate
from tqdm import tqdm

from pipeline import paths
from pipeline.cli import UserError, run
from pipeline.manifest import fresh_folder, write_atomic
from pipeline.params import Split, load_params

TOLERANCE = 0.02
COLUMNS = (
    *("file_name", "label", "sha256", "source", "group", "official_split"),
    *("license", "width", "height", "brightness"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptImage:
    """A kept image. `official_split` is empty where its source has no split of its own."""

    label: str
    sha256: str
    source: str
    group: str
    official_split: str
    license: str
    width: int
    height: int
    brightness: float

    @property
    def file_name(self) -> str:
        return f"{self.label}/{self.sha256}.jpg"


Groups: TypeAlias = dict[str, list[KeptImage]]


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.split",
        description="Copy the pictures in data/clean to data/dataset/{train,validation,test}/: "
        "each class in the shares of params.yaml, groups of near-duplicates whole.",
    )
    parser.parse_args(argv)
    settings = load_params().split
    pictures = list(_kept())
    places = assign(pictures, settings)
    _write(pictures, places)
    print(_balance(pictures, places))
    if left_out := places.count(None):
        print(
            f"\nLeft out: {left_out} pictures that show what a stronger official split shows "
            "(test before validation before train)."
        )


def _kept() -> Iterator[KeptImage]:
    if not paths.VERDICTS.exists():
        raise UserError(f"{paths.VERDICTS} is not there; make it with: python -m pipeline.clean")
    import pyarrow.parquet as pq  # a third of a second, which `--help` need not wait for

    names = [field.name for field in fields(KeptImage)]
    for row in pq.read_table(paths.VERDICTS, columns=["verdict", *names]).to_pylist():
        if row.pop("verdict") == "keep":
            yield KeptImage(**row | {"brightness": round(row["brightness"], 1)})


def assign(pictures: Sequence[KeptImage], settings: Split) -> list[str | None]:
    """The split of each image; None where it would leak from one official split into another.

    With `keep_official` a group goes where its source files it: where that is several splits, to
    test rather than validation, to that rather than train, and its members filed elsewhere are
    left out. Images without an official split are divided by the shares; so is the training part
    of a class whose source has no test or no validation split of it, for that split.

    Raises UserError naming a class that has too few images.
    """
    groups: Groups = defaultdict(list)
    for picture in pictures:
        groups[picture.group].append(picture)
    fixed, free = _official(groups) if settings.keep_official else ({}, dict.fromkeys(groups, ()))
    places = _divide(groups, fixed, free, settings)
    return [
        places[p.group]
        if not settings.keep_official
        or p.official_split in ("", places[p.group])
        or (p.official_split == "train" and p.group in free)
        else None
        for p in pictures
    ]


def _official(groups: Groups) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """The groups whose split is given, and those to divide with the splits that their class has."""
    has: dict[tuple[str, str], set[str]] = defaultdict(set)
    for members in groups.values():
        for p in members:
            has[p.source, p.label].add(p.official_split)
    fixed, free = {}, {}
    for name, members in groups.items():
        filed = [p for p in members if p.official_split]
        splits = set().union(*(has[p.source, p.label] for p in filed))
        strongest = max((p.official_split for p in filed), key=paths.SPLITS.index, default="")
        if strongest in ("test", "validation") or splits >= set(paths.SPLITS):
            fixed[name] = strongest
        else:
            free[name] = tuple(sorted(splits & {"test", "validation"}))
    return fixed, free


def _divide(
    groups: Groups, fixed: Mapping[str, str], free: Mapping[str, tuple[str, ...]], settings: Split
) -> dict[str, str]:
    """The split of each group, every class being in every split that there is."""
    shares = {"test": settings.test, "validation": settings.validation}
    places = dict(fixed)
    wanted = {"train", *(split for split in shares if shares[split]), *fixed.values()}
    counts = Counter(label for members in groups.values() for label in {p.label for p in members})
    pools: dict[tuple[int, str, tuple[str, ...]], list[str]] = defaultdict(list)
    for name, has in free.items():
        # of several classes the rarest, for which the place of each group matters most
        count, label = min((counts[p.label], p.label) for p in groups[name])
        pools[count, label, has].append(name)
    covered = {(p.label, split) for name, split in fixed.items() for p in groups[name]}
    for (_, label, has), names in sorted(pools.items()):
        needed = {split for split in wanted if (label, split) not in covered}
        sizes = {name: len(groups[name]) for name in names}
        lacking = {split: share for split, share in shares.items() if split not in has}
        for name, split in _cut(sizes, lacking, needed, settings.seed):
            places[name] = split
            covered.update((p.label, split) for p in groups[name])
    for label, count in sorted(counts.items()):
        if any((label, split) not in covered for split in wanted):
            total = sum(p.label == label for members in groups.values() for p in members)
            raise UserError(
                f"class {label!r} has {total} pictures in {count} groups (near-duplicates and "
                f"views of one product stay together); to be in {', '.join(sorted(wanted))} it "
                f"needs at least {len(wanted)} groups: add pictures, or take the class out of "
                "params.yaml"
            )
    return places


def _cut(
    sizes: Mapping[str, int], shares: Mapping[str, float], needed: set[str], seed: int
) -> Iterator[tuple[str, str]]:
    """Divide groups of these sizes into `shares`, and the rest into train.

    Each `needed` split gets one group at least, while there are some. Yields (group, split).
    """
    draws = sorted((_draw(seed, name), name) for name in sizes)
    filled = [0, *accumulate(sizes[name] for _, name in draws)]
    slack = max(1, TOLERANCE * filled[-1])
    start, border = 0, 0.0
    for number, (split, share) in enumerate(shares.items()):
        border += share
        end = bisect_left(draws, (border, ""))
        while end < len(draws) and filled[end] < border * filled[-1] - slack:
            end += 1
        while end > start and filled[end] > border * filled[-1] + slack:
            end -= 1
        others = len(needed & {"train", *list(shares)[number + 1 :]})
        end = min(max(end, start + (split in needed)), max(start, len(draws) - others))
        yield from ((name, split) for _, name in draws[start:end])
        start = end
    yield from ((name, "train") for _, name in draws[start:])


def _draw(seed: int, group: str) -> float:
    """A number from 0 to 1 that only the seed and the group's name decide."""
    digest = hashlib.sha256(f"{seed} {group}".encode()).digest()
    return int.from_bytes(digest[:7], "big") / (1 << 56)


def _write(pictures: Sequence[KeptImage], places: Sequence[str | None]) -> None:
    by_split: dict[str, list[KeptImage]] = defaultdict(list)
    for picture, place in zip(pictures, places, strict=True):
        if place is not None:
            by_split[place].append(picture)
    with fresh_folder(paths.DATASET) as folder:
        for split, members in by_split.items():
            for picture in tqdm(members, f"copying {split}", unit=" pictures", disable=None):
                target = folder / split / picture.file_name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(paths.CLEAN / picture.file_name, target)
            write_atomic(folder / split / "metadata.csv", _metadata(members))


def _metadata(pictures: Sequence[KeptImage]) -> str:
    out = io.StringIO(newline="")
    table = csv.writer(out, lineterminator="\n")
    table.writerow(COLUMNS)
    for p in sorted(pictures, key=lambda picture: picture.file_name):
        table.writerow([getattr(p, name) for name in COLUMNS])
    return out.getvalue()


def _balance(pictures: Sequence[KeptImage], places: Sequence[str | None]) -> str:
    """A table of images by class and split."""
    counts = Counter((p.label, place) for p, place in zip(pictures, places, strict=True))
    labels = sorted({p.label for p in pictures})
    table = [[label, *(counts[label, split] for split in paths.SPLITS)] for label in labels]
    table.append(["all", *(places.count(split) for split in paths.SPLITS)])
    return tabulate(table, headers=["class", *paths.SPLITS])


if __name__ == "__main__":
    run(main)
