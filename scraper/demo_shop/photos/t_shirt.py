"""T-shirts from the front: laid flat, on a hanger, or folded."""

from random import Random

import numpy as np

from scraper.demo_shop.photos.canvas import Canvas, Part
from scraper.demo_shop.photos.colours import darker, lighter, mix, pick, rgb
from scraper.demo_shop.photos.geometry import (
    Frame,
    Pair,
    Points,
    box,
    ellipse,
    mirrored,
    moved,
    path,
    ribbon,
    spline,
    symmetric,
)
from scraper.demo_shop.photos.patterns import Pattern
from scraper.demo_shop.photos.textures import texture

_HANGERS = ("#b98a55", "#8a5c34", "#dcdcdc", "#2b2b2e")
_KINDS = (
    *("plain", "plain", "plain", "motif", "motif", "motif", "small_motif", "hoops", "hoops"),
    *("bands", "half", "dots", "fade", "rings", "motifs", "checks", "picture"),
)
_ALL_OVER = {"hoops", "dots", "rings", "motifs", "checks"}  # on the sleeves too


class TShirt:
    """A design, drawn from `rng`: its cut, neck, sleeves, colours, print and folds."""

    def __init__(self, rng: Random) -> None:
        self.folded = rng.random() < 0.1
        self.stances = ("lie",) if self.folded else ("lie", "lie", "hang")
        self.wide = rng.uniform(0.25, 0.32)  # half, at the chest
        self.long = 0.72 if self.folded else rng.uniform(0.68, 0.9)
        self.arm = rng.uniform(0.23, 0.28)  # from the top to the armpit
        self.waist = rng.choice((1, 1, rng.uniform(0.86, 0.97), rng.uniform(1.02, 1.1)))
        self.neck = rng.uniform(0.085, 0.125)
        self.neck_kind = rng.choice(("crew", "crew", "crew", "v", "scoop"))
        deep = {"crew": 0.065, "v": 0.17, "scoop": 0.14}[self.neck_kind]
        self.neck_deep = deep * rng.uniform(0.85, 1.2)
        self.sleeve = rng.choice((rng.uniform(0.15, 0.26), rng.uniform(0.15, 0.26), 0.52, 0.08))
        self.angle = np.radians(rng.uniform(30, 60) if self.sleeve < 0.5 else rng.uniform(58, 72))
        self.colour = pick(rng, 0.4)
        self.pattern = Pattern(rng, self.colour, _KINDS)
        second = self.pattern.second
        self.trim = second if rng.random() < 0.22 else darker(self.colour, 0.06)
        self.sleeve_colour = second if rng.random() < 0.12 else self.colour
        self.pocket = mix(self.colour, second, rng.choice((0, 0.1, 1)))
        self.has_pocket = rng.random() < 0.12
        self.cloth = rng.choice(("jersey", "jersey", "smooth", "canvas"))
        self.rough = rng.uniform(0.03, 0.085)
        self.hanger = rgb(rng.choice(_HANGERS))
        self.seed = rng.random()
        self.top, self.base = -self.long / 2, self.long / 2
        spot = Frame.at((0.0, self.top + 0.38), rng.uniform(0.3, 0.42))
        self.print_at = spot if self.pattern.kind == "picture" else None

    def silhouette(self) -> list[Points]:
        """What throws the shadow."""
        if self.folded:
            return [self._folded()]
        sleeve = self._sleeve()
        return [self._body(), sleeve, mirrored(sleeve)]

    def draw(self, canvas: Canvas, frame: Frame) -> None:
        """Draw it in its place."""
        if self.folded:
            self._draw_folded(canvas, frame)
            return
        self._draw_back(canvas, frame)
        for side in (False, True):
            self._draw_sleeve(canvas, frame.inside(Frame.at((0, 0), 1, flip=side)))
        body = canvas.part(frame, self._body(), self.colour)
        self._decorate(body)
        body.puff(0.03, 0.5)
        folds = self._folds()
        lx, ly = canvas.light
        lit = [moved(f, lx * 0.016, ly * 0.016) for f in folds]
        body.stroke(folds, 0.02, -self.rough * 2.4, 0.012)
        body.stroke(lit, 0.016, self.rough * 1.7, 0.01)
        self._finish(body)
        hem = self.wide * self.waist, self.base - 0.022
        body.stroke([spline([(-hem[0], hem[1]), (0, hem[1] + 0.014), hem])], 0.004, -0.22).done()
        rib = canvas.part(frame, ribbon(self._neckline(0.004), 0.026), self.trim)
        rib.puff(0.01, 0.7).grain(texture("jersey"), (self.seed, 0.3)).done()

    def draw_hanger(self, canvas: Canvas, frame: Frame) -> None:
        """What it hangs on, to be drawn before it."""
        x, y = self._shoulder()
        arm = spline([(-x * 0.9, y + 0.02), (-0.1, self.top + 0.005), (0, self.top - 0.01)])
        bar = ribbon(np.vstack([arm, mirrored(arm)[::-1]]), 0.035, round_ends=True)
        canvas.part(frame, bar, self.hanger).puff(0.012, 1).done()
        hook = spline([(0, -0.01), (0, -0.06), (0.03, -0.1), (0, -0.13), (-0.03, -0.11)])
        wire = moved(ribbon(hook, 0.011), 0, self.top)
        canvas.part(frame, wire, (150, 152, 156)).puff(0.004, 1).done()

    def _finish(self, part: Part) -> None:
        part.wrinkle(self.rough, 0.14, (self.seed, self.seed * 7 % 1), (1, 0.7))
        part.grain(texture(self.cloth), (self.seed, self.seed))

    def _decorate(self, part: Part) -> None:
        def sag(points: Points) -> Points:
            x, y = points.T
            return np.stack([x, y + 0.012 * np.cos(x * 4) + 0.003 * np.sin(x * 31)], axis=1)

        self.pattern.paint(part, wrap=sag, centre=(0, self.top + 0.37), size=0.33)
        if self.has_pocket:
            x, y = self.wide * 0.45, self.top + 0.24
            pocket = box(x - 0.07, y, x + 0.07, y + 0.15, 0.02)
            part.paint(pocket, self.pocket)
            part.stroke([np.vstack([pocket, pocket[:1]])], 0.004, -0.35)
            part.stroke([np.array([(x - 0.07, y + 0.02), (x + 0.07, y + 0.02)])], 0.003, -0.3)

    def _folds(self) -> list[Points]:
        """Creases from the armpits, and some from the hem."""
        rng = Random(self.seed)
        arm = (self.wide, self.top + self.arm)
        folds = []
        for side in (1, -1):
            for _ in range(rng.randrange(1, 4)):
                end = (rng.uniform(0, 0.2), arm[1] + rng.uniform(-0.05, 0.3))
                middle = ((arm[0] + end[0]) / 2, (arm[1] + end[1]) / 2 + rng.uniform(-0.05, 0.02))
                folds.append(spline([arm, middle, end]) * (side, 1))
        for _ in range(rng.randrange(2, 6)):
            x, y = rng.uniform(-self.wide, self.wide), rng.uniform(0, self.long / 2)
            slope = rng.uniform(-0.12, 0.12)
            folds.append(spline([(x, y), (x + slope, y + 0.1), (x + slope * 1.5, y + 0.25)]))
        return folds

    def _half_neck(self, lower: float = 0) -> Points:
        n, t, deep = self.neck + lower, self.top, self.top + self.neck_deep + lower
        if self.neck_kind == "v":
            return spline([(n, t), (n * 0.62, t + self.neck_deep * 0.5), (0, deep)])
        return spline([(n, t), (n * 0.93, (t + deep) / 2), (n * 0.55, deep - 0.012), (0, deep)])

    def _neckline(self, lower: float = 0) -> Points:
        """From the left shoulder to the right one."""
        half = self._half_neck(lower)
        return np.vstack([mirrored(half), half[-2::-1]])

    def _shoulder(self) -> Pair:
        return self.wide * 0.93, self.top + 0.07

    def _body(self) -> Points:
        arm, hem, waist = self.top + self.arm, self.base, self.wide * self.waist
        middle = (self.wide + waist) / 2 * 0.99
        right = path(
            [self._shoulder(), (self.wide * 0.93, self.top + 0.16), (self.wide, arm)],
            [(self.wide, arm), (middle, (arm + hem) / 2), (waist, hem)],
            [(waist, hem), (0, hem + 0.014)],
        )
        return symmetric(np.vstack([self._half_neck()[::-1], right]))

    def _sleeve(self) -> Points:
        shoulder = np.array(self._shoulder())
        arm = np.array([self.wide - 0.03, self.top + self.arm])
        way = np.array([np.cos(self.angle), np.sin(self.angle)])
        wide = float(np.linalg.norm(arm - shoulder)) * (0.85 if self.sleeve < 0.5 else 0.55)
        start = shoulder + (np.array([self.neck, self.top]) - shoulder) * 0.6
        tip = shoulder + way * self.sleeve
        end = tip + np.array([-way[1], way[0]]) * wide
        outer = np.array([start, moved(shoulder, 0.008, -0.004), (shoulder + tip) / 2, tip])
        cuff = np.array([tip, (tip + end) / 2 + way * 0.008, end])
        inner = np.array([end, moved((end + arm) / 2, 0, -0.012), arm])
        return path(outer, cuff, inner)

    def _draw_back(self, canvas: Canvas, frame: Frame) -> None:
        """The inside of the back, which shows in the neck."""
        inside = np.vstack([self._neckline(), ellipse((0, self.top), self.neck, 0.03, 0, -180, 20)])
        back = canvas.part(frame, inside, darker(self.colour, 0.3))
        back.stroke([ellipse((0, self.top), self.neck, 0.02, 180, 0)], 0.02, -0.15, 0.01)
        back.paint(box(-0.02, self.top + 0.002, 0.02, self.top + 0.026), (236, 234, 228)).done()

    def _draw_sleeve(self, canvas: Canvas, frame: Frame) -> None:
        outline = self._sleeve()
        sleeve = canvas.part(frame, outline, self.sleeve_colour)
        if self.pattern.kind in _ALL_OVER:
            self._decorate(sleeve)
        sleeve.puff(0.03, 0.6)
        arm = (self.wide - 0.01, self.top + self.arm)
        seam = spline([self._shoulder(), (self.wide * 0.93, self.top + 0.16), arm])
        cuff = outline[28:47] - np.array([np.cos(self.angle), np.sin(self.angle)]) * 0.022
        sleeve.stroke([seam], 0.03, -0.3, 0.02).stroke([cuff], 0.004, -0.2)
        self._finish(sleeve)
        sleeve.done()

    def _folded(self) -> Points:
        return box(-0.3, -0.36, 0.3, 0.36, 0.03)

    def _draw_folded(self, canvas: Canvas, frame: Frame) -> None:
        for lower in (0.03, 0.018, 0.006):
            under = box(-0.3 + lower / 3, -0.35, 0.3 - lower / 3, 0.36 + lower, 0.04)
            canvas.part(frame, under, darker(self.colour, 0.12 + lower * 6)).done()
        front = canvas.part(frame, self._folded(), self.colour)
        self._decorate(front)
        front.puff(0.04, 0.9)
        edge = spline([(self.neck, -0.36), (0.2, -0.1), (0.24, 0.36)])
        front.stroke([edge, mirrored(edge)], 0.012, -0.12, 0.015)
        self._finish(front)
        front.done()
        back = ellipse((0, -0.34), self.neck * 1.3, 0.045)
        canvas.part(frame, back, darker(self.colour, 0.35)).puff(0.02, -0.5).done()
        collar = ribbon(ellipse((0, -0.345), self.neck * 1.35, 0.1, 180, 0), 0.03)
        canvas.part(frame, collar, lighter(self.trim, 0.05)).puff(0.01, 0.8).done()
