"""All near-duplicates among images: a hash proposes, a second look confirms.

Proposing is exact: it finds every pair of hashes within a Hamming radius, as brute force does. In
a wide radius many images are only alike. So each proposed pair is compared again: first as 8x8
pixels, many pairs at once, then as two images laid over each other (second_look.py).

The comparisons of all pairs are a triangle, which is cut into blocks. The engine gives each block
to a process, on this machine or on a cluster. The process also compares the 8x8 pixels, so only
the few pairs that pass come back.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import starmap
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.clean.second_look import UNLIKE, confirm, normalised
from pipeline.engine import Killed, map_images
from pipeline.paths import CLEAN_CACHE

VERSION = 4
"""Goes up with every change of how pairs are found: kept pairs are then found anew."""

_QUERIES = 512  # hashes compared at once with a block: even if all are alike, a few hundred MB
_BLOCK = 32_768  # hashes: a megabyte, which stays near the processor
_BLOCKS = 8  # blocks for a node of a cluster at once: about ten seconds
_BLOCK_SECONDS = 3600.0  # for one block: if all hashes are equal, it takes minutes
_LOOKED_AT = 65_536  # pairs at once
_CONFIRMED = 256  # pairs that a process is given at once
_CONFIRMED_PARTS = 16  # such items for a node of a cluster at once: some seconds, at most 60 MB
_FEW = 1024  # pairs that are confirmed before a worker process has started
_ROW = np.dtype([("hash", "u1", 32), ("mirror", "u1", 32), ("tiny", "u1", (8, 8, 3))])


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
class HashedImage:
    """The hashes and the thumbnail of an image, which are compared."""

    sha256: str
    phash: bytes
    mirrored_phash: bytes
    tiny: bytes
    """8x8 RGB pixels"""


def find_pairs(
    known: list[HashedImage],
    new: list[HashedImage],
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
        unit = f"x{_CONFIRMED} pairs"
        results = map_images(confirm, chunks, "confirming", unit=unit, part=_CONFIRMED_PARTS)
    for number, result in enumerate(results):
        # what ends a worker here is no image's fault, such as the system's lack of memory
        differences = confirm(*chunks[number]) if isinstance(result, Killed) else result
        yield proposed[chunks.part(number)], differences


def _proposed(
    known: list[HashedImage], new: list[HashedImage], radius: int, mirrored: bool
) -> NDArray[np.int64]:
    """The pairs for the second look, each once: rows of two numbers, mirrored or not, and bits.

    The first image's SHA-256 is the smaller one.
    """
    candidates = known + new
    blocks = _blocks(candidates, len(known), radius, mirrored)
    rows = np.concatenate([np.empty((0, 4), dtype=np.int64), *blocks])
    rank = np.argsort(np.argsort([c.sha256 for c in candidates]))
    turned = rank[rows[:, 0]] > rank[rows[:, 1]]
    rows[turned, :2] = rows[turned, 1::-1]
    # of a mirror image that was proposed both ways, the way that is nearer
    rows = rows[np.lexsort((rows[:, 3], rows[:, 2], rows[:, 1], rows[:, 0]))]
    again = np.zeros(len(rows), dtype=np.bool_)
    again[1:] = (rows[1:, :3] == rows[:-1, :3]).all(axis=1)
    return rows[~again]


@dataclass(frozen=True, slots=True)
class _Search:
    """The settings with which all candidates are compared."""

    size: int
    """of a block"""
    start: int
    """the later candidate of a pair has at least this number"""
    radius: int
    mirrored: bool


def _blocks(
    candidates: list[HashedImage], start: int, radius: int, mirrored: bool
) -> Iterator[NDArray[np.int64]]:
    """The proposals of each block: all pairs whose later candidate is at `start` or behind it."""
    count, size = len(candidates), _BLOCK
    search = _Search(size, start, radius, mirrored)
    blocks = [
        (earlier, later)
        for later in range(start // size, -(-count // size))
        for earlier in range(later + 1)
    ]
    parts = range(0, count, size)
    if count * (count - start) <= size**2:  # it takes less time than to start processes
        for earlier, later in blocks:
            ours, theirs = (_table(candidates[parts[n] :][:size]) for n in (earlier, later))
            yield _propose(ours, theirs, earlier, later, search)
        return
    CLEAN_CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="candidates-", dir=CLEAN_CACHE) as folder:
        path = Path(folder) / "rows"  # a process reads its blocks there, on each node of a cluster
        with path.open("wb") as file:
            for at in parts:
                file.write(_table(candidates[at : at + size]).tobytes())
        tasks = [(path, *block, search) for block in blocks]
        results = map_images(
            propose, tasks, "comparing", seconds=_BLOCK_SECONDS, unit=" blocks", part=_BLOCKS
        )
        for task, result in zip(tasks, results, strict=True):
            # what ends a process here is no image's fault, such as the system's lack of memory
            yield propose(*task) if isinstance(result, Killed) else result


def _table(candidates: Sequence[HashedImage]) -> NDArray[np.void]:
    rows = (one.phash + one.mirrored_phash + one.tiny for one in candidates)
    return np.frombuffer(b"".join(rows), dtype=_ROW)


def propose(path: Path, earlier: int, later: int, search: _Search) -> NDArray[np.int64]:
    """The pairs that `_propose` finds in two blocks of the candidates. The file has their rows."""
    ours, theirs = (
        np.fromfile(path, _ROW, search.size, offset=number * search.size * _ROW.itemsize)
        for number in (earlier, later)
    )
    return _propose(ours, theirs, earlier, later, search)


def _propose(
    ours: NDArray[np.void], theirs: NDArray[np.void], earlier: int, later: int, search: _Search
) -> NDArray[np.int64]:
    """The pairs of two blocks that are worth the second look, in any order.

    Rows of the earlier candidate's number, the later one's, mirrored or not, and bits. Both blocks
    may be the same one.
    """
    skipped = max(0, search.start - later * search.size)
    theirs = theirs[skipped:]
    first = skipped if earlier == later else len(ours)
    numbers = (earlier * search.size, later * search.size + skipped - first)
    ways = [("hash", "hash")]
    if search.mirrored:  # either way round, so that the order of the images doesn't matter
        ways += [("hash", "mirror"), ("mirror", "hash")]
    looks: list[NDArray[np.float32]] = []
    found = [np.empty((0, 4), dtype=np.int64)]
    for mirror, (one, other) in enumerate(ways):
        for i, j, bits in pairs_within(ours[one], search.radius, theirs[other], first):
            if not len(i):
                continue
            if not looks:
                looks = [normalised(ours["tiny"]), normalised(theirs["tiny"])]
                looks.append(np.ascontiguousarray(looks[1][:, :, ::-1]))
            alike = _alike(looks[0], looks[2 if mirror else 1], i, j - first)
            i, j, bits = i[alike] + numbers[0], j[alike] + numbers[1], bits[alike]
            found.append(np.stack([i, j, np.full_like(bits, mirror > 0), bits], axis=1))
    return np.concatenate(found)


class _Chunks:
    """The arguments of `confirm` for many pairs, part by part. Only one part is in memory."""

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
    hashes: NDArray[np.uint8],
    radius: int,
    queries: NDArray[np.uint8] | None = None,
    start: int | None = None,
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]:
    """All pairs of rows (i, j), i < j, at most `radius` bits apart, and their distances, in parts.

    `hashes` has shape (n, bytes). With `queries` of shape (m, bytes), which stand for the rows from
    `start` on (or else for the last m rows), only pairs whose j is among those, compared as
    `queries[j - start]` with `hashes[i]`.
    """
    import faiss  # a third of a second, which a run with nothing new need not spend

    queries = hashes if queries is None else queries
    start = len(hashes) - len(queries) if start is None else start
    blocks: list[Any] = []

    def add(first: int, end: int) -> None:
        while first < end:
            if first % _BLOCK == 0:
                blocks.append(faiss.IndexBinaryFlat(8 * hashes.shape[1]))
            until = min(end, len(blocks) * _BLOCK)
            blocks[-1].add(np.ascontiguousarray(hashes[first:until]))
            first = until

    add(0, min(start, len(hashes)))
    for first in range(start, start + len(queries), _QUERIES):
        # growing the blocks part by part compares each pair once
        add(first, min(first + _QUERIES, len(hashes)))
        part = np.ascontiguousarray(queries[first - start : first - start + _QUERIES])
        for number, block in enumerate(blocks):
            limits, distances, found = block.range_search(part, radius + 1)  # means "nearer than"
            i = number * _BLOCK + found
            j = first + np.repeat(np.arange(len(part)), np.diff(limits.astype(np.int64)))
            earlier = i < j
            yield i[earlier], j[earlier], distances[earlier].astype(np.int64)


def _alike(
    tiny: NDArray[np.float32],
    turned: NDArray[np.float32],
    i: NDArray[np.int64],
    j: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Whether each pair could be alike, by its thumbnails. A few more pairs pass too."""
    close = np.empty(len(i), dtype=np.bool_)
    for at in range(0, len(i), _LOOKED_AT):
        part = slice(at, at + _LOOKED_AT)
        apart = tiny[i[part]] - turned[j[part]]
        close[part] = np.einsum("nhwc,nhwc->n", apart, apart) <= UNLIKE**2 * apart[0].size
    return close
