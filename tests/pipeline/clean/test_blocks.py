"""Near-duplicates are searched block by block; the blocks together find what one search finds."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.clean import near_duplicates
from pipeline.clean.near_duplicates import HashedImage, _proposed
from pipeline.clean.second_look import UNLIKE, normalised

RADIUS = 64


def crowd(count: int, seed: int) -> list[HashedImage]:
    """Candidates that crowd about few centres, by their hashes and by their pixels."""
    rng = np.random.default_rng(seed)
    centres = [(rng.bytes(32), rng.bytes(32), rng.integers(0, 256, 192)) for _ in range(5)]
    found = []
    for number in range(count):
        phash, mirror, tiny = centres[rng.integers(5)]
        if rng.random() < 0.3:
            phash, mirror = mirror, phash
            tiny = tiny.reshape(8, 8, 3)[:, ::-1].ravel()
        flips = np.packbits(rng.random((2, 256)) < rng.choice([0.05, 0.15]), axis=1)
        noise = rng.integers(-30, 30, 192) * rng.integers(0, 3)
        found.append(
            HashedImage(
                f"{rng.integers(1 << 60):016x}{number}",
                (np.frombuffer(phash, np.uint8) ^ flips[0]).tobytes(),
                (np.frombuffer(mirror, np.uint8) ^ flips[1]).tobytes(),
                np.clip(tiny + noise, 0, 255).astype(np.uint8).tobytes(),
            )
        )
    return found


def one_by_one(candidates: list[HashedImage], known: int, mirrored: bool) -> list[tuple[int, ...]]:
    """What should be proposed, found pair by pair."""
    tiny = [normalised(np.frombuffer(c.tiny, np.uint8).reshape(8, 8, 3)) for c in candidates]
    best: dict[tuple[int, int, int], int] = {}
    for j in range(known, len(candidates)):
        for i in range(j):
            a, b = sorted((i, j), key=lambda n: candidates[n].sha256)
            ways = [(candidates[i].phash, candidates[j].phash, 0)]
            if mirrored:
                ways.append((candidates[i].phash, candidates[j].mirrored_phash, 1))
                ways.append((candidates[i].mirrored_phash, candidates[j].phash, 1))
            for ours, theirs, mirror in ways:
                bits = (int.from_bytes(ours) ^ int.from_bytes(theirs)).bit_count()
                other = tiny[j][:, ::-1] if mirror else tiny[j]
                if bits <= RADIUS and ((tiny[i] - other) ** 2).mean() <= UNLIKE**2:
                    best[a, b, mirror] = min(bits, best.get((a, b, mirror), bits))
    return sorted((*key, bits) for key, bits in best.items())


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 60), st.booleans(), st.data())
def test_blocks_find_what_a_search_pair_by_pair_finds(seed, count, mirrored, data) -> None:
    candidates = crowd(count, seed)
    known = data.draw(st.integers(0, count))
    expected = one_by_one(candidates, known, mirrored)
    with pytest.MonkeyPatch.context() as patch:
        # in this process, also where the number of pairs would call for others
        patch.setattr(
            near_duplicates,
            "map_images",
            lambda function, tasks, *_, **__: [function(*task) for task in tasks],
        )
        patch.setattr(near_duplicates, "_BLOCK", data.draw(st.integers(1, 70)))
        patch.setattr(near_duplicates, "_QUERIES", data.draw(st.integers(1, 20)))
        found = _proposed(candidates[:known], candidates[known:], RADIUS, mirrored)
    assert [tuple(row) for row in found.tolist()] == expected


def test_processes_find_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    candidates = crowd(90, 1)
    expected = _proposed(candidates[:20], candidates[20:], RADIUS, mirrored=True)
    assert len(expected) > 300
    monkeypatch.setattr(near_duplicates, "_BLOCK", 25)
    found = _proposed(candidates[:20], candidates[20:], RADIUS, mirrored=True)
    assert np.array_equal(found, expected)
    assert not list((tmp_path / ".cache" / "clean").iterdir())
