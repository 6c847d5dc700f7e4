"""Draws mugs and cups from the side and a little from above."""

from random import Random

import numpy as np

from scraper.demo_shop.drawing.canvas import Canvas, Part
from scraper.demo_shop.drawing.colours import WHITE, mix
from scraper.demo_shop.drawing.design import Design
from scraper.demo_shop.drawing.geometry import Points, ellipse, ribbon, spline
from scraper.demo_shop.drawing.textures import Array

# half of the width at the top, and at the foot; height; how far the middle bulges out
_SHAPES = (
    *((0.34, 0.33, 0.74, 0.0), (0.37, 0.24, 0.74, 0.0), (0.27, 0.25, 0.86, 0.0)),
    *((0.31, 0.27, 0.7, 0.07), (0.42, 0.2, 0.52, 0.1), (0.36, 0.36, 0.58, 0.0)),
)
_HANDLES = (  # points from the upper to the lower end, as shares of reach and height
    [(0, -0.28), (0.7, -0.26), (1, 0), (0.7, 0.24), (0, 0.26)],
    [(0, -0.28), (0.8, -0.28), (1, -0.16), (1, 0.14), (0.8, 0.26), (0, 0.26)],
)


class Mug(Design):
    """A mug with its shape, handle, glaze, decoration and contents."""

    lies = 0.0
    patterns = ("plain", "motif", "motif", "bands", "hoops", "stripes", "dots", "checks")

    def __init__(self, rng: Random) -> None:
        super().__init__(rng)
        top, foot, high, belly = rng.choice(_SHAPES)
        self.top, self.foot = top * rng.uniform(0.92, 1.08), foot * rng.uniform(0.92, 1.08)
        self.high, self.belly = high * rng.uniform(0.9, 1.1), belly + rng.uniform(-0.02, 0.03)
        self.pitch = rng.uniform(0.1, 0.32)  # height of the rim's ellipse, divided by its width
        self.inside = rng.choice((WHITE, self.colour, self.second))
        self.gloss = rng.choice((0.08, 0.25, 0.4))
        self.drink = rng.choice((None, None, (54, 32, 20), (150, 96, 58)))
        self.handle, self.reach = rng.choice(_HANDLES), rng.uniform(0.15, 0.27)
        self.handle_width = rng.uniform(0.055, 0.085)
        self.handle_colour = rng.choice((self.colour, self.colour, self.colour, self.second))
        self.print_at = (0, 0, min(0.38, self.high * 0.5))
        self.silhouette = (self._body(), self._handle())

    def draw(self, canvas: Canvas) -> None:
        outline, handle = self.silhouette
        canvas.solid(handle, self.handle_colour, self.handle_width * 0.5)
        body = Part(canvas, outline, self.colour)
        self.decorate(body, self._wrap)
        side = float(np.sign(canvas.light[0])) * self.top

        def round_light(along: Array) -> Array:
            across = np.clip(along * 2 - 1, -1, 1)  # -1 is the lit side
            streak = self.gloss * np.exp(-(((across + 0.55) / 0.1) ** 2))
            return np.asarray(np.cos((across + 0.42) * 1.35) * 0.34 - 0.2 + streak)

        body.ramp(round_light, (side, 0), (-side, 0))
        body.ramp(lambda t: -0.2 * np.clip(t, 0, 1) ** 3, (0, 0), (0, self.high / 2)).done()
        self._draw_rim(canvas, side)

    def _surface(self, around: Points, t: Points) -> Points:
        """Points on the outside. `around` goes from -1 (left edge) to 1, `t` from rim to foot."""
        width = self.top + (self.foot - self.top) * t + self.belly * np.sin(np.pi * t)
        width = width * (1 - 0.16 * np.clip(t * 10 - 9, 0, 1) ** 2)
        y = self.high * (t - 0.5) + self.pitch * width * np.cos(around * np.pi / 2)
        return np.stack([width * np.sin(around * np.pi / 2), y], axis=1)

    def _wrap(self, flat: Points) -> Points:
        around = np.clip(flat[:, 0] / (self.top * np.pi / 2), -1, 1)
        return self._surface(around, flat[:, 1] / self.high + 0.5)

    def _body(self) -> Points:
        t, one = np.linspace(0, 1, 24) ** 0.6, np.ones(24)  # closer where the foot curves in
        foot = self._surface(np.linspace(-1, 1, 24), one)
        rim = ellipse((0, -self.high / 2), self.top, self.pitch * self.top, 0, -180)
        return np.vstack([self._surface(-one, t), foot, self._surface(one, t[::-1]), rim])

    def _handle(self) -> Points:
        upper, lower = self._surface(np.ones(2), np.array([0.3, 0.75]))[:, 0]
        points = [(upper - 0.02 + self.reach * x, self.high * y) for x, y in self.handle]
        return ribbon(spline([*points[:-1], (lower - 0.02, points[-1][1])]), self.handle_width)

    def _draw_rim(self, canvas: Canvas, side: float) -> None:
        y, depth = -self.high / 2, self.pitch * self.top
        Part(canvas, ellipse((0, y), self.top, depth), mix(self.colour, WHITE, 0.35)).done()
        inside = Part(canvas, ellipse((0, y), self.top * 0.93, depth * 0.93), self.inside)
        if self.drink:
            inside.paint(ellipse((0, y + 0.1), self.top * 0.9, depth * 0.92), self.drink)
        inside.ramp(lambda t: -0.4 * np.clip(1 - t, 0, 1), (side, y), (-side, y))
        inside.ramp(lambda t: -0.22 * np.clip(1 - t, 0, 1), (0, y - depth), (0, y)).done()
