"""Finds what is wrong with each image, from measurements and thresholds. Nothing is decoded."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pipeline.clean.measure import Measurement, NoMeasurement
from pipeline.clean.products import Products
from pipeline.decisions import Choice, Decision
from pipeline.manifest import Reason
from pipeline.params import Clean
from pipeline.raw import RawImage

RULES: Final[Mapping[Reason, Callable[[Measurement, Any], bool]]] = {
    Reason.TOO_SMALL: lambda m, rule: min(m.width, m.height) < rule.min_side,
    Reason.EXTREME_ASPECT: lambda m, rule: (
        max(m.width, m.height) > rule.max_ratio * min(m.width, m.height)
    ),
    Reason.BLANK: lambda m, rule: m.contrast <= rule.max_contrast,
    Reason.DARK: lambda m, rule: m.brightest <= rule.max_brightness,
    Reason.LIGHT: lambda m, rule: m.darkest >= rule.min_brightness,
    Reason.LOW_INFORMATION: lambda m, rule: m.entropy < rule.min_entropy,
    Reason.BLURRED: lambda m, rule: m.sharpness < rule.min_sharpness,
}
"""What each rule finds, in the order of the report. Its thresholds are `clean.<reason>`."""


@dataclass(slots=True)
class Verdict:
    """The verdict on an image. `label` is its class in the dataset; None as `reason` keeps it."""

    label: str
    reason: Reason | None = None
    note: str = ""
    """the message of the decoder, or the note of a person"""
    flags: list[Reason] = field(default_factory=list)
    reviewed: bool = False
    """a person wants it kept: no rule drops it"""
    group: str = ""
    duplicate_of: str = ""

    def find(self, reason: Reason, action: str) -> None:
        """Note a finding; only the first that drops is the reason, the others are flags."""
        if action == "drop" and self.reason is None and not self.reviewed:
            self.reason = reason
        elif action != "off" and reason not in self.flags:
            self.flags.append(reason)


def judge_each(
    images: Iterable[RawImage],
    measurements: Mapping[str, Measurement | NoMeasurement],
    decisions: Mapping[str, Decision],
    clean: Clean,
) -> list[Verdict]:
    """A verdict for each image, from its own measurement and from other places of its bytes.

    A person's decision comes first. But an image that can't be decoded can't be kept. The rule of
    placeholders comes before the other rules, because a placeholder is often blank too.
    """
    images = list(images)
    by_bytes: dict[str, list[RawImage]] = defaultdict(list)
    for image in images:
        by_bytes[image.sha256].append(image)
    products = Products((image, image.sha256) for image in images)
    counts = {  # an address without a product counts as one
        sha256: products.count(same) + len(frozenset().union(*(one.addresses for one in same)))
        for sha256, same in by_bytes.items()
    }
    rules = [(reason, holds, getattr(clean, reason)) for reason, holds in RULES.items()]
    verdicts = []
    for image in images:
        verdict = _decided(image, decisions.get(image.sha256))
        verdicts.append(verdict)
        result = measurements[image.sha256]
        if verdict.reason is not None:
            continue
        if not image.there:
            verdict.reason, verdict.note = Reason.MISSING, "the file is not there"
        elif isinstance(result, NoMeasurement):
            verdict.reason, verdict.note = result.reason, result.error
        else:
            if counts[image.sha256] >= clean.placeholder.min_products:
                verdict.find(Reason.PLACEHOLDER, clean.placeholder.action)
            for reason, holds, rule in rules:
                if holds(result, rule):
                    verdict.find(reason, rule.action)
    return verdicts


def _decided(image: RawImage, decision: Decision | None) -> Verdict:
    """A verdict with what a person said, if anything, and nothing else."""
    verdict = Verdict(image.label)
    if decision is not None:
        verdict.note = decision.note
        if decision.choice is Choice.DROP:
            verdict.reason = Reason.REVIEWED
        else:
            verdict.reviewed = True
            verdict.flags.append(Reason.REVIEWED)
            verdict.label = decision.label or image.label
    return verdict
