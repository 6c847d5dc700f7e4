"""Chooses a split for each image.

A group (near-duplicates, or views of one product) is never divided. A hash of its name, a number
from 0 to 1, is compared with the shares, so that new images move few old ones. A group goes to
validation or test only if it fits there. All other groups, and the largest of each class, go to
train.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TypeAlias

from pipeline.cli import UserError
from pipeline.params import Split
from pipeline.paths import SPLITS

TOLERANCE = 0.02  # so much less than its share a split may have, as a part of the class's images


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptImage:
    """A kept image. `official_split` is empty if its source has no split of its own."""

    label: str
    sha256: str
    source: str
    group: str
    official_split: str
    license: str
    width: int
    height: int
    brightness: float
    raw_label: str = ""
    """the class folder in data/raw; it differs from `label` if a person relabelled the image"""

    @property
    def file_name(self) -> str:
        return f"{self.label}/{self.sha256}.jpg"


Groups: TypeAlias = dict[str, list[KeptImage]]


@dataclass(frozen=True, slots=True)
class Lack:
    """A class that can't be in every split: which splits it lacks, and why."""

    label: str
    splits: tuple[str, ...]
    why: str

    def __str__(self) -> str:
        return f"class {self.label!r} lacks {', '.join(self.splits)}: {self.why}"


@dataclass(frozen=True, slots=True)
class Division:
    """The split of each image, or None if it is left out, and the classes that are left out."""

    places: list[str | None]
    lacks: list[Lack]


class TooFewError(UserError):
    """Some classes can't be in every split: `lacks` says which, and why."""

    def __init__(self, lacks: Sequence[Lack], settings: Split) -> None:
        super().__init__(_too_few(lacks, settings))
        self.lacks = sorted(lacks, key=lambda lack: lack.label)


def divide(images: Sequence[KeptImage], settings: Split) -> Division:
    """The split of each image. Classes that can't be in every split are left out.

    With `keep_official` a group goes to the split that its source says. If its images are in
    several official splits, test counts before validation, and validation before train; the images
    of the other splits are left out. Images without an official split are divided by the shares. If
    a source has no test or no validation images of a class, these come from its training images.

    Raises TooFewError, which names all such classes, if `too_few` is `stop` or no class is left.
    """
    left_out: dict[str, Lack] = {}
    while True:
        staying = [image for image in images if image.label not in left_out]
        groups: Groups = defaultdict(list)
        for image in staying:
            groups[image.group].append(image)
        keep = settings.keep_official
        fixed, free = _official(groups) if keep else ({}, dict.fromkeys(groups, ()))
        wanted = {"train", *_shares(settings), *fixed.values()}
        places = _divide(groups, fixed, free, wanted, settings)
        lacks = {lack.label: lack for lack in _lacks(groups, places, free, wanted)}
        left_out |= lacks
        if lacks and (settings.too_few == "stop" or len(left_out) == len(_labels(images))):
            raise TooFewError(list(left_out.values()), settings)
        if not lacks:
            break
    found = [
        None
        if image.label in left_out or (keep and _leaks(image, places[image.group], free))
        else places[image.group]
        for image in images
    ]
    return Division(found, sorted(left_out.values(), key=lambda lack: lack.label))


def _labels(images: Sequence[KeptImage]) -> set[str]:
    return {image.label for image in images}


def _shares(settings: Split) -> dict[str, float]:
    shares = {"test": settings.test, "validation": settings.validation}
    return {split: share for split, share in shares.items() if share}


def _leaks(image: KeptImage, place: str, free: Mapping[str, object]) -> bool:
    """Whether the image's group went to another split than the image's official one."""
    filed = image.official_split
    return filed not in ("", place) and not (filed == "train" and image.group in free)


def _official(groups: Groups) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """The groups that have an official split, and the groups to divide.

    To each group to divide belong the splits that its source has for the class already.
    """
    has: dict[tuple[str, str], set[str]] = defaultdict(set)
    for members in groups.values():
        for p in members:
            has[p.source, p.label].add(p.official_split)
    fixed, free = {}, {}
    for name, members in groups.items():
        filed = [p for p in members if p.official_split]
        splits = set().union(*(has[p.source, p.label] for p in filed))
        strongest = max((p.official_split for p in filed), key=SPLITS.index, default="")
        if strongest in ("test", "validation") or splits >= set(SPLITS):
            fixed[name] = strongest
        else:
            free[name] = tuple(sorted(splits & {"test", "validation"}))
    return fixed, free


def _divide(
    groups: Groups,
    fixed: Mapping[str, str],
    free: Mapping[str, tuple[str, ...]],
    wanted: Set[str],
    settings: Split,
) -> dict[str, str]:
    """The split of each group. If it is possible, each class is in each of the `wanted` splits."""
    places = dict(fixed)
    sizes: dict[str, Counter[str]] = defaultdict(Counter)  # of each class: its images by group
    for name, members in groups.items():
        for p in members:
            sizes[p.label][name] += 1
    # the rarest class comes first: it has the fewest groups to choose from
    for label in sorted(sizes, key=lambda label: (len(sizes[label]), label)):
        pools: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for name in sizes[label]:
            if name in free:
                pools[free[name]].append(name)
        for has, names in sorted(pools.items()):
            covered = {places[name] for name in sizes[label] if name in places}
            placed: Counter[str] = Counter()
            for name in names:
                if name in places:  # by a rarer class
                    placed[places[name]] += sizes[label][name]
            pool = _Pool(
                {name: sizes[label][name] for name in names if name not in places},
                placed,
                {split: share for split, share in _shares(settings).items() if split not in has},
                settings.seed,
            )
            places |= pool.divide(wanted - covered)
    return places


