"""Proposals are exactly brute force's; what is confirmed is a copy, and only that."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from pipeline.clean import near_duplicates
from pipeline.clean.measure import Measured, _measure
from pipeline.clean.near_duplicates import HashedImage, Pair, find_pairs, pairs_within

LIMIT = 0.16  # the default


def brute_force(hashes: np.ndarray, radius: int) -> set[tuple[int, int, int]]:
    apart = np.unpackbits(hashes[:, None] ^ hashes[None], axis=2).sum(axis=2)
    i, j = np.nonzero(apart <= radius)
    return {(int(a), int(b), int(apart[a, b])) for a, b in zip(i, j, strict=True) if a < b}


def listed(blocks) -> list[tuple[int, int, int]]:
    return [(int(a), int(b), int(d)) for block in blocks for a, b, d in zip(*block, strict=True)]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 60), st.integers(0, 128), st.data())
def test_proposals_are_those_of_brute_force(seed, count, radius, data) -> None:
    rng = np.random.default_rng(seed)
    centres = rng.integers(0, 256, (3, 32), dtype=np.uint8)
    flips = np.packbits(rng.random((count, 256)) < rng.choice([0, 0.05, 0.3]), axis=1)
    hashes = centres[rng.integers(0, 3, count)] ^ flips
    expected = brute_force(hashes, radius)
    found = listed(pairs_within(hashes, radius))
    assert len(found) == len(set(found))
    assert set(found) == expected
    known = data.draw(st.integers(0, count))
    new = listed(pairs_within(hashes, radius, hashes[known:]))
    assert set(new) == {pair for pair in expected if pair[1] >= known}
    with pytest.MonkeyPatch.context() as patch:  # the same, cut into pieces
        patch.setattr(near_duplicates, "_BLOCK", data.draw(st.integers(1, 20)))
        patch.setattr(near_duplicates, "_QUERIES", data.draw(st.integers(1, 20)))
        assert sorted(listed(pairs_within(hashes, radius))) == sorted(expected)
        assert sorted(listed(pairs_within(hashes, radius, hashes[known:]))) == sorted(new)


def test_more_rows_than_one_block() -> None:
    rng = np.random.default_rng(1)
    hashes = rng.integers(0, 256, (9000, 32), dtype=np.uint8)
    hashes[8999] = hashes[17]
    hashes[4096] = hashes[4095] ^ np.eye(1, 32, dtype=np.uint8)[0]
    assert listed(pairs_within(hashes, 8)) == [(4095, 4096, 1), (17, 8999, 0)]


def measured(image: Image.Image, make, **options) -> Measured:
    return _measure(make.encoded(image, **options))


def found(known: str = "", *, mirrored: bool = False, **results: Measured) -> list[Pair]:
    """The pairs among the results, by name, of which some are known."""
    candidates = {
        name: HashedImage(name, m.phash, m.mirrored_phash, m.tiny)
        for name, m in ((name, result.measurement) for name, result in results.items())
    }
    new = [candidate for name, candidate in candidates.items() if name not in known]
    old = [candidates[name] for name in known]
    return list(find_pairs(old, new, lambda name: results[name].levels, 64, mirrored))


def resized(share: float) -> Callable[[Image.Image], Image.Image]:
    return lambda i: i.resize((int(i.width * share), int(i.height * share)))


def cropped(share: float) -> Callable[[Image.Image], Image.Image]:
    return lambda i: ImageOps.crop(i, int(i.width * share / 2))


def marked(image: Image.Image) -> Image.Image:
    layer = Image.new("RGBA", image.size)
    text = ImageDraw.Draw(layer)
    text.text((160, 120), "SAMPLE", (255, 255, 255, 110), anchor="mm", font_size=50)
    return Image.alpha_composite(image.convert("RGBA"), layer).convert("RGB")


COPIES = {
    "again": lambda i: i,
    "half": resized(0.5),
    "twice": resized(2),
    "darker": lambda i: ImageEnhance.Brightness(i).enhance(0.8),
    "cropped by 2 %": cropped(0.02),
    "cropped by 4 %": cropped(0.04),
    "watermark": marked,
}


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_is_found(make, name: str) -> None:
    for seed in range(5):
        image = make.photo(seed)
        pairs = found(
            a=measured(image, make),
            b=measured(COPIES[name](image), make, quality=60),
            c=measured(make.photo(seed + 100), make),
        )
        assert [(p.a, p.b) for p in pairs if p.difference <= LIMIT] == [("a", "b")]


def test_a_mirror_image_is_found_where_it_is_asked_for(make) -> None:
    results = {
        "a": measured(make.photo(1), make),
        "b": measured(ImageOps.mirror(make.photo(1)), make),
    }
    assert found(**results) == []
    for known in "", "a":
        (pair,) = found(known, mirrored=True, **results)
        assert (pair.a, pair.b, pair.mirrored) == ("a", "b", True)
        assert pair.difference < LIMIT / 2


def test_what_is_known_is_not_compared_again(make) -> None:
    copies = {
        n: measured(make.photo(1), make, quality=q) for n, q in {"a": 90, "b": 70, "c": 50}.items()
    }
    pairs = {
        known: {(pair.a, pair.b) for pair in found(known, **copies)} for known in ("", "ab", "abc")
    }
    assert pairs[""] == {("a", "b"), ("a", "c"), ("b", "c")}
    assert pairs["ab"] == {("a", "c"), ("b", "c")}
    assert pairs["abc"] == set()


def test_workers_confirm_the_same_pairs(make, monkeypatch: pytest.MonkeyPatch) -> None:
    images = {f"{n} {q}": (make.photo(n), q) for n in range(6) for q in (90, 70, 50)}
    results = {name: measured(image, make, quality=q) for name, (image, q) in images.items()}
    expected = found(mirrored=True, **results)
    assert len(expected) >= 18
    monkeypatch.setattr(near_duplicates, "_FEW", 0)
    monkeypatch.setattr(near_duplicates, "_CONFIRMED", 5)
    assert found(mirrored=True, **results) == expected
