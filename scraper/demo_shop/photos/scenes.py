"""Where photos are taken: a studio's plain grounds, and settings with other things about."""

from dataclasses import dataclass
from random import Random
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from scraper.demo_shop.photos import clutter
from scraper.demo_shop.photos.canvas import Canvas, Colour
from scraper.demo_shop.photos.colours import WHITE, darker, lighter, mix, pick, rgb
from scraper.demo_shop.photos.geometry import Frame, Pair, Points, box
from scraper.demo_shop.photos.noise import Array
from scraper.demo_shop.photos.textures import SIDE, ground

Size: TypeAlias = tuple[int, int]

_TONES = {  # dark and light, one pair for each colour of a ground
    "planks": ("#3d2413 #d9a066", "#2a1a12 #9a6a44", "#8d8d88 #f4f2ec", "#2c2c2e #87878a"),
    "concrete": ("#5c5d5e #cfcfcc", "#8e8a82 #efeae0", "#2c3034 #83898e"),
    "grass": ("#12250e #87b04f", "#2b3410 #b9b45c"),
    "cloth": ("#8f8f8c #ffffff", "#5d6a7a #c5d2e0", "#8a6f58 #ecd9c4", "#4c1f24 #b35b62"),
    "carpet": ("#6b6258 #d8cfc2", "#2f3d49 #8da0ad", "#6d2a28 #c98a70"),
    "brick": ("#4a1d14 #c98b6f", "#5b5652 #dad5cd", "#8b8b8b #ffffff"),
    "tiles": ("#8f9ba0 #f2f5f5", "#2d3c40 #8aa3a6", "#7a5a48 #dcb898"),
    "marble": ("#8a8a8e #ffffff", "#14171a #70767c"),
}
_WALLS = ("brick", "concrete", "tiles", "planks")
_FLAT = ("planks", "planks", "concrete", "grass", "cloth", "cloth", "carpet", "tiles", "marble")
_TABLES = ("planks", "planks", "marble", "concrete", "cloth")
_FLOORS = ("planks", "planks", "carpet", "tiles")
_OUTDOORS = ("grass", "grass", "concrete", "planks")
_SHADOW = (10, 10, 12)

PIXELS = Frame.at((0, 0), 1)
"""The picture itself as a frame."""


@dataclass(slots=True)
class Scene:
    """A canvas with its ground painted; `floor` is where things stand, in pixels from the top.

    It is None where that is left to the photographer, or where nothing stands.
    """

    canvas: Canvas
    floor: float | None = None


def surface(rng: Random, name: str, size: Size, *, squash: float = 1) -> Image.Image:
    """A piece of a ground in one of its colours; `squash` > 1 as seen at a low angle."""
    scale = rng.uniform(0.8, 1.25)
    width = min(SIDE, int(size[0] * scale))
    height = min(SIDE, int(size[1] * scale * squash))
    left, top = rng.randrange(SIDE - width + 1), rng.randrange(SIDE - height + 1)
    piece = ground(name).resize(
        size, Image.Resampling.BILINEAR, (left, top, left + width, top + height)
    )
    dark, light = rng.choice(_TONES[name]).split()
    return ImageOps.colorize(piece, dark, light)


def studio(rng: Random, size: Size, light: Pair) -> Scene:
    """White, grey or coloured paper, sometimes with the bend between floor and wall to be seen."""
    kind = rng.choice(
        ("white", "white", "white", "bright", "bright", "grey", "pastel", "bold", "bend")
    )
    colour: Colour
    match kind:
        case "white":
            return Scene(Canvas(Image.new("RGB", size, (255, 255, 255)), light))
        case "bright":
            colour = mix(WHITE, pick(rng, 0.3), rng.uniform(0.02, 0.08))
        case "grey":
            colour = mix((228, 229, 231), (150, 152, 156), rng.random())
        case "bold":
            colour = pick(rng, 0)
        case _:
            colour = mix(WHITE, pick(rng, 0.1), rng.uniform(0.15, 0.45))
    canvas = Canvas(Image.new("RGB", size, colour), light)
    canvas.glow(_falloff(rng, light, rng.uniform(0.04, 0.22)))
    if kind == "bend":
        below = box(-10, size[1] * rng.uniform(0.55, 0.75), size[0] + 10, size[1] + 90)
        canvas.fill(PIXELS, below, lighter(colour, 0.35), soft=size[1] * rng.uniform(0.006, 0.05))
    return Scene(canvas)


