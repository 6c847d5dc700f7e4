"""Outlines in a product's own units, and frames that place them on a picture.

A product's own box is about 1 by 1 with (0, 0) at its centre, x to the right and y down. Outlines
are float arrays of shape (n, 2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import cos, radians, sin
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Points: TypeAlias = npt.NDArray[np.float64]
Pair: TypeAlias = tuple[float, float]


def spline(points: Sequence[Pair] | Points, *, closed: bool = False, steps: int = 9) -> Points:
    """A smooth curve through the points (uniform Catmull-Rom), open or closed."""
    p = np.asarray(points, dtype=float)
    if len(p) < 3:
        return p
    curve: Points = _catmull_rom(len(p), steps, closed) @ p
    return curve


@cache
def _catmull_rom(n: int, steps: int, closed: bool) -> Points:
    """What each of n points weighs in each point of the curve through them."""
    t = np.arange(steps) / steps
    piece = np.stack(
        [
            (-t + 2 * t**2 - t**3) / 2,
            (2 - 5 * t**2 + 3 * t**3) / 2,
            (t + 4 * t**2 - 3 * t**3) / 2,
            (-(t**2) + t**3) / 2,
        ],
        axis=1,
    )
    one = np.eye(n)
    before, after = (
        (one[-1:], one[:2]) if closed else (2 * one[:1] - one[1:2], 2 * one[-1:] - one[-2:-1])
    )
    around = np.vstack([before, one, after])
    pieces = [piece @ around[i : i + 4] for i in range(len(around) - 3)]
    return np.vstack(pieces if closed else [*pieces, one[-1:]])


def path(*runs: Sequence[Pair] | Points) -> Points:
    """Smooth runs joined with corners between them."""
    return np.vstack([spline(run) for run in runs])


def ellipse(
    centre: Pair, rx: float, ry: float, start: float = 0, end: float = 360, steps: int = 48
) -> Points:
    """An arc in degrees, clockwise from the right; a whole ellipse by default."""
    return _arc(start, end, steps) * (rx, ry) + centre


@cache
def _arc(start: float, end: float, steps: int) -> Points:
    a = np.radians(np.linspace(start, end, steps))
    return np.stack([np.cos(a), np.sin(a)], axis=1)


def box(left: float, top: float, right: float, bottom: float, radius: float = 0) -> Points:
    """A rectangle with rounded corners."""
    if not radius:
        return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], dtype=float)
    r = min(radius, (right - left) / 2, (bottom - top) / 2)
    corners = [
        ellipse(centre, r, r, start, start + 90, 8)
        for centre, start in (
            ((right - r, bottom - r), 0),
            ((left + r, bottom - r), 90),
            ((left + r, top + r), 180),
            ((right - r, top + r), 270),
        )
    ]
    return np.vstack(corners)


def ribbon(curve: Points, width: float | Sequence[float], *, round_ends: bool = False) -> Points:
    """The outline of a band along a curve; several widths are spread along it."""
    along = np.empty_like(curve)
    along[1:-1] = curve[2:] - curve[:-2]
    along[0], along[-1] = curve[1] - curve[0], curve[-1] - curve[-2]
    normal = along[:, ::-1] * (-1, 1) / (np.hypot(along[:, 0], along[:, 1]) + 1e-9)[:, None]
    widths = np.atleast_1d(width)
    spread = np.interp(np.linspace(0, 1, len(curve)), np.linspace(0, 1, len(widths)), widths)
    side = normal * spread[:, None] / 2
    left, right = curve + side, curve - side
    if not round_ends:
        return np.vstack([left, right[::-1]])
    # half circles: from the normal over the direction to the other side
    turn = _arc(90, -90, 9)
    reach = np.hypot(*side[-1]), np.hypot(*side[0])
    end = curve[-1] + reach[0] * _turned(turn, normal[-1])
    start = curve[0] + reach[1] * _turned(-turn, normal[0])
    return np.vstack([left, end, right[::-1], start])


def _turned(points: Points, normal: Points) -> Points:
    """Points turned so that the y axis becomes `normal`."""
    x, y = normal
    result: Points = points @ np.array([[y, -x], [x, y]])
    return result


def moved(points: Points, right: float, down: float) -> Points:
    """The same elsewhere."""
    result: Points = points + (right, down)  # noqa: RUF005 - an array, not a tuple
    return result


def mirrored(points: Points) -> Points:
    """The same on the other side of the y axis."""
    return points * (-1, 1)


def symmetric(right: Points) -> Points:
    """A closed outline from its right half, given from top to bottom."""
    return np.vstack([right, mirrored(right)[::-1]])


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a product is on the picture: a projective map from its units to pixels."""

    matrix: npt.NDArray[np.float64]

    @classmethod
    def at(
        cls,
        centre: Pair,
        size: float,
        *,
        turn: float = 0,
        squeeze: float = 1,
        skew: float = 0,
        lean: Pair = (0, 0),
        flip: bool = False,
    ) -> "Frame":
        """`size` pixels a unit, turned by degrees clockwise, the width squeezed, skewed (degrees).

        `lean` is the perspective: how much smaller things get per unit to the right and up.
        """
        c, s = cos(radians(turn)), sin(radians(turn))
        place = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) * [[size], [size], [1]]
        place[:2, 2] = centre
        shape = np.array(
            [[squeeze * (-1 if flip else 1), sin(radians(skew)), 0], [0, 1, 0], [0, 0, 1]]
        )
        perspective = np.array([[1, 0, 0], [0, 1, 0], [lean[0], -lean[1], 1]])
        return cls(place @ perspective @ shape)

    def inside(self, inner: "Frame") -> "Frame":
        """The frame of something placed by `inner` within this one."""
        return Frame(self.matrix @ inner.matrix)

    def __call__(self, points: Points) -> Points:
        """Pixels of points in the product's units."""
        mapped = points @ self.matrix[:, :2].T + self.matrix[:, 2]
        pixels: Points = mapped[:, :2] / mapped[:, 2:]
        return pixels

    @property
    def flipped(self) -> bool:
        """Whether it mirrors."""
        return bool(np.linalg.det(self.matrix[:2, :2]) < 0)

    @property
    def size(self) -> float:
        """Pixels a unit, near the centre."""
        (a, b), (c, d) = self.matrix[:2, :2].tolist()
        return float(abs(a * d - b * c) ** 0.5)
