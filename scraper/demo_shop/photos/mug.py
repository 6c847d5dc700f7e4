"""Mugs and cups, seen from the side and a little from above."""

from random import Random

import numpy as np

from scraper.demo_shop.photos.canvas import Canvas, Colour
from scraper.demo_shop.photos.colours import BLACK, WHITE, accent, darker, lighter, mix, pick
from scraper.demo_shop.photos.geometry import Frame, Points, box, ellipse, ribbon, spline
from scraper.demo_shop.photos.noise import Array
from scraper.demo_shop.photos.patterns import Pattern
from scraper.demo_shop.photos.textures import texture

_SHAPES = {  # half width at the top and at the foot, height, belly
    "straight": (0.34, 0.33, 0.74, 0.0),
    "cone": (0.37, 0.24, 0.74, 0.0),
    "tall": (0.27, 0.25, 0.86, 0.0),
    "barrel": (0.31, 0.27, 0.7, 0.07),
    "bowl": (0.42, 0.2, 0.52, 0.1),
    "waist": (0.36, 0.32, 0.74, -0.05),
    "camp": (0.36, 0.36, 0.58, 0.0),
}
_HANDLES = {  # points from the upper to the lower end, in shares of reach and height; the reach
    "round": ([(0, -0.28), (0.7, -0.26), (1, 0), (0.7, 0.24), (0, 0.26)], 0.25),
    "square": ([(0, -0.28), (0.8, -0.28), (1, -0.16), (1, 0.14), (0.8, 0.26), (0, 0.26)], 0.22),
    "ear": ([(0, -0.28), (0.6, -0.34), (1, -0.16), (0.75, 0.1), (0, 0.26)], 0.27),
    "small": ([(0, -0.2), (0.8, -0.18), (1, -0.03), (0.8, 0.12), (0, 0.14)], 0.17),
}
_DRINKS: tuple[Colour | None, ...] = (None, None, (54, 32, 20), (150, 96, 58), (160, 84, 30))
_KINDS = (
    *("plain", "plain", "motif", "motif", "motif", "small_motif", "bands", "hoops", "stripes"),
    *("dots", "drip", "checks", "speckle", "half", "picture"),
)


