"""A picture that is painted part by part: smooth masks, soft light, soft shadows."""

from collections.abc import Callable, Iterable
from typing import Self, TypeAlias

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from scraper.demo_shop.photos.geometry import Frame, Pair, Points
from scraper.demo_shop.photos.masks import Outlines, Shapes
from scraper.demo_shop.photos.noise import Array, dither, slopes

Colour: TypeAlias = tuple[int, int, int]

_COARSE = 4  # light is computed on a grid that much coarser than the picture


class Canvas:
    """An RGB picture and the direction its light comes from."""

    def __init__(self, image: Image.Image, light: Pair = (-0.6, -0.8)) -> None:
        self.image = image
        self.light = light

    def part(self, frame: Frame, outlines: Outlines, colour: Colour) -> "Part":
        """A new part to work on; it appears on the picture with `Part.done`."""
        return Part(self, frame, outlines, colour)

    def fill(
        self,
        frame: Frame,
        outlines: Outlines,
        colour: Colour,
        *,
        opacity: float = 1,
        soft: float = 0,
    ) -> None:
        """Paint flat, without light; `soft` blurs the edge (in the frame's units)."""
        shapes, blur = Shapes(frame, outlines), soft * frame.size
        area = shapes.bounds((0, 0, *self.image.size), 1 + 3 * blur)
        if area is not None:
            crisp = blur < 1
            mask = shapes.mask(area, opacity) if crisp else shapes.soft_mask(area, blur, opacity)
            self.image.paste(colour, area, mask)

    def glow(self, light: Array) -> None:
        """Light up and darken all of the picture: a small array, 0 neutral, ±1 white or black."""
        layer = _light_image(light, self.image.size)
        layer = ImageChops.add(layer, dither().crop((0, 0, *layer.size)), 1, -128)
        self.image = ImageChops.hard_light(self.image, Image.merge("RGB", (layer,) * 3))


