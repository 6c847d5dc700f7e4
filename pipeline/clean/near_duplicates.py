"""All near-duplicates among images: a hash proposes, aligned thumbnails confirm.

Proposing is exact: every pair of hashes within a Hamming radius, as brute force finds them. A wide
radius lets pass what is only alike, so each proposed pair is compared again, first as 8x8 pixels,
many at once, then as two thumbnails laid over each other.
"""

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

VERSION = 2
"""Goes up with every change of how pairs are found: kept pairs are then found anew."""

# Measured. Among 3,781 photos of clothes 68 pairs lie within 64 bits: one is a copy (difference
# 0.01), the least of the others is 0.19. Copies of 127 of them at the 95th percentile: JPEG quality
# 30 0.06, a quarter of the size 0.07, cropped by 5 % 0.07 (and 97 % of these within 64 bits),
# brightness by 20 % 0.12, watermarks 0.06 to 0.17. In the demo shop, drawn: copies at most 0.04, no
# other pair below 0.5.
UNLIKE = 0.5
"""No pair that differs by more is reported; the limit of `near_duplicate.max_difference`."""

_QUERIES = 4096  # hashes compared at once with
_TILE = 32_768  # others: a megabyte, which stays near the processor. A million at once takes 1.4 x
_LOOKED_AT = 65_536  # pairs at once
_SIDE, _BLOCKS = 32, 8
# shares of the sides that a crop may have taken away, in the middle; 0.1 is beyond the hash's reach
_CROPS = (0.0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1)
_FLAT = 0.15
# A print on one of two mock-ups that are equal else: one strong spot away from the edges, measured
# on 50 photos of t-shirts and as many others. Prints of a tenth, 15 % and a fifth of the width that
# are taken for copies: 84, 56 and 42 % without this rule, 40, 42 and 26 % with it; watermarks in
# the middle (which reach over many blocks) and in a corner stay at 100 %; at 6 instead of 12 they
# fall to 72 and 92 %, and prints only to 38, 32 and 16 %.
_SPOT, _LONELY, _NOISE = 0.25, 12, 0.02


@dataclass(frozen=True, slots=True)
class Pair:
    """Two images, by SHA-256, that may be the same one."""

    a: str
    b: str
    mirrored: bool
    distance: int
    """bits of 256"""
    difference: float
    """see `difference`"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is compared of an image."""

    sha256: str
    phash: bytes
    mirrored_phash: bytes
    tiny: bytes
    """8x8 RGB pixels"""


def find(
    known: list[Candidate],
    new: list[Candidate],
    thumbnail: Callable[[str], bytes],
    radius: int,
    mirrored: bool,
) -> Iterator[Pair]:
    """All pairs that involve a `new` image, among themselves and with the `known`.

    The cost is new x all. `thumbnail` gives a JPEG by SHA-256; `mirrored` looks for mirror images
    too.
    """
    candidates = known + new
    hashes = _stack([c.phash for c in candidates])
    tiny = _normalised(_stack([c.tiny for c in candidates]).reshape(-1, 8, 8, 3))
    ways = [(False, hashes, hashes, tiny)]
    if mirrored:
        mirrors = _stack([c.mirrored_phash for c in candidates])
        flipped = np.ascontiguousarray(tiny[:, :, ::-1])
        # either way round, so that the order of the images doesn't matter
        ways += [(True, hashes, mirrors, flipped), (True, mirrors, hashes, flipped)]
    compare = _Comparison(thumbnail)
    seen: set[tuple[bool, int, int]] = set()
    for mirror, ours, theirs, turned in ways:
        for i, j, distance in pairs_within(ours, radius, theirs[len(known) :]):
            alike = _alike(tiny, turned, i, j)
            for a, b, bits in zip(i[alike], j[alike], distance[alike], strict=True):
                if (mirror, a, b) not in seen:
                    seen.add((mirror, a, b))
                    first, second = sorted((candidates[a].sha256, candidates[b].sha256))
                    found = compare(first, second, mirror)
                    if found <= UNLIKE:
                        yield Pair(first, second, mirror, int(bits), round(found, 4))


