"""A product, a place and a camera: how an image comes about."""

from random import Random

import numpy as np
from PIL import Image, ImageFilter

from scraper.demo_shop.drawing import scenes
from scraper.demo_shop.drawing.backpack import Backpack
from scraper.demo_shop.drawing.canvas import Canvas
from scraper.demo_shop.drawing.cap import Cap
from scraper.demo_shop.drawing.colours import SHADOW
from scraper.demo_shop.drawing.design import Design
from scraper.demo_shop.drawing.geometry import Frame, ellipse, moved
from scraper.demo_shop.drawing.mug import Mug
from scraper.demo_shop.drawing.sneaker import Sneaker
from scraper.demo_shop.drawing.t_shirt import TShirt

DESIGNS = {"backpack": Backpack, "mug": Mug, "sneaker": Sneaker, "t-shirt": TShirt, "cap": Cap}
_SIDES = (480, 480, 480, 512, 560, 600, 640)


def draw(name: str) -> Image.Image:
    """Draw an image by its name, `<label>-<number>[-<view>].<format>`: the same every time.

    All views of a product show one design. Two in three are on plain paper, else in a setting.
    """
    stem = name.rpartition(".")[0]
    label = next(label for label in DESIGNS if stem.startswith(label))
    number = stem.removeprefix(label + "-").partition("-")[0]
    design, rng = DESIGNS[label](Random(f"design of {label}-{number}")), Random(f"image {stem}")
    on_paper, lies = rng.random() < 2 / 3, rng.random() < design.lies
    size = (480, rng.choice(_SIDES)) if rng.random() < 0.8 else (rng.choice(_SIDES), 480)
    light = (rng.choice((-1, 1)) * rng.uniform(0.35, 0.85), -rng.uniform(0.55, 0.9))
    floor = None
    if on_paper:
        image = scenes.paper(rng, size)
    elif lies:
        image = scenes.ground(rng, size)
    else:
        image, floor = scenes.table(rng, size)
    if not on_paper:
        for side in rng.sample((0, 1), rng.randrange(3)):
            _put_another(label, rng, Canvas(image, light), side, floor)
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 1.5)))  # out of focus
    if not on_paper or rng.random() < 0.6:
        scenes.shade(rng, image, light, rng.uniform(0.1, 0.25 if on_paper else 0.4))
    share = rng.uniform(0.66, 0.9) if on_paper else rng.uniform(0.5, 0.78)
    share *= rng.choice((1.35, *[1.0] * 15))  # so near, sometimes, that the edge cuts it
    canvas = Canvas(image, light, _place(design, rng, size, share, floor, lies=lies))
    _cast_shadow(design, rng, canvas, lies=lies)
    design.draw(canvas)
    return _develop(rng, image)


def _place(
    design: Design, rng: Random, size: scenes.Size, share: float, floor: float | None, *, lies: bool
) -> Frame:
    """Where the product is on the image, of which it takes a share."""
    every = np.concatenate(design.silhouette)
    low, high = every.min(axis=0), every.max(axis=0)
    middle = (low + high) / 2
    turn = rng.uniform(-28, 28) + rng.choice((90, 180, -90, *[0] * 20)) if lies else 0.0
    c, s = abs(np.cos(np.radians(turn))), abs(np.sin(np.radians(turn)))
    across, down = (high - low) @ np.array([[c, s], [s, c]])
    unit = share * min(size[0] / across, size[1] / down, 1.25 * min(size))
    x, y = size[0] * rng.uniform(0.45, 0.55), size[1] * rng.uniform(0.47, 0.53)
    if floor:
        y = floor - unit * (high[1] - middle[1])
    lean = rng.uniform(-0.12, 0.12), rng.uniform(-0.1, 0.1)  # the perspective
    skew = rng.uniform(-0.07, 0.07) * (1 if lies else 0.4)
    view = Frame(np.array([[rng.uniform(0.86, 1.02), skew, 0], [0, 1, 0], [*lean, 1]]))
    place = Frame.at((x, y), unit, turn + rng.uniform(-3, 3), rng.choice((-1, 1)))
    return place.inside(view).inside(Frame.at((-middle[0], -middle[1])))


def _cast_shadow(design: Design, rng: Random, canvas: Canvas, *, lies: bool) -> None:
    """The shadow on what the product stands or lies on."""
    (lx, ly), unit = canvas.light, canvas.frame.size
    outlines = [canvas.frame(outline) for outline in design.silhouette]
    pixels, dark = Canvas(canvas.image, canvas.light), rng.uniform(0.25, 0.55)
    if lies:
        shifted = [moved(outline, -lx * unit * 0.025, -ly * unit * 0.025) for outline in outlines]
        pixels.fill(shifted, SHADOW, dark, unit * 0.018)
        return
    every = np.concatenate(outlines)
    foot = float(every[:, 1].max())
    onto_floor = np.array([[1, 0], [lx * rng.uniform(0.3, 0.6), rng.uniform(0.1, 0.22)]])
    cast = [moved(moved(outline, 0, -foot) @ onto_floor, 0, foot) for outline in outlines]
    pixels.fill(cast, SHADOW, dark * 0.6, unit * 0.03)
    near = every[every[:, 1] > foot - unit * 0.12, 0]
    centre = ((near.min() + near.max()) / 2, foot - unit * 0.015)
    contact = ellipse(centre, np.ptp(near) * 0.51, unit * 0.035)
    pixels.fill(contact, SHADOW, dark * 1.5, unit * 0.015)


def _put_another(label: str, rng: Random, canvas: Canvas, side: int, floor: float | None) -> None:
    """Something else that the shop sells: further back at one side, cut by the edge."""
    other = DESIGNS[rng.choice([kind for kind in DESIGNS if kind != label])](rng)
    width, height = canvas.image.size
    unit = min(width, height) * rng.uniform(0.3, 0.45)
    y = (
        floor - height * 0.06 - unit * max(outline[:, 1].max() for outline in other.silhouette)
        if floor
        else height * rng.uniform(0.1, 0.9)
    )
    turn = 0 if floor else rng.uniform(-40, 40)
    spot = canvas.within(Frame.at((width * (side + rng.uniform(-0.08, 0.08)), y), unit, turn))
    spot.fill([moved(outline, 0.01, 0.03) for outline in other.silhouette], SHADOW, 0.35, 0.03)
    other.draw(spot)


def _develop(rng: Random, image: Image.Image) -> Image.Image:
    """Exposure, colour cast and focus."""
    ramp = (np.arange(256) / 255) ** rng.uniform(0.87, 1.13) * 255 * rng.uniform(0.87, 1.1)
    warm, tint = rng.uniform(-0.05, 0.05), rng.uniform(-0.02, 0.02)
    table = [np.clip(ramp * k, 0, 255).round() for k in (1 + warm, 1 + tint, 1 - warm)]
    image = image.point(np.concatenate(table).astype(int).tolist())
    blurred = rng.random() < 0.12
    return image.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 1.3))) if blurred else image
