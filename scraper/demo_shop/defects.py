"""The dirt of the demo shop: what is planted, how often, and what should become of it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pipeline.manifest import Reason, Status


class Defect(StrEnum):
    """What is wrong with a product's photo, or unusual about it."""

    MISSING = "missing"  # 404
    SHORT_BODY = "short_body"  # the connection closes before Content-Length is reached
    HTML = "html"  # a web page served as image/jpeg
    TRUNCATED = "truncated"  # a whole HTTP body, a JPEG without its end
    PLACEHOLDER = "placeholder"  # "photo coming soon": the same bytes at each address
    TINY = "tiny"  # a thumbnail
    BLANK = "blank"  # one flat colour
    SAME_BYTES = "same_bytes"  # another product's photo, at another address
    RECOMPRESSED = "recompressed"  # another product's photo, of a lower JPEG quality
    RESIZED = "resized"  # another product's photo, smaller
    TWO_CATEGORIES = "two_categories"  # the product's page is listed in two categories
    REDIRECT = "redirect"  # 302 to where the photo is
    SLOW = "slow"  # answers after a second


@dataclass(frozen=True, slots=True)
class Plan:
    """How a defect is planted in each category, and what the pipeline should say of it.

    `status` is collect's, for each attempt; `reason` is clean's, for each file, None where the
    file is kept or there is none.
    """

    products: int
    status: Status
    reason: Reason | None = None


PLANS: Mapping[Defect, Plan] = {
    Defect.MISSING: Plan(3, Status.FAILED_HTTP),
    Defect.SHORT_BODY: Plan(2, Status.FAILED_TRUNCATED),
    Defect.HTML: Plan(2, Status.REJECTED_NOT_IMAGE),
    Defect.TRUNCATED: Plan(2, Status.SAVED, Reason.TRUNCATED),
    # of one category's placeholders the first is saved, the others are duplicates of it
    Defect.PLACEHOLDER: Plan(6, Status.DUPLICATE, Reason.PLACEHOLDER),
    Defect.TINY: Plan(2, Status.SAVED, Reason.TOO_SMALL),
    Defect.BLANK: Plan(1, Status.SAVED, Reason.BLANK),
    Defect.SAME_BYTES: Plan(2, Status.DUPLICATE),
    Defect.RECOMPRESSED: Plan(2, Status.SAVED, Reason.NEAR_DUPLICATE),
    Defect.RESIZED: Plan(2, Status.SAVED, Reason.NEAR_DUPLICATE),
    Defect.REDIRECT: Plan(2, Status.SAVED),
    Defect.SLOW: Plan(1, Status.SAVED),
}
"""For every category alike; products in two categories are in `TWO_CATEGORIES` beside it."""

TWO_CATEGORIES: Mapping[str, str] = {"t-shirt": "mug", "sneaker": "backpack"}
"""One product of the first label is listed in the category of the second too."""


@dataclass(slots=True)
class Expected:
    """What should come out for one label. Every listed photo is a candidate."""

    candidates: int = 0
    statuses: Counter[Status] = field(default_factory=Counter)
    reasons: Counter[Reason] = field(default_factory=Counter)
    """of the files that clean drops; two categories count where both labels are collected"""
    kept: int = 0


def expected_of(photos: Iterable[Defect | None]) -> Expected:
    """What should come out of one category's listed photos, given the defect of each."""
    result = Expected()
    placeholder_seen = False
    for defect in photos:
        result.candidates += 1
        match defect:
            case None:
                status, reason = Status.SAVED, None
            case Defect.TWO_CATEGORIES:
                status, reason = Status.SAVED, Reason.LABEL_CONFLICT
            case Defect.PLACEHOLDER if not placeholder_seen:
                placeholder_seen = True
                status, reason = Status.SAVED, Reason.PLACEHOLDER
            case _:
                status, reason = PLANS[defect].status, PLANS[defect].reason
        result.statuses[status] += 1
        if status is Status.SAVED:
            if reason is None:
                result.kept += 1
            else:
                result.reasons[reason] += 1
    return result
