"""Draws the whole image: a product in a place, its shadow, and the faults of a camera."""

from random import Random

import numpy as np
from PIL import Image, ImageFilter

from scraper.demo_shop.drawing import scenes
from scraper.demo_shop.drawing.backpack import Backpack
from scraper.demo_shop.drawing.canvas import Canvas
from scraper.demo_shop.drawing.cap import Cap
from scraper.demo_shop.drawing.colours import SHADOW
from scraper.demo_shop.drawing.design import Design
from scraper.demo_shop.drawing.geometry import Frame, Pair, Points, ellipse, moved
from scraper.demo_shop.drawing.mug import Mug
from scraper.demo_shop.drawing.sneaker import Sneaker
from scraper.demo_shop.drawing.t_shirt import TShirt

DESIGNS = {"backpack": Backpack, "mug": Mug, "sneaker": Sneaker, "t-shirt": TShirt, "cap": Cap}
_SIDES = (480, 480, 480, 512, 560, 600, 640)  # pixels


def draw(name: str) -> Image.Image:
    """Draw the image with this name, `<label>-<number>[-<view>].<format>`.

    A name always gives the same image. All views of a product show one design. Most images have
    plain paper behind the product, the others a floor or a table.
    """
    stem = name.rpartition(".")[0]
    label = next(label for label in DESIGNS if stem.startswith(label))
    number = stem.removeprefix(label + "-").partition("-")[0]
    design, rng = DESIGNS[label](Random(f"design of {label}-{number}")), Random(f"image {stem}")
    on_paper, lies = rng.random() < 0.6, rng.random() < design.lies
    size = (480, rng.choice(_SIDES)) if rng.random() < 0.8 else (rng.choice(_SIDES), 480)
    light = (rng.choice((-1, 1)) * rng.uniform(0.35, 0.85), -rng.uniform(0.55, 0.9))
    x, y = size[0] * rng.uniform(0.43, 0.57), size[1] * rng.uniform(0.46, 0.54)
    if on_paper:
        image, share = scenes.paper(rng, size), rng.uniform(0.66, 0.9)
    elif lies:
        image, share = scenes.ground(rng, size), rng.uniform(0.42, 0.75)
    else:
        (image, y), share = scenes.table(rng, size), rng.uniform(0.42, 0.75)
    on_table = not (on_paper or lies)
    for side in [] if on_paper else rng.sample((0, 1), rng.randrange(3)):
        other = DESIGNS[rng.choice([kind for kind in DESIGNS if kind != label])](rng)
        beside = size[0] * (side + rng.uniform(-0.1, 0.1))
        spot = (beside, y - 25 if on_table else size[1] * rng.random())
        _show(other, rng, Canvas(image, light), rng.uniform(0.3, 0.5), spot, lies, on_table)
    if not on_paper:
        image = image.filter(ImageFilter.BoxBlur(rng.uniform(0.5, 1.5)))  # out of focus
    if not on_paper or rng.random() < 0.6:
        image = scenes.shade(rng, image, light, rng.uniform(0.1, 0.25 if on_paper else 0.4))
    share *= rng.choice((1.35, *[1.0] * 15))  # some products are so near that the edge cuts them
    _show(design, rng, Canvas(image, light), share, (x, y), lies, on_table)
    return _develop(rng, image)


def _show(
    design: Design, rng: Random, canvas: Canvas, share: float, at: Pair, lies: bool, on_table: bool
) -> None:
    """Draw a product with its middle at `at`, on a table with its foot there.

    `share` is the part of the image that it takes.
    """
    every, size = np.concatenate(design.silhouette), canvas.image.size
    low, high = every.min(axis=0), every.max(axis=0)
    x, y = ((low + high) / 2).tolist()
    turn = rng.uniform(-35, 35) + rng.choice((90, 180, -90, *[0] * 14)) if lies else 0.0
    c, s = abs(np.cos(np.radians(turn))), abs(np.sin(np.radians(turn)))
    across, down = ((high - low) @ np.array([[c, s], [s, c]])).tolist()
    unit = share * min(size[0] / across, size[1] / down, 1.25 * min(size))
    up = unit * (high[1] - y) if on_table else 0
    place = Frame.at((at[0], at[1] - up), unit, turn + rng.uniform(-3, 3), rng.choice((-1, 1)))
    lean = rng.uniform(-0.12, 0.12), rng.uniform(-0.1, 0.1)  # the perspective
    skew = rng.uniform(-0.07, 0.07) * (1 if lies else 0.4)
    view = Frame(np.array([[rng.uniform(0.86, 1.02), skew, 0], [0, 1, 0], [*lean, 1]]))
    frame = place.inside(view).inside(Frame.at((-x, -y)))
    outlines = [frame(outline) for outline in design.silhouette]
    (_cast_below if lies else _cast_on_floor)(rng, canvas, outlines, unit)
    design.draw(canvas.within(frame))


def _cast_below(rng: Random, canvas: Canvas, outlines: list[Points], unit: float) -> None:
    """Draw the shadow of a product that lies on something."""
    right, down = (-way * unit * 0.025 for way in canvas.light)
    shifted = [moved(outline, right, down) for outline in outlines]
    canvas.fill(shifted, SHADOW, rng.uniform(0.25, 0.55), unit * 0.018)


def _cast_on_floor(rng: Random, canvas: Canvas, outlines: list[Points], unit: float) -> None:
    """Draw the shadows of a product that stands: a long and light one, and a short and dark one."""
    every, dark = np.concatenate(outlines), rng.uniform(0.25, 0.55)
    foot = float(every[:, 1].max())
    flat = np.array([[1, 0], [canvas.light[0] * rng.uniform(0.3, 0.6), rng.uniform(0.1, 0.22)]])
    cast = [moved(moved(outline, 0, -foot) @ flat, 0, foot) for outline in outlines]
    canvas.fill(cast, SHADOW, dark * 0.6, unit * 0.03)
    near = every[every[:, 1] > foot - unit * 0.12, 0]
    centre = ((near.min() + near.max()) / 2, foot - unit * 0.015)
    contact = ellipse(centre, np.ptp(near) * 0.51, unit * 0.035)
    canvas.fill(contact, SHADOW, dark * 1.5, unit * 0.015)


def _develop(rng: Random, image: Image.Image) -> Image.Image:
    """The image with the exposure and the colour cast of a camera."""
    ramp = (np.arange(256) / 255) ** rng.uniform(0.87, 1.13) * 255 * rng.uniform(0.87, 1.1)
    warm, tint = rng.uniform(-0.05, 0.05), rng.uniform(-0.02, 0.02)
    table = [np.clip(ramp * k, 0, 255).round() for k in (1 + warm, 1 + tint, 1 - warm)]
    return image.point(np.concatenate(table).astype(int).tolist())