def standing(rng: Random, size: Size, light: Pair) -> Scene:
    """A table, a shelf, a room or outdoors, with other things behind and beside."""
    return rng.choice((_table, _table, _shelf, _room, _outdoors))(rng, size, light)


def flat(rng: Random, size: Size, light: Pair) -> Scene:
    """A floor, a cloth or grass from above, with small things about."""
    image = surface(rng, rng.choice(_FLAT), size)
    if rng.random() < 0.5:
        image = image.transpose(Image.Transpose.ROTATE_90).resize(size)
    canvas = Canvas(image, light)
    for _ in range(rng.choice((0, 1, 2, 3))):
        # around the edge, where the product leaves room
        angle, reach = rng.uniform(0, 6.28), rng.uniform(0.44, 0.56)
        centre = (size[0] * (0.5 + reach * np.cos(angle)), size[1] * (0.5 + reach * np.sin(angle)))
        length = size[0] * rng.uniform(0.16, 0.34)
        frame = Frame.at(centre, length, turn=rng.uniform(0, 360))
        away = Frame.at((centre[0] - light[0] * 6, centre[1] - light[1] * 6), length)
        canvas.fill(away, box(-0.35, -0.35, 0.35, 0.35, 0.3), _SHADOW, opacity=0.3, soft=0.1)
        rng.choice(clutter.LYING)(canvas, frame, rng)
    canvas.glow(_falloff(rng, light, rng.uniform(0.08, 0.3)))
    return Scene(canvas)


def wall(rng: Random, size: Size, light: Pair) -> Scene:
    """A wall to hang things on."""
    canvas = Canvas(_backdrop(rng, size, textured=0.5), light)
    if rng.random() < 0.25:
        x = size[0] * rng.choice((rng.uniform(-0.05, 0.1), rng.uniform(0.9, 1.05)))
        frame = Frame.at((x, size[1] * rng.uniform(0.5, 1)), size[1] * rng.uniform(0.4, 0.7))
        rng.choice(clutter.STANDING)(canvas, frame, rng)
    canvas.glow(_falloff(rng, light, rng.uniform(0.1, 0.35)))
    return Scene(canvas)


def _table(rng: Random, size: Size, light: Pair) -> Scene:
    width, height = size
    horizon = int(height * rng.uniform(0.35, 0.6))
    canvas = Canvas(_backdrop(rng, size), light)
    floor = horizon + (height - horizon) * rng.uniform(0.55, 0.8)
    _put_about(rng, canvas, horizon + height * 0.02, height * 0.42, behind=True)
    top = surface(rng, rng.choice(_TABLES), (width, height - horizon), squash=2)
    blurred = canvas.image.reduce(2).filter(ImageFilter.GaussianBlur(rng.uniform(1, 4)))
    canvas.image = blurred.resize(size, Image.Resampling.BILINEAR)
    canvas.image.paste(top, (0, horizon))
    _put_about(rng, canvas, floor, height * 0.5, behind=False)
    canvas.glow(_falloff(rng, light, rng.uniform(0.1, 0.3)))
    return Scene(canvas, floor)


def _shelf(rng: Random, size: Size, light: Pair) -> Scene:
    width, height = size
    canvas = Canvas(_backdrop(rng, size), light)
    floor = height * rng.uniform(0.74, 0.88)
    thick = height * rng.uniform(0.03, 0.06)
    _put_about(rng, canvas, floor, height * 0.55, behind=False)
    board = rgb(rng.choice(("#b98a55", "#8a5c34", "#f0ede6", "#4a4a4c", "#d6c3a2")))

    def bar(top: float, bottom: float) -> Points:
        return box(-9, top, width + 9, bottom)

    canvas.fill(PIXELS, bar(floor, floor + thick * 3), (0, 0, 0), opacity=0.35, soft=9)
    upper, lower = bar(floor - thick * 0.5, floor + thick * 0.1), bar(floor, floor + thick)
    canvas.part(PIXELS, lower, darker(board, 0.12)).puff(4, 0.8).done()
    canvas.part(PIXELS, upper, lighter(board, 0.15)).done()
    if rng.random() < 0.5:
        above = bar(-9, height * rng.uniform(0.03, 0.09))
        canvas.part(PIXELS, above, darker(board, 0.2)).done()
    canvas.glow(_falloff(rng, light, rng.uniform(0.1, 0.3)))
    return Scene(canvas, floor)


