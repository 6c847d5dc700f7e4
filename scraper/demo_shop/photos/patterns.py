"""How a product's surface is decorated: stripes, dots, prints, blends."""

from collections.abc import Callable
from itertools import groupby
from random import Random
from typing import TypeAlias

import numpy as np

from scraper.demo_shop.photos.canvas import Colour, Part
from scraper.demo_shop.photos.colours import accent
from scraper.demo_shop.photos.geometry import Pair, Points, box, ellipse, moved
from scraper.demo_shop.photos.icons import Icon, icon

Layer: TypeAlias = tuple[list[Points], Colour]

_REACH = 0.8  # patterns cover that far from the centre, in the product's units


class Pattern:
    """A decoration in up to two colours that are seen on `base`, and a third to match.

    `kind` is one of: plain, hoops (across), stripes (down), bands, half, dots, checks, speckle,
    drip, fade, rings, motif (one), small_motif, motifs (all over), picture (of another product).
    """

    def __init__(self, rng: Random, base: Colour, kinds: tuple[str, ...]) -> None:
        self.kind = rng.choice(kinds)
        self.base = base
        self.second = accent(rng, base)
        self.third = accent(rng, base)
        self._seed = rng.random()

    def paint(
        self,
        part: Part,
        *,
        wrap: Callable[[Points], Points] = lambda points: points,
        centre: Pair = (0, 0),
        size: float = 1,
    ) -> None:
        """Paint it on a part: `wrap` lays flat points on the surface; one motif is at `centre`."""
        rng = Random(self._seed)
        if self.kind in ("plain", "picture"):  # the photographer sees to the picture
            return
        if self.kind == "fade":
            part.fade(self.second, (0, rng.uniform(-0.35, 0)), (0, rng.uniform(0.35, 0.5)))
            return
        for outlines, colour in self._layers(rng, centre, size, part.frame.flipped):
            cuts = np.cumsum([len(outline) for outline in outlines])[:-1]
            part.paint(np.split(wrap(np.concatenate(outlines)), cuts), colour)

    def _layers(self, rng: Random, centre: Pair, size: float, flipped: bool) -> list[Layer]:
        match self.kind:
            case "hoops":
                step, start = rng.uniform(0.03, 0.12), rng.choice((-_REACH, -_REACH, -0.12))
                share = rng.uniform(0.3, 0.6)
                hoops = [_hoop(y, y + step * share) for y in np.arange(start, _REACH, step)]
                return [(hoops, self.second)]
            case "stripes":
                step = rng.uniform(0.04, 0.14)
                edges = np.arange(-_REACH, _REACH, step)
                return [([_stripe(x, x + step / 2) for x in edges], self.second)]
            case "bands":
                places = sorted(rng.uniform(-0.3, 0.28) for _ in range(rng.randrange(1, 4)))
                bands = [_hoop(y, y + rng.uniform(0.015, 0.12)) for y in places]
                return [([b], (self.second, self.third)[i % 2]) for i, b in enumerate(bands)]
            case "half":
                return [([_hoop(rng.uniform(-0.15, 0.15), 1)], self.second)]
            case "drip":
                x = np.linspace(-_REACH, _REACH, 60)
                edge = rng.uniform(-0.15, 0.15) + rng.uniform(0.01, 0.05) * np.sin(
                    x * rng.uniform(9, 30)
                )
                end = rng.choice((-1, 1))
                below = np.stack([x[::-1], np.full(60, end)], axis=1)
                return [([np.vstack([np.stack([x, edge], axis=1), below])], self.second)]
            case "dots":
                step = rng.uniform(0.05, 0.15)
                r = step * rng.uniform(0.18, 0.32)
                spot = ellipse((0, 0), r, r, steps=16)
                return [([moved(spot, x, y) for x, y in _grid(step)], self.second)]
            case "checks":
                step = rng.uniform(0.05, 0.12)
                square = box(0, 0, step / 2, step / 2)
                return [([moved(square, x, y) for x, y in _grid(step)], self.second)]
            case "speckle":
                spots = [
                    ellipse((rng.uniform(-0.5, 0.5), rng.uniform(-0.5, 0.5)), r, r, steps=7)
                    for r in (rng.uniform(0.002, 0.01) for _ in range(130))
                ]
                return [(spots, self.second)]
            case "rings":
                return self._rings(rng)
            case "motif":
                return self._motif(
                    icon(rng, flipped=flipped), [centre], size * rng.uniform(0.8, 1.25)
                )
            case "small_motif":
                return self._motif(
                    icon(rng, flipped=flipped),
                    [(centre[0] + size * 0.35, centre[1] - size * 0.3)],
                    size * 0.35,
                )
            case "motifs":
                step = rng.uniform(0.13, 0.2)
                return self._motif(icon(rng, flipped=flipped), _grid(step), step * 0.6)
        raise ValueError(self.kind)

    def _motif(self, motif: Icon, places: list[Pair], size: float) -> list[Layer]:
        colours = (self.second, self.third, self.base)
        return [
            ([moved(o * size, x, y) for o, _ in outlines for x, y in places], colours[index])
            for index, outlines in groupby(motif, key=lambda item: item[1])
        ]

    def _rings(self, rng: Random) -> list[Layer]:
        """Tie-dye."""
        centre = (rng.uniform(-0.1, 0.1), rng.uniform(-0.2, 0.1))
        a = np.linspace(0, 2 * np.pi, 80)
        layers = []
        for n, radius in enumerate(np.linspace(0.6, 0.06, rng.randrange(5, 9))):
            r = radius * (1 + 0.06 * np.sin(a * 9 + n) + 0.05 * np.sin(a * 23 + n * 2))
            ring = moved(np.stack([r * np.cos(a), r * np.sin(a)], axis=1), *centre)
            layers.append(([ring], (self.second, self.third, self.base)[n % 3]))
        return layers


def _hoop(top: float, bottom: float) -> Points:
    x = np.linspace(-_REACH, _REACH, 40)
    upper = np.stack([x, np.full(40, top)], axis=1)
    return np.vstack([upper, np.stack([x[::-1], np.full(40, bottom)], axis=1)])


def _stripe(left: float, right: float) -> Points:
    """A stripe from top to bottom."""
    y = np.linspace(-_REACH, _REACH, 30)
    side = np.stack([np.full(30, left), y], axis=1)
    return np.vstack([side, np.stack([np.full(30, right), y[::-1]], axis=1)])


def _grid(step: float) -> list[Pair]:
    """Places in rows half a step apart, every other row shifted."""
    return [
        (x + row % 2 * step / 2, y)
        for row, y in enumerate(np.arange(-0.55, 0.55, step / 2).tolist())
        for x in np.arange(-0.55, 0.55, step).tolist()
    ]
