"""Finds the known public datasets that have a class for a category."""

from collections.abc import Sequence

from scraper.datasets.catalog import Entry
from scraper.proposals.asking import Finding
from scraper.proposals.spelling import distance


def in_dataset(entry: Entry, categories: Sequence[str]) -> dict[str, Finding]:
    """The dataset's classes for each category. No class is given to two categories.

    A class goes to the category that has its name. Any other class goes to a category that names
    its kind: `Arla-Standard-Milk` to `milk`.
    """
    if isinstance(entry.classes, int):
        return {}
    found: dict[str, list[str]] = {}
    left = dict.fromkeys(entry.classes)
    for is_same in (True, False):
        for category in categories:
            if category in found:
                continue
            fits = [x for x in left if _fits(x, category, is_same=is_same)]
            if fits:
                found[category] = fits
                left = {x: None for x in left if x not in fits}
    license_name = entry.license or "no license is stated"
    about = f"{entry.title}, {entry.images:,} images in all; {license_name}"
    return {x: Finding(y[0] if len(y) == 1 else y, about) for x, y in found.items()}


def _fits(theirs: str, category: str, *, is_same: bool) -> bool:
    """Some classes have two names: `T-shirt/top`."""
    names = (theirs, *theirs.split("/"))
    apart = [x for x in (distance(name, category) for name in names) if x is not None]
    return 0 in apart if is_same else bool(apart)
