"""All near-duplicates among images: a hash proposes, a second look confirms.

Proposing is exact: every pair of hashes within a Hamming radius, as brute force finds them. A wide
radius lets pass what is only alike, so each proposed pair is compared again, first as 8x8 pixels,
many at once, then as two images laid over each other (second_look.py), on all cores.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import starmap
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from pipeline.clean.second_look import UNLIKE, confirm, normalised
from pipeline.engine import Killed, map_images

VERSION = 3
"""Goes up with every change of how pairs are found: kept pairs are then found anew."""

_QUERIES = 4096  # hashes compared at once with
_TILE = 32_768  # others: a megabyte, which stays near the processor. A million at once takes 1.4 x
_LOOKED_AT = 65_536  # pairs at once
_CONFIRMED = 256  # pairs that a worker is given at once
_FEW = 1024  # pairs that are confirmed before a worker process has started


@dataclass(frozen=True, slots=True)
class Pair:
    """Two images, by SHA-256, that may be the same one."""

    a: str
    b: str
    mirrored: bool
    distance: int
    """bits of 256"""
    difference: float
    """see `second_look.difference`"""


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
    levels: Callable[[str], bytes],
    radius: int,
    mirrored: bool,
) -> Iterator[Pair]:
    """All pairs that involve a `new` image, among themselves and with the `known`.

    The cost is new x all. `levels` gives by SHA-256 what `second_look.levels` made; `mirrored`
    looks for mirror images too.
    """
    names = [one.sha256 for one in known + new]
    proposed = _proposed(known, new, radius, mirrored)
    for rows, differences in confirmed(proposed, names, levels):
        for (a, b, mirror, bits), found in zip(rows.tolist(), differences.tolist(), strict=True):
            if found <= UNLIKE:
                yield Pair(names[a], names[b], bool(mirror), bits, round(found, 4))


def confirmed(
    proposed: NDArray[np.int64], names: Sequence[str], levels: Callable[[str], bytes]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """The second look at many pairs on all cores: parts of the rows, and their differences.

    A row of `proposed` is two numbers of `names`, and 1 where the second is mirrored; what follows
    is not looked at. `levels` is asked for the images of a part only when it is its turn.
    """
    chunks = _Chunks(proposed, names, levels)
    if len(proposed) <= _FEW:
        results: Iterator[NDArray[np.float32] | Killed] = starmap(confirm, chunks)
    else:
        results = map_images(confirm, chunks, "confirming", unit=f"x{_CONFIRMED} pairs")
    for number, result in enumerate(results):
        # what ends a worker here is no image's fault, such as the system's lack of memory
        differences = confirm(*chunks[number]) if isinstance(result, Killed) else result
        yield proposed[chunks.part(number)], differences


def _proposed(
    known: list[Candidate], new: list[Candidate], radius: int, mirrored: bool
) -> NDArray[np.int64]:
    """What is worth the second look, each once: rows of two numbers, mirrored or not, and bits.

    The first image's SHA-256 is the smaller one.
    """
    candidates = known + new
    hashes = _stack([c.phash for c in candidates])
    tiny = normalised(_stack([c.tiny for c in candidates]).reshape(-1, 8, 8, 3))
    ways = [(False, hashes, hashes, tiny)]
    if mirrored:
        mirrors = _stack([c.mirrored_phash for c in candidates])
        flipped = np.ascontiguousarray(tiny[:, :, ::-1])
        # either way round, so that the order of the images doesn't matter
        ways += [(True, hashes, mirrors, flipped), (True, mirrors, hashes, flipped)]
    rank = np.argsort(np.argsort([c.sha256 for c in candidates]))
    blocks = [np.empty((0, 4), dtype=np.int64)]
    for mirror, ours, theirs, turned in ways:
        for i, j, bits in pairs_within(ours, radius, theirs[len(known) :]):
            alike = _alike(tiny, turned, i, j)
            i, j, bits = i[alike], j[alike], bits[alike]
            turn = rank[i] > rank[j]
            first, second = np.where(turn, j, i), np.where(turn, i, j)
            blocks.append(np.stack([first, second, np.full_like(bits, mirror), bits], axis=1))
    rows = np.concatenate(blocks)
    # of a mirror image that was proposed both ways, the way that is nearer
    rows = rows[np.lexsort((rows[:, 3], rows[:, 2], rows[:, 1], rows[:, 0]))]
    again = np.zeros(len(rows), dtype=np.bool_)
    again[1:] = (rows[1:, :3] == rows[:-1, :3]).all(axis=1)
    return rows[~again]


class _Chunks:
    """What `confirm` is given of many pairs, a part at a time; only these images are in memory."""

    def __init__(
        self, pairs: NDArray[np.int64], names: Sequence[str], levels: Callable[[str], bytes]
    ) -> None:
        self._pairs, self._names, self._levels = pairs, names, levels

    def __len__(self) -> int:
        return -(-len(self._pairs) // _CONFIRMED)

    def part(self, number: int) -> slice:
        return slice(number * _CONFIRMED, (number + 1) * _CONFIRMED)

    def __getitem__(self, number: int) -> tuple[list[bytes], NDArray[np.int64]]:
        if number >= len(self):
            raise IndexError(number)
        pairs = self._pairs[self.part(number)]
        wanted, places = np.unique(pairs[:, :2], return_inverse=True)
        rows = np.column_stack([places.reshape(-1, 2), pairs[:, 2]])
        return [self._levels(self._names[n]) for n in wanted.tolist()], rows

    def __iter__(self) -> Iterator[tuple[list[bytes], NDArray[np.int64]]]:
        return (self[number] for number in range(len(self)))


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
