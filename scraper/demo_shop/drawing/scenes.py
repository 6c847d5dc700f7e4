"""Draws the places where products are shown: plain paper, a table or a floor."""

from random import Random

import numpy as np
from PIL import Image, ImageChops, ImageOps

from scraper.demo_shop.drawing.colours import mix, pick
from scraper.demo_shop.drawing.geometry import Pair
from scraper.demo_shop.drawing.textures import SIDE, texture

_TONES = {  # for each ground, several pairs of a dark and a light colour
    "planks": ("#3d2413 #d9a066", "#2a1a12 #9a6a44", "#8d8d88 #f4f2ec", "#2c2c2e #87878a"),
    "concrete": ("#5c5d5e #cfcfcc", "#8e8a82 #efeae0", "#12250e #87b04f", "#4c1f24 #b35b62"),
}


def paper(rng: Random, size: tuple[int, int]) -> Image.Image:
    """Paper that is white, tinted or coloured."""
    amount = rng.choice((0, 0, 0.06, 0.06, rng.uniform(0.15, 0.5), 1))
    return Image.new("RGB", size, mix((255, 255, 255), pick(rng), amount))


def ground(rng: Random, size: tuple[int, int], squash: float = 1) -> Image.Image:
    """Planks or concrete from above. With `squash` > 1, they look as from a low angle."""
    name = rng.choice(tuple(_TONES))
    scale = rng.uniform(0.8, 1.25)
    width, height = int(size[0] * scale), min(SIDE, int(size[1] * scale * squash))
    left, top = rng.randrange(SIDE - width + 1), rng.randrange(SIDE - height + 1)
    area = (left, top, left + width, top + height)
    piece = texture(name).resize(size, Image.Resampling.BILINEAR, area)
    dark, light = rng.choice(_TONES[name]).split()
    return ImageOps.colorize(piece, dark, light)


def table(rng: Random, size: tuple[int, int]) -> tuple[Image.Image, float]:
    """A table in front of a wall, and the y in pixels at which a product stands on it."""
    image = ground(rng, size) if rng.random() < 0.3 else paper(rng, size)
    edge = int(size[1] * rng.uniform(0.35, 0.66))
    image.paste(ground(rng, (size[0], size[1] - edge), squash=2), (0, edge))
    return image, edge + (size[1] - edge) * rng.uniform(0.55, 0.85)


def shade(rng: Random, image: Image.Image, light: Pair, strength: float) -> Image.Image:
    """Make an image darker on the side that is away from the light."""
    y, x = np.mgrid[-1:1:33j, -1:1:33j]
    dark = strength * (rng.uniform(0, 0.4) + 0.4 * (1 - x * light[0] - y * light[1]))
    layer = Image.fromarray(np.clip(255 - 255 * dark, 0, 255).astype(np.uint8))
    layer = layer.resize(image.size, Image.Resampling.BILINEAR)
    noise = texture("smooth").crop((0, 0, *image.size))  # it hides the steps of a slow gradient
    layer = ImageChops.add(layer, noise, 1, -128)
    return ImageChops.multiply(image, layer.convert("RGB"))
