"""What decisions will change, told before clean runs again."""

from collections.abc import Mapping
from typing import Any

from pipeline.decisions import Choice, Decision, spelt_alike
from pipeline.manifest import Reason
from pipeline.review.catalog import UNSHOWABLE, Catalog, Set

_COPIES = (Reason.SAME_PIXELS, Reason.NEAR_DUPLICATE)


def changes(catalog: Catalog, decisions: Mapping[str, Decision]) -> dict[str, int]:
    """What clean will do otherwise, because of these decisions, than in the verdicts at hand.

    Images (by SHA-256) that will be `kept`, `dropped`, `relabelled`, or, where a decision it
    obeyed is gone, judged `anew`. Of what shows the same as an image decided on, the direct
    consequences are counted; for chains of copies, what follows further is clean's to find out.
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
    for one in catalog.sets:
        back, gone = _follow(one, catalog, decisions)
        counts["kept"] += back
        counts["dropped"] += gone
    return counts


def _follow(one: Set, catalog: Catalog, decisions: Mapping[str, Decision]) -> tuple[int, int]:
    """How many of a set come back, and go, because others of it were decided on."""
    rows = [catalog.rows[n] for n in one.rows]
    decided = [(row, decisions[row["sha256"]]) for row in rows if row["sha256"] in decisions]
    free = [row for row in rows if row["sha256"] not in decisions and not _was_reviewed(row)]
    chosen = [(row, d) for row, d in decided if d.choice is not Choice.DROP]
    staying = [row for row in free if row["verdict"] == "keep"]
    if chosen:  # a person's choice stays alone
        if one.kind == "duplicates":
            chosen = [(row, d) for row, d in chosen if row["reason"] in _COPIES]
            return 0, len(staying) if chosen else 0
        labels = {label for row, d in chosen for label in _labels([row], d)}
        return 0, sum(row["label"] not in labels for row in staying)
    settled = one.kind == "duplicates" or len({row["label"] for row in free}) == 1
    return int(bool(decided and free) and not staying and settled), 0


def _labels(rows: list[dict[str, Any]], decision: Decision) -> set[str]:
    return {decision.label or row["raw_label"] for row in rows}


def _was_reviewed(row: Mapping[str, Any]) -> bool:
    return Reason.REVIEWED in (row["reason"], *row["flags"])
