"""The ledger of pages: the result of each page that a spider asked for, class by class.

Pages that gave nothing are counted with their reason and the first example. Collect prints the
ledger, puts it into results/collect/<source>.json, and keeps it as `pages.json` in the source's
folder. So the next run asks only for the pages that are missing. The preview uses the same words.
"""

import dataclasses
import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Self

from pipeline.classes import class_table
from pipeline.files import json_text, write_atomic

FILE: Final = "pages.json"
LIST: Final = ""
"""stands for a class, if a sitemap or a file of addresses doesn't tell the class yet"""


class Outcome(StrEnum):
    """The result of an attempt at a product page."""

    READ = "read"
    """it gave images"""
    NO_PRODUCT = "no_product"
    NO_IMAGE = "no_image"
    """there is a product, and no image of it"""
    NO_CLASS = "no_class"
    """its product is of none of the source's classes"""
    OTHER_PART = "other_part"
    """another part of the source has it"""
    FAILED_FOR_NOW = "failed_for_now"
    """the same request may be answered another time"""
    FAILED_FOR_GOOD = "failed_for_good"
    FORBIDDEN = "forbidden"
    """robots.txt asks us not to fetch it"""

    @property
    def words(self) -> str:
        return self.replace("_", " ")


class ListingState(StrEnum):
    """The result of the listing of a class."""

    COMPLETE = "complete"
    """it was read to its end"""
    FULL = "full"
    """the class has as many images as it may: the rest was not asked for"""
    MAY_HAVE_MORE = "may have more"
    UNREADABLE = "unreadable"


_ASKED_AGAIN: Final = (Outcome.FAILED_FOR_NOW, Outcome.FORBIDDEN)  # of robots.txt, at no cost
_ALWAYS: Final = (Outcome.READ,)


@dataclass(frozen=True, slots=True)
class AskedPage:
    """A product page, its class, and why it gave nothing."""

    label: str
    url: str
    outcome: Outcome
    why: str | None = None
    sent_to: str | None = None
    """the address to which a redirect led"""
    is_said: bool = False
    """whether the shop says that it is a product's page: by a sitemap, a list, or markup"""

    @property
    def is_settled(self) -> bool:
        """Asking again would give the same."""
        return self.outcome not in _ASKED_AGAIN

    def __str__(self) -> str:
        return f"{self.url}: {self.why}" if self.why else self.url


@dataclass(slots=True)
class Tally:
    """Rows of a feed or a table that ended alike: how many, and the first of them."""

    count: int
    first: str


