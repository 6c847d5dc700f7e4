"""Paints an image part by part, with smooth edges, soft light and soft shadows."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self, TypeAlias

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from scraper.demo_shop.drawing.colours import Colour
from scraper.demo_shop.drawing.geometry import Frame, Pair, Points
from scraper.demo_shop.drawing.textures import SIDE, Array, slopes, texture

Outlines: TypeAlias = Points | Sequence[Points]
Box: TypeAlias = tuple[int, int, int, int]  # left, top, right, bottom in pixels

_COARSE = 4  # pixels between two points of the grid on which light is computed


@dataclass(frozen=True, slots=True)
class Canvas:
    """An RGB image that is being painted."""

    image: Image.Image
    light: Pair
    """the direction to the light, to the right and down"""
    frame: Frame = Frame.at()  # noqa: RUF009 - it can't be changed
    """the units in which outlines are given"""

    def within(self, frame: Frame) -> "Canvas":
        """The same image for outlines in the units of `frame`, which lies within this one."""
        return replace(self, frame=self.frame.inside(frame))

    def solid(self, outlines: Outlines, colour: Colour, radius: float, strength: float = 1) -> None:
        """Paint a whole part: it has one colour and a rounded rim."""
        Part(self, outlines, colour).puff(radius, strength).done()

    def fill(self, outlines: Outlines, colour: Colour, opacity: float = 1, soft: float = 0) -> None:
        """Paint without light. `soft` is the width of the blurred edge, in the frame's units."""
        pixels, blur = _pixels(self.frame, outlines), soft * self.frame.size
        if area := _bounds(pixels, (0, 0, *self.image.size), 1 + 3 * blur):
            self.image.paste(colour, area, _mask(pixels, area, opacity, blur))


