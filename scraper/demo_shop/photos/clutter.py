"""Things that stand or lie about where a photo is taken, sold by nobody here."""

from collections.abc import Callable
from random import Random

import numpy as np

from scraper.demo_shop.photos.canvas import Canvas
from scraper.demo_shop.photos.colours import BLACK, WHITE, accent, darker, lighter, pick, rgb
from scraper.demo_shop.photos.geometry import Frame, box, ellipse, path, ribbon, spline, symmetric

# Standing things have their foot at (0, 0) and are up to 1 high; lying ones are about 1 wide.


def _books(canvas: Canvas, frame: Frame, rng: Random) -> None:
    y = 0.0
    for _ in range(rng.randrange(2, 6)):
        high, wide, x = rng.uniform(0.07, 0.13), rng.uniform(0.3, 0.42), rng.uniform(-0.04, 0.04)
        colour = pick(rng, 0.2)
        canvas.part(frame, box(x - wide, y - high, x + wide, y, 0.01), colour).paint(
            box(x - wide, y - high * 0.85, x - wide * 0.6, y - high * 0.15), lighter(colour, 0.3)
        ).puff(0.02, 0.8).done()
        y -= high


def _upright_books(canvas: Canvas, frame: Frame, rng: Random) -> None:
    x = -0.35
    while x < 0.3:
        wide, high = rng.uniform(0.06, 0.12), rng.uniform(0.6, 0.95)
        colour = pick(rng, 0.2)
        spine = canvas.part(frame, box(x, -high, x + wide, 0, 0.008), colour)
        spine.paint(box(x, -high * 0.85, x + wide, -high * 0.8), accent(rng, colour))
        spine.puff(0.02, 1).done()
        x += wide + 0.004


def _plant(canvas: Canvas, frame: Frame, rng: Random) -> None:
    green = rgb(rng.choice(("#3f6b3a", "#5d8a4a", "#2f5a48", "#7a9a5a")))
    for _ in range(rng.randrange(8, 15)):
        x, y = rng.uniform(-0.36, 0.36), rng.uniform(-0.98, -0.4)
        stem = spline([(0, -0.35), (x * 0.4, (y - 0.35) / 2), (x, y)])
        leaf = ribbon(stem, (0.02, 0.03, 0.11, 0.13, 0.01))
        canvas.part(frame, leaf, lighter(green, rng.uniform(0, 0.25))).puff(0.03, 0.9).done()
    pot = symmetric(path([(0, -0.4), (0.21, -0.4)], [(0.21, -0.4), (0.16, 0), (0, 0.01)]))
    canvas.part(frame, pot, pick(rng, 0.5)).puff(0.1, 1).done()


def _bottle(canvas: Canvas, frame: Frame, rng: Random) -> None:
    w = rng.uniform(0.1, 0.15)
    side = [(0, -0.95), (0.045, -0.95), (0.045, -0.7), (w * 0.8, -0.58), (w, -0.48), (w, -0.02)]
    colour = pick(rng, 0.2)
    body = canvas.part(frame, symmetric(path([*side, (w * 0.9, 0), (0, 0.01)])), colour)
    body.paint(box(-w, -0.4, w, -0.14), lighter(colour, 0.6)).puff(0.06, 1.2).done()


def _vase(canvas: Canvas, frame: Frame, rng: Random) -> None:
    w = rng.uniform(0.18, 0.28)
    side = [(0.03, -0.7), (0.09, -0.68), (0.07, -0.58), (w, -0.3), (w * 0.85, -0.08), (0.1, 0)]
    canvas.part(frame, symmetric(path([*side, (0, 0)])), pick(rng, 0.4)).puff(0.12, 1.2).done()


def _carton(canvas: Canvas, frame: Frame, rng: Random) -> None:
    wide, high = rng.uniform(0.2, 0.36), rng.uniform(0.3, 0.6)
    colour = rng.choice((rgb("#c49a6c"), pick(rng, 0.3)))
    front = canvas.part(frame, box(-wide, -high, wide, 0), colour)
    front.paint(box(-0.04, -high, 0.04, 0), lighter(colour, 0.2))
    front.ramp(lambda t: np.asarray(0.06 - 0.2 * t), (-wide, 0), (wide, 0)).done()
    lid = np.array(
        [(-wide, -high), (-wide * 0.7, -high - 0.1), (wide * 1.2, -high - 0.1), (wide, -high)]
    )
    canvas.part(frame, lid, lighter(colour, 0.15)).done()


def _ball(canvas: Canvas, frame: Frame, rng: Random) -> None:
    r = rng.uniform(0.2, 0.3)
    colour = pick(rng, 0.1)
    ball = canvas.part(frame, ellipse((0, -r), r, r), colour)
    ball.paint(ribbon(ellipse((0, -r), r * 0.5, r, 0, 360), 0.02), accent(rng, colour))
    ball.puff(r * 0.8, 1.4).done()


def _picture(canvas: Canvas, frame: Frame, rng: Random) -> None:
    wide, high = rng.uniform(0.22, 0.36), rng.uniform(0.5, 0.8)
    canvas.part(frame, box(-wide, -high, wide, 0), pick(rng, 0.7)).puff(0.015, 1).done()
    inner = canvas.part(frame, box(-wide + 0.04, -high + 0.04, wide - 0.04, -0.04), WHITE)
    for _ in range(3):
        spot = (rng.uniform(-wide, wide), rng.uniform(-high, 0))
        inner.paint(ellipse(spot, rng.uniform(0.08, 0.2), rng.uniform(0.05, 0.2)), pick(rng, 0.1))
    inner.done()


