"""Motifs that are printed on products: outlines in a box of 1 by 1, each with a colour's index."""

from collections.abc import Callable
from random import Random
from typing import TypeAlias

import numpy as np

from scraper.demo_shop.photos.geometry import (
    Points,
    box,
    ellipse,
    mirrored,
    moved,
    path,
    ribbon,
    spline,
    symmetric,
)

Icon: TypeAlias = list[tuple[Points, int]]


def _star(rng: Random) -> Icon:
    n = rng.choice((5, 5, 6, 8))
    radii = np.where(np.arange(2 * n) % 2, rng.uniform(0.18, 0.28), 0.48)
    a = np.arange(2 * n) * np.pi / n - np.pi / 2
    return [(np.stack([np.cos(a) * radii, np.sin(a) * radii], axis=1), 0)]


def _heart(_: Random) -> Icon:
    a = np.linspace(0, 2 * np.pi, 60)
    x = 0.45 * np.sin(a) ** 3
    y = -(0.4 * np.cos(a) - 0.15 * np.cos(2 * a) - 0.06 * np.cos(3 * a) - 0.03 * np.cos(4 * a))
    return [(np.stack([x, y], axis=1), 0)]


def _mountain(rng: Random) -> Icon:
    x = rng.uniform(-0.15, 0.05)
    return [
        (ellipse((0.25, -0.22), 0.13, 0.13), 1),
        (np.array([(-0.5, 0.35), (x, -0.35), (0.4, 0.35)]), 0),
        (np.array([(x - 0.11, -0.15), (x, -0.35), (x + 0.12, -0.13), (x, -0.05)]), 1),
        (np.array([(0, 0.35), (0.25, 0), (0.5, 0.35)]), 0),
    ]


def _sun(rng: Random) -> Icon:
    n = rng.choice((8, 10, 12))
    rays: Icon = []
    for a in np.arange(n) * 2 * np.pi / n:
        c, s = np.cos(a), np.sin(a)
        rays.append((np.array([(0.3 * c, 0.3 * s), (0.48 * c, 0.48 * s)]), 0))
    icon = [(ribbon(points, 0.06), colour) for points, colour in rays]
    return [*icon, (ellipse((0, 0), 0.24, 0.24), 0)]


def _bolt(_: Random) -> Icon:
    points = [(0.1, -0.5), (-0.25, 0.08), (-0.02, 0.08), (-0.1, 0.5), (0.27, -0.1), (0.03, -0.1)]
    return [(np.array(points), 0)]


def _smile(_: Random) -> Icon:
    return [
        (ellipse((0, 0), 0.45, 0.45), 0),
        (ellipse((-0.16, -0.12), 0.05, 0.08), 1),
        (ellipse((0.16, -0.12), 0.05, 0.08), 1),
        (ribbon(ellipse((0, 0.02), 0.26, 0.24, 15, 165), 0.06, round_ends=True), 1),
    ]


def _cat(_: Random) -> Icon:
    ear = spline([(0.06, -0.24), (0.3, -0.42), (0.38, 0)])
    face = symmetric(np.vstack([ear, spline([(0.4, 0.1), (0.2, 0.38), (0, 0.42)])]))
    whisker = np.array([(0.14, 0.16), (0.5, 0.1)])
    lines = [(ribbon(moved(whisker * (s, 1), 0, d), 0.025), 1) for s in (-1, 1) for d in (0, 0.09)]
    eyes = [(ellipse((s * 0.17, 0.02), 0.06, 0.08), 1) for s in (-1, 1)]
    return [(face, 0), *eyes, (ellipse((0, 0.17), 0.05, 0.035), 1), *lines]


def _leaf(rng: Random) -> Icon:
    bend = rng.uniform(-0.1, 0.1)
    side = spline([(0, -0.5), (0.27 + bend, -0.1), (0, 0.42)])
    other = spline([(0, 0.42), (-0.27 + bend, -0.1), (0, -0.5)])
    return [
        (np.vstack([side, other]), 0),
        (ribbon(spline([(0, -0.4), (bend * 0.5, 0), (0, 0.55)]), 0.03), 1),
    ]


