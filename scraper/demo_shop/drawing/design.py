"""The base of all products that are drawn, and the patterns that are printed on them."""

from collections.abc import Callable
from random import Random
from typing import TypeAlias

import numpy as np

from scraper.demo_shop.drawing.canvas import Canvas, Part
from scraper.demo_shop.drawing.colours import accent, pick
from scraper.demo_shop.drawing.geometry import Points, box, ellipse, moved, ribbon

Layer: TypeAlias = tuple[list[Points], int]  # outlines; 0 for the second colour, 1 for the third

ALL_OVER = ("hoops", "stripes", "dots", "checks", "motifs")
_REACH = 0.8  # how far patterns reach from the centre, in the product's units


class Design:
    """A product. Its colours, its pattern and its shape are drawn at random from `rng`.

    The pattern is plain, bands, motif (a single one), or one of `ALL_OVER`.
    """

    lies = 0.3  # share of images on which it lies on the ground, seen from above; else it stands
    patterns: tuple[str, ...]  # to choose from
    print_at: tuple[float, float, float]  # x, y and size of a motif
    silhouette: tuple[Points, ...]  # what casts the shadow

    def __init__(self, rng: Random) -> None:
        self.colour = pick(rng)
        self.second, self.third = accent(rng, self.colour), accent(rng, self.colour)
        self.pattern, self.seed = rng.choice(self.patterns), rng.random()
        self.cloth = rng.choice(("weave", "smooth"))

    def draw(self, canvas: Canvas) -> None:
        """Draw the product in the canvas's frame."""
        raise NotImplementedError

    def decorate(self, part: Part, wrap: Callable[[Points], Points] | None = None) -> None:
        """Print the pattern on a part. `wrap` maps flat points to the surface of the part."""
        for outlines, index in _layers(self.pattern, Random(self.seed), *self.print_at):
            if wrap:
                cuts = np.cumsum([len(outline) for outline in outlines])[:-1]
                outlines = np.split(wrap(np.concatenate(outlines)), cuts)
            part.paint(outlines, self.third if index else self.second)


def _motif(rng: Random) -> list[Layer]:
    """A star, flower, heart, smile or target, in a box of 1 by 1."""
    n = rng.randrange(5, 9)
    a = np.linspace(0, 2 * np.pi, 20 * n, endpoint=False)
    match rng.choice(("star", "flower", "heart", "smile", "target")):
        case "star":
            return [([_polar(a[::10], np.resize([0.48, 0.22], 2 * n))], 0)]
        case "flower":
            petals = _polar(a, 0.34 + 0.14 * np.abs(np.cos(a * n / 2)))
            return [([petals], 0), ([ellipse((0, 0), 0.15, 0.15)], 1)]
        case "heart":
            y = 0.4 * np.cos(a) - 0.15 * np.cos(2 * a) - 0.06 * np.cos(3 * a) - 0.03 * np.cos(4 * a)
            return [([np.stack([0.45 * np.sin(a) ** 3, -y], axis=1)], 0)]
        case "smile":
            eyes = [ellipse((x, -0.12), 0.05, 0.08) for x in (-0.16, 0.16)]
            mouth = ribbon(ellipse((0, 0.02), 0.26, 0.24, 15, 165), 0.06)
            return [([ellipse((0, 0), 0.45, 0.45)], 0), ([*eyes, mouth], 1)]
    return [([ellipse((0, 0), r, r)], i % 2) for i, r in enumerate((0.46, 0.34, 0.22, 0.1))]


def _layers(pattern: str, rng: Random, x: float, y: float, size: float) -> list[Layer]:
    step, share = rng.uniform(0.05, 0.13), rng.uniform(0.3, 0.6)
    edges = np.arange(-_REACH, _REACH, step).tolist()
    match pattern:
        case "bands":
            places = [rng.uniform(-0.3, 0.28) for _ in range(rng.randrange(1, 4))]
            return [([_hoop(edge, edge + step)], i % 2) for i, edge in enumerate(places)]
        case "motif":
            return [([moved(o * size, x, y) for o in some], i) for some, i in _motif(rng)]
        case "hoops":
            return [([_hoop(edge, edge + step * share) for edge in edges], 0)]
        case "stripes":
            return [([_hoop(edge, edge + step * share)[:, ::-1] for edge in edges], 0)]
        case "dots":
            return _repeated([([ellipse((0, 0), 0.25, 0.25)], 0)], step)
        case "checks":
            return _repeated([([box(0, 0, 0.5, 0.5)], 0)], step)
        case "motifs":
            return _repeated([([o * 0.6 for o in some], i) for some, i in _motif(rng)], step + 0.08)
    return []


def _polar(angle: Points, radius: Points) -> Points:
    return np.stack([np.sin(angle) * radius, -np.cos(angle) * radius], axis=1)


def _hoop(top: float, bottom: float) -> Points:
    """A horizontal band. It has many points, so that it can be bent around a mug."""
    x, up = np.linspace(-_REACH, _REACH, 40), np.repeat((top, bottom), 40)
    return np.stack([np.concatenate([x, x[::-1]]), up], axis=1)


def _repeated(layers: list[Layer], step: float) -> list[Layer]:
    """The layers repeated over the surface in rows. Each second row is shifted by half a step."""
    x, y = np.meshgrid(np.arange(-0.55, 0.55, step), np.arange(-0.55, 0.55, step / 2))
    x[1::2] += step / 2
    places = np.stack([x.ravel(), y.ravel()], axis=1)
    return [([outline * step + at for outline in some for at in places], i) for some, i in layers]
