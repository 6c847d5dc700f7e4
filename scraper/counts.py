"""Counts the candidates by class and status."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from pipeline.classes import class_table
from pipeline.manifest import Row, Status
from scraper.ledger import Ledger

_ALWAYS = (Status.SAVED, Status.DUPLICATE)


def by_class(rows: Iterable[Row], labels: Sequence[str]) -> dict[str, Counter[Status]]:
    """Counts of each status for each of `labels`, also those without a row."""
    counts: dict[str, Counter[Status]] = {label: Counter() for label in labels}
    for row in rows:
        if row.label in counts:
            counts[row.label][row.status] += 1
    return counts


def table(rows: Iterable[Row], labels: Sequence[str], asked: int | None = None) -> str:
    """A line for each class: images asked for, if limited, candidates, and how they ended."""
    counts = by_class(rows, labels)
    total: Counter[Status] = sum(counts.values(), Counter())
    shown = [s for s in Status if s in _ALWAYS or total[s]]
    lines = [(label, asked, count) for label, count in counts.items()]
    if len(counts) > 1:
        lines.append(("total", asked * len(counts) if asked else None, total))
    cells = [
        [label, *([limit] if asked else []), count.total(), *(count[s] for s in shown)]
        for label, limit, count in lines
    ]
    headers = [
        "class",
        *(["asked"] if asked else []),
        "candidates",
        *(s.replace("_", " ") for s in shown),
    ]
    return class_table(cells, headers)


def print_ledger(ledger: Ledger, labels: Sequence[str]) -> None:
    """Print the pages of a crawl: a table, and a line for each reason why pages gave nothing."""
    print(f"\n{ledger.table(labels)}")
    for line in ledger.lost():
        print(line)


def metrics(
    rows: Iterable[Row],
    labels: Sequence[str],
    left_out: Mapping[str, Sequence[str]] | None = None,
    ledger: Ledger | None = None,
) -> dict[str, object]:
    """The numbers of `table`, to compare runs. There are few keys, for any number of classes.

    `left_out` has the names of files that are no images, by kind, if the source has such files.
    `ledger` has the pages of a source that is crawled.
    """
    counts = by_class(rows, labels)
    total: Counter[Status] = sum(counts.values(), Counter())
    kinds: Counter[str] = Counter()
    for status, count in total.items():
        kinds[status.partition("_")[0]] += count
    return {
        "candidates": total.total(),
        **{kind: kinds[kind] for kind in ("saved", "duplicate", "rejected", "failed")},
        "saved_by_class": {label: counts[label][Status.SAVED] for label in sorted(counts)},
        **({"left_out": {k: len(v) for k, v in left_out.items()}} if left_out is not None else {}),
        **(ledger.numbers(labels) if ledger is not None else {}),
    }
