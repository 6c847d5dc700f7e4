"""Seamless noise, made once in each process."""

from functools import cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

Array: TypeAlias = npt.NDArray[np.float32]


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
def slopes() -> tuple[Array, Array]:
    """How steep a crumpled cloth is, in x and y."""
    hills = noise(512, 2.2, 2)
    dy, dx = np.gradient(hills)
    return (dx / dx.std()).astype(np.float32), (dy / dy.std()).astype(np.float32)


@cache
def dither() -> Image.Image:
    """Steps of one level around 128 (L), which hide the steps of a slow gradient."""
    return Image.fromarray((noise(1024, 0, 14) + 128.5).astype(np.uint8))
