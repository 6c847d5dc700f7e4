"""Decides which candidates a source takes, by license, format, size, and opt-outs of their pages.

A candidate is checked twice: before the download by what its page declares, and after it by the
header of the image.
"""

from dataclasses import dataclass

from pipeline.licenses import is_allowed
from pipeline.manifest import Status
from pipeline.sources import CrawlSource
from scraper.examine import KEPT, RejectedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What is known of a candidate so far. None means unknown.

    Only an unknown license may be a reason to reject a candidate.
    """

    license: str | None
    license_url: str | None
    format: str | None
    width: int | None
    height: int | None
    opt_out: str | None
    fault: str | None = None
    """why no image can be fetched, whatever the source takes"""


def check(candidate: Candidate, source: CrawlSource) -> None:
    """Raise RejectedError, with the row's status, if `source` doesn't take the candidate."""
    if candidate.fault:
        raise RejectedError(Status.REJECTED_ADDRESS, candidate.fault)
    if candidate.opt_out and source.obey_robots:
        raise RejectedError(Status.REJECTED_ROBOTS, candidate.opt_out)
    if not is_allowed(candidate.license, candidate.license_url, source.licenses):
        named = candidate.license or candidate.license_url or "no license"
        raise RejectedError(Status.REJECTED_LICENSE, f"{named} is not among the source's licenses")
    if candidate.format and candidate.format not in (source.formats or KEPT):
        message = f"{candidate.format} is not among the formats taken"
        raise RejectedError(Status.REJECTED_FORMAT, message)
    sides = [side for side in (candidate.width, candidate.height) if side]
    if source.min_side and sides and min(sides) < source.min_side:
        message = f"{min(sides)} pixels is less than {source.min_side}"
        raise RejectedError(Status.REJECTED_TOO_SMALL, message)
