"""Draws caps from the side."""

from random import Random

import numpy as np

from scraper.demo_shop.drawing.canvas import Canvas, Part
from scraper.demo_shop.drawing.colours import SHADOW, darker
from scraper.demo_shop.drawing.design import Design
from scraper.demo_shop.drawing.geometry import Points, ellipse, moved, path, spline


class Cap(Design):
    """A cap with its crown, brim, panels and emblem. The lower edge of the crown is at y 0."""

    patterns = ("plain", "motif", "motif", "motif", "motifs", "stripes", "dots", "checks")

    def __init__(self, rng: Random) -> None:
        super().__init__(rng)
        self.high = rng.uniform(0.36, 0.48)
        self.wide = rng.uniform(0.26, 0.36)
        self.brim = rng.uniform(0.18, 0.28)
        self.droop = rng.uniform(0, 0.08)
        self.brim_colour = rng.choice((self.colour, self.second, darker(self.colour, 0.2)))
        self.panel_colour = rng.choice((self.colour, self.colour, self.third))
        self.print_at = (0.17, -self.high * 0.45, 0.17)
        self.silhouette = (self._crown(), self._brim())

    def draw(self, canvas: Canvas) -> None:
        (outline, shade), w, t = self.silhouette, self.wide, -self.high
        seam = spline([(-0.05, t - 0.02), (0.06, t + 0.14), (0.06, 0.05)])
        back = spline([(-0.05, t), (-w * 0.62, t + 0.16), (-w * 0.72, 0)])
        crown = Part(canvas, outline, self.colour)
        crown.paint(np.vstack([seam, [(0.6, 0.05), (0.6, t - 0.05)]]), self.panel_colour)
        self.decorate(crown)
        crown.puff(0.13, 1.2).stroke([seam, back], 0.006, -0.3, 0.003)
        crown.cloth(self.cloth, self.seed, 0.035)
        crown.ramp(lambda s: -0.2 * np.clip(s, 0, 1) ** 2, (0, t), (0, 0)).done()
        canvas.solid(ellipse((-0.05, t), 0.03, 0.016), self.brim_colour, 0.008)
        canvas.fill(moved(shade, 0, -0.02), SHADOW, 0.3, 0.012)
        brim = Part(canvas, shade, self.brim_colour).puff(0.03).cloth(self.cloth, self.seed)
        centre = shade.mean(axis=0)
        brim.stroke([(shade - centre) * k + centre for k in (0.9, 0.75)], 0.004, -0.13)
        brim.ramp(lambda s: 0.08 - 0.22 * np.clip(s, 0, 1), (0, -0.05), (0, 0.13)).done()

    def _crown(self) -> Points:
        w, t = self.wide, -self.high
        back = [(-w - 0.05, -0.005), (-w - 0.075, -0.1), (-w - 0.01, t + 0.15)]
        top = [(-0.19, t + 0.035), (-0.04, t), (0.1, t + 0.02), (w * 0.74, t + 0.12)]
        front = [(w * 0.88, -0.15), (w * 0.85, -0.03)]
        return path([*back, *top, *front], [front[-1], (0, 0.03), back[0]])

    def _brim(self) -> Points:
        w, droop = self.wide, self.droop
        tip = (w + self.brim, droop)
        upper = [(0.02, -0.005), (w * 0.6, -0.06), (w * 0.98, -0.055)]
        bow = (tip[0] * 0.92, -0.035 + droop * 0.45)
        under = [(tip[0] - 0.02, tip[1] + 0.02), (w * 0.9, 0.03 + droop * 0.3)]
        return path([*upper, bow, tip], [tip, *under, (w * 0.3, 0.035), (0.02, 0.025)])