class Part:
    """One part of a product: painted and lit in its own box, then put on the picture at once."""

    def __init__(self, canvas: Canvas, frame: Frame, outlines: Outlines, colour: Colour) -> None:
        shapes = Shapes(frame, outlines)
        area = shapes.bounds((0, 0, *canvas.image.size))
        self.canvas, self.frame = canvas, frame
        self.area = area or (0, 0, 1, 1)  # off the picture: worked on as one pixel, not put down
        self.mask = shapes.mask(area) if area else None
        size = (self.area[2] - self.area[0], self.area[3] - self.area[1])
        self.colour = Image.new("RGB", size, colour)
        self.light: Array = np.zeros((-(-size[1] // _COARSE), -(-size[0] // _COARSE)))
        self.texture: Image.Image | None = None

    def paint(self, outlines: Outlines, colour: Colour, opacity: float = 1) -> Self:
        """Paint a pattern on the part, in the frame's units; what is outside the part is lost."""
        if len(outlines):
            shapes = Shapes(self.frame, outlines)
            area = shapes.bounds(self.area)
            if area is not None:
                corner = (area[0] - self.area[0], area[1] - self.area[1])
                self.colour.paste(colour, corner, shapes.mask(area, opacity))
        return self

    def fade(self, colour: Colour, start: Pair, end: Pair) -> Self:
        """Blend into another colour from one point (frame's units) to another."""
        amount = np.clip(self._along(start, end), 0, 1) * 255
        mask = Image.fromarray(amount.astype(np.uint8)).resize(
            self.colour.size, Image.Resampling.BILINEAR
        )
        self.colour.paste(colour, (0, 0), mask)
        return self

    def puff(self, radius: float, strength: float = 1) -> Self:
        """Light the part as if its rim were rounded by `radius` (frame's units)."""
        if self.mask is None:
            return self
        pixels = max(radius * self.frame.size / _COARSE, 0.6)
        pad = int(pixels * 2) + 2
        height, width = self.light.shape
        small = Image.new("L", (width + 2 * pad, height + 2 * pad))
        small.paste(self.mask.resize((width, height), Image.Resampling.BOX), (pad, pad))
        hill = np.asarray(small.filter(ImageFilter.GaussianBlur(pixels))) / 255
        lx, ly = self.canvas.light
        slope = np.zeros_like(hill)
        slope[:, 1:-1] = (hill[:, :-2] - hill[:, 2:]) * (lx * 0.8 * pixels)
        slope[1:-1] += (hill[:-2] - hill[2:]) * (ly * 0.8 * pixels)
        lit = (slope + (hill - 1) * 0.35)[pad : pad + height, pad : pad + width]
        # light from all around keeps what is turned away from going black
        self.light += strength * np.where(lit < 0, lit / (1 - 1.1 * lit), lit)
        return self

    def wrinkle(self, strength: float, scale: float, at: Pair, stretch: Pair = (1, 1)) -> Self:
        """Light the part as crumpled cloth: `scale` is the size of a wrinkle (frame's units)."""
        height, width = self.light.shape
        step = _COARSE * 24 / max(scale * self.frame.size, 1)
        rows = (np.arange(height) * step * stretch[1] + at[1] * 512).astype(int) % 512
        columns = (np.arange(width) * step * stretch[0] + at[0] * 512).astype(int) % 512
        lx, ly = self.canvas.light
        right, down = slopes()
        grid = np.ix_(rows, columns)
        lit = right[grid] * lx + down[grid] * ly
        self.light += strength * lit
        return self

    def stroke(self, lines: Iterable[Points], width: float, amount: float, soft: float = 0) -> Self:
        """Lighten (amount > 0) or darken along lines, softly: folds, seams, streaks of light."""
        size = (self.light.shape[1], self.light.shape[0])
        layer = Image.new("L", size)
        pen = ImageDraw.Draw(layer)
        for line in lines:
            pixels = (self.frame(line) - self.area[:2]) / _COARSE
            thick = max(1, round(width * self.frame.size / _COARSE))
            pen.line([tuple(p) for p in pixels.tolist()], fill=255, width=thick, joint="curve")
        blur = max(soft * self.frame.size / _COARSE, 0.5)
        layer = layer.filter(ImageFilter.GaussianBlur(blur))
        self.light += np.asarray(layer) * (amount / 255)
        return self

    def ramp(self, profile: Callable[[Array], Array], start: Pair, end: Pair) -> Self:
        """Light that depends on the way from one point to another (0 to 1) only."""
        self.light += profile(self._along(start, end))
        return self

    def grain(self, texture: Image.Image, at: Pair) -> Self:
        """Light the part with an L texture (128 neutral), starting somewhere in it."""
        width, height = self.colour.size
        left, top = int(at[0] * (texture.width - width)), int(at[1] * (texture.height - height))
        self.texture = texture.crop((left, top, left + width, top + height))
        return self

    def done(self) -> None:
        """Put the part on the picture."""
        if self.mask is None:
            return
        layer = _light_image(self.light, self.colour.size)
        if self.texture is not None:
            layer = ImageChops.add(layer, self.texture, 1, -128)
        lit = ImageChops.hard_light(self.colour, Image.merge("RGB", (layer,) * 3))
        self.canvas.image.paste(lit, self.area, self.mask)

    def _along(self, start: Pair, end: Pair) -> Array:
        a, b = self.frame(np.array([start, end], dtype=float))
        way = b - a
        height, width = self.light.shape
        x = (np.arange(width) + 0.5) * _COARSE + (self.area[0] - a[0])
        y = (np.arange(height) + 0.5) * _COARSE + (self.area[1] - a[1])
        scale = max(float(way @ way), 1e-6)
        along: Array = (x * (way[0] / scale))[None, :] + (y * (way[1] / scale))[:, None]
        return along


def _light_image(light: Array, size: tuple[int, int]) -> Image.Image:
    """Light from -1 (black) over 0 to 1 (white) as L: 128 leaves a pixel as it is."""
    values = np.clip(light * 127 + 128, 0, 255).astype(np.uint8)
    return Image.fromarray(values).resize(size, Image.Resampling.BILINEAR)