class _Pool:
    """Groups of one class that are divided by shares.

    `sizes` are the images of each group, `placed` the class's images in each split before,
    `shares` those of the splits other than train.
    """

    def __init__(
        self, sizes: Mapping[str, int], placed: Counter[str], shares: Mapping[str, float], seed: int
    ) -> None:
        self._sizes, self._placed, self._shares = sizes, placed, shares
        self._draws = {name: draw(seed, name) for name in sizes}
        self._by_size = sorted(sizes, key=lambda name: (sizes[name], self._draws[name]))

    def divide(self, needed: Set[str]) -> dict[str, str]:
        """The split of each group. Each needed split gets a group, if there are enough groups.

        Train gets at least its share, unless even the smallest groups are too large for that.
        """
        places = self._fill({})
        if needed <= set(places.values()):
            return places
        # by name where shares are equal: the order of a set differs from process to process
        splits = sorted(
            needed & self._shares.keys(), key=lambda split: (self._shares[split], split)
        )
        return self._fill(dict(zip(self._by_size, splits, strict=False)))

    def _fill(self, given: Mapping[str, str]) -> dict[str, str]:
        """The split of each group; the groups in `given` stay where they are.

        No split takes more than fits into it and the splits before it. It may take what the splits
        before it could not fill, so that train does not get more than its share.
        """
        places = dict(given)
        counts = self._placed + Counter({given[name]: self._sizes[name] for name in given})
        total = sum(self._sizes.values()) + self._placed.total()
        slack = max(1, TOLERANCE * total)
        border = 0.0
        for split, share in self._shares.items():
            held = sum(counts[one] for one in self._shares)
            room = min((border + share) * total - held, share * total + slack - counts[split])
            for name, offset in self._from(border):
                if offset >= share and room <= slack:
                    break
                if name not in places and self._sizes[name] <= room + 1e-9:
                    places[name] = split
                    counts[split] += self._sizes[name]
                    room -= self._sizes[name]
            border += share
        return dict.fromkeys(self._sizes, "train") | places

    def _from(self, border: float) -> Iterator[tuple[str, float]]:
        """All groups except the largest, in the order of their draws, beginning at the border.

        Yields each group and how far its draw is above the border, 0 to 1. 0 comes behind 1 again.
        """
        offsets = {name: (self._draws[name] - border) % 1 for name in self._by_size[:-1]}
        yield from sorted(offsets.items(), key=lambda item: (item[1], item[0]))


def draw(seed: int, group: str) -> float:
    """A number from 0 to 1, the same for the same seed and name.

    >>> draw(1, "mug/7") == draw(1, "mug/7")
    True
    """
    digest = hashlib.sha256(f"{seed} {group}".encode()).digest()
    return int.from_bytes(digest[:7], "big") / (1 << 56)


def _lacks(
    groups: Groups, places: Mapping[str, str], free: Mapping[str, object], wanted: Set[str]
) -> Iterator[Lack]:
    """The classes that are not in every wanted split, by name."""
    by_label: dict[str, Groups] = defaultdict(dict)
    for name, members in groups.items():
        for p in members:
            by_label[p.label].setdefault(name, []).append(p)
    for label, own in sorted(by_label.items()):
        covered = {
            places[name]
            for name, members in own.items()
            if any(name in free or p.official_split in ("", places[name]) for p in members)
        }
        if lacking := tuple(split for split in SPLITS if split in wanted - covered):
            yield Lack(label, lacking, _why(own, free, len(wanted)))


def _why(own: Groups, free: Mapping[str, object], least: int) -> str:
    """Why the class of these groups can't be in `least` splits."""
    images = [p for members in own.values() for p in members]
    filed = sorted({p.official_split for p in images if p.group not in free})
    has = f"it has {len(images)} image{'s' * (len(images) > 1)}"
    if all(p.raw_label not in ("", p.label) for p in images):
        has += ", all relabelled in data/review.csv,"
    if filed and not free.keys() & own.keys():
        return f"{has} in the {' and '.join(filed)} part of its source only (split.keep_official)"
    if len(own) < least:
        return (
            f"{has} in {len(own)} group{'s' * (len(own) > 1)}, and needs at least {least} groups "
            "(near-duplicates and views of one product stay together)"
        )
    return f"{has} in {len(own)} groups, and too many of them have images of other classes too"


def _too_few(lacks: Sequence[Lack], settings: Split) -> str:
    ways = ["add images", "name only the other classes in `classes` of the source"]
    if settings.too_few == "stop":
        ways.append("leave such classes out with split.too_few: leave_out")
    count = "1 class" if len(lacks) == 1 else f"{len(lacks)} classes"
    return "\n  ".join(
        [
            f"{count} can't be in every split; {', or '.join(ways)}",
            *map(str, sorted(lacks, key=lambda lack: lack.label)),
        ]
    )
