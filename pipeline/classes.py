"""Treats `Mug` and `mug` as one class, and reports the classes that have no image at the end."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from tabulate import tabulate

from pipeline.manifest import Reason
from pipeline.names import class_key
from pipeline.params import Clean
from pipeline.sources import Source

KEPT: Final = ""
"""what verdicts.parquet has as the reason of a kept image"""

_REMEDIES: Final[Mapping[str, str]] = {
    Reason.REVIEWED: "see data/review.csv",
    Reason.LABEL_CONFLICT: "see clean.conflicts in params.yaml, or decide with: "
    "python -m pipeline.review",
    Reason.MISSING: "bring the files back with: dvc checkout, or python -m scraper.collect SOURCE",
    Reason.TOO_MANY_PIXELS: "see clean.max_pixels in params.yaml, or make the images smaller",
}


def spellings(sources: Mapping[str, Source], found: Iterable[str] = ()) -> dict[str, str]:
    """The spelling of each class, by its `class_key`.

    The first source in params.yaml that names a class decides. If no source names it, the spelling
    in `found` that begins with a small letter does.

    >>> spellings({}, ["Mug", "mug", "Cap"])
    {'mug': 'mug', 'cap': 'Cap'}
    """
    spelt: dict[str, str] = {}
    for source in sources.values():
        for label in source.classes or ():
            spelt.setdefault(class_key(label), label)
    for label in sorted(set(found), key=str.swapcase):  # small letters first
        spelt.setdefault(class_key(label), label)
    return spelt


def empty_classes(
    sources: Mapping[str, Source],
    outcomes: Iterable[tuple[str, str, str]],
    lost: Mapping[str, Counter[str]] | None = None,
) -> Iterator[str]:
    """A sentence for each class without a kept image. It says why most images were not kept.

    Classes are those that `sources` name, those of `outcomes` (of an image: its class folder in
    data/raw, its class after people's decisions, and the reason why it was dropped or `KEPT`), and
    those of `lost`: why candidates gave no image, by class.
    """
    lost = lost or {}
    ends: dict[str, Counter[str]] = defaultdict(Counter)
    relabelled: Counter[str] = Counter()
    for raw_label, label, reason in outcomes:
        ends[label][reason] += 1
        relabelled[raw_label] += raw_label != label
    for label in sorted({*spellings(sources).values(), *ends, *relabelled, *lost}):
        reasons = ends[label]
        if reasons[KEPT]:
            continue
        if not reasons and relabelled[label]:
            yield f"class {label!r} has no image: all were relabelled; see data/review.csv"
        elif not reasons and label in lost:
            why, count = lost[label].most_common(1)[0]
            yield (
                f"class {label!r} has no image: none of its {lost[label].total()} candidates was "
                f"taken, {count} because: {why}; see what collect says: "
                "python -m scraper.collect SOURCE"
            )
        elif not reasons:
            yield (
                f"class {label!r} has no image: none was collected; check its entry in "
                f"params.yaml, or run: python -m scraper.collect SOURCE"
            )
        else:
            reason, count = reasons.most_common(1)[0]
            many = f"all {reasons.total()} were dropped, {count} of them as {reason}"
            fate = many if reasons.total() > 1 else f"its only one was dropped as {reason}"
            yield f"class {label!r} has no image: {fate}; {_remedy(reason)}"


def _remedy(reason: str) -> str:
    if reason in Clean.model_fields:
        return f"see clean.{reason} in params.yaml"
    return _REMEDIES.get(reason, "put other files in their place")


def warn_of_empty(sentences: Iterable[str]) -> None:
    """Print the warnings. Call it at the end of a command, where people see them."""
    for sentence in sentences:
        print(f"\nWARNING: {sentence}")


def class_table(cells: Sequence[Sequence[object]], headers: Sequence[str]) -> str:
    """A table for a terminal. Its first column has classes: 007 is not printed as 7."""
    return tabulate(cells, headers, disable_numparse=[0] if cells else False)
