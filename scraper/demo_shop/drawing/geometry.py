"""Outlines in a product's own units, and frames that place them on an image.

A product fills a box of about 1 by 1 around (0, 0), x to the right and y down. An outline is a
float array of shape (n, 2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, radians, sin
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Points: TypeAlias = npt.NDArray[np.float64]
Pair: TypeAlias = tuple[float, float]

_T = np.arange(9) / 9
_WEIGHTS = np.stack(  # weights of four successive points in the curve between the middle two
    [2 * _T**2 - _T - _T**3, 2 - 5 * _T**2 + 3 * _T**3, _T + 4 * _T**2 - 3 * _T**3, _T**3 - _T**2]
).T


def spline(points: Sequence[Pair] | Points) -> Points:
    """A smooth curve through the points (uniform Catmull-Rom), with nine steps between two."""
    p = np.asarray(points, dtype=float)
    if len(p) < 3:
        return p
    around = np.vstack([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    fours = np.stack([around[:-3], around[1:-2], around[2:-1], around[3:]], axis=1)
    return np.vstack([(_WEIGHTS @ fours / 2).reshape(-1, 2), p[-1:]])


def path(*runs: Sequence[Pair] | Points) -> Points:
    """A curve of several smooth pieces, with corners between them."""
    return np.vstack([spline(run) for run in runs])


def ellipse(centre: Pair, rx: float, ry: float, start: float = 0, end: float = 360) -> Points:
    """An arc of an ellipse; the whole ellipse by default.

    The angles are degrees, clockwise from the right.
    """
    a = np.radians(np.linspace(start, end, 2 + int(abs(end - start)) // 9))
    return np.stack([np.cos(a) * rx + centre[0], np.sin(a) * ry + centre[1]], axis=1)


def box(left: float, top: float, right: float, bottom: float, radius: float = 0) -> Points:
    """A rectangle with rounded corners."""
    x, y = (right - radius, left + radius), (bottom - radius, top + radius)
    corners = enumerate([(x[0], y[0]), (x[1], y[0]), (x[1], y[1]), (x[0], y[1])])
    return np.vstack([ellipse(at, radius, radius, i * 90, i * 90 + 90) for i, at in corners])


def ribbon(curve: Points, width: float | Sequence[float]) -> Points:
    """The outline of a band along a curve. Several widths are spread evenly along the curve."""
    along = np.gradient(curve, axis=0)
    normal = along[:, ::-1] * (-1, 1) / (np.hypot(along[:, 0], along[:, 1]) + 1e-9)[:, None]
    widths = np.atleast_1d(width)
    spread = np.interp(np.linspace(0, 1, len(curve)), np.linspace(0, 1, len(widths)), widths)
    side = normal * spread[:, None] / 2
    return np.vstack([curve + side, (curve - side)[::-1]])


def moved(points: Points, right: float, down: float) -> Points:
    """The points, moved to another place."""
    return np.asarray(points + np.array([right, down]))


def symmetric(right: Points) -> Points:
    """A closed outline from its right half. The half goes from top to bottom."""
    return np.vstack([right, right[::-1] * (-1, 1)])


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a product is on the image: a projective map from its units to pixels."""

    matrix: npt.NDArray[np.float64]

    @classmethod
    def at(cls, at: Pair = (0, 0), size: float = 1, turn: float = 0, flip: int = 1) -> "Frame":
        """A frame at the place `at` with `size` pixels for a unit.

        It is turned by `turn` degrees clockwise. A `flip` of -1 mirrors it.
        """
        c, s = size * cos(radians(turn)), size * sin(radians(turn))
        return cls(np.array([[c * flip, -s, at[0]], [s * flip, c, at[1]], [0, 0, 1]]))

    def inside(self, inner: "Frame") -> "Frame":
        """The map from the units of `inner` to pixels, where `inner` lies within this frame."""
        return Frame(self.matrix @ inner.matrix)

    def __call__(self, points: Points) -> Points:
        """The points in pixels. They are given in the product's units."""
        mapped = points @ self.matrix[:, :2].T + self.matrix[:, 2]
        return np.asarray(mapped[:, :2] / mapped[:, 2:])

    @property
    def size(self) -> float:
        """The number of pixels for a unit near the centre."""
        return float(abs(np.linalg.det(self.matrix[:2, :2])) ** 0.5)
