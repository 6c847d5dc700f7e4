"""The second look at two images whose hashes are alike: are they one image?

Both images are laid over each other at 32x32 pixels. Either may be a crop of the other, so a few
alignments are tried, and the best one counts. A copy may differ in its light (by one factor for
the whole image), by small errors everywhere, and by a mark on a part of it. An image that differs
in colour, or in its light in any other way, is another image.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

UNLIKE = 0.5
"""A pair that differs by more is not reported. `near_duplicate.max_difference` is at most this."""

STORED = 48  # pixels of a side: of 32, a crop by 5 % would be too soft for one in six to be found
_SIDE, _BLOCKS = 32, 8
# shares of the sides that a crop may have taken away, in the middle; 0.1 is beyond the hash's reach
_CROPS = (0.0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1)

# Levels (0 to 255), measured on copies of 120 photos and of 33 drawings
_MOST_LIGHT = 1.32  # times as bright: 20 % more than -10 %, or -20 % alone
_WHITE = 250  # a part that is white in the darker image can't get brighter, and is left as it is
_BLACK = 24  # a ground as dark as this stays black in another light
_GROUND = 4  # blocks of ground that tell the light
_FLAT = 8  # from the border's colour: background
_COLOUR = 35  # a mean that differs by so many counts as 1; copies 1, with a mark 4, at most 7
_STRUCTURE = 4  # deviation inside a block that could show a change
# Of photos 37 to 64 blocks have structure, at the 5th percentile 45; of drawings 18 to 40.
_PHOTO = 41
_ENOUGH = 4  # blocks with structure: with fewer, no pair is confirmed
# A print on one of two mock-ups that are equal else: one strong spot away from the edges, measured
# on 50 photos of t-shirts and as many others. Prints of a tenth, 15 % and a fifth of the width that
# are taken for copies: 84, 56 and 42 % without this rule, 40, 42 and 26 % with it; watermarks in
# the middle (which reach over many blocks) and in a corner stay at 100 %; at 6 instead of 12 they
# fall to 72 and 92 %, and prints only to 38, 32 and 16 %.
_SPOT, _LONELY, _NOISE = 0.25, 12, 0.02
# The same for a spot anywhere in a drawing. Copies of drawings are cleaner; no mark passes.
_DRAWN_SPOT, _DRAWN_LONELY, _DRAWN_NOISE = 0.06, 6, 0.01
# A drawing on a plain ground is cleaner still. Of 1711 pairs of bottles whose labels differ in a
# number ("7 ml") 151 pass with the values above, 24 with these; of copies 99 % pass with both.
_PLAIN_SPOT, _PLAIN_LONELY, _PLAIN_NOISE = 0.03, 8, 0.004


def levels(image: Image.Image) -> bytes:
    """What the second look needs of an RGB image: 48x48 RGB levels, rows from the top.

    >>> len(levels(Image.new("RGB", (300, 200))))
    6912
    """
    return image.resize((STORED, STORED), Image.Resampling.BILINEAR).tobytes()


def confirm(images: list[bytes], pairs: NDArray[np.int64]) -> NDArray[np.float32]:
    """The differences of pairs, shape (n,). `images` are what `levels` gave.

    `pairs` has shape (n, 3): the numbers of two images, and 1 where the second is mirrored.
    """
    laid = lru_cache(maxsize=256)(lambda number: _Laid(images[number]))
    found = [difference(laid(a), laid(b), bool(mirrored)) for a, b, mirrored in pairs.tolist()]
    return np.array(found, dtype=np.float32)


def _weights() -> NDArray[np.float32]:
    """Matrices (9, 32, 48): each crops a side and reduces it, as Pillow's bilinear filter does."""
    at = np.arange(STORED) + 0.5
    matrices = []
    for crop in _CROPS:
        scale = STORED * (1 - crop) / _SIDE
        centres = (np.arange(_SIDE)[:, None] + 0.5) * scale + STORED * crop / 2
        weights = np.maximum(0, 1 - np.abs(at - centres) / scale)
        matrices.append(weights / weights.sum(axis=1, keepdims=True))
    return np.stack(matrices).astype(np.float32)


_WEIGHTS = _weights()


class _Laid:
    """One image, cropped by each share of `_CROPS`: its levels (9, 32, 32, 3), and the same
    normalised, by which images are aligned."""

    def __init__(self, stored: bytes) -> None:
        whole = np.frombuffer(stored, np.uint8).reshape(STORED, -1).astype(np.float32)
        rows = (_WEIGHTS @ whole).reshape(len(_CROPS), _SIDE, STORED, 3)
        self.levels: NDArray[np.float32] = np.matmul(_WEIGHTS[:, None], rows)
        self.normalised = normalised(self.levels).reshape(len(_CROPS), -1)

    def mirrored(self) -> "_Laid":
        other = object.__new__(_Laid)
        other.levels = self.levels[:, :, ::-1]
        other.normalised = normalised(other.levels).reshape(len(_CROPS), -1)
        return other


def normalised(images: NDArray[Any]) -> NDArray[np.float32]:
    """Images (…, height, width, 3) with mean 0 and deviation 1: without brightness and contrast."""
    result = images.astype(np.float32)
    result -= result.mean(axis=(-3, -2, -1), keepdims=True)
    deviation: NDArray[np.float32] = np.sqrt((result**2).mean(axis=(-3, -2, -1), keepdims=True) + 1)
    result /= deviation
    return result