def _room(rng: Random, size: Size, light: Pair) -> Scene:
    width, height = size
    canvas = Canvas(_backdrop(rng, size), light)
    edge = int(height * rng.uniform(0.5, 0.68))
    floor = surface(rng, rng.choice(_FLOORS), (width, height - edge), squash=2.5)
    canvas.image.paste(floor, (0, edge))
    skirting = lighter(pick(rng, 0.9), 0.5)
    canvas.fill(PIXELS, box(-9, edge - height * 0.035, width + 9, edge), skirting)
    _put_about(rng, canvas, edge + height * 0.04, height * 0.5, behind=True)
    blurred = canvas.image.reduce(2).filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 2)))
    canvas.image = blurred.resize(size, Image.Resampling.BILINEAR)
    canvas.glow(_falloff(rng, light, rng.uniform(0.1, 0.35)))
    return Scene(canvas, edge + (height - edge) * rng.uniform(0.5, 0.85))


def _outdoors(rng: Random, size: Size, light: Pair) -> Scene:
    width, height = size
    horizon = int(height * rng.uniform(0.3, 0.5))
    sky = mix(rgb("#bcd4e6"), rgb("#f3e2c4"), rng.random())
    canvas = Canvas(Image.new("RGB", size, sky), light)
    green = rgb(rng.choice(("#4d6b45", "#6b8a4e", "#8a8f62", "#7d8c93")))
    for _ in range(7):
        x, r = rng.uniform(0, width), height * rng.uniform(0.06, 0.2)
        high = horizon - r * rng.uniform(0.3, 1.6)
        tree = box(x - r, high, x + r, horizon + 40, r)
        canvas.fill(PIXELS, tree, darker(green, rng.uniform(0, 0.4)), soft=10)
    earth = surface(rng, rng.choice(_OUTDOORS), (width, height - horizon), squash=1.8)
    canvas.image.paste(earth, (0, horizon))
    haze = box(-40, horizon - height * 0.03, width + 40, horizon + height * 0.04)
    canvas.fill(PIXELS, haze, green, opacity=0.7, soft=height * 0.02)
    canvas.glow(_falloff(rng, light, rng.uniform(0.05, 0.25)))
    return Scene(canvas, horizon + (height - horizon) * rng.uniform(0.6, 0.85))


def _backdrop(rng: Random, size: Size, textured: float = 0.25) -> Image.Image:
    """A wall: of something, in a share of cases, or painted."""
    if rng.random() < textured:
        return surface(rng, rng.choice(_WALLS), size)
    return Image.new("RGB", size, mix(WHITE, pick(rng, 0.3), rng.uniform(0.1, 0.65)))


def _put_about(rng: Random, canvas: Canvas, floor: float, high: float, *, behind: bool) -> None:
    """Things on the floor: anywhere behind the product, or at either side of it."""
    width = canvas.image.width
    places = [0.05, 0.3, 0.55, 0.8] if behind else [rng.uniform(-0.04, 0.1), rng.uniform(0.9, 1.04)]
    for place in places:
        if rng.random() < 0.55:
            size = high * rng.uniform(0.6, 1.1)
            x = width * (place + (rng.uniform(0, 0.2) if behind else 0))
            frame = Frame.at((x, floor), size, flip=rng.random() < 0.5)
            contact = box(-0.3, -0.04, 0.35, 0.03, 0.03)
            canvas.fill(frame, contact, _SHADOW, opacity=0.4, soft=0.03)
            rng.choice(clutter.STANDING)(canvas, frame, rng)


def _falloff(rng: Random, light: Pair, strength: float) -> Array:
    """Brighter towards the light, darker in the corners."""
    axis = np.linspace(-1, 1, 33)
    towards = axis[None, :] * light[0] + axis[:, None] * light[1]
    corners = (axis[None, :] ** 2 + axis[:, None] ** 2) / 2
    return strength * (0.6 * towards - rng.uniform(0.2, 0.9) * corners)
