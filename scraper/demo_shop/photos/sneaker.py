"""Sneakers: from the side (one, or a pair behind each other), and a pair from above."""

from itertools import pairwise
from random import Random

import numpy as np

from scraper.demo_shop.photos.canvas import Canvas, Colour, Part
from scraper.demo_shop.photos.colours import BLACK, WHITE, accent, darker, lighter, mix, pick, rgb
from scraper.demo_shop.photos.geometry import (
    Frame,
    Points,
    box,
    ellipse,
    moved,
    path,
    ribbon,
    spline,
)
from scraper.demo_shop.photos.icons import icon
from scraper.demo_shop.photos.textures import texture

_GUM: Colour = rgb("#b98352")
_HIGH = {"court": 0.3, "runner": 0.1, "canvas": 0.5}  # share of high-tops
_CLOTH = {"canvas": "canvas", "runner": "mesh", "slip_on": "canvas"}


class Sneaker:
    """A design, drawn from `rng`: its type, height, sole, materials, laces and marks.

    In its own units the shoe points right; the ground is at `base`.
    """

    print_at = None

    def __init__(self, rng: Random) -> None:
        self.kind = rng.choice(("court", "court", "runner", "runner", "canvas", "slip_on", "strap"))
        self.high_top = rng.random() < _HIGH.get(self.kind, 0)
        self.above = rng.random() < 0.12
        self.pair = rng.random() < 0.3
        self.stances = ("lie",) if self.above else ("stand", "stand", "stand", "lie")
        self.collar = -0.36 if self.high_top else rng.uniform(-0.17, -0.11)
        self.toe = rng.uniform(0.01, 0.05)  # how high the toe box reaches
        self.sole = rng.uniform(0.06, 0.095) * (1.3 if self.kind == "runner" else 1)
        self.spring = rng.uniform(0.01, 0.04)  # of the toe, above the ground
        self.colour = pick(rng, 0.5)
        self.second = accent(rng, self.colour)
        self.third = accent(rng, self.colour)
        self.overlay = rng.choice((self.colour, darker(self.colour, 0.15), self.second))
        self.sole_colour = rng.choice((WHITE, WHITE, WHITE, BLACK, self.second, rgb("#efe7d6")))
        self.outsole = rng.choice((_GUM, BLACK, self.sole_colour, self.second))
        self.sole_mark = rng.choice(("none", "line", "line", "wedge", "ribs"))
        self.lace = rng.choice((WHITE, WHITE, BLACK, self.second))
        self.mark = rng.choice(
            ("swoosh", "bars", "bars", "wave", "chevron", "icon", "icon", "none")
        )
        self.toe_cap = self.kind == "canvas" or rng.random() < 0.35
        self.cloth = _CLOTH.get(self.kind, rng.choice(("leather", "leather", "smooth")))
        self.eyelets = rng.randrange(5, 8) + (2 if self.high_top else 0)
        self.seed = rng.random()
        self.base = 0.2

    def silhouette(self) -> list[Points]:
        """What throws the shadow."""
        if self.above:
            sole = self._from_above()
            return [moved(sole, -0.25, 0), moved(sole * (-1, 1), 0.25, 0)]
        one = [self._upper(), self._sole()]
        return [*one, *(moved(p, 0.1, -0.07) for p in one)] if self.pair else one

    def draw(self, canvas: Canvas, frame: Frame) -> None:
        """Draw it in its place."""
        if self.above:
            for x, flip in ((-0.25, False), (0.25, True)):
                self._draw_above(canvas, frame.inside(Frame.at((x, 0), 1, flip=flip)))
            return
        if self.pair:
            self._draw_side(canvas, frame.inside(Frame.at((0.1, -0.065), 0.97)), shade=0.25)
            contact = ellipse((0.06, self.base - 0.02), 0.5, 0.035)
            canvas.fill(frame, contact, (20, 20, 24), opacity=0.4, soft=0.03)
        self._draw_side(canvas, frame)

    # from the side

    def _upper(self) -> Points:
        c, t = self.collar, self.toe
        ankle = -0.4 if self.high_top else -0.43
        dip = 0.02 if self.high_top else 0.055
        tongue = (-0.1, c - 0.02) if self.high_top else (-0.11, c - 0.035)
        heel = [(-0.455, 0.15), (-0.475, 0.04), (ankle - 0.02, (c + 0.04) / 2), (ankle, c - 0.01)]
        rim = [(ankle + 0.03, c - 0.005), ((ankle + tongue[0]) / 2, c + dip)]
        instep = [tongue, (0.0, c * 0.42 - 0.01), (0.16, t * 0.3 - 0.02), (0.3, t * 0.5)]
        toe = [(0.42, t), (0.48, t + 0.045), (0.495, 0.15 - self.spring)]
        return path(
            heel,
            [heel[-1], *rim, (tongue[0] - 0.04, c + 0.012), tongue],
            [*instep, *toe],
            [(0.49, 0.16 - self.spring), (0.25, 0.19), (-0.455, 0.19)],
        )

    def _sole(self) -> Points:
        b, s, h = self.base, self.spring, self.sole
        if self.kind == "runner":
            toe = (0.46, b - s - h * 0.7)
            return path(
                [(-0.5, b - h * 0.9), (-0.505, b - h * 0.4), (-0.46, b)],
                [(-0.46, b), (0, b - 0.004), (0.3, b), (0.43, b - s * 0.7), (0.5, b - s * 2.2)],
                [(0.5, b - s * 2.2), (0.505, b - s - h * 0.75), toe],
                [toe, (0.2, b - h * 0.62), (-0.1, b - h * 0.95), (-0.3, b - h * 1.3)],
                [(-0.47, b - h * 1.35)],
            )
        toe = (0.495, b - s - h)
        return path(
            [(-0.48, b - h), (-0.488, b - h / 2), (-0.475, b)],
            [(-0.475, b), (0.2, b), (0.4, b - s * 0.5), (0.495, b - s * 1.5)],
            [(0.495, b - s * 1.5), (0.51, b - s - h * 0.7), toe],
            [toe, (0.3, b - h), (-0.48, b - h)],
        )

    def _instep(self, n: int) -> Points:
        """Where the laces cross, from the collar to the toe."""
        c = self.collar
        curve = spline([(-0.1, c), (0.005, c * 0.42 + 0.005), (0.13, -0.03), (0.2, 0.01)])
        return np.asarray(curve[np.linspace(2, len(curve) - 1, n).astype(int)])

    def _draw_side(self, canvas: Canvas, frame: Frame, shade: float = 0) -> None:
        colour, c = darker(self.colour, shade), self.collar
        if self.kind != "slip_on":
            top = [(-0.17, c + 0.03), (-0.13, c - 0.075), (-0.075, c - 0.07)]
            tongue = spline([*top, (0.05, c * 0.3), (0.1, 0.0)])
            lining = darker(mix(colour, self.overlay, 0.5), 0.12)
            canvas.part(frame, tongue, lining).puff(0.02, 0.8).done()
        inside = spline([(-0.42, c + 0.005), (-0.28, c - 0.02), (-0.12, c - 0.03), (-0.2, c + 0.1)])
        canvas.fill(frame, inside, darker(colour, 0.75))
        upper = canvas.part(frame, self._upper(), colour)
        upper.grain(texture(self.cloth), (self.seed, self.seed))
        self._paint_panels(upper, darker(self.overlay, shade))
        self._paint_mark(upper)
        upper.puff(0.07, 0.75).wrinkle(0.025, 0.16, (self.seed, 0.4))
        upper.ramp(lambda t: -0.28 * np.clip(t, 0, 1) ** 2, (0, 0), (0, 0.17))
        crease = spline([(0.16, 0.01), (0.19, 0.06), (0.25, 0.1)])
        upper.stroke([crease, moved(crease, 0.05, 0.017)], 0.012, -0.14, 0.012).done()
        if self.kind == "strap":
            self._draw_straps(canvas, frame)
        elif self.kind != "slip_on":
            self._draw_laces(canvas, frame)
        self._draw_sole(canvas, frame, shade)

    def _paint_panels(self, upper: Part, colour: Colour) -> None:
        c = self.collar
        stitched: list[Points] = []
        if self.kind in ("court", "runner", "strap"):
            counter = spline(
                [(-0.5, c * 0.55), (-0.36, c * 0.5 + 0.02), (-0.3, 0.05), (-0.24, 0.2)]
            )
            upper.paint(np.vstack([counter, [(-0.5, 0.2)]]), colour)
            stitched.append(counter)
        if self.kind in ("court", "runner"):
            lower = moved(self._instep(12), -0.065, 0.075)
            upper.paint(np.vstack([moved(self._instep(12), 0.02, -0.05), lower[::-1]]), colour)
            stitched.append(lower)
        if self.toe_cap:
            edge = spline([(0.31, -0.05), (0.29, 0.06), (0.33, 0.2)])
            cap = np.vstack([edge, [(0.6, 0.2), (0.6, -0.05)]])
            upper.paint(cap, WHITE if self.kind == "canvas" else colour)
            stitched.append(edge)
        elif self.kind == "runner":
            upper.paint(spline([(0.22, 0.2), (0.33, 0.1), (0.52, 0.06), (0.6, 0.2)]), colour)
        if self.kind == "slip_on":
            gore = path([(-0.09, c), (-0.03, 0.02), (0.07, 0.0)], [(0.0, c * 0.6)])
            upper.paint(gore, darker(self.second, 0.1))
            stitched.append(spline([(0.09, -0.05), (0.16, 0.06), (0.12, 0.2)]))
        collar = spline([(-0.44, c + 0.03), (-0.27, c + 0.09), (-0.13, c + 0.035)])
        upper.stroke([collar], 0.012, -0.2, 0.006).stroke(stitched, 0.005, -0.3, 0.002)
        upper.paint(box(-0.475, c - 0.03, -0.4, c + 0.07, 0.01), self.second)

    def _paint_mark(self, upper: Part) -> None:
        rng = Random(self.seed)
        colour = self.second if self.overlay != self.second else self.third
        x = rng.uniform(-0.16, -0.08)
        match self.mark:
            case "swoosh":
                upper_edge = [(-0.34, 0.02), (-0.25, 0.1), (-0.05, 0.06), (0.16, -0.05)]
                lower_edge = [(0.16, -0.05), (-0.05, 0.13), (-0.28, 0.14), (-0.34, 0.02)]
                upper.paint(path(upper_edge, lower_edge), colour)
            case "bars":
                lean = rng.uniform(0.08, 0.16)
                bar = ribbon(np.array([(x, 0.2), (x - lean, self.collar * 0.4)]), 0.034)
                n = rng.choice((2, 3, 3, 4))
                upper.paint([moved(bar, i * 0.065, 0) for i in range(n)], colour)
            case "wave":
                line = [(-0.42, 0.09), (-0.25, 0.02), (-0.08, 0.12), (0.12, 0.04), (0.3, 0.13)]
                upper.paint(ribbon(spline(line), (0.015, 0.05, 0.02)), colour)
            case "chevron":
                arrow = ribbon(np.array([(-0.02, -0.02), (-0.12, 0.07), (0, 0.16)]), 0.03)
                upper.paint([moved(arrow, x * 0.5 + d, 0) for d in (0, 0.06)], colour)
            case "icon":
                size, y = (0.17, self.collar * 0.4) if self.high_top else (0.13, 0.08)
                if self.high_top:
                    x = -0.27
                    upper.paint(ellipse((x, y), 0.11, 0.11), WHITE)
                for outline, index in icon(rng, flipped=upper.frame.flipped):
                    ink = (colour, self.third, self.colour)[index]
                    upper.paint(moved(outline * size, x, y), ink)

    def _draw_laces(self, canvas: Canvas, frame: Frame) -> None:
        points = self._instep(self.eyelets)
        if self.kind != "runner":
            across = [
                ribbon(np.array([moved(a, -0.035, 0.04), moved(b, 0.01, -0.016)]), 0.012)
                for a, b in pairwise(points)
            ]
            canvas.fill(frame, across, darker(self.lace, 0.18))
        lace = ribbon(spline([(0.016, -0.022), (-0.008, -0.006), (-0.045, 0.05)]), 0.021)
        bow = (
            [(0, -0.02), (0.06, -0.09), (0.11, -0.03), (0.02, -0.005)],
            [(0, -0.02), (-0.04, 0.04), (-0.02, 0.1), (0.01, 0)],
            [(0, -0.02), (0.06, 0.03), (0.08, 0.08)],
        )
        laces = [moved(lace, x, y) for x, y in points]
        laces += [moved(ribbon(spline(loop), 0.016), *points[0]) for loop in bow]
        canvas.part(frame, laces, self.lace).puff(0.007, 0.9).done()

    def _draw_straps(self, canvas: Canvas, frame: Frame) -> None:
        strap = ribbon(spline([(0.025, -0.03), (-0.02, 0.01), (-0.09, 0.12)]), 0.075)
        for x, y in self._instep(8)[[0, 2, 5]] if self.high_top else self._instep(6)[[1, 3]]:
            canvas.part(frame, moved(strap, x, y), self.overlay).puff(0.015, 0.9).done()

    def _draw_sole(self, canvas: Canvas, frame: Frame, shade: float) -> None:
        b, s = self.base, self.spring
        sole = canvas.part(frame, self._sole(), darker(self.sole_colour, shade))
        edge = [(-0.55, b), (0.2, b), (0.4, b - s * 0.5), (0.55, b - s * 1.5)]
        tread = path(moved(np.array(edge), 0, -0.018), [(0.55, b + 0.1), (-0.55, b + 0.1)])
        sole.paint(tread, darker(self.outsole, shade))
        match self.sole_mark:
            case "line":
                line = ribbon(spline(moved(np.array(edge), 0, -self.sole * 0.62)), 0.012)
                sole.paint(line, self.second)
            case "wedge":
                wedge = [(-0.5, b - 0.06), (-0.2, b - 0.075), (0.1, b - 0.03), (-0.5, b - 0.02)]
                sole.paint(spline(wedge), self.second)
            case "ribs":
                rib = np.array([(0, b - self.sole * 0.5), (0, b - 0.02)])
                ribs = [moved(rib, x, 0) for x in np.arange(-0.47, 0.45, 0.03)]
                sole.stroke(ribs, 0.006, -0.25)
        sole.puff(0.02, 0.7)
        sole.ramp(lambda t: 0.06 - 0.2 * np.clip(t, 0, 1), (0, b - self.sole), (0, b)).done()

    # from above, the toe up

    def _from_above(self) -> Points:
        outer = [(0.02, -0.48), (0.15, -0.4), (0.185, -0.22), (0.15, 0.05), (0.155, 0.3)]
        heel = [(0.1, 0.45), (0, 0.48), (-0.1, 0.45)]
        inner = [(-0.145, 0.3), (-0.135, 0.05), (-0.16, -0.22), (-0.11, -0.41)]
        return spline([*outer, *heel, *inner], closed=True)

    def _draw_above(self, canvas: Canvas, frame: Frame) -> None:
        outline = self._from_above()
        canvas.part(frame, outline * 1.06, self.sole_colour).puff(0.02, 0.8).done()
        upper = canvas.part(frame, outline, self.colour)
        upper.grain(texture(self.cloth), (self.seed, self.seed))
        if self.toe_cap:
            colour = WHITE if self.kind == "canvas" else self.overlay
            upper.paint(ellipse((0.015, -0.42), 0.2, 0.16), colour)
        heel = [(-0.2, 0.26), (0, 0.33), (0.2, 0.26), (0.2, 0.6), (-0.2, 0.6)]
        upper.paint(spline(heel), self.overlay)
        upper.puff(0.09, 0.9).stroke([outline], 0.01, -0.15, 0.01).done()
        collar = ellipse((0, 0.205), 0.083, 0.185)
        padding = canvas.part(frame, ellipse((0, 0.2), 0.105, 0.2), darker(self.overlay, 0.1))
        padding.puff(0.02, 0.8).done()
        canvas.part(frame, collar, mix(self.second, (45, 45, 45), 0.6)).puff(0.05, -1).done()
        tongue = box(-0.075, -0.2, 0.08, 0.13, 0.05)
        canvas.part(frame, tongue, lighter(self.colour, 0.08)).puff(0.03, 0.9).done()
        if self.kind == "slip_on":
            return
        rows = np.linspace(-0.18, 0.06, self.eyelets)
        laces = [[(-0.09, y), (0, y - 0.015), (0.095, y + 0.01)] for y in rows]
        laces += [[(0, 0.06), (x, 0.02), (x * 1.2, 0.1), (0, 0.07)] for x in (-0.1, 0.1)]
        part = canvas.part(frame, [ribbon(spline(lace), 0.022) for lace in laces], self.lace)
        part.puff(0.008, 0.9).done()