def pairs_within(
    hashes: NDArray[np.uint8], radius: int, queries: NDArray[np.uint8] | None = None
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]:
    """All pairs of rows (i, j), i < j, at most `radius` bits apart, and their distances, in blocks.

    `hashes` has shape (n, bytes). With `queries` of shape (m, bytes), which stand for the last m
    rows, only pairs whose j is among those, compared as `queries[j - (n - m)]` with `hashes[i]`.
    """
    import faiss  # a third of a second, which a run with nothing new need not spend

    queries = hashes if queries is None else queries
    start = len(hashes) - len(queries)
    tiles: list[Any] = []

    def add(first: int, end: int) -> None:
        while first < end:
            if first % _TILE == 0:
                tiles.append(faiss.IndexBinaryFlat(8 * hashes.shape[1]))
            until = min(end, len(tiles) * _TILE)
            tiles[-1].add(np.ascontiguousarray(hashes[first:until]))
            first = until

    add(0, start)
    blocks = range(start, len(hashes), _QUERIES)
    for first in tqdm(blocks, "comparing", unit=" blocks", disable=None):
        # growing the tiles block by block compares each pair once
        add(first, min(first + _QUERIES, len(hashes)))
        block = np.ascontiguousarray(queries[first - start : first - start + _QUERIES])
        for number, tile in enumerate(tiles):
            limits, distances, found = tile.range_search(block, radius + 1)  # means "nearer than"
            i = number * _TILE + found
            j = first + np.repeat(np.arange(len(block)), np.diff(limits.astype(np.int64)))
            earlier = i < j
            yield i[earlier], j[earlier], distances[earlier].astype(np.int64)


def _stack(rows: Iterable[bytes]) -> NDArray[np.uint8]:
    rows = list(rows)
    return np.frombuffer(b"".join(rows), dtype=np.uint8).reshape(len(rows), -1)


def _normalised(pictures: NDArray[Any]) -> NDArray[np.float32]:
    """Images (…, height, width, 3) with mean 0 and deviation 1: brightness and contrast gone."""
    levels = pictures.astype(np.float32)
    levels -= levels.mean(axis=(-3, -2, -1), keepdims=True)
    deviation: NDArray[np.float32] = np.sqrt((levels**2).mean(axis=(-3, -2, -1), keepdims=True) + 1)
    levels /= deviation
    return levels


def _alike(
    tiny: NDArray[np.float32],
    turned: NDArray[np.float32],
    i: NDArray[np.int64],
    j: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Which pairs are worth the look at their thumbnails: all that could pass it, and few more."""
    close = np.empty(len(i), dtype=np.bool_)
    for at in range(0, len(i), _LOOKED_AT):
        part = slice(at, at + _LOOKED_AT)
        apart = tiny[i[part]] - turned[j[part]]
        close[part] = np.einsum("nhwc,nhwc->n", apart, apart) <= UNLIKE**2 * apart[0].size
    return close


class _Comparison:
    """Differences of images by SHA-256; thumbnails that come up often are decoded once."""

    def __init__(self, thumbnail: Callable[[str], bytes]) -> None:
        self._crops = lru_cache(maxsize=2048)(lambda sha256: crops(thumbnail(sha256)))

    def __call__(self, a: str, b: str, mirrored: bool) -> float:
        second = self._crops(b)
        return difference(self._crops(a), second[:, :, ::-1] if mirrored else second)


def crops(thumbnail: bytes) -> NDArray[np.float32]:
    """A thumbnail (JPEG), cropped by each share of `_CROPS`, as normalised (9, 32, 32, 3)."""
    image = Image.open(io.BytesIO(thumbnail)).convert("RGB")
    width, height = image.size
    cropped = [
        image.resize(
            (_SIDE, _SIDE),
            Image.Resampling.BILINEAR,
            box=(width * c / 2, height * c / 2, width - width * c / 2, height - height * c / 2),
        )
        for c in _CROPS
    ]
    return _normalised(np.stack([np.asarray(picture) for picture in cropped]))


def difference(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """How much two images differ where they differ, in standard deviations; 0 is not at all.

    `a` and `b` come from `crops`. Either may be a crop of the other: the alignment with the
    smallest mean square counts. Of its 8x8 blocks that aren't background in both, a quarter may
    differ (a watermark): the 75th percentile of their root mean squares; but none by more than
    five times that. A block away from the edges that alone differs (a print) counts as it is: where
    it differs by 0.25 and by twelve times the median.
    """
    apart = np.concatenate([a - b[:1], a[:1] - b[1:]])
    best = int(np.einsum("nhwc,nhwc->n", apart, apart).argmin())
    first, second = (a[best], b[0]) if best < len(a) else (a[0], b[best - len(a) + 1])
    blocks = np.sqrt(_by_block((first - second) ** 2).mean(axis=(1, 3, 4)))
    content = ~(_background(first) & _background(second))
    if not content.any():
        content[:] = True
    half, most = np.percentile(blocks[content], (50, 75))
    spot = blocks[1:-1, 1:-1].max()
    is_print = spot > max(_SPOT, _LONELY * (half + _NOISE))
    return float(max(most, blocks.max() / 5, spot if is_print else 0))


def _by_block(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    size = _SIDE // _BLOCKS
    return picture.reshape(_BLOCKS, size, _BLOCKS, size, -1)


def _background(picture: NDArray[np.float32]) -> NDArray[np.bool_]:
    """The blocks (8, 8) that are all of the border's colour."""
    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    other = np.abs(picture - np.median(border, axis=0)) > _FLAT
    return np.logical_not(_by_block(other).any(axis=(1, 3, 4)))