class Mug:
    """A design, drawn from `rng`: its shape, handle, glaze, decoration and contents."""

    stances = ("stand",)

    def __init__(self, rng: Random) -> None:
        top, foot, high, belly = _SHAPES[rng.choice(tuple(_SHAPES))]
        self.top, self.foot = top * rng.uniform(0.92, 1.08), foot * rng.uniform(0.92, 1.08)
        self.high, self.belly = high * rng.uniform(0.9, 1.1), belly + rng.uniform(-0.02, 0.03)
        self.pitch = rng.uniform(0.1, 0.32)  # short by long side of the rim's ellipse
        self.colour = pick(rng, 0.45)
        self.pattern = Pattern(rng, self.colour, _KINDS)
        self.inside = rng.choice((WHITE, self.colour, self.colour, accent(rng, self.colour)))
        self.gloss = rng.choice((0.15, 0.5, 0.8))
        self.drink = rng.choice(_DRINKS)
        self.level = rng.uniform(0.06, 0.16)
        self.tea_tag = self.drink is not None and rng.random() < 0.25
        self.saucer = rng.random() < 0.16
        self.rim = BLACK if rng.random() < 0.25 else lighter(self.colour, 0.35)
        self.handle = rng.choice(("round", "round", "square", "ear", "small"))
        self.handle_width = rng.uniform(0.055, 0.085)
        self.handle_turn = rng.choice((1, 1, rng.uniform(0.55, 0.95)))
        self.handle_colour = self.pattern.second if rng.random() < 0.15 else self.colour
        self.seed = rng.random()
        self.base = self.high / 2 + self.pitch * self.foot
        spot = Frame.at((0.0, self.pitch * self.top), min(0.5, self.high * 0.6))
        self.print_at = spot if self.pattern.kind == "picture" else None

    def silhouette(self) -> list[Points]:
        """What throws the shadow."""
        saucer = [ellipse((0, self.high / 2), 0.6, 0.6 * self.pitch)] if self.saucer else []
        return [self._body(), self._handle(), *saucer]

    def draw(self, canvas: Canvas, frame: Frame) -> None:
        """Draw it in its place."""
        if self.saucer:
            self._draw_saucer(canvas, frame)
        handle = canvas.part(frame, self._handle(), self.handle_colour)
        handle.puff(self.handle_width * 0.5, 1.1).done()
        self._draw_body(canvas, frame)
        self._draw_rim(canvas, frame)
        if self.tea_tag:
            x, y = -self.top * 0.4, -self.high / 2
            thread = spline([(x, y + 0.01), (x - 0.01, y + 0.15), (x + 0.01, y + 0.3)])
            canvas.fill(frame, ribbon(thread, 0.006), (235, 232, 224))
            tag = box(x - 0.04, y + 0.29, x + 0.06, y + 0.41, 0.01)
            canvas.part(frame, tag, self.pattern.third).puff(0.01, 0.7).done()

    def _half_width(self, t: Points) -> Points:
        """Half the width at heights t, 0 at the rim to 1 at the foot."""
        width = self.top + (self.foot - self.top) * t + self.belly * np.sin(np.pi * t)
        below = np.clip((t - 0.9) / 0.1, 0, 1)
        return np.asarray(width * (1 - 0.16 * below**2))

    def _surface(self, around: Points, t: Points) -> Points:
        """Points on the outside: around from -1 (left) to 1 (right edge), t from rim to foot."""
        width = self._half_width(t)
        x = width * np.sin(around * np.pi / 2)
        y = self.high * (t - 0.5) + self.pitch * width * np.cos(around * np.pi / 2)
        return np.stack([x, y], axis=1)

    def _wrap(self, flat: Points) -> Points:
        """Lay a flat pattern around the outside."""
        around = np.clip(flat[:, 0] / (self.top * np.pi / 2), -1, 1)
        return self._surface(around, flat[:, 1] / self.high + 0.5)

    def _body(self) -> Points:
        t, one = np.linspace(0, 1, 24) ** 0.6, np.ones(24)  # closer where the foot curves in
        return np.vstack(
            [
                self._surface(-one, t),
                self._surface(np.linspace(-1, 1, 24), one),
                self._surface(one, t[::-1]),
                ellipse((0, -self.high / 2), self.top, self.pitch * self.top, 0, -180, 24),
            ]
        )

    def _handle(self) -> Points:
        shape, reach = _HANDLES[self.handle]
        upper, lower = self._half_width(np.array([0.3, 0.75]))
        points = [(upper - 0.02 + reach * self.handle_turn * x, self.high * y) for x, y in shape]
        points[-1] = (lower - 0.02, points[-1][1])
        return ribbon(spline(points), self.handle_width)

    def _draw_body(self, canvas: Canvas, frame: Frame) -> None:
        body = canvas.part(frame, self._body(), self.colour)
        self.pattern.paint(body, wrap=self._wrap, size=min(0.38, self.high * 0.5))
        side = -np.sign(canvas.light[0])

        def round_light(along: Array) -> Array:
            across = np.clip((along * 2 - 1) * side, -1, 1)  # -1 is the lit side
            lit = np.cos((across + 0.42) * 1.35) * 0.34 - 0.2
            bounced = 0.16 * np.exp(-(((across - 0.93) / 0.09) ** 2))  # light from the ground
            streak = self.gloss * 0.5 * np.exp(-(((across + 0.55) / 0.1) ** 2))
            return np.asarray(lit + bounced + streak)

        body.ramp(round_light, (-self.top, 0), (self.top, 0))
        body.ramp(lambda t: -0.2 * np.clip(t, 0, 1) ** 3, (0, 0), (0, self.high / 2))
        body.grain(texture("smooth"), (self.seed, self.seed)).done()

    def _draw_rim(self, canvas: Canvas, frame: Frame) -> None:
        y, lip, depth = -self.high / 2, 0.93, self.pitch * self.top
        rim = canvas.part(frame, ellipse((0, y), self.top, depth), self.rim)
        rim.ramp(lambda t: 0.12 - 0.25 * t, (-self.top, y), (self.top, y)).done()
        inside = canvas.part(frame, ellipse((0, y), self.top * lip, depth * lip), self.inside)
        if self.drink:
            surface = ellipse((0, y + self.level), self.top * 0.9, depth * 0.92)
            inside.paint(surface, self.drink)
            inside.paint(ribbon(surface, 0.012), lighter(self.drink, 0.35), 0.8)
        side = np.sign(canvas.light[0]) * self.top
        inside.ramp(lambda t: -0.05 - 0.38 * np.clip(t, 0, 1), (-side, y), (side, y))
        inside.ramp(lambda t: -0.22 * np.clip(1 - t, 0, 1), (0, y - depth), (0, y + depth * 0.4))
        inside.done()

    def _draw_saucer(self, canvas: Canvas, frame: Frame) -> None:
        y = self.high / 2 + 0.03
        colour = mix(self.colour, WHITE, 0.1)
        rim = ellipse((0, y + 0.025), 0.6, 0.6 * self.pitch)
        canvas.part(frame, rim, darker(colour, 0.3)).done()
        plate = canvas.part(frame, ellipse((0, y), 0.6, 0.6 * self.pitch), colour)
        plate.paint(ellipse((0, y + 0.01), 0.42, 0.42 * self.pitch), darker(colour, 0.12))
        plate.ramp(lambda t: 0.15 - 0.3 * t, (-0.6, y), (0.6, y)).done()
        foot = ellipse((0.03, y), self.foot * 1.15, self.foot * 1.2 * self.pitch)
        canvas.fill(frame, foot, darker(colour, 0.75), opacity=0.55, soft=0.03)
