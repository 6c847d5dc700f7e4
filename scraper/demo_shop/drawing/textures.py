"""Makes surfaces of products and grounds, once in each process: grey images around 128."""

from functools import cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

Array: TypeAlias = npt.NDArray[np.float64]

SIDE = 1024


@cache
def texture(name: str) -> Image.Image:
    """A square of a surface, `SIDE` pixels wide: "smooth", "weave", "concrete" or "planks"."""
    y, x = np.indices((SIDE, SIDE))
    rough = np.tile(_noise(0.25, 3), (2, 2))
    match name:
        case "smooth":
            value = rough * 1.2
        case "weave":
            weft = np.sin(x * 1.35) * (np.sin(y * 0.67) > 0)
            warp = np.sin(y * 1.35) * (np.sin(x * 0.67) > 0)
            value = rough * 4 + (weft + warp) * 5
        case "concrete":
            value = np.tile(_noise(1.3, 5), (2, 2)) * 16 + rough * 9
        case _:  # planks
            row, along = y // 128, x + y // 128 * 371
            grain = _noise(1.0, 7)[y * 3 // 2 % 512, (x // 14 + row * 61) % 512]
            shade = np.random.default_rng(6).uniform(-28, 28, (8, 8))[row, along // 512 % 8]
            gap = (y % 128 < 3) | (along % 512 < 3)
            value = np.where(gap, -95, shade + grain * 17 + rough * 3)
    return Image.fromarray(np.clip(value + 128, 0, 255).astype(np.uint8))


@cache
def slopes() -> tuple[Array, Array]:
    """The slopes of a crumpled cloth, in x and in y.

    Both are seamless arrays of 512 by 512 values with a standard deviation of 1.
    """
    down, right = np.gradient(_noise(2.2, 2))
    return right / right.std(), down / down.std()


def _noise(fall: float, seed: int) -> Array:
    """Seamless noise of 512 by 512 values, with mean 0 and standard deviation 1.

    Its amplitudes fall with the frequency to the power `fall`: 0 gives white noise, 2 gives hills.
    """
    white = np.random.default_rng(seed).standard_normal((512, 512))
    axis = np.fft.fftfreq(512)
    frequency = np.hypot(axis[:, None], axis[None, :])
    frequency[0, 0] = np.inf
    field = np.fft.ifft2(np.fft.fft2(white) * frequency**-fall).real
    return np.asarray(field / field.std())
