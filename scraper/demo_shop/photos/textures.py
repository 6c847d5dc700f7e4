"""Textures, made once in each process: what products are made of, and what they are put on."""

from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image

from scraper.demo_shop.photos.noise import Array, noise

SIDE = 1024


@cache
def texture(name: str) -> Image.Image:
    """A material (smooth, jersey, canvas, leather or mesh), or a film's grain: L, around 128."""
    return _image(_MATERIALS[name](*_grid()))


@cache
def ground(name: str) -> Image.Image:
    """Planks, concrete, grass, cloth, carpet, brick, tiles or marble: L, to be coloured."""
    return _image(_GROUNDS[name](*_grid()))


def _canvas(x: Array, y: Array) -> Array:
    weft: Array = np.sin(x * 1.35) * (np.sin(y * 0.67) > 0)
    warp: Array = np.sin(y * 1.35) * (np.sin(x * 0.67) > 0)
    return _rough() * 4 + (weft + warp) * 5


def _mesh(x: Array, y: Array) -> Array:
    holes = np.sin(x * 0.75) * np.sin(y * 0.75 + x * 0.375) > 0.35
    return _where(holes, -28, _rough() + 5)


_MATERIALS: dict[str, Callable[[Array, Array], Array]] = {
    "smooth": lambda _x, _y: _rough() * 1.2,
    "film": lambda _x, _y: _rough() * 3,
    "jersey": lambda x, _y: _rough() * 4 + np.sin(x * 1.6) * 2,
    "leather": lambda _x, _y: _tiled(noise(0.8, 4)) * 4 + _rough() * 2,
    "canvas": _canvas,
    "mesh": _mesh,
}


def _planks(x: Array, y: Array) -> Array:
    row = _cells(y, 128)
    along = x + row * 371
    grain = noise(1.0, 7)[_cells(y, 2 / 3) % 512, (_cells(x, 14) + row * 61) % 512]
    value = _shades(6, 28)[row, _cells(along, 512) % 8] + grain * 17 + _rough() * 3
    return _where((y % 128 < 3) | (along % 512 < 3), -95, value)


def _grass(x: Array, y: Array) -> Array:
    blades = noise(0.7, 8)[_cells(y, 3) % 512, _cells(x + np.sin(y / 19) * 4, 1) % 512]
    return blades * 42 + _cloud() * 9


def _cloth(_x: Array, _y: Array) -> Array:
    down, right = np.gradient(noise(2.3, 9))
    slope = down + right
    return _tiled(slope / slope.std()) * 17 + _rough() * 4


def _carpet(x: Array, y: Array) -> Array:
    loops: Array = np.sin(x * 0.4) * np.sin(y * 0.4)
    return _rough() * 26 + loops * 16 + _cloud() * 6


def _brick(x: Array, y: Array) -> Array:
    row = _cells(y, 64)
    along = x + row % 2 * 64
    bricks = _shades(10, 34)[row % 8, _cells(along, 128) % 8] + _cloud() * 9
    return _where((y % 64 < 6) | (along % 128 < 6), 70, bricks) + _rough() * 10


def _tiles(x: Array, y: Array) -> Array:
    tiles = _shades(11, 9)[_cells(y, 128), _cells(x, 128)] + _cloud() * 4 + _rough()
    return _where((y % 128 < 5) | (x % 128 < 5), -60, tiles)


def _marble(_x: Array, _y: Array) -> Array:
    veins: Array = np.exp(-np.abs(_tiled(noise(1.7, 12))) * 9)
    return 30 - veins * 70 + _cloud() * 7


_GROUNDS: dict[str, Callable[[Array, Array], Array]] = {
    "planks": _planks,
    "concrete": lambda _x, _y: _cloud() * 16 + _rough() * 9,
    "grass": _grass,
    "cloth": _cloth,
    "carpet": _carpet,
    "brick": _brick,
    "tiles": _tiles,
    "marble": _marble,
}


def _rough() -> Array:
    return _tiled(noise(0.25, 3))


def _cloud() -> Array:
    return _tiled(noise(1.3, 5))


def _shades(seed: int, spread: float) -> Array:
    """How bright each brick is, 8 by 8 of them."""
    return np.random.default_rng(seed).uniform(-spread, spread, (8, 8))


def _cells(along: Array, length: float) -> npt.NDArray[np.int64]:
    return (along // length).astype(np.int64)


def _where(gaps: npt.NDArray[np.bool_], value: float, other: Array) -> Array:
    result: Array = np.where(gaps, value, other)
    return result


def _grid() -> tuple[Array, Array]:
    axis = np.arange(SIDE, dtype=float)
    shape = (SIDE, SIDE)
    return np.broadcast_to(axis[None, :], shape), np.broadcast_to(axis[:, None], shape)


def _tiled(tile: Array) -> Array:
    times = SIDE // tile.shape[0]
    return np.tile(tile, (times, times))


def _image(value: Array) -> Image.Image:
    return Image.fromarray(np.clip(value + 128, 0, 255).astype(np.uint8))
