"""Draws sneakers from the side, one or a pair."""

from random import Random

import numpy as np

from scraper.demo_shop.drawing.canvas import Canvas, Part
from scraper.demo_shop.drawing.colours import BLACK, SHADOW, WHITE, Colour, darker
from scraper.demo_shop.drawing.design import Design
from scraper.demo_shop.drawing.geometry import Frame, Points, box, moved, path, ribbon, spline


class Sneaker(Design):
    """A sneaker with its height, sole, panels, materials, laces and marks."""

    patterns = ("plain", "plain", "motif", "motif", "dots", "checks", "stripes")

    def __init__(self, rng: Random) -> None:
        super().__init__(rng)
        self.high_top = rng.random() < 0.25
        self.pair = rng.random() < 0.3
        self.laced = rng.random() < 0.85
        self.collar = -0.36 if self.high_top else rng.uniform(-0.18, -0.11)
        self.toe = rng.uniform(0.01, 0.06)  # y of the toe box
        self.sole = rng.uniform(0.06, 0.11)
        self.spring = rng.uniform(0.01, 0.04)  # height of the toe above the ground
        self.overlay = rng.choice((self.colour, darker(self.colour, 0.15), self.second))
        self.cap_colour = rng.choice((self.colour, WHITE, self.overlay))
        self.sole_colour = rng.choice((WHITE, WHITE, WHITE, BLACK, self.second))
        self.tread = rng.choice(((185, 131, 82), BLACK, self.sole_colour, self.second))
        self.lace = rng.choice((WHITE, WHITE, BLACK, self.second))
        self.wave = rng.random() < 0.5
        self.eyelets = rng.randrange(5, 8) + 2 * self.high_top
        self.print_at = (-0.14, self.collar * 0.4 + 0.12, 0.14)
        upper = self._upper()
        self.silhouette = (upper, self._sole(), moved(upper, 0.1, -0.07))[: 2 + self.pair]

    def draw(self, canvas: Canvas) -> None:
        if self.pair:
            self._draw_one(canvas.within(Frame.at((0.1, -0.065), 0.97)), 0.25)
            canvas.fill(box(-0.44, 0.15, 0.56, 0.215, 0.03), SHADOW, 0.4, 0.03)
        self._draw_one(canvas, 0)

    def _upper(self) -> Points:
        c, t, low = self.collar, self.toe, 0.16 - self.spring
        ankle = -0.4 if self.high_top else -0.43
        heel = [(-0.455, 0.15), (-0.475, 0.04), (ankle - 0.02, (c + 0.04) / 2), (ankle, c - 0.01)]
        rim = [heel[-1], (ankle + 0.03, c), (-0.27, c + 0.04), (-0.15, c + 0.01), (-0.11, c - 0.03)]
        instep = [rim[-1], (0.0, c * 0.42 - 0.01), (0.16, t * 0.3 - 0.02), (0.3, t * 0.5)]
        toe = [(0.42, t), (0.48, t + 0.045), (0.495, low - 0.01)]
        return path(heel, rim, [*instep, *toe], [(0.49, low), (0.25, 0.19), (-0.455, 0.19)])

    def _sole(self) -> Points:
        b, s, h = 0.2, self.spring, self.sole
        back = [(-0.48, b - h), (-0.49, b - h / 2), (-0.475, b)]
        under = [back[-1], (0.2, b), (0.4, b - s * 0.5), (0.495, b - s * 1.5)]
        toe = [under[-1], (0.51, b - s - h * 0.7), (0.495, b - s - h)]
        return path(back, under, toe, [toe[-1], (0.3, b - h), back[0]])

    def _instep(self, n: int) -> Points:
        """The `n` points where the laces cross, from the collar to the toe."""
        c = self.collar
        curve = spline([(-0.1, c), (0.005, c * 0.42 + 0.005), (0.13, -0.03), (0.2, 0.01)])
        return np.asarray(curve[np.linspace(2, len(curve) - 1, n).astype(int)])

    def _draw_one(self, canvas: Canvas, shade: float) -> None:
        colour, c = darker(self.colour, shade), self.collar
        if self.laced:
            tongue = [(-0.17, c + 0.03), (-0.13, c - 0.075), (-0.075, c - 0.07), (0.05, c * 0.3)]
            canvas.solid(spline([*tongue, (0.1, 0.0)]), darker(self.overlay, 0.12), 0.02)
        inside = spline([(-0.42, c + 0.005), (-0.28, c - 0.02), (-0.12, c - 0.03), (-0.2, c + 0.1)])
        canvas.fill(inside, darker(colour, 0.75))
        upper = Part(canvas, self.silhouette[0], colour)
        self._paint_upper(upper, darker(self.overlay, shade))
        upper.puff(0.07, 0.75).cloth(self.cloth, self.seed, 0.025)
        upper.ramp(lambda t: -0.28 * np.clip(t, 0, 1) ** 2, (0, 0), (0, 0.17)).done()
        if self.laced:
            points = self._instep(self.eyelets)
            lace = ribbon(spline([(0.016, -0.022), (-0.008, -0.006), (-0.045, 0.05)]), 0.021)
            canvas.solid([moved(lace, x, y) for x, y in points], self.lace, 0.007)
        sole = Part(canvas, self.silhouette[1], darker(self.sole_colour, shade)).puff(0.02, 0.7)
        sole.paint(box(-0.6, 0.18, 0.6, 0.3), darker(self.tread, shade))
        sole.ramp(lambda t: 0.06 - 0.2 * np.clip(t, 0, 1), (0, 0.2 - self.sole), (0, 0.2)).done()

    def _paint_upper(self, upper: Part, colour: Colour) -> None:
        c = self.collar
        self.decorate(upper)
        counter = spline([(-0.5, c * 0.55), (-0.36, c * 0.5 + 0.02), (-0.3, 0.05), (-0.24, 0.2)])
        upper.paint(np.vstack([counter, [(-0.5, 0.2)]]), colour)
        lower = moved(self._instep(12), -0.065, 0.075)
        upper.paint(np.vstack([moved(self._instep(12), 0.02, -0.05), lower[::-1]]), colour)
        toe = spline([(0.31, -0.05), (0.29, 0.06), (0.33, 0.2)])
        upper.paint(np.vstack([toe, [(0.6, 0.2), (0.6, -0.05)]]), self.cap_colour)
        rim = spline([(-0.44, c + 0.03), (-0.27, c + 0.09), (-0.13, c + 0.035)])
        upper.stroke([counter, lower, toe, rim], 0.005, -0.3, 0.002)
        ink = self.second if self.overlay != self.second else self.third
        if self.wave:
            wave = [(-0.42, 0.09), (-0.25, 0.02), (-0.08, 0.12), (0.12, 0.04), (0.3, 0.13)]
            upper.paint(ribbon(spline(wave), (0.015, 0.05, 0.02)), ink)
