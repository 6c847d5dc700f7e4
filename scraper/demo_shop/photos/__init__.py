"""Product photos, drawn by code."""

from random import Random

from PIL import Image, ImageDraw

_SHAPES = {"backpack": 5, "mug": 4, "sneaker": 3, "t-shirt": 8, "cap": 6}


def draw(name: str) -> Image.Image:
    """A first, rough version: a shape for each class on a light ground with clutter."""
    rng = Random(f"photo {name}")
    label = next(label for label in _SHAPES if name.startswith(label))
    image = Image.new("RGB", (560, 560), (rng.randrange(225, 256),) * 3)
    pen = ImageDraw.Draw(image)
    for _ in range(14):
        colour = tuple(rng.randrange(256) for _ in range(3))
        x, y, r = rng.randrange(560), rng.randrange(560), rng.randrange(15, 60)
        pen.ellipse((x - r, y - r, x + r, y + r), fill=colour)
    colour = tuple(rng.randrange(256) for _ in range(3))
    x, y, r = rng.randrange(200, 360), rng.randrange(200, 360), rng.randrange(110, 200)
    pen.regular_polygon((x, y, r), _SHAPES[label], rng.randrange(360), fill=colour)
    return image
