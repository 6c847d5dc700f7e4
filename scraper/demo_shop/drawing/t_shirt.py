"""Draws T-shirts that lie flat, from the front."""

from random import Random

import numpy as np

from scraper.demo_shop.drawing.canvas import Canvas, Part
from scraper.demo_shop.drawing.colours import WHITE, darker
from scraper.demo_shop.drawing.design import ALL_OVER, Design
from scraper.demo_shop.drawing.geometry import Points, box, ellipse, moved, path, ribbon, spline


class TShirt(Design):
    """A T-shirt with its cut, neck, sleeves, colours, print and folds."""

    lies = 1.0
    patterns = ("plain", "plain", "motif", "motif", "bands", *ALL_OVER)

    def __init__(self, rng: Random) -> None:
        super().__init__(rng)
        self.wide = rng.uniform(0.25, 0.32)  # half of the width at the chest
        self.hem = self.wide * rng.choice((1, rng.uniform(0.86, 1.1)))
        self.base = rng.uniform(0.34, 0.45)  # y of the hem
        self.top = -self.base
        self.arm = self.top + rng.uniform(0.23, 0.28)  # y of the armpit
        self.neck, self.neck_deep = rng.uniform(0.085, 0.125), rng.uniform(0.055, 0.18)
        self.sleeve = rng.choice((rng.uniform(0.14, 0.26), rng.uniform(0.14, 0.26), 0.52))
        self.angle = np.radians(rng.uniform(30, 60) if self.sleeve < 0.5 else rng.uniform(58, 72))
        self.trim = rng.choice((self.second, *[darker(self.colour, 0.06)] * 3))
        self.sleeve_colour = rng.choice((self.second, *[self.colour] * 6))
        self.rough = rng.uniform(0.03, 0.085)
        self.shoulder = (self.wide * 0.93, self.top + 0.07)
        self.print_at = (0, self.top + 0.37, 0.33)
        self.seam = [self.shoulder, (self.wide * 0.93, self.top + 0.16), (self.wide, self.arm)]
        sleeve = self._sleeve()
        self.silhouette = (self._body(), sleeve, sleeve * (-1, 1))

    def draw(self, canvas: Canvas) -> None:
        behind = ellipse((0, self.top), self.neck, 0.03, 0, -180)
        back = Part(canvas, np.vstack([self._neckline(), behind]), darker(self.colour, 0.3))
        back.paint(box(-0.02, self.top, 0.02, self.top + 0.026), WHITE).done()
        seams = [spline(self.seam), spline(self.seam) * (-1, 1)]
        for outline in self.silhouette[1:]:
            sleeve = Part(canvas, outline, self.sleeve_colour)
            if self.pattern in ALL_OVER:
                self.decorate(sleeve)
            self._finish(sleeve.stroke(seams, 0.03, -0.3, 0.02))
        body = Part(canvas, self.silhouette[0], self.colour)
        self.decorate(body)
        folds, light = self._folds(), canvas.light
        lit = [moved(fold, light[0] * 0.016, light[1] * 0.016) for fold in folds]
        body.stroke(folds, 0.02, -self.rough * 2.4, 0.012)
        body.stroke(lit, 0.016, self.rough * 1.7, 0.01)
        self._finish(body)
        canvas.solid(ribbon(moved(self._neckline(), 0, 0.004), 0.026), self.trim, 0.01)

    def _finish(self, part: Part) -> None:
        part.puff(0.03, 0.5).cloth(self.cloth, self.seed, self.rough, 0.14).done()

    def _folds(self) -> list[Points]:
        """The lines of the creases, from the armpits to the middle."""
        rng, folds = Random(self.seed), []
        for side in (1, 1, 1, -1, -1, -1):
            end = (rng.uniform(-0.1, 0.2), self.arm + rng.uniform(-0.05, 0.45))
            middle = ((self.wide + end[0]) / 2, (self.arm + end[1]) / 2 - rng.uniform(0, 0.05))
            folds.append(spline([(self.wide, self.arm), middle, end]) * (side, 1))
        return folds

    def _neckline(self) -> Points:
        """The line of the neck, from the left shoulder to the right one."""
        n, t, deep = self.neck, self.top, self.neck_deep
        half = spline([(n, t), (n * 0.75, t + deep * 0.7), (0, t + deep)])
        return np.vstack([half * (-1, 1), half[-2::-1]])

    def _body(self) -> Points:
        middle = ((self.wide + self.hem) / 2 * 0.99, (self.arm + self.base) / 2)
        side = [(self.wide, self.arm), middle, (self.hem, self.base)]
        half = path(self.seam, side, [side[-1], (0, self.base + 0.014)])
        return np.vstack([self._neckline(), half, half[::-1] * (-1, 1)])

    def _sleeve(self) -> Points:
        shoulder, arm = np.array(self.shoulder), np.array([self.wide - 0.03, self.arm])
        way = np.array([np.cos(self.angle), np.sin(self.angle)])
        wide = float(np.hypot(*(arm - shoulder))) * (0.85 if self.sleeve < 0.5 else 0.55)
        start = shoulder + (np.array([self.neck, self.top]) - shoulder) * 0.6
        tip = shoulder + way * self.sleeve
        end = tip + np.array([-way[1], way[0]]) * wide
        outer = np.array([start, moved(shoulder, 0.008, -0.004), (shoulder + tip) / 2, tip])
        return path(outer, np.array([tip, end]), np.array([end, (end + arm) / 2, arm]))
