"""Backpacks from the front, some turned a little so that a side shows."""

from random import Random

import numpy as np

from scraper.demo_shop.photos.canvas import Canvas, Colour, Part
from scraper.demo_shop.photos.colours import BLACK, darker, lighter, pick, rgb
from scraper.demo_shop.photos.geometry import (
    Frame,
    Pair,
    Points,
    box,
    ellipse,
    mirrored,
    moved,
    ribbon,
    spline,
    symmetric,
)
from scraper.demo_shop.photos.icons import icon
from scraper.demo_shop.photos.patterns import Pattern
from scraper.demo_shop.photos.textures import texture

_LEATHER: tuple[Colour, ...] = (rgb("#8a5a34"), rgb("#5a3a26"), rgb("#b98352"), rgb("#2b2622"))
_METAL: tuple[Colour, ...] = (rgb("#c9b06a"), rgb("#b9bcc0"), rgb("#55585c"))
_KINDS = (
    *("plain", "plain", "plain", "plain", "plain", "plain"),
    *("motifs", "hoops", "stripes", "dots", "fade", "half"),
)


class Backpack:
    """A design, drawn from `rng`: its type, outline, pockets, straps, materials and patches."""

    stances = ("stand", "stand", "stand", "hang", "lie")
    print_at = None

    def __init__(self, rng: Random) -> None:
        self.kind = rng.choice(
            ("school", "school", "school", "flap", "flap", "hike", "roll", "mini")
        )
        self.high = rng.uniform(0.78, 0.95) * (0.72 if self.kind == "mini" else 1)
        self.wide = rng.uniform(0.27, 0.34)  # half, at its widest
        self.top_wide = self.wide * rng.uniform(0.72, 0.95)
        self.round = rng.uniform(0.06, 0.24)  # of the top
        self.foot_round = rng.uniform(0.04, 0.09)
        self.colour = pick(rng, 0.35)
        self.pattern = Pattern(rng, self.colour, _KINDS)
        second = self.pattern.second
        self.pocket_colour = rng.choice(
            (self.colour, self.colour, darker(self.colour, 0.15), second)
        )
        self.foot_colour = rng.choice((None, None, rng.choice(_LEATHER), second))
        self.strap_colour = rng.choice((darker(self.colour, 0.4), BLACK, rng.choice(_LEATHER)))
        self.leather = rng.choice(_LEATHER)
        self.metal = rng.choice(_METAL)
        self.zip = rng.choice((BLACK, darker(self.colour, 0.5), second))
        self.cloth = rng.choice(("canvas", "canvas", "jersey", "leather"))
        self.patch = rng.choice(("none", "box", "round", "icon"))
        self.pocket_high = rng.uniform(0.3, 0.42)
        self.pocket_wide = rng.uniform(0.68, 0.88)
        self.side_pockets = rng.random() < 0.5
        self.bottle = rng.random() < 0.25
        self.turn = rng.choice((0, 0, rng.uniform(0.04, 0.13)))  # how much of its side shows
        self.seed = rng.random()
        self.base = self.high / 2

    def silhouette(self) -> list[Points]:
        """What throws the shadow."""
        body = self._outline()
        return [body, moved(body, self.turn, -0.01), self._handle(), *self._side_pockets()]

    def draw(self, canvas: Canvas, frame: Frame) -> None:
        """Draw it in its place."""
        self._draw_straps(canvas, frame)
        if self.side_pockets:
            pockets = canvas.part(frame, self._side_pockets(), darker(self.pocket_colour, 0.15))
            pockets.grain(texture("mesh"), (self.seed, 0.2)).puff(0.04, 0.9).done()
        if self.turn:
            back = moved(self._outline(), self.turn, -0.01)
            side = canvas.part(frame, back, darker(self.colour, 0.35))
            side.puff(0.05, 0.8).grain(texture(self.cloth), (self.seed, 0.5)).done()
        self._draw_body(canvas, frame)
        if self.kind == "roll":
            self._draw_roll(canvas, frame)
            return
        self._draw_pocket(canvas, frame)
        if self.kind == "flap":
            self._draw_flap(canvas, frame, self.high * 0.46, buckles=True)
        elif self.kind == "hike":
            self._draw_flap(canvas, frame, self.high * 0.26, buckles=False)
        else:
            self._draw_opening(canvas, frame)

    def _outline(self, inset: float = 0) -> Points:
        h, w, t = self.high / 2 - inset, self.wide - inset, self.top_wide - inset
        r, f = self.round, self.foot_round
        top = [(0, -h), (t * 0.55, -h + r * 0.1), (t * 0.93, -h + r * 0.62)]
        side = [(t + (w - t) * 0.35, -h + r + 0.08), (w, h * 0.35), (w * 0.985, h - f)]
        foot = [(w * 0.985 - f * 0.35, h - f * 0.25), (w - f * 1.6, h), (0, h + 0.006)]
        return symmetric(spline([*top, *side, *foot]))

    def _handle(self) -> Points:
        arch = [(-0.085, 0.03), (-0.07, -0.055), (0, -0.075), (0.07, -0.055), (0.085, 0.03)]
        return moved(ribbon(spline(arch), 0.03), 0, -self.high / 2)

    def _side_pockets(self) -> list[Points]:
        if not self.side_pockets:
            return []
        x, y = self.wide, self.high / 2
        outer = [(x - 0.06, y * 0.15), (x + 0.035, y * 0.2), (x + 0.055, y * 0.6)]
        pocket = spline([*outer, (x + 0.02, y * 0.95), (x - 0.06, y * 0.95)])
        return [pocket, mirrored(pocket)]

    def _draw_straps(self, canvas: Canvas, frame: Frame) -> None:
        h, w = self.high / 2, self.wide
        if self.bottle and self.side_pockets:
            bottle = box(w - 0.035, -0.08, w + 0.05, h * 0.8, 0.03)
            canvas.part(frame, bottle, self.pattern.third).puff(0.02, 1).done()
            cap = box(w - 0.02, -0.13, w + 0.035, -0.07, 0.01)
            canvas.part(frame, cap, BLACK).puff(0.01, 1).done()
        upper = [(0.1, -h + 0.04), (w * 0.9, -h * 0.55), (w + 0.075, 0)]
        loop = spline([*upper, (w + 0.045, h * 0.6), (w * 0.85, h * 0.92)])
        strap = ribbon(loop, (0.07, 0.07, 0.06, 0.03, 0.025))
        for outline in (strap, mirrored(strap), self._handle()):
            canvas.part(frame, outline, self.strap_colour).puff(0.018, 1).done()

    def _finish(self, part: Part) -> None:
        part.wrinkle(0.05, 0.2, (self.seed, self.seed * 3 % 1))
        part.grain(texture(self.cloth), (self.seed, self.seed)).done()

    def _draw_body(self, canvas: Canvas, frame: Frame) -> None:
        body = canvas.part(frame, self._outline(), self.colour)
        self.pattern.paint(body)
        if self.foot_colour:
            y = self.high / 2 - self.high * 0.17
            body.paint(box(-0.6, y, 0.6, 0.6), self.foot_colour)
            body.stroke([np.array([(-0.6, y), (0.6, y)])], 0.006, -0.35, 0.002)
        body.puff(0.1, 1.15)
        piping = self._outline(0.022)
        body.stroke([np.vstack([piping, piping[:1]])], 0.006, -0.2, 0.003)
        body.ramp(lambda t: -0.22 * np.clip(t, 0, 1) ** 2, (0, 0), (0, self.high / 2))
        self._finish(body)

    def _draw_pocket(self, canvas: Canvas, frame: Frame) -> None:
        h, w = self.high / 2, self.wide * self.pocket_wide
        top = h - 0.035 - self.high * self.pocket_high
        outline = box(-w, top, w, h - 0.025, 0.06)
        canvas.fill(frame, moved(outline, 0.004, 0.012), BLACK, opacity=0.4, soft=0.012)
        pocket = canvas.part(frame, outline, self.pocket_colour)
        if self.pattern.kind in ("motifs", "dots") and self.pocket_colour == self.colour:
            self.pattern.paint(pocket)
        self._finish(pocket.puff(0.05, 1))
        y = top + 0.05
        self._draw_zip(
            canvas, frame, [(0.03 - w, y + 0.015), (0, y - 0.004), (w - 0.03, y + 0.015)]
        )
        if self.kind == "school":
            self._draw_patch(canvas, frame, (0, (top + h) / 2 + 0.035))

    def _draw_opening(self, canvas: Canvas, frame: Frame) -> None:
        """The zip of the main compartment."""
        t, y = self.top_wide * 0.86, self.round * 0.6 + 0.05 - self.high / 2
        low = -self.high * self.pocket_high * 0.35
        half = [(-t, low), (-t * 0.97, y + 0.08), (-t * 0.6, y - 0.005)]
        arch = [*half, (0, y - 0.03), *((-x, y) for x, y in reversed(half))]
        self._draw_zip(canvas, frame, arch)
        if self.kind == "mini" or self.patch == "icon":
            self._draw_patch(canvas, frame, (0, (y + low) / 2 + 0.03))

    def _draw_zip(self, canvas: Canvas, frame: Frame, points: list[Pair]) -> None:
        line = spline(points)
        canvas.part(frame, ribbon(line, 0.022), self.zip).stroke([line], 0.004, 0.25).done()
        x, y = line[-6]
        pull = box(x - 0.008, y, x + 0.008, y + 0.055, 0.006)
        canvas.part(frame, pull, self.metal).puff(0.004, 1).done()

    def _draw_patch(self, canvas: Canvas, frame: Frame, centre: Pair) -> None:
        x, y = centre
        second = self.pattern.second
        match self.patch:
            case "box":
                outline = box(x - 0.065, y - 0.035, x + 0.065, y + 0.035, 0.01)
                label = canvas.part(frame, outline, self.leather)
                label.stroke([np.array([(x - 0.04, y), (x + 0.04, y)])], 0.012, 0.5)
                label.puff(0.008, 0.8).done()
            case "round":
                badge = canvas.part(frame, ellipse(centre, 0.055, 0.055), second)
                badge.puff(0.012, 0.8).done()
            case "icon":
                for outline, index in icon(Random(self.seed), flipped=frame.flipped):
                    colour = second if index == 0 else lighter(second)
                    canvas.fill(frame, moved(outline * 0.15, x, y), colour)

    def _draw_flap(self, canvas: Canvas, frame: Frame, high: float, *, buckles: bool) -> None:
        h, t = self.high / 2, self.top_wide + 0.012
        low = high - h
        top = [
            (0, -h - 0.012),
            (t * 0.6, self.round * 0.1 - h - 0.012),
            (t * 0.97, self.round * 0.6 - h),
        ]
        side = [(t + 0.012, low - 0.07), (t * 0.9, low - 0.01), (0, low)]
        outline = symmetric(spline([*top, *side]))
        canvas.fill(frame, moved(outline, 0.004, 0.02), BLACK, opacity=0.45, soft=0.015)
        colour = self.pattern.second if self.pattern.kind == "half" else self.colour
        flap = canvas.part(frame, outline, colour)
        if self.pattern.kind not in ("half", "fade"):
            self.pattern.paint(flap)
        flap.puff(0.05, 1)
        flap.stroke([moved(outline * 0.95, 0, high * 0.02 - h * 0.04)], 0.004, -0.2, 0.002)
        self._finish(flap)
        if buckles:
            self._draw_buckles(canvas, frame, low, self.leather, 0.13)
        else:
            self._draw_buckles(canvas, frame, low, self.strap_colour, 0.07)
        if not buckles or self.patch == "icon":
            self._draw_patch(canvas, frame, (0, high * 0.55 - h))

    def _draw_buckles(
        self, canvas: Canvas, frame: Frame, y: float, colour: Colour, above: float
    ) -> None:
        straps = [box(x - 0.026, y - above, x + 0.026, y + 0.13, 0.012) for x in (-0.13, 0.13)]
        shadows = [moved(strap, 0.004, 0.008) for strap in straps]
        canvas.fill(frame, shadows, BLACK, opacity=0.4, soft=0.008)
        canvas.part(frame, straps, colour).puff(0.01, 1).done()
        buckles = [box(x - 0.036, y + 0.01, x + 0.036, y + 0.06, 0.008) for x in (-0.13, 0.13)]
        canvas.part(frame, buckles, self.metal).puff(0.008, 1).done()
        holes = [box(x - 0.02, y + 0.024, x + 0.02, y + 0.046) for x in (-0.13, 0.13)]
        canvas.fill(frame, holes, darker(colour, 0.4))

    def _draw_roll(self, canvas: Canvas, frame: Frame) -> None:
        """A top that is rolled down and held by one strap; a zip across the front."""
        h, t = self.high / 2, self.top_wide
        outline = box(-t - 0.01, -h - 0.02, t + 0.01, -h + 0.09, 0.045)
        canvas.fill(frame, moved(outline, 0, 0.02), BLACK, opacity=0.4, soft=0.015)
        roll = canvas.part(frame, outline, darker(self.colour, 0.08))
        roll.stroke([np.array([(-t, -h + 0.05), (t, -h + 0.05)])], 0.006, -0.35, 0.004)
        self._finish(roll.puff(0.035, 1.1))
        strap = box(-0.028, -h - 0.03, 0.028, h * 0.25, 0.01)
        canvas.fill(frame, moved(strap, 0.004, 0.008), BLACK, opacity=0.4, soft=0.008)
        canvas.part(frame, strap, self.leather).puff(0.01, 1).done()
        canvas.part(frame, box(-0.04, -0.02, 0.04, 0.035, 0.008), self.metal).puff(0.008, 1).done()
        x, y = self.wide * 0.8, h * 0.45
        self._draw_zip(canvas, frame, [(-x, y), (0, y), (x, y)])
