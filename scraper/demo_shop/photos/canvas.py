"""A picture that is painted part by part: smooth masks, soft light, soft shadows."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from scraper.demo_shop.photos.geometry import Frame, Pair, Points

Colour: TypeAlias = tuple[int, int, int]
Array: TypeAlias = npt.NDArray[np.float32]
Box: TypeAlias = tuple[int, int, int, int]

_COARSE = 4  # light is computed on a grid that much coarser than the picture


class Canvas:
    """An RGB picture and the direction its light comes from."""

    def __init__(self, image: Image.Image, light: Pair = (-0.6, -0.8)) -> None:
        self.image = image
        self.light = light

    def part(self, frame: Frame, outlines: Points | Sequence[Points], colour: Colour) -> "Part":
        """A new part to work on; it appears on the picture with `Part.done`."""
        return Part(
            self, frame, [outlines] if isinstance(outlines, np.ndarray) else outlines, colour
        )

    def fill(
        self,
        frame: Frame,
        outlines: Points | Sequence[Points],
        colour: Colour,
        *,
        opacity: float = 1,
        soft: float = 0,
    ) -> None:
        """Paint flat, without light; `soft` blurs the edge (in the frame's units)."""
        pixels = [frame(o) for o in ([outlines] if isinstance(outlines, np.ndarray) else outlines)]
        margin = 3 * soft * frame.size
        area = _bounds(pixels, (0, 0, *self.image.size), margin)
        if area is None:
            return
        if soft * frame.size < 1:
            mask = _mask(pixels, area)
            mask = mask if opacity == 1 else mask.point(lambda v: v * opacity)
        else:
            mask = _soft_mask(pixels, area, soft * frame.size, opacity)
        self.image.paste(colour, area, mask)

    def glow(self, array: Array) -> None:
        """Light up and darken all of the picture: a small array, 0 neutral, ±1 white or black."""
        layer = _light_image(array, self.image.size)
        layer = ImageChops.add(layer, _dither().crop((0, 0, *layer.size)), 1, -128)
        self.image = ImageChops.hard_light(self.image, Image.merge("RGB", (layer,) * 3))


@dataclass(slots=True)
class Part:
    """One part of a product: painted and lit in its own box, then put on the picture at once."""

    canvas: Canvas
    frame: Frame
    mask: Image.Image | None
    colour: Image.Image
    area: Box
    light: Array
    texture: Image.Image | None

    def __init__(
        self, canvas: Canvas, frame: Frame, outlines: Sequence[Points], colour: Colour
    ) -> None:
        pixels = [frame(o) for o in outlines]
        area = _bounds(pixels, (0, 0, *canvas.image.size), 1)
        self.canvas, self.frame = canvas, frame
        self.area = area or (0, 0, 1, 1)  # off the picture: drawn on one pixel, and not put down
        self.mask = _mask(pixels, area) if area else None
        size = (self.area[2] - self.area[0], self.area[3] - self.area[1])
        self.colour = Image.new("RGB", size, colour)
        self.texture = None
        self.light = np.zeros((-(-size[1] // _COARSE), -(-size[0] // _COARSE)), np.float32)

    def paint(
        self, outlines: Points | Sequence[Points], colour: Colour, opacity: float = 1
    ) -> "Part":
        """Paint a pattern on the part, in the frame's units; what is outside the part is lost."""
        outlines = [outlines] if isinstance(outlines, np.ndarray) else outlines
        return self.paint_pixels([self.frame(o) for o in outlines], colour, opacity)

    def paint_pixels(self, pixels: Sequence[Points], colour: Colour, opacity: float = 1) -> "Part":
        """The same with outlines in pixels of the picture."""
        area = _bounds(pixels, self.area, 1) if pixels else None
        if area is not None:
            mask = _mask(pixels, area)
            mask = mask if opacity == 1 else mask.point(lambda v: v * opacity)
            self.colour.paste(colour, (area[0] - self.area[0], area[1] - self.area[1]), mask)
        return self

    def fade(self, colour: Colour, start: Pair, end: Pair) -> "Part":
        """Blend into another colour from one point (frame's units) to another."""
        amount = np.clip(self._along(start, end), 0, 1) * 255
        mask = Image.fromarray(amount.astype(np.uint8)).resize(
            self.colour.size, Image.Resampling.BILINEAR
        )
        self.colour.paste(colour, (0, 0), mask)
        return self

    def puff(self, radius: float, strength: float = 1) -> "Part":
        """Light the part as if its rim were rounded by `radius` (frame's units)."""
        if self.mask is None:
            return self
        pixels = max(radius * self.frame.size / _COARSE, 0.6)
        pad = int(pixels * 2) + 2
        height, width = self.light.shape
        small = Image.new("L", (width + 2 * pad, height + 2 * pad))
        small.paste(self.mask.resize((width, height), Image.Resampling.BOX), (pad, pad))
        hill = np.asarray(small.filter(ImageFilter.GaussianBlur(pixels)), np.float32) / 255
        lx, ly = self.canvas.light
        slope = np.zeros_like(hill)
        slope[:, 1:-1] = (hill[:, :-2] - hill[:, 2:]) * (lx * 0.8 * pixels)
        slope[1:-1] += (hill[:-2] - hill[2:]) * (ly * 0.8 * pixels)
        lit = (slope + (hill - 1) * 0.35)[pad : pad + height, pad : pad + width]
        # light from all around keeps what is turned away from going black
        self.light += strength * np.where(lit < 0, lit / (1 - 1.1 * lit), lit)
        return self

    def wrinkle(self, strength: float, scale: float, at: Pair, stretch: Pair = (1, 1)) -> "Part":
        """Light the part as crumpled cloth: `scale` is the size of a wrinkle (frame's units)."""
        height, width = self.light.shape
        step = _COARSE * 24 / max(scale * self.frame.size, 1)
        rows = (np.arange(height) * step * stretch[1] + at[1] * 512).astype(int) % 512
        columns = (np.arange(width) * step * stretch[0] + at[0] * 512).astype(int) % 512
        lx, ly = self.canvas.light
        slopes = noise_slopes()
        lit = slopes[0][np.ix_(rows, columns)] * lx + slopes[1][np.ix_(rows, columns)] * ly
        self.light += strength * lit
        return self

    def stroke(
        self, lines: Iterable[Points], width: float, amount: float, soft: float = 0
    ) -> "Part":
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
        self.light += np.asarray(layer, np.float32) * (amount / 255)
        return self

    def ramp(self, profile: Callable[[Array], Array], start: Pair, end: Pair) -> "Part":
        """Light that depends on the way from one point to another (0 to 1) only."""
        self.light += profile(self._along(start, end))
        return self

    def grain(self, texture: Image.Image, at: Pair) -> "Part":
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
        x = (np.arange(width, dtype=np.float32) + 0.5) * _COARSE + (self.area[0] - a[0])
        y = (np.arange(height, dtype=np.float32) + 0.5) * _COARSE + (self.area[1] - a[1])
        scale = max(float(way @ way), 1e-6)
        along: Array = (x * (way[0] / scale))[None, :] + (y * (way[1] / scale))[:, None]
        return along


def _bounds(pixels: Sequence[Points], within: Box, margin: float) -> Box | None:
    """The whole pixels around outlines, within an area; None where they are outside it."""
    every = np.concatenate(pixels)
    low, high = every.min(axis=0) - margin, every.max(axis=0) + margin
    left, top = max(within[0], int(low[0])), max(within[1], int(low[1]))
    right, bottom = min(within[2], int(high[0]) + 1), min(within[3], int(high[1]) + 1)
    return (left, top, right, bottom) if left < right and top < bottom else None


def _mask(pixels: Sequence[Points], area: Box) -> Image.Image:
    """Outlines as an L image of the area, drawn at twice the size and reduced."""
    mask = Image.new("L", ((area[2] - area[0]) * 2, (area[3] - area[1]) * 2))
    pen = ImageDraw.Draw(mask)
    for outline in pixels:
        pen.polygon(((outline - area[:2]) * 2).ravel().tolist(), fill=255)
    return mask.reduce(2)


def _soft_mask(pixels: Sequence[Points], area: Box, radius: float, opacity: float) -> Image.Image:
    step = max(1, int(radius / 2))
    width, height = area[2] - area[0], area[3] - area[1]
    small = Image.new("L", (-(-width // step), -(-height // step)))
    pen = ImageDraw.Draw(small)
    for outline in pixels:
        pen.polygon(((outline - area[:2]) / step).ravel().tolist(), fill=round(255 * opacity))
    small = small.filter(ImageFilter.GaussianBlur(radius / step))
    return small.resize((width, height), Image.Resampling.BILINEAR)


def _light_image(light: Array, size: tuple[int, int]) -> Image.Image:
    """Light from -1 (black) over 0 to 1 (white) as L: 128 leaves a pixel as it is."""
    values = np.clip(light * 127 + 128, 0, 255).astype(np.uint8)
    return Image.fromarray(values).resize(size, Image.Resampling.BICUBIC)


@cache
def _dither() -> Image.Image:
    """Noise of one level, which hides the steps of a slow gradient."""
    return Image.fromarray((noise(1024, 0, 14) + 128.5).astype(np.uint8))


@cache
def noise(side: int = 512, roughness: float = 1.6, seed: int = 1) -> Array:
    """Seamless fractal noise of mean 0 and deviation 1: its spectrum falls with the frequency."""
    white = np.random.default_rng(seed).standard_normal((side, side))
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None, :])
    frequency[0, 0] = np.inf
    field = np.fft.ifft2(np.fft.fft2(white) * frequency**-roughness).real
    result: Array = (field / field.std()).astype(np.float32)
    return result


@cache
def noise_slopes() -> tuple[Array, Array]:
    """How steep a crumpled cloth is, in x and y."""
    hills = noise(512, 2.2, 2)
    dy, dx = np.gradient(hills)
    return (dx / dx.std()).astype(np.float32), (dy / dy.std()).astype(np.float32)