def _lamp(canvas: Canvas, frame: Frame, rng: Random) -> None:
    canvas.part(frame, box(-0.02, -0.6, 0.02, 0), rgb("#8d8578")).puff(0.01, 1).done()
    canvas.part(frame, ellipse((0, -0.01), 0.15, 0.03), rgb("#6f685d")).puff(0.02, 1).done()
    shade = np.array([(-0.14, -0.95), (0.14, -0.95), (0.24, -0.55), (-0.24, -0.55)])
    lamp = canvas.part(frame, shade, lighter(pick(rng, 0.5), 0.4))
    lamp.ramp(lambda t: np.asarray(0.25 * t), (0, -0.95), (0, -0.5)).done()


STANDING: tuple[Callable[[Canvas, Frame, Random], None], ...] = (
    *(_books, _upright_books, _plant, _bottle, _vase, _carton, _ball, _picture, _lamp),
)


def _phone(canvas: Canvas, frame: Frame, rng: Random) -> None:
    canvas.part(frame, box(-0.22, -0.45, 0.22, 0.45, 0.05), BLACK).puff(0.02, 1.2).done()
    screen = canvas.part(frame, box(-0.2, -0.42, 0.2, 0.42, 0.04), darker(pick(rng, 0.3), 0.5))
    screen.ramp(lambda t: np.asarray(0.3 - 0.4 * t), (-0.2, -0.4), (0.2, 0.4)).done()


def _notebook(canvas: Canvas, frame: Frame, rng: Random) -> None:
    colour = pick(rng, 0.3)
    canvas.part(frame, box(-0.31, -0.43, 0.35, 0.46, 0.02), WHITE).done()
    cover = canvas.part(frame, box(-0.33, -0.45, 0.33, 0.45, 0.02), colour)
    cover.paint(box(-0.24, -0.5, -0.2, 0.5), accent(rng, colour)).puff(0.02, 0.7).done()


def _pen(canvas: Canvas, frame: Frame, rng: Random) -> None:
    colour = pick(rng, 0.3)
    pen = canvas.part(frame, box(-0.5, -0.03, 0.5, 0.03, 0.02), colour)
    pen.paint(box(-0.5, -0.05, -0.4, 0.05), darker(colour, 0.5)).puff(0.02, 1.2).done()


def _glasses(canvas: Canvas, frame: Frame, rng: Random) -> None:
    colour = rng.choice((BLACK, pick(rng, 0.3)))
    for side in (-1, 1):
        lens = ellipse((side * 0.24, 0), 0.2, 0.16)
        canvas.fill(frame, lens, (40, 44, 48), opacity=0.55)
        arm = spline([(side * 0.44, -0.03), (side * 0.42, -0.3), (side * 0.3, -0.45)])
        rims = [ribbon(lens, 0.035), ribbon(arm, 0.03)]
        canvas.part(frame, rims, colour).puff(0.012, 1).done()
    canvas.fill(frame, ribbon(spline([(-0.05, -0.02), (0, -0.06), (0.05, -0.02)]), 0.03), colour)


def _leaf(canvas: Canvas, frame: Frame, rng: Random) -> None:
    green = rgb(rng.choice(("#3f6b3a", "#7a9a5a", "#b7702f", "#8f8a3a")))
    side = spline([(0, -0.5), (0.2, -0.15), (0.16, 0.2), (0, 0.4)])
    leaf = canvas.part(frame, symmetric(side), green)
    leaf.stroke([np.array([(0, -0.5), (0, 0.5)])], 0.012, 0.3, 0.004).puff(0.08, 1).done()


def _plate(canvas: Canvas, frame: Frame, rng: Random) -> None:
    colour = pick(rng, 0.7)
    canvas.part(frame, ellipse((0, 0), 0.45, 0.45), colour).puff(0.04, 1).done()
    canvas.part(frame, ellipse((0, 0), 0.3, 0.3), colour).puff(0.04, -0.8).done()


def _coin(canvas: Canvas, frame: Frame, rng: Random) -> None:
    for _ in range(rng.randrange(1, 4)):
        centre, r = (rng.uniform(-0.3, 0.3), rng.uniform(-0.3, 0.3)), rng.uniform(0.06, 0.1)
        colour = rgb(rng.choice(("#b9a05a", "#b5b7ba", "#a0673f")))
        canvas.part(frame, ellipse(centre, r, r), colour).puff(0.02, 1.4).done()


def _card(canvas: Canvas, frame: Frame, rng: Random) -> None:
    card = canvas.part(frame, box(-0.4, -0.26, 0.4, 0.26, 0.01), WHITE)
    card.paint(box(-0.36, -0.22, 0.05, 0.22), pick(rng, 0.1))
    card.paint([box(0.1, y, 0.34, y + 0.02) for y in (-0.1, 0, 0.1)], (120, 120, 122)).done()


LYING: tuple[Callable[[Canvas, Frame, Random], None], ...] = (
    *(_phone, _notebook, _pen, _glasses, _leaf, _plate, _coin, _card),
)
