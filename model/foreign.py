"""Images that are none of the classes, made for seeing how many of them a model refuses."""

from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

_SIDE = 160  # pixels


def made(count: int, seed: int) -> dict[str, Iterator[Image.Image]]:
    """`count` images of each kind, by its name; another seed gives other images."""
    return {"flat": flat(count, seed), "drawn": drawn(count, seed + 1)}


def flat(count: int, seed: int) -> Iterator[Image.Image]:
    """One colour, or one fading into another."""
    random = np.random.default_rng(seed)
    for number in range(count):
        first, second = random.integers(0, 256, (2, 3))
        fade = np.linspace(0, 1, _SIDE)[:, None, None] * (number % 2)
        pixels = np.broadcast_to(first * (1 - fade) + second * fade, (_SIDE, _SIDE, 3))
        yield Image.fromarray(pixels.astype(np.uint8)).rotate(90 * (number % 4))


def drawn(count: int, seed: int) -> Iterator[Image.Image]:
    """Some coloured shapes and lines, a little blurred."""
    random = np.random.default_rng(seed)
    for _ in range(count):
        image = Image.new("RGB", (_SIDE, _SIDE), tuple(random.integers(0, 256, 3)))
        pen = ImageDraw.Draw(image)
        for _ in range(random.integers(3, 12)):
            colour = tuple(random.integers(0, 256, 3))
            points = [tuple(point) for point in random.integers(0, _SIDE, (5, 2)).tolist()]
            match random.integers(3):
                case 0:
                    pen.polygon(points, fill=colour)
                case 1:
                    pen.line(points, fill=colour, width=int(random.integers(1, 12)))
                case 2:
                    pen.circle(points[0], int(random.integers(5, 50)), fill=colour)
        yield image.filter(ImageFilter.GaussianBlur(1))