def _waves(rng: Random) -> Icon:
    x = np.linspace(-0.5, 0.5, 40)
    high = rng.uniform(0.05, 0.09)
    rows = [np.stack([x, high * np.sin(x * 12.6) + y], axis=1) for y in (-0.24, 0, 0.24)]
    return [(ribbon(row, 0.1), i % 2) for i, row in enumerate(rows)]


_BARS = {  # of a letter: left, right, top, middle, bottom, and centre
    "l": box(0, 0, 0.24, 1),
    "r": box(0.5, 0, 0.74, 1),
    "t": box(0, 0, 0.74, 0.2),
    "m": box(0, 0.42, 0.74, 0.6),
    "b": box(0, 0.8, 0.74, 1),
    "c": box(0.25, 0, 0.49, 1),
}
_LETTERS = dict(
    zip(
        "ACEFHILOTU",
        ("lrtm", "ltb", "ltmb", "ltm", "lrm", "c", "lb", "lrtb", "tc", "lrb"),
        strict=True,
    )
)
_WORDS = (
    "HELLO",
    "COFFEE",
    "LATTE",
    "LIFE",
    "LOCAL",
    "TEA",
    "CHILL",
    "OFF",
    "TACO",
    "ECHO",
    "HALF",
)


def _words(rng: Random) -> Icon:
    lines = rng.sample(_WORDS, rng.choice((1, 1, 2)))
    drawn: Icon = []
    for row, word in enumerate(lines):
        wide = min(1 / len(word), 0.25)
        high = wide * rng.uniform(1, 1.6)
        left, top = -wide * len(word) / 2, (row - len(lines) / 2) * high * 1.25
        for place, letter in enumerate(word):
            for bar in _LETTERS[letter]:
                drawn.append((moved(_BARS[bar] * (wide, high), left + place * wide, top), row % 2))
    return drawn


def _rings(rng: Random) -> Icon:
    n = rng.choice((3, 4))
    return [(ellipse((0, 0), r, r), i % 2) for i, r in enumerate(np.linspace(0.46, 0.12, n))]


def _tree(_: Random) -> Icon:
    tiers = [
        np.array([(0, y - 0.3), (w, y), (-w, y)])
        for y, w in ((-0.2, 0.22), (0.06, 0.3), (0.34, 0.38))
    ]
    return [(box(-0.05, 0.3, 0.05, 0.5), 1), *((tier, 0) for tier in tiers)]


def _moon(_: Random) -> Icon:
    outer = ellipse((0, 0), 0.45, 0.45, 50, 310)
    inner = ellipse((0.2, 0), 0.36, 0.36, 290, 70)
    return [(np.vstack([outer, inner]), 0), (ellipse((0.25, -0.05), 0.06, 0.06), 1)]


def _chevrons(_: Random) -> Icon:
    arrow = path([(-0.45, 0.1), (0, -0.25)], [(0, -0.25), (0.45, 0.1)])
    return [(ribbon(moved(arrow, 0, d), 0.1), i % 2) for i, d in enumerate((-0.12, 0.1, 0.32))]


def _flower(rng: Random) -> Icon:
    n = rng.choice((5, 6, 7))
    petals = [
        (ellipse((0.27 * np.cos(a), 0.27 * np.sin(a)), 0.18, 0.18), 0)
        for a in np.arange(n) * 2 * np.pi / n
    ]
    return [*petals, (ellipse((0, 0), 0.15, 0.15), 1)]


_ICONS: tuple[Callable[[Random], Icon], ...] = (
    *(_star, _heart, _mountain, _sun, _bolt, _smile, _cat, _leaf, _waves, _words, _words, _rings),
    *(_tree, _moon, _chevrons, _flower),
)


def icon(rng: Random, *, flipped: bool = False) -> Icon:
    """Some motif; colour 0 is its main colour, 1 its second, 2 that of the product itself.

    `flipped` where the frame it is drawn in mirrors, so that words can be read.
    """
    drawn = rng.choice(_ICONS)(rng)
    return [(mirrored(outline), index) for outline, index in drawn] if flipped else drawn
