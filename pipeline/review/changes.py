"""Tells what decisions will change before clean and split run again."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.decisions import Choice, Decision, spelt_alike
from pipeline.manifest import Reason
from pipeline.review.catalog import UNSHOWABLE, Catalog, Set
from pipeline.split.divide import KeptImage, TooFewError, divide

_COPIES = (Reason.SAME_PIXELS, Reason.NEAR_DUPLICATE)
_MANY = 30
"""groups of images: a class with so many is in every split, so it is not divided on trial"""


def changes(catalog: Catalog, decisions: Mapping[str, Decision]) -> dict[str, int]:
    """Count the images that the next clean will treat in another way because of these decisions.

    An image (by SHA-256) will be `kept`, `dropped` or `relabelled`, or clean will judge it `anew`,
    because a decision that it obeyed is gone. If a person decided about an image, the direct
    consequences for images that show the same count too. Longer chains of copies are not followed.
    """
    decisions = spelt_alike(decisions, catalog.spelt)
    counts = dict.fromkeys(("kept", "dropped", "relabelled", "anew"), 0)
    for sha256, rows in catalog.by_sha256.items():
        kept = any(row["verdict"] == "keep" for row in rows)
        decision = decisions.get(sha256)
        if decision is None:
            counts["anew"] += any(_was_reviewed(row) for row in rows)
        elif decision.choice is Choice.DROP:
            counts["dropped"] += kept
        elif not any(row["reason"] in UNSHOWABLE for row in rows):
            counts["kept"] += not kept
            counts["relabelled"] += not _labels(rows, decision) <= {row["label"] for row in rows}
    for _, back in _followers(catalog, decisions):
        counts["kept" if back else "dropped"] += 1
    return counts


def too_few(catalog: Catalog, decisions: Mapping[str, Decision]) -> list[str]:
    """Return a sentence for each class that will have no image, or too few for every split.

    The images are those that clean will keep by these decisions (see `changes`). The split stage
    itself says how many a class needs: it tries to divide them.
    """
    images = list(_kept(catalog, spelt_alike(decisions, catalog.spelt)))
    groups: dict[str, set[str]] = defaultdict(set)
    for image in images:
        groups[image.label].add(image.group)
    empty = {row["label"] for row in catalog.rows} - groups.keys()
    sentences = [f"class {label!r} has no image" for label in sorted(empty)]
    if catalog.split.keep_official:  # a large class may have all its images in one official split
        tried = images
    else:
        tried = [image for image in images if len(groups[image.label]) < _MANY]
    try:
        lacks = divide(tried, catalog.split).lacks if tried else []
    except TooFewError as error:
        lacks = error.lacks
    return sentences + [str(lack) for lack in lacks]


def _kept(catalog: Catalog, decisions: Mapping[str, Decision]) -> Iterator[KeptImage]:
    """Find the images that clean will keep, each once."""
    followers = dict(_followers(catalog, decisions))
    found = set()
    for number, row in enumerate(catalog.rows):
        decision, label = decisions.get(row["sha256"]), row["label"]
        if decision is not None:
            kept = decision.choice is not Choice.DROP and row["reason"] not in UNSHOWABLE
            label = decision.label or row["raw_label"]
        elif _was_reviewed(row):  # clean will judge it anew; most images are kept
            kept, label = True, row["raw_label"]
        else:
            kept = followers.get(number, row["verdict"] == "keep")
        if kept and (label, row["sha256"]) not in found:
            found.add((label, row["sha256"]))
            yield KeptImage(
                label=label,
                sha256=row["sha256"],
                source=row["source"],
                group=row["group"],
                official_split=row["official_split"],
                license=row["license"] or "",
                width=row["width"],
                height=row["height"],
                brightness=row["brightness"] or 0.0,
                raw_label=row["raw_label"],
            )


def _followers(catalog: Catalog, decisions: Mapping[str, Decision]) -> Iterator[tuple[int, bool]]:
    """Find rows that come back (True) or go (False) by a decision about another of their set."""
    for one in catalog.sets:
        yield from _follow(one, catalog, decisions)


def _follow(
    one: Set, catalog: Catalog, decisions: Mapping[str, Decision]
) -> Iterator[tuple[int, bool]]:
    rows = [(n, catalog.rows[n]) for n in one.rows]
    decided = [(row, decisions[row["sha256"]]) for _, row in rows if row["sha256"] in decisions]
    free = [
        (n, row) for n, row in rows if row["sha256"] not in decisions and not _was_reviewed(row)
    ]
    chosen = [(row, d) for row, d in decided if d.choice is not Choice.DROP]
    staying = [(n, row) for n, row in free if row["verdict"] == "keep"]
    if chosen:  # a person's choice stays alone
        labels = {label for row, d in chosen for label in _labels([row], d)}
        if one.kind == "conflicts":
            yield from ((n, False) for n, row in staying if row["label"] not in labels)
        elif any(row["reason"] in _COPIES for row, _ in chosen):
            yield from ((n, False) for n, _ in staying)
        return
    settled = one.kind == "duplicates" or len({row["label"] for _, row in free}) == 1
    if decided and free and not staying and settled:
        yield free[0][0], True  # the best one: a set is sorted so


def _labels(rows: list[dict[str, Any]], decision: Decision) -> set[str]:
    return {decision.label or row["raw_label"] for row in rows}


def _was_reviewed(row: Mapping[str, Any]) -> bool:
    return Reason.REVIEWED in (row["reason"], *row["flags"])
