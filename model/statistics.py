"""Intervals of shares, and a test whether two runs differ on the same images.

Two runs are compared by the images that only one of them has right: the others don't tell which
run is better.
"""

import math

from scipy.stats import binomtest


def interval(right: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share of right / count (Wilson, Probable Inference, 1927).

    >>> tuple(round(end, 3) for end in interval(90, 100))
    (0.826, 0.945)
    """
    found = binomtest(right, count).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)


def mcnemar(only_a: int, only_b: int) -> float:
    """The two-sided p value that A and B are right equally often, from what only one has right.

    Exact: of the images on which they differ, each is as likely to favour A as B (McNemar, Note
    on the Sampling Error of the Difference Between Correlated Proportions, 1947). 1 where they
    differ on none.

    >>> mcnemar(0, 10) < 0.01 < mcnemar(4, 6)
    True
    """
    flips = only_a + only_b
    return float(binomtest(only_a, flips).pvalue) if flips else 1.0


def paired_difference(both: int, only_a: int, only_b: int, neither: int) -> tuple[float, float]:
    """The 95 % interval of B's share minus A's, from counts of images that are right.

    Method 10 of Newcombe, Improved Confidence Intervals for the Difference Between Binomial
    Proportions Based on Paired Data, 1998: Wilson's intervals of both shares, joined by their
    correlation. It has a width even where A and B agree on all.

    >>> tuple(round(end, 3) for end in paired_difference(80, 2, 8, 10))
    (-0.005, 0.13)
    """
    count = both + only_a + only_b + neither
    right_a, right_b = both + only_a, both + only_b
    a, b = right_a / count, right_b / count
    (a_low, a_high), (b_low, b_high) = interval(right_a, count), interval(right_b, count)
    phi = _correlation(both, only_a, only_b, neither)

    def reach(of_a: float, of_b: float) -> float:
        return math.sqrt(max(0.0, of_a**2 - 2 * phi * of_a * of_b + of_b**2))

    return b - a - reach(a_high - a, b - b_low), b - a + reach(a - a_low, b_high - b)


def _correlation(both: int, only_a: int, only_b: int, neither: int) -> float:
    """The correlation of being right in A and in B, with a continuity correction, or 0."""
    margins = (both + only_a) * (only_b + neither) * (both + only_b) * (only_a + neither)
    if not margins:
        return 0.0
    product: float = both * neither - only_a * only_b
    if product > 0:
        product = max(product - (both + only_a + only_b + neither) / 2, 0)
    return product / math.sqrt(margins)