@dataclass
class Ledger:
    """All pages of one crawl. A later note on a class or a page replaces the earlier one."""

    listing_pages: Counter[str] = field(default_factory=Counter)
    """class: number of pages of its listing that were read"""
    full: set[str] = field(default_factory=set)
    """classes that have as many images as the limit allows, so a spider can stop there"""
    may_have_more: dict[str, str] = field(default_factory=dict)
    """class: the page after which its listing broke off, and why"""
    unreadable: dict[str, str] = field(default_factory=dict)
    """class: why its listing could not be read"""
    pages: dict[tuple[str, str], AskedPage] = field(default_factory=dict)
    tallies: dict[tuple[str, Outcome, str], Tally] = field(default_factory=dict)
    """class, outcome, reason: of rows, which are too many to be noted one by one"""

    def note(self, page: AskedPage) -> None:
        self.pages[page.label, page.url] = page

    def tally(self, label: str, outcome: Outcome, why: str, row: str) -> None:
        """Count a row of a feed or a table. `row` says which one it is, if it is the first."""
        known = self.tallies.setdefault((label, outcome, why), Tally(0, row))
        known.count += 1

    def take_other_parts(self, earlier: "Ledger", label: str) -> None:
        """Take over what an earlier run has counted of other parts, if the list is not read again.

        `label` is that of the list.
        """
        for (of, outcome, why), rows in earlier.tallies.items():
            if of == label and outcome is Outcome.OTHER_PART:
                self.tallies[of, outcome, why] = rows

    def state(self, label: str) -> ListingState:
        if label in self.unreadable:
            return ListingState.UNREADABLE
        if label in self.may_have_more:
            return ListingState.MAY_HAVE_MORE
        return ListingState.FULL if label in self.full else ListingState.COMPLETE

    def was_read(self, label: str) -> bool:
        """Whether its listing need not be asked for again."""
        is_whole = self.state(label) in (ListingState.COMPLETE, ListingState.FULL)
        return bool(self.listing_pages[label]) and is_whole

    def failed_for_good(self) -> "Ledger":
        """Only the pages that no run needs to ask for again."""
        kept = {k: p for k, p in self.pages.items() if p.outcome is Outcome.FAILED_FOR_GOOD}
        return Ledger(pages=kept)

    def reopened(self, urls: Collection[str]) -> "Ledger":
        """A copy that asks again for the pages at `urls`: one of their images failed for now."""
        pages = {
            key: dataclasses.replace(page, outcome=Outcome.FAILED_FOR_NOW)
            if (page.sent_to or page.url) in urls
            else page
            for key, page in self.pages.items()
        }
        return dataclasses.replace(self, pages=pages)

    def unfinished(self) -> str | None:
        """A sentence that says what is missing; None if the run is finished."""
        failing = sum(p.outcome is Outcome.FAILED_FOR_NOW for p in self.pages.values())
        parts = [
            f"{count:,} {what}"
            for count, what in (
                (len(self.unreadable), f"listings are {ListingState.UNREADABLE}"),
                (len(self.may_have_more), f"listings {ListingState.MAY_HAVE_MORE}"),
                (failing, f"product pages {Outcome.FAILED_FOR_NOW.words}"),
            )
            if count
        ]
        return f"{', '.join(parts)}; the lines above say where and why" if parts else None

    def lost(self) -> list[str]:
        """A sentence for each class and reason for which something was asked for and not read."""
        found = [
            f"{_shown(label)}: listing {state}: {why}"
            for state, reasons in (
                (ListingState.UNREADABLE, self.unreadable),
                (ListingState.MAY_HAVE_MORE, self.may_have_more),
            )
            for label, why in sorted(reasons.items())
        ]
        groups: dict[tuple[str, Outcome], list[AskedPage]] = {}
        for page in self.pages.values():
            groups.setdefault((page.label, page.outcome), []).append(page)
        for outcome in Outcome:
            for label in sorted({label for label, _ in groups}):
                pages = groups.get((label, outcome), []) if outcome is not Outcome.READ else []
                if pages:
                    first = f"{len(pages):,} product pages, the first: {pages[0]}"
                    found.append(f"{_shown(label)}: {outcome.words}: {first}")
        for (label, outcome, why), rows in sorted(self.tallies.items()):
            if outcome is not Outcome.READ:
                first = f"{rows.count:,} rows: {why}; the first: {rows.first}"
                found.append(f"{_shown(label)}: {outcome.words}: {first}")
        return found

    def table(self, labels: Sequence[str]) -> str:
        """A line for each class: its listing, and how its product pages ended."""
        lines = self._by_class(labels)
        total: Counter[Outcome] = sum((count for *_, count in lines), Counter())
        shown = [o for o in Outcome if o in _ALWAYS or total[o]]
        rows = [
            [_shown(label), state, listed, count.total(), *(count[o] for o in shown)]
            for label, state, listed, count in lines
        ]
        if len(rows) > 1:
            numbers = [total.total(), *(total[o] for o in shown)]
            rows.append(["total", None, sum(line[2] for line in lines), *numbers])
        headers = ["class", "listing", "listing pages", "product pages"]
        return class_table(rows, [*headers, *(o.words for o in shown)])

    def numbers(self, labels: Sequence[str]) -> dict[str, object]:
        """The numbers of `table` for results/collect/<source>.json. DVC compares these few numbers.

        The figures of each class are in lists, which DVC skips.
        """
        lines = self._by_class(labels)
        total: Counter[Outcome] = sum((count for *_, count in lines), Counter())
        return {
            "pages": {
                "listing_pages": sum(line[2] for line in lines),
                "product_pages": total.total(),
                **{str(outcome): total[outcome] for outcome in Outcome},
                "listings_unreadable": len(self.unreadable),
                "listings_that_may_have_more": len(self.may_have_more),
            },
            "pages_by_class": [
                {"class": _shown(label), "listing": state, "listing_pages": listed}
                | {str(outcome): count[outcome] for outcome in Outcome}
                for label, state, listed, count in lines
            ],
            "lost": self.lost(),
        }

    def _by_class(
        self, labels: Iterable[str]
    ) -> list[tuple[str, ListingState, int, "Counter[Outcome]"]]:
        counts: dict[str, Counter[Outcome]] = {label: Counter() for label in labels}
        for label in self._labels():
            counts.setdefault(label, Counter())
        for page in self.pages.values():
            counts[page.label][page.outcome] += 1
        for (label, outcome, _), rows in self.tallies.items():
            counts[label][outcome] += rows.count
        return [(x, self.state(x), self.listing_pages[x], count) for x, count in counts.items()]

    def _labels(self) -> Iterator[str]:
        yield from sorted(
            {label for label, *_ in [*self.pages, *self.tallies]}
            | set(self.listing_pages) | set(self.unreadable) | set(self.may_have_more)
        )  # fmt: skip

    def write(self, folder: Path) -> None:
        """Keep it in `folder`, in an order that does not depend on what arrived first."""
        content = {
            "listing_pages": dict(sorted(self.listing_pages.items())),
            "full": sorted(self.full),
            "may_have_more": dict(sorted(self.may_have_more.items())),
            "unreadable": dict(sorted(self.unreadable.items())),
            # of one class in the order of its listing
            "pages": [dataclasses.astuple(p) for p in sorted(self.pages.values(), key=_label)],
            "tallies": [[*key, x.count, x.first] for key, x in sorted(self.tallies.items())],
        }
        write_atomic(folder / FILE, json_text(content))

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The ledger of the last run that ended; an empty one if there is none."""
        try:
            content: dict[str, Any] = json.loads((folder / FILE).read_text(encoding="utf-8"))
            rows = [
                AskedPage(x, url, Outcome(end), *more) for x, url, end, *more in content["pages"]
            ]
            return cls(
                Counter(content["listing_pages"]),
                set(content["full"]),
                content["may_have_more"],
                content["unreadable"],
                {(page.label, page.url): page for page in rows},
                {(x, Outcome(end), why): Tally(*more) for x, end, why, *more in content["tallies"]},
            )
        except (FileNotFoundError, ValueError, KeyError, TypeError):  # made by another version
            return cls()


def _label(page: AskedPage) -> str:
    return page.label


def _shown(label: str) -> str:
    return label or "(list)"
