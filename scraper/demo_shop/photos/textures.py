"""Textures, made once in each process: cloth and leather to lay over colours, floors and walls."""

from functools import cache

import numpy as np
from PIL import Image

from scraper.demo_shop.photos.noise import Array, noise

SIDE = 1024


@cache
def texture(name: str) -> Image.Image:
    """What products are made of, around 128 for `Part.grain`: smooth, jersey, canvas, knit,
    leather, mesh.
    """
    x, y = _grid()
    rough = _tiled(noise(512, 0.25, 3))
    match name:
        case "smooth":
            value = rough * 1.2
        case "jersey":
            value = rough * 4 + np.sin(x * 1.6) * 2
        case "canvas":
            value = rough * 5 + np.sin(x * 1.35) * 7 * (np.sin(y * 0.67) > 0)
            value += np.sin(y * 1.35) * 7 * (np.sin(x * 0.67) > 0)
        case "leather":
            value = _tiled(noise(512, 0.8, 4)) * 4 + rough * 2
        case "mesh":
            holes = np.sin(x * 0.75) * np.sin(y * 0.75 + x * 0.375) > 0.35
            value = np.where(holes, -28, 5) + rough
        case _:
            raise ValueError(name)
    return _image(value)


@cache
def ground(name: str) -> Image.Image:
    """What products are put on, in greys: planks, concrete, grass, cloth, carpet, brick, tiles,
    marble.
    """
    x, y = _grid()
    rough = _tiled(noise(512, 0.25, 3))
    cloud = _tiled(noise(512, 1.3, 5))
    match name:
        case "planks":
            row, columns = (y // 128).astype(int), x + (y // 128) * 371
            shade = np.random.default_rng(6).uniform(-28, 28, (8, 4))[
                row, (columns // 512).astype(int) % 4
            ]
            grain = noise(512, 1.0, 7)[
                (y * 1.5).astype(int) % 512, (x / 14 + row * 61).astype(int) % 512
            ]
            gap = ((y % 128) < 3) | ((columns % 512) < 3)
            value = np.where(gap, -95, shade + grain * 17 + rough * 3)
        case "concrete":
            value = cloud * 16 + rough * 9
        case "grass":
            blades = noise(512, 0.7, 8)[
                (y / 3).astype(int) % 512, (x + np.sin(y / 19) * 4).astype(int) % 512
            ]
            value = blades * 42 + cloud * 9
        case "cloth":
            hills = noise(512, 2.3, 9)
            slope = np.gradient(hills)[1] + np.gradient(hills)[0]
            value = _tiled((slope / slope.std()).astype(np.float32)) * 17 + rough * 4
        case "carpet":
            value = rough * 26 + np.sin(x * 0.4) * np.sin(y * 0.4) * 16 + cloud * 6
        case "brick":
            row = (y // 64).astype(int)
            columns = x + (row % 2) * 64
            shade = np.random.default_rng(10).uniform(-38, 30, (16, 8))[
                row, (columns // 128).astype(int) % 8
            ]
            mortar = ((y % 64) < 6) | ((columns % 128) < 6)
            value = np.where(mortar, 70, shade + cloud * 9) + rough * 10
        case "tiles":
            shade = np.random.default_rng(11).uniform(-9, 9, (8, 8))[
                (y // 128).astype(int), (x // 128).astype(int)
            ]
            grout = ((y % 128) < 5) | ((x % 128) < 5)
            value = np.where(grout, -60, shade + cloud * 4 + rough)
        case "marble":
            veins = np.exp(-np.abs(_tiled(noise(512, 1.7, 12))) * 9)
            value = 30 - veins * 70 + cloud * 7
        case _:
            raise ValueError(name)
    return _image(value)


def _grid() -> tuple[Array, Array]:
    axis = np.arange(SIDE, dtype=np.float32)
    return np.broadcast_to(axis[None, :], (SIDE, SIDE)), np.broadcast_to(
        axis[:, None], (SIDE, SIDE)
    )


def _tiled(tile: Array) -> Array:
    times = SIDE // tile.shape[0]
    return np.tile(tile, (times, times))


def _image(value: Array) -> Image.Image:
    return Image.fromarray(np.clip(value + 128, 0, 255).astype(np.uint8))