class Part:
    """One part of a product. It is painted and lit, and then `done` puts it on the image."""

    def __init__(self, canvas: Canvas, outlines: Outlines, colour: Colour) -> None:
        pixels = _pixels(canvas.frame, outlines)
        area = _bounds(pixels, (0, 0, *canvas.image.size))
        self._canvas, self._frame = canvas, canvas.frame
        self._area = area or (0, 0, 1, 1)  # outside the image: one pixel, which is dropped
        self._mask = _mask(pixels, area) if area else None
        size = (self._area[2] - self._area[0], self._area[3] - self._area[1])
        self._colour = Image.new("RGB", size, colour)
        self._light: Array = np.zeros((-(-size[1] // _COARSE), -(-size[0] // _COARSE)))
        self._texture: Image.Image | None = None

    def paint(self, outlines: Outlines, colour: Colour) -> Self:
        """Paint on the part. Paint outside the part is lost."""
        pixels = _pixels(self._frame, outlines)
        if area := _bounds(pixels, self._area):
            corner = (area[0] - self._area[0], area[1] - self._area[1])
            self._colour.paste(colour, corner, _mask(pixels, area))
        return self

    def puff(self, radius: float, strength: float = 1) -> Self:
        """Light the part as if its rim were rounded by `radius`."""
        if self._mask is None:
            return self
        pixels = max(radius * self._frame.size / _COARSE, 0.6)
        pad = int(pixels * 2) + 2
        height, width = self._light.shape
        small = Image.new("L", (width + 2 * pad, height + 2 * pad))
        small.paste(self._mask.resize((width, height), Image.Resampling.BOX), (pad, pad))
        hill = np.asarray(small.filter(ImageFilter.GaussianBlur(pixels))) / 255
        down, right = np.gradient(hill)
        slope = -1.6 * pixels * (right * self._canvas.light[0] + down * self._canvas.light[1])
        lit = (slope + (hill - 1) * 0.35)[pad : pad + height, pad : pad + width]
        # light comes from all around, so no side is black
        self._light += strength * np.where(lit < 0, lit / (1 - 1.1 * lit), lit)
        return self

    def cloth(self, name: str, seed: float, rough: float = 0, scale: float = 0.2) -> Self:
        """Give the part a texture, and wrinkles of `scale` in size and `rough` in strength."""
        width, height = self._colour.size
        left, top = int(seed * (SIDE - width)), int(seed * (SIDE - height))
        self._texture = texture(name).crop((left, top, left + width, top + height))
        if rough:
            step = _COARSE * 24 / (scale * self._frame.size)
            rows, columns = ((np.arange(n) * step).astype(int) for n in self._light.shape)
            grid = np.ix_((rows + int(seed * 3584)) % 512, (columns + int(seed * 512)) % 512)
            light = self._canvas.light
            self._light += rough * (slopes()[0][grid] * light[0] + slopes()[1][grid] * light[1])
        return self

    def stroke(self, lines: Iterable[Points], width: float, amount: float, soft: float = 0) -> Self:
        """Lighten (amount > 0) or darken the part softly along lines, such as folds or seams."""
        layer = Image.new("L", (self._light.shape[1], self._light.shape[0]))
        pen = ImageDraw.Draw(layer)
        thick = max(1, round(width * self._frame.size / _COARSE))
        for points in lines:
            pixels = (self._frame(points) - self._area[:2]) / _COARSE
            pen.line(pixels.ravel().tolist(), fill=255, width=thick, joint="curve")
        blur = max(soft * self._frame.size / _COARSE, 0.5)
        self._light += np.asarray(layer.filter(ImageFilter.GaussianBlur(blur))) * (amount / 255)
        return self

    def ramp(self, profile: Callable[[Array], Array], start: Pair, end: Pair) -> Self:
        """Add the light that `profile` gives for each place between `start` (0) and `end` (1)."""
        a, b = self._frame(np.array([start, end], dtype=float))
        way = (b - a) / float((b - a) @ (b - a))
        y, x = ((np.arange(n) + 0.5) * _COARSE for n in self._light.shape)
        across, down = (x + self._area[0] - a[0]) * way[0], (y + self._area[1] - a[1]) * way[1]
        self._light += profile(across[None, :] + down[:, None])
        return self

    def done(self) -> None:
        """Put the part on the image."""
        if self._mask is None:
            return
        # a grey of 128 leaves a pixel as it is, 0 makes it black, and 255 makes it white
        layer = Image.fromarray(np.clip(self._light * 127 + 128, 0, 255).astype(np.uint8))
        layer = layer.resize(self._colour.size, Image.Resampling.BILINEAR)
        if self._texture:
            layer = ImageChops.add(layer, self._texture, 1, -128)
        lit = ImageChops.hard_light(self._colour, Image.merge("RGB", (layer,) * 3))
        self._canvas.image.paste(lit, self._area, self._mask)


def _pixels(frame: Frame, outlines: Outlines) -> list[Points]:
    several = [outlines] if isinstance(outlines, np.ndarray) else outlines
    cuts = np.cumsum([len(outline) for outline in several])[:-1]
    return np.split(frame(np.concatenate(several)), cuts)


def _bounds(pixels: list[Points], within: Box, margin: float = 1) -> Box | None:
    """The box of whole pixels around the outlines, cut to `within`; None if it is outside."""
    every = np.concatenate(pixels)
    (left, top), (right, bottom) = every.min(axis=0) - margin, every.max(axis=0) + margin
    left, top = max(within[0], int(left)), max(within[1], int(top))
    right, bottom = min(within[2], int(right) + 1), min(within[3], int(bottom) + 1)
    return (left, top, right, bottom) if left < right and top < bottom else None


def _mask(pixels: list[Points], area: Box, opacity: float = 1, blur: float = 0) -> Image.Image:
    """A grey image: how much of each pixel the outlines cover.

    It is drawn larger and then reduced, so that its edges are smooth. If it is blurred, a smaller
    one is enough.
    """
    scale = 2 if blur < 1 else 1 / max(1, int(blur / 2))
    width, height = area[2] - area[0], area[3] - area[1]
    image = Image.new("L", (-int(-width * scale // 1), -int(-height * scale // 1)))
    pen = ImageDraw.Draw(image)
    for outline in pixels:
        pen.polygon(((outline - area[:2]) * scale).ravel().tolist(), fill=round(255 * opacity))
    if blur < 1:
        return image.reduce(2)
    image = image.filter(ImageFilter.GaussianBlur(blur * scale))
    return image.resize((width, height), Image.Resampling.BILINEAR)
