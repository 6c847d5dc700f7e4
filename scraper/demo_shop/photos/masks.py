"""Outlines on the pixel grid: where they are, and how much of each pixel they cover."""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from scraper.demo_shop.photos.geometry import Frame, Points

Outlines: TypeAlias = Points | Sequence[Points]
Box: TypeAlias = tuple[int, int, int, int]
"""left, top, right, bottom in pixels"""


class Shapes:
    """One outline or several, placed on the picture by a frame; what they cover is their union."""

    def __init__(self, frame: Frame, outlines: Outlines) -> None:
        several = [outlines] if isinstance(outlines, np.ndarray) else outlines
        self._points = frame(np.concatenate(several))
        self._cuts = [0, *accumulate(len(outline) for outline in several)]

    def bounds(self, within: Box, margin: float = 1) -> Box | None:
        """The whole pixels around them, within an area; None where they are outside it."""
        low, high = self._points.min(axis=0) - margin, self._points.max(axis=0) + margin
        left, top = max(within[0], int(low[0])), max(within[1], int(low[1]))
        right, bottom = min(within[2], int(high[0]) + 1), min(within[3], int(high[1]) + 1)
        return (left, top, right, bottom) if left < right and top < bottom else None

    def mask(self, area: Box, opacity: float = 1) -> Image.Image:
        """An L image of the area, smooth at the edges: drawn at twice the size and reduced."""
        size = ((area[2] - area[0]) * 2, (area[3] - area[1]) * 2)
        return self._draw(size, area, 2, opacity).reduce(2)

    def soft_mask(self, area: Box, radius: float, opacity: float = 1) -> Image.Image:
        """The same, blurred by `radius` pixels."""
        step = max(1, int(radius / 2))
        width, height = area[2] - area[0], area[3] - area[1]
        small = self._draw((-(-width // step), -(-height // step)), area, 1 / step, opacity)
        small = small.filter(ImageFilter.GaussianBlur(radius / step))
        return small.resize((width, height), Image.Resampling.BILINEAR)

    def _draw(self, size: tuple[int, int], area: Box, scale: float, opacity: float) -> Image.Image:
        image = Image.new("L", size)
        pen = ImageDraw.Draw(image)
        flat = ((self._points - area[:2]) * scale).ravel().tolist()
        for start, end in pairwise(self._cuts):
            pen.polygon(flat[2 * start : 2 * end], fill=round(255 * opacity))
        return image
