"""Draws backpacks from the front."""

from random import Random

import numpy as np

from scraper.demo_shop.drawing.canvas import Canvas, Part
from scraper.demo_shop.drawing.colours import BLACK, SHADOW, darker
from scraper.demo_shop.drawing.design import Design
from scraper.demo_shop.drawing.geometry import Pair, Points, box, moved, ribbon, spline, symmetric

_LEATHER = ((138, 90, 52), (90, 58, 38), (185, 131, 82))
_METAL = (190, 184, 160)


class Backpack(Design):
    """A backpack with its outline, opening, pocket, straps and materials."""

    patterns = (*["plain"] * 4, "motif", "motif", "motifs", "hoops", "stripes", "dots")

    def __init__(self, rng: Random) -> None:
        super().__init__(rng)
        self.flap = rng.choice((0, 0, 0.26, 0.46))  # share of the height; with 0 it has a zip
        self.high = rng.uniform(0.62, 0.95)
        self.wide = rng.uniform(0.27, 0.34)  # half of the greatest width
        self.top_wide = self.wide * rng.uniform(0.72, 0.95)
        self.round = rng.uniform(0.06, 0.24)  # radius of the corners at the top
        self.leather = rng.choice(_LEATHER)
        self.pocket_colour = rng.choice((self.colour, darker(self.colour, 0.15), self.leather))
        self.foot_colour = rng.choice((self.colour, self.leather, self.second))
        self.strap_colour = rng.choice((darker(self.colour, 0.4), BLACK, self.leather))
        self.pocket_high = self.high * rng.uniform(0.3, 0.42)
        self.pocket_wide = self.wide * rng.uniform(0.68, 0.88)
        self.turn = rng.choice((0, rng.uniform(-0.13, 0.13)))  # how much of its side shows
        self.print_at = (0, self.high / 2 - self.pocket_high / 2, 0.17)
        body, handle = self._outline(), self._handle()
        self.silhouette = (body, moved(body, self.turn, -0.01), handle)

    def draw(self, canvas: Canvas) -> None:
        (outline, back, handle), h, w = self.silhouette, self.high / 2, self.wide
        upper = [(0.1, 0.04 - h), (w * 0.9, -h * 0.55), (w + 0.07, 0)]
        loop = spline([*upper, (w + 0.04, h * 0.6), (w * 0.85, h * 0.92)])
        strap = ribbon(loop, (0.07, 0.07, 0.06, 0.03, 0.025))
        for shape in (strap, strap * (-1, 1), handle):
            canvas.solid(shape, self.strap_colour, 0.018)
        canvas.solid(back, darker(self.colour, 0.35), 0.05, 0.8)
        body = Part(canvas, outline, self.colour)
        self.decorate(body)
        body.paint(box(-0.6, self.high * 0.33, 0.6, 0.6), self.foot_colour)
        piping = self._outline(0.022)
        body.puff(0.1, 1.15).stroke([np.vstack([piping, piping[:1]])], 0.006, -0.2, 0.003)
        body.ramp(lambda t: -0.22 * np.clip(t, 0, 1) ** 2, (0, 0), (0, h))
        body.cloth(self.cloth, self.seed, 0.05).done()
        self._draw_pocket(canvas)
        if self.flap:
            self._draw_flap(canvas)
        else:
            t, y = self.top_wide * 0.86, self.round * 0.6 + 0.05 - h
            half = [(t, -self.pocket_high * 0.35), (t * 0.97, y + 0.08), (t * 0.6, y - 0.005)]
            self._draw_zip(canvas, [(-a, b) for a, b in half] + [(0, y - 0.03)] + half[::-1])

    def _outline(self, inset: float = 0) -> Points:
        h, w, t, r = self.high / 2 - inset, self.wide - inset, self.top_wide - inset, self.round
        top = [(0, -h), (t * 0.55, -h + r * 0.1), (t * 0.93, -h + r * 0.62)]
        side = [(t + (w - t) * 0.35, -h + r + 0.08), (w, h * 0.35), (w * 0.985, h - 0.06)]
        return symmetric(spline([*top, *side, (w * 0.95, h - 0.015), (w - 0.1, h), (0, h + 0.006)]))

    def _handle(self) -> Points:
        arch = [(-0.085, 0.03), (-0.07, -0.055), (0, -0.075), (0.07, -0.055), (0.085, 0.03)]
        return moved(ribbon(spline(arch), 0.03), 0, -self.high / 2)

    def _draw_pocket(self, canvas: Canvas) -> None:
        low, w = self.high / 2 - 0.025, self.pocket_wide
        y = low - self.pocket_high
        outline = box(-w, y, w, low, 0.06)
        canvas.fill(moved(outline, 0.004, 0.012), SHADOW, 0.4, 0.012)
        pocket = Part(canvas, outline, self.pocket_colour)
        if self.pattern == "motif":
            self.decorate(pocket)
        pocket.puff(0.05).cloth(self.cloth, self.seed, 0.05).done()
        self._draw_zip(canvas, [(0.03 - w, y + 0.06), (0, y + 0.04), (w - 0.03, y + 0.06)])

    def _draw_zip(self, canvas: Canvas, points: list[Pair]) -> None:
        curve = spline(points)
        Part(canvas, ribbon(curve, 0.022), self.strap_colour).stroke([curve], 0.004, 0.25).done()
        x, y = curve[-6]
        canvas.solid(box(x - 0.008, y, x + 0.008, y + 0.055, 0.006), _METAL, 0.004)

    def _draw_flap(self, canvas: Canvas) -> None:
        h, t, r = self.high / 2 + 0.012, self.top_wide + 0.012, self.round
        y = self.flap * self.high - h
        top = [(0, -h), (t * 0.6, r * 0.1 - h), (t * 0.97, r * 0.6 - h)]
        outline = symmetric(spline([*top, (t + 0.012, y - 0.07), (t * 0.9, y - 0.01), (0, y)]))
        canvas.fill(moved(outline, 0.004, 0.02), SHADOW, 0.45, 0.015)
        flap = Part(canvas, outline, self.colour)
        self.decorate(flap)
        flap.puff(0.05).cloth(self.cloth, self.seed, 0.05).done()
        for x in (-0.13, 0.13):
            strap = box(x - 0.026, y - 0.1, x + 0.026, y + 0.13, 0.012)
            canvas.fill(moved(strap, 0.004, 0.008), SHADOW, 0.4, 0.008)
            canvas.solid(strap, self.strap_colour, 0.01)
            canvas.solid(box(x - 0.036, y + 0.01, x + 0.036, y + 0.06, 0.008), _METAL, 0.008)
