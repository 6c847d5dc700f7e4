"""The defects of the demo shop: their kinds, their numbers, and what the pipeline should find."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pipeline.manifest import Reason, Status


class Defect(StrEnum):
    """What is wrong with a product's image, or unusual about it."""

    MISSING = "missing"  # 404
    SHORT_BODY = "short_body"  # the connection closes before Content-Length is reached
    HTML = "html"  # a web page served as image/jpeg
    TRUNCATED = "truncated"  # a whole HTTP body, a JPEG without its end
    PLACEHOLDER = "placeholder"  # "photo coming soon": the same bytes at each address
    TINY = "tiny"  # a thumbnail
    BLANK = "blank"  # one flat colour
    SAME_BYTES = "same_bytes"  # another product's image, at another address
    RECOMPRESSED = "recompressed"  # another product's image, of a lower JPEG quality
    RESIZED = "resized"  # another product's image, smaller
    TWO_CATEGORIES = "two_categories"  # the product's page is listed in two categories
    REDIRECT = "redirect"  # 302 to where the image is
    SLOW = "slow"  # answers after a second


@dataclass(frozen=True, slots=True)
class DefectPlan:
    """How many products of each category have a defect, and what the pipeline should say about it.

    `status` is the status that collect gives to each attempt. `reason` is the reason for which
    clean drops each file. It is None if clean keeps the file, or if there is no file.
    """

    products: int
    status: Status
    reason: Reason | None = None


PLANS: Mapping[Defect, DefectPlan] = {
    Defect.MISSING: DefectPlan(3, Status.FAILED_HTTP),
    Defect.SHORT_BODY: DefectPlan(2, Status.FAILED_TRUNCATED),
    Defect.HTML: DefectPlan(2, Status.REJECTED_NOT_IMAGE),
    Defect.TRUNCATED: DefectPlan(2, Status.SAVED, Reason.TRUNCATED),
    # the first placeholder of a category is saved, the others are duplicates of it
    Defect.PLACEHOLDER: DefectPlan(6, Status.DUPLICATE, Reason.PLACEHOLDER),
    Defect.TINY: DefectPlan(2, Status.SAVED, Reason.TOO_SMALL),
    Defect.BLANK: DefectPlan(1, Status.SAVED, Reason.BLANK),
    Defect.SAME_BYTES: DefectPlan(2, Status.DUPLICATE),
    Defect.RECOMPRESSED: DefectPlan(2, Status.SAVED, Reason.NEAR_DUPLICATE),
    Defect.RESIZED: DefectPlan(2, Status.SAVED, Reason.NEAR_DUPLICATE),
    # not in every category: see below
    Defect.TWO_CATEGORIES: DefectPlan(0, Status.SAVED, Reason.LABEL_CONFLICT),
    Defect.REDIRECT: DefectPlan(2, Status.SAVED),
    Defect.SLOW: DefectPlan(1, Status.SAVED),
}

TWO_CATEGORIES: Mapping[str, str] = {"t-shirt": "mug", "sneaker": "backpack"}
"""One product of the first label is also in the listing of the second."""


@dataclass(slots=True)
class Expected:
    """The right counts for one label. Every listed image is a candidate."""

    candidates: int = 0
    statuses: Counter[Status] = field(default_factory=Counter)
    reasons: Counter[Reason] = field(default_factory=Counter)
    """reasons for the files that clean drops. An image in two categories counts only if both labels
    are collected."""
    kept: int = 0


def expected_of(images: Iterable[Defect | None]) -> Expected:
    """The right counts for one category, from the defects of its listed images."""
    result = Expected()
    for defect in images:
        plan = PLANS[defect] if defect else DefectPlan(0, Status.SAVED)
        status = plan.status
        if defect is Defect.PLACEHOLDER and Reason.PLACEHOLDER not in result.reasons:
            status = Status.SAVED
        result.candidates += 1
        result.statuses[status] += 1
        if status is Status.SAVED and plan.reason:
            result.reasons[plan.reason] += 1
        elif status is Status.SAVED:
            result.kept += 1
    return result
