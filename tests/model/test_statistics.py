from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.statistics import interval, mcnemar, paired_difference

counts = st.integers(0, 400)


@pytest.mark.parametrize(
    ("only_a", "only_b", "p"),
    [
        (0, 0, 1),
        (3, 3, 1),
        (0, 5, 2 / 2**5),
        (2, 12, 2 * (1 + 14 + 14 * 13 / 2) / 2**14),
        (12, 2, 2 * (1 + 14 + 14 * 13 / 2) / 2**14),
    ],
)
def test_mcnemar_by_hand(only_a: int, only_b: int, p: float) -> None:
    assert mcnemar(only_a, only_b) == pytest.approx(p)


@given(counts, counts)
def test_mcnemar_is_twice_the_tail(only_a: int, only_b: int) -> None:
    flips, fewer = only_a + only_b, min(only_a, only_b)
    tail = sum(comb(flips, k) for k in range(fewer + 1)) / 2**flips
    assert mcnemar(only_a, only_b) == pytest.approx(min(1, 2 * tail))


@pytest.mark.parametrize(("right", "count"), [(0, 10), (10, 10), (267, 372)])
def test_the_interval_is_wilsons(right: int, count: int) -> None:
    z = 1.959963984540054
    share, width = right / count, z * z / count
    middle = (share + width / 2) / (1 + width)
    half = z * np.sqrt(share * (1 - share) / count + width / count / 4) / (1 + width)
    assert interval(right, count) == pytest.approx((middle - half, middle + half), abs=1e-12)


def test_newcombe_by_hand() -> None:
    """50 images, 20 right in both, 12 in B alone, 2 in A alone; Wilson's bounds, then the sum."""
    a_low, a_high = interval(22, 50)
    b_low, b_high = interval(32, 50)
    phi = (20 * 16 - 12 * 2 - 25) / np.sqrt(22 * 28 * 32 * 18)
    below, above = (0.64 - b_low, a_high - 0.44), (b_high - 0.64, 0.44 - a_low)
    low, high = (np.sqrt(x * x - 2 * phi * x * y + y * y) for x, y in (below, above))
    assert paired_difference(20, 2, 12, 16) == pytest.approx((0.2 - low, 0.2 + high))


@given(counts, counts, counts, counts.map(lambda n: n + 1))
def test_swapping_the_runs_negates_the_difference(
    both: int, only_a: int, only_b: int, neither: int
) -> None:
    low, high = paired_difference(both, only_a, only_b, neither)
    assert low <= (only_b - only_a) / (both + only_a + only_b + neither) <= high
    assert paired_difference(both, only_b, only_a, neither) == pytest.approx((-high, -low))


@pytest.mark.parametrize("shares", [(0.6, 0.1, 0.2, 0.1), (0.85, 0.05, 0.08, 0.02)])
def test_the_difference_lies_within_in_95_of_100(shares: tuple[float, ...]) -> None:
    drawn = np.random.default_rng(0).multinomial(100, shares, 1000).tolist()
    bounds = [paired_difference(*counts) for counts in drawn]
    held = np.mean([low <= shares[2] - shares[1] <= high for low, high in bounds])
    assert 0.93 < held < 0.98
