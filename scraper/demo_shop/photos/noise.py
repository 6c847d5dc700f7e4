"""Seamless noise, made once in each process."""

from functools import cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

Array: TypeAlias = npt.NDArray[np.float64]


_SIDE = 512


@cache
def noise(roughness: float, seed: int) -> Array:
    """Seamless fractal noise, 512 by 512, of mean 0 and deviation 1.

    Its amplitudes fall with the frequency to the power `roughness`: 0 is white noise, 2 are hills.
    """
    white = np.random.default_rng(seed).standard_normal((_SIDE, _SIDE))
    axis = np.fft.fftfreq(_SIDE)
    frequency = np.hypot(axis[:, None], axis[None, :])
    frequency[0, 0] = np.inf
    field = np.fft.ifft2(np.fft.fft2(white) * frequency**-roughness).real
    result: Array = field / field.std()
    return result


@cache
def slopes() -> tuple[Array, Array]:
    """How steep a crumpled cloth is, in x and y."""
    dy, dx = np.gradient(noise(2.2, 2))
    return dx / dx.std(), dy / dy.std()


@cache
def dither() -> Image.Image:
    """Steps of one level around 128 (L), which hide the steps of a slow gradient."""
    return Image.fromarray(np.random.default_rng(14).integers(127, 130, (1024, 1024), np.uint8))
