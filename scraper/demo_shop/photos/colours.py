"""Colours of goods and of the places they are photographed in."""

import colorsys
from random import Random

from scraper.demo_shop.photos.canvas import Colour

WHITE: Colour = (250, 249, 246)
BLACK: Colour = (30, 30, 33)

_NEUTRAL = ("#f6f4ef", "#e8e4da", "#cfcac0", "#9a9a98", "#6b6d70", "#3c3f44", "#232427", "#1d2230")
_BOLD = (
    *("#c8322f", "#e0662f", "#efb52f", "#4f9a4a", "#1f6f63", "#2a7fb8", "#2b4a8f", "#1c2f57"),
    *("#6a3f8c", "#b8356f", "#7c2634", "#8a5a34", "#556b3a", "#e58fa6", "#3aa6a0", "#d9c23f"),
)
_SOFT = (
    *("#a8c3bd", "#d8b9a4", "#e6d3c8", "#b9c7dc", "#c8b6d6", "#dfe0b9", "#efd9a7", "#8fa58b"),
    *("#d99a86", "#97a9b5", "#f0cfd2", "#c9a66b", "#7f8f7a", "#b78e93"),
)


def rgb(text: str) -> Colour:
    """`#rrggbb` as a colour."""
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def pick(rng: Random, neutral: float = 0.35) -> Colour:
    """The colour of a product, each a little different; `neutral` is the share of greys."""
    family = _NEUTRAL if rng.random() < neutral else rng.choice((_BOLD, _BOLD, _SOFT))
    hue, light, saturation = colorsys.rgb_to_hls(*(v / 255 for v in rgb(rng.choice(family))))
    hue = (hue + rng.uniform(-0.025, 0.025)) % 1
    light = min(0.97, max(0.07, light + rng.uniform(-0.05, 0.05)))
    return _from_hls(hue, light, saturation * rng.uniform(0.8, 1.1))


def accent(rng: Random, base: Colour) -> Colour:
    """A colour that is seen on `base`."""
    for _ in range(20):
        colour = pick(rng, 0.4)
        if abs(brightness(colour) - brightness(base)) > 60:
            return colour
    return BLACK if brightness(base) > 128 else WHITE


def brightness(colour: Colour) -> float:
    """0 to 255, as the eye weighs it."""
    return 0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2]


def mix(a: Colour, b: Colour, amount: float) -> Colour:
    """`a` with a share of `b`."""
    r, g, blue = (round(x + (y - x) * amount) for x, y in zip(a, b, strict=True))
    return r, g, blue


def darker(colour: Colour, amount: float = 0.25) -> Colour:
    """The same in the shade."""
    return mix(colour, (14, 13, 18), amount)


def lighter(colour: Colour, amount: float = 0.25) -> Colour:
    """The same in the light."""
    return mix(colour, (255, 254, 250), amount)


def _from_hls(hue: float, light: float, saturation: float) -> Colour:
    r, g, b = (round(v * 255) for v in colorsys.hls_to_rgb(hue, light, min(1, saturation)))
    return r, g, b