def difference(a: _Laid, b: _Laid, mirrored: bool = False) -> float:
    """How much two images differ, in standard deviations; 0 means not at all.

    Blocks (8x8 of them) that are background in both images don't count. It is the largest of:

    - the 75th percentile of the blocks' root mean squares, so a quarter may differ (a watermark);
    - a fifth of the strongest block;
    - the strongest block itself, if it stands alone (a print);
    - the difference of the mean colours, of the background or of the rest, in units of 35 levels.

    In a drawing few blocks have structure. There the strongest block itself counts, and the colours
    are compared block by block. If hardly any block has structure, nothing could differ, and the
    difference is 1.
    """
    dark, bright = _aligned(a, b.mirrored() if mirrored else b)
    ground = _background(dark) & _background(bright)
    shown = ~ground
    structure = shown & (np.maximum(_deviations(dark), _deviations(bright)) > _STRUCTURE)
    if (count := structure.sum()) < _ENOUGH:
        return 1.0
    is_drawing = bool(count < _PHOTO)
    dark = np.minimum(dark * _light(dark, bright, ground if is_drawing else None), 255)
    apart = dark - bright
    deviation = np.sqrt((dark.var() + bright.var()) / 2 + 1)
    by_block = np.sqrt((_by_block(apart) ** 2).mean(axis=(1, 3, 4))) / deviation
    means = _by_block(apart).mean(axis=(1, 3))
    parts = (means[part].mean(axis=0) for part in (shown, ground) if part.any())
    colour = max(np.abs(part).max() for part in parts) / _COLOUR
    if is_drawing:
        colours = np.abs(means[shown]).max(axis=1) / _COLOUR
        spot = _spot(by_block, structure, is_plain=bool(ground.sum() >= _GROUND))
        return float(max(by_block.max(), colour, np.percentile(colours, 75), spot))
    half, most = np.percentile(by_block[shown], (50, 75))
    spot = by_block[1:-1, 1:-1].max()
    is_print = spot > max(_SPOT, _LONELY * (half + _NOISE))
    return float(max(most, by_block.max() / 5, spot if is_print else 0, colour))


def _spot(by_block: NDArray[np.float32], structure: NDArray[np.bool_], is_plain: bool) -> float:
    """1 where one block of a drawing differs much more than the others do, else 0."""
    half = np.median(by_block[structure])
    spot, lonely, noise = (
        (_PLAIN_SPOT, _PLAIN_LONELY, _PLAIN_NOISE)
        if is_plain
        else (_DRAWN_SPOT, _DRAWN_LONELY, _DRAWN_NOISE)
    )
    return float(by_block.max() > max(spot, lonely * (half + noise)))


def _aligned(a: _Laid, b: _Laid) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The levels of both images at their best alignment, (32, 32, 3) each; the darker one first."""
    alike = np.concatenate([a.normalised @ b.normalised[0], b.normalised[1:] @ a.normalised[0]])
    best = int(alike.argmax())
    first, second = (best, 0) if best < len(_CROPS) else (0, best - len(_CROPS) + 1)
    dark, bright = a.levels[first], b.levels[second]
    if dark.mean() > bright.mean():
        dark, bright = bright, dark
    return dark, bright


def _light(
    dark: NDArray[np.float32], bright: NDArray[np.float32], ground: NDArray[np.bool_] | None
) -> float:
    """How many times as bright the light of the brighter image is, 1 to 1.32.

    `ground` are the blocks that are background in both drawings, None in photos. It tells the light
    of a drawing. A ground that stays white or black tells nothing. A drawing that is brighter on
    such a ground is a drawing in another colour, so its light is 1.
    """
    if ground is not None and ground.sum() >= _GROUND:
        under, over = (
            float(_by_block(one).mean(axis=(1, 3, 4))[ground].mean()) for one in (dark, bright)
        )
        if under >= _WHITE or over <= _BLACK:
            return 1.0
        if over < _WHITE:
            return min(max(over / under, 1), _MOST_LIGHT)
    tells = (bright < _WHITE) | (dark >= _WHITE)  # the rest may have been cut off at white
    seen = dark[tells]
    light = float(seen @ bright[tells]) / (float(seen @ seen) + 1)
    return min(max(light, 1), _MOST_LIGHT)


def _by_block(image: NDArray[np.float32]) -> NDArray[np.float32]:
    size = _SIDE // _BLOCKS
    return image.reshape(_BLOCKS, size, _BLOCKS, size, -1)


def _deviations(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """The deviation of the levels inside each block, (8, 8)."""
    blocks = _by_block(image)
    inside = blocks - blocks.mean(axis=(1, 3), keepdims=True)
    deviations: NDArray[np.float32] = np.sqrt((inside**2).mean(axis=(1, 3, 4)))
    return deviations


def _background(image: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which blocks (8, 8) have the border's colour everywhere."""
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    other = np.abs(image - np.median(border, axis=0)) > _FLAT
    return np.logical_not(_by_block(other).any(axis=(1, 3, 4)))
