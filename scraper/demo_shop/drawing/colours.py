"""The colours of products, and of the places that they are shown in."""

import colorsys
from random import Random
from typing import TypeAlias

Colour: TypeAlias = tuple[int, int, int]

WHITE: Colour = (250, 249, 246)
BLACK: Colour = (30, 30, 33)
SHADOW: Colour = (12, 12, 16)
_EYE = (0.3, 0.59, 0.11)  # how bright red, green and blue are for an eye

_NEUTRAL = (0xF6F4EF, 0xE8E4DA, 0xCFCAC0, 0x9A9A98, 0x6B6D70, 0x3C3F44, 0x232427, 0x1D2230)
_BOLD = (
    *(0xC8322F, 0xE0662F, 0xEFB52F, 0x4F9A4A, 0x1F6F63, 0x2A7FB8, 0x2B4A8F, 0x1C2F57, 0x6A3F8C),
    *(0xB8356F, 0x7C2634, 0x8A5A34, 0x556B3A, 0xE58FA6, 0x3AA6A0, 0xD9C23F),
)
_SOFT = (0xA8C3BD, 0xD8B9A4, 0xB9C7DC, 0xC8B6D6, 0xDFE0B9, 0x8FA58B, 0xD99A86, 0x97A9B5, 0xC9A66B)


def pick(rng: Random) -> Colour:
    """A colour for a product. A third are greys. Each differs a little from its palette's."""
    family = _NEUTRAL if rng.random() < 0.35 else rng.choice((_BOLD, _BOLD, _SOFT))
    rgb = rng.choice(family).to_bytes(3, "big")
    hue, light, saturation = colorsys.rgb_to_hls(*(value / 255 for value in rgb))
    hue += rng.uniform(-0.025, 0.025)
    light = min(0.97, max(0.07, light + rng.uniform(-0.05, 0.05)))
    saturation = min(1, saturation * rng.uniform(0.8, 1.1))
    r, g, b = (round(value * 255) for value in colorsys.hls_to_rgb(hue % 1, light, saturation))
    return r, g, b


def accent(rng: Random, base: Colour) -> Colour:
    """A colour that is clearly lighter or darker than `base`."""
    colour = base
    while abs(sum(w * (x - y) for w, x, y in zip(_EYE, colour, base, strict=True))) < 60:
        colour = pick(rng)
    return colour


def mix(a: Colour, b: Colour, amount: float) -> Colour:
    """A mixture of two colours. `amount` is the share of `b`, from 0 to 1."""
    r, g, blue = (round(x + (y - x) * amount) for x, y in zip(a, b, strict=True))
    return r, g, blue


def darker(colour: Colour, amount: float) -> Colour:
    """The colour in the shade. `amount` is the depth of the shade, from 0 to 1."""
    return mix(colour, SHADOW, amount)
