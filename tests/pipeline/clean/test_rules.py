"""At its threshold: `max_…` and `min_…` are the last values that a rule of each kind takes."""

from dataclasses import replace

import pytest

from pipeline.clean.measure import _measure
from pipeline.clean.rules import RULES
from pipeline.manifest import Reason


@pytest.mark.parametrize(
    ("reason", "thresholds", "at", "found", "passed"),
    [
        (Reason.TOO_SMALL, {"min_side": 64}, {"width": 64, "height": 64}, False, {"height": 63}),
        (Reason.EXTREME_ASPECT, {"max_ratio": 4}, {"width": 400, "height": 100}, False,
         {"width": 401}),
        (Reason.EXTREME_ASPECT, {"max_ratio": 4}, {"width": 100, "height": 400}, False,
         {"height": 401}),
        (Reason.BLANK, {"max_contrast": 3}, {"contrast": 3.0}, True, {"contrast": 3.01}),
        (Reason.DARK, {"max_brightness": 80}, {"brightest": 80.0}, True, {"brightest": 80.1}),
        (Reason.LIGHT, {"min_brightness": 242}, {"darkest": 242.0}, True, {"darkest": 241.9}),
        (Reason.LOW_INFORMATION, {"min_entropy": 1}, {"entropy": 1.0}, False, {"entropy": 0.99}),
        (Reason.BLURRED, {"min_sharpness": 12}, {"sharpness": 12.0}, False, {"sharpness": 11.9}),
    ],
)  # fmt: skip
def test_the_threshold_itself(work, make, reason, thresholds, at, found, passed) -> None:
    rule = getattr(work.params.clean, reason).model_copy(update=thresholds)
    image = replace(_measure(make.encoded(make.next())).measurement, **at)
    assert RULES[reason](image, rule) is found
    assert RULES[reason](replace(image, **passed), rule) is not found
