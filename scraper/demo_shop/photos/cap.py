"""Caps from the side and from the front, and bucket hats."""

from random import Random

import numpy as np

from scraper.demo_shop.photos.canvas import Canvas
from scraper.demo_shop.photos.colours import WHITE, darker, pick
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

_KINDS = ("plain", "motif", "motif", "motif", "patch", "patch", "motifs", "stripes", "half", "dots")


class Cap:
    """A design, drawn from `rng`: its type, crown, brim, panels and emblem."""

    stances = ("stand", "stand", "lie")
    print_at = None

    def __init__(self, rng: Random) -> None:
        self.kind = rng.choice(("side", "side", "side", "front", "front", "bucket"))
        self.trucker = self.kind != "bucket" and rng.random() < 0.3  # its back is a mesh
        self.high = rng.uniform(0.36, 0.46)
        self.wide = rng.uniform(0.29, 0.34)
        self.brim = rng.uniform(0.2, 0.27)
        self.flat = rng.random() < 0.35  # a straight brim
        self.colour = pick(rng, 0.35)
        kind = rng.choice(_KINDS)
        self.patch = kind == "patch"
        self.pattern = Pattern(rng, self.colour, ("motif" if self.patch else kind,))
        second = self.pattern.second
        self.brim_colour = rng.choice((self.colour, self.colour, second, darker(self.colour, 0.2)))
        self.back_colour = WHITE if self.trucker and rng.random() < 0.4 else self.colour
        self.cloth = rng.choice(("canvas", "canvas", "jersey", "leather"))
        self.button = rng.choice((self.colour, second))
        self.seed = rng.random()
        self.base = 0.17

    def silhouette(self) -> list[Points]:
        """What throws the shadow."""
        return [self._crown(), self._brim()]

    def draw(self, canvas: Canvas, frame: Frame) -> None:
        """Draw it in its place."""
        if self.kind == "bucket":
            self._draw_brim(canvas, frame)
            self._draw_crown(canvas, frame)
        else:
            self._draw_crown(canvas, frame)
            self._draw_brim(canvas, frame)

    def _crown(self) -> Points:
        w, b, t = self.wide, self.base, self.base - self.high
        match self.kind:
            case "bucket":
                top = [(0, t), (0.05, t), (w * 0.62, t + 0.01), (w * 0.74, t + 0.06)]
                return symmetric(path(top, [top[-1], (w * 0.93, b - 0.08)], [(0, b - 0.02)]))
            case "front":
                dome = [(0, t), (0.04, t), (w * 0.5, t + 0.03), (w * 0.9, t + 0.16), (w, b - 0.06)]
                return symmetric(path([*dome, (w * 0.97, b)], [(0.05, b + 0.045), (0, b + 0.045)]))
        back = [(-w - 0.05, b - 0.005), (-w - 0.075, b - 0.1), (-w - 0.01, t + 0.15)]
        top = [(-0.19, t + 0.035), (-0.04, t), (0.1, t + 0.02), (w * 0.74, t + 0.12)]
        front = [(w * 0.88, b - 0.15), (w * 0.85, b - 0.03)]
        return path([*back, *top, *front], [front[-1], (0, b + 0.03), back[0]])

    def _brim(self) -> Points:
        w, b = self.wide, self.base
        droop = 0.0 if self.flat else 0.06
        match self.kind:
            case "bucket":
                band = [(0, b - 0.12), (w * 0.93, b - 0.1)]
                edge = [(w + 0.1, b + 0.03), (w * 0.6, b + 0.085), (0.05, b + 0.11), (0, b + 0.11)]
                return symmetric(path(band, [band[-1], edge[0]], edge))
            case "front":
                edge = [(w * 0.99, b - 0.02), (w, b + 0.02 + droop * 0.7), (w * 0.6, b + 0.115)]
                inner = [(0, b - 0.035), (0.05, b - 0.035), (w * 0.7, b - 0.03), edge[0]]
                return symmetric(path(inner, [*edge, (0.06, b + 0.14), (0, b + 0.14)]))
        tip = (w + self.brim, b + droop)
        upper = [(0.02, b - 0.005), (w * 0.6, b - 0.06), (w * 0.98, b - 0.055)]
        bow = (tip[0] * 0.92, b - 0.035 + droop * 0.45)
        under = [(tip[0] - 0.02, tip[1] + 0.02), (w * 0.9, b + 0.03 + droop * 0.3)]
        return path([*upper, bow, tip], [tip, *under, (w * 0.3, b + 0.035), (0.02, b + 0.025)])

    def _panels(self) -> tuple[list[Points], list[Points], list[Pair]]:
        """The front panel, the seams and the eyelets."""
        w, b, t = self.wide, self.base, self.base - self.high
        match self.kind:
            case "side":
                seam = spline([(-0.05, t - 0.02), (0.06, t + 0.14), (0.06, b + 0.05)])
                panel = np.vstack([seam, [(0.6, b + 0.05), (0.6, t - 0.05)]])
                back = spline([(-0.05, t), (-w * 0.62, t + 0.16), (-w * 0.72, b)])
                return [panel], [seam, back], [(0.14, t + 0.1), (-0.1, t + 0.11), (-0.27, t + 0.16)]
            case "front":
                seam = spline([(0, t), (w * 0.42, t + 0.1), (w * 0.66, b + 0.03)])
                middle = np.array([(0, t), (0, b)])
                eyelets = [(-w * 0.28, t + 0.12), (w * 0.28, t + 0.12)]
                return [symmetric(seam)], [seam, mirrored(seam), middle], eyelets
        seam = spline([(-w * 0.74, t + 0.06), (0, t + 0.1), (w * 0.74, t + 0.06)])
        return [], [seam], [(w * 0.55, t + 0.14), (w * 0.62, t + 0.2)]

    def _draw_crown(self, canvas: Canvas, frame: Frame) -> None:
        b, t = self.base, self.base - self.high
        panel, seams, eyelets = self._panels()
        crown = canvas.part(frame, self._crown(), self.back_colour)
        crown.grain(texture("mesh" if self.trucker else self.cloth), (self.seed, self.seed))
        crown.paint(panel, self.colour)
        centre = (0.17 if self.kind == "side" else 0.0, b - self.high * 0.45)
        if self.patch:
            x, y = centre
            crown.paint(box(x - 0.08, y - 0.06, x + 0.08, y + 0.06, 0.02), self.pattern.third)
        self.pattern.paint(crown, centre=centre, size=0.1 if self.patch else 0.16)
        crown.puff(0.13, 1.2).stroke(seams, 0.006, -0.3, 0.003)
        crown.paint([ellipse(hole, 0.01, 0.012, steps=12) for hole in eyelets], (40, 40, 42))
        crown.wrinkle(0.035, 0.2, (self.seed, 0.6))
        crown.ramp(lambda s: -0.2 * np.clip(s, 0, 1) ** 2, (0, t), (0, b)).done()
        if self.kind != "bucket":
            x = -0.05 if self.kind == "side" else 0
            canvas.part(frame, ellipse((x, t), 0.03, 0.016), self.button).puff(0.008, 1).done()

    def _draw_brim(self, canvas: Canvas, frame: Frame) -> None:
        outline = self._brim()
        if self.kind != "bucket":
            shadow = moved(outline, 0, -0.02)
            canvas.fill(frame, shadow, (10, 10, 14), opacity=0.25, soft=0.012)
        brim = canvas.part(frame, outline, self.brim_colour)
        brim.grain(texture(self.cloth), (self.seed, 0.8)).puff(0.03, 1)
        centre = outline.mean(axis=0)
        brim.stroke([(outline - centre) * k + centre for k in (0.9, 0.8, 0.7)], 0.004, -0.13, 0.001)
        y = self.base
        brim.ramp(lambda s: 0.08 - 0.22 * np.clip(s, 0, 1), (0, y - 0.05), (0, y + 0.13)).done()
        edge = ribbon(np.vstack([outline, outline[:1]]), 0.008)
        canvas.fill(frame, edge, darker(self.brim_colour, 0.15), opacity=0.5)
