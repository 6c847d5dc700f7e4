"""All findings of a run of clean, and its few numbers."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.classes import KEPT
from pipeline.clean.duplicates import JudgedImage, leaks
from pipeline.clean.measure import Measurement, NoMeasurement
from pipeline.clean.near_duplicates import Pair
from pipeline.clean.rules import Verdict
from pipeline.raw import Raw


@dataclass(frozen=True, slots=True)
class Findings:
    """The images that were read, their measurements (by SHA-256), and their verdicts."""

    raw: Raw
    measurements: Mapping[str, Measurement | NoMeasurement]
    verdicts: Sequence[Verdict]
    """of `raw.images`, in their order"""
    sets: Sequence[list[JudgedImage]]
    """images that show the same"""
    pairs: Sequence[Pair]


def metrics(findings: Findings) -> dict[str, Any]:
    """The counts that `dvc metrics diff` compares. A reason without an image is not listed."""
    dropped = Counter(v.reason for v in findings.verdicts if v.reason is not None)
    flagged = Counter(flag for v in findings.verdicts for flag in v.flags if v.reason is None)
    return {
        "images": len(findings.verdicts),
        "kept": len(findings.verdicts) - dropped.total(),
        "dropped": dict(sorted(dropped.items())),
        "flagged": dict(sorted(flagged.items())),
        "leaks": len(leaks(findings.sets)),
        "left_out": sum(map(len, findings.raw.left_out.values())),
    }


def outcomes(findings: Findings) -> Iterator[tuple[str, str, str]]:
    """For each image: its class in data/raw, its class after decisions, and why it was dropped."""
    for image, verdict in zip(findings.raw.images, findings.verdicts, strict=True):
        yield image.label, verdict.label, verdict.reason or KEPT
