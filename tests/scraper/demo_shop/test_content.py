"""The bytes of images, drawn in this process."""

import hashlib
import io
import os
import subprocess
import sys

import imagehash
import numpy as np
import pytest
from PIL import Image

from scraper.demo_shop import catalogue
from scraper.demo_shop.catalogue import CATEGORIES
from scraper.demo_shop.content import content, media_type
from scraper.demo_shop.defects import Defect


def _first(defect: Defect | None, label: str = "mug") -> str:
    return next(
        image.name
        for product in catalogue.listed(label)
        for image in product.images
        if image.defect is defect and product.label == label
    )


def _image(name: str) -> Image.Image:
    image = Image.open(io.BytesIO(content(name)))
    image.load()
    return image


def _distance(a: str, b: str) -> int:
    one, other = (imagehash.phash(_image(name), hash_size=16) for name in (a, b))
    return int(one - other)


def test_another_process_draws_the_same_bytes() -> None:
    names = [_first(defect, "cap") for defect in (None, Defect.RECOMPRESSED, Defect.TRUNCATED)]
    names += [_first(None, category.label) for category in CATEGORIES]
    program = (
        "import hashlib, sys\n"
        "from scraper.demo_shop.content import content\n"
        "for name in reversed(sys.argv[1:]):\n"
        "    print(hashlib.sha256(content(name)).hexdigest())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *names],
        env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    here = [hashlib.sha256(content(name)).hexdigest() for name in names]
    assert done.stdout.split() == here[::-1]


@pytest.mark.parametrize("label", [category.label for category in CATEGORIES])
def test_images_are_as_large_as_shops_images_and_not_flat(label: str) -> None:
    for product in catalogue.listed(label)[:6]:
        if product.images[0].defect is None:
            image = _image(product.images[0].name)
            assert image.mode == "RGB"
            assert 480 <= min(image.size) <= max(image.size) <= 640
            assert np.asarray(image.convert("L")).std() > 8


def test_formats_are_what_the_names_and_media_types_say() -> None:
    found = {}
    for name, image in catalogue.images().items():
        if image.defect is None:
            found.setdefault(name.rpartition(".")[2], name)
    assert set(found) == {"jpg", "png", "webp"}
    for name in found.values():
        assert Image.MIME[str(_image(name).format)] == media_type(name)


def test_a_truncated_image_shows_its_upper_part_only() -> None:
    body = content(_first(Defect.TRUNCATED))
    with pytest.raises(OSError, match="truncated"):
        Image.open(io.BytesIO(body)).load()
    assert body[:2] == b"\xff\xd8"
    assert body[-2:] != b"\xff\xd9"


def test_a_thumbnail_is_tiny() -> None:
    assert max(_image(_first(Defect.TINY)).size) == 48


def test_a_blank_image_has_one_colour_and_each_category_has_its_own() -> None:
    blanks = [_first(Defect.BLANK, category.label) for category in CATEGORIES]
    for name in blanks:
        colours = _image(name).getcolors()
        assert colours is not None
        assert len(colours) == 1
    assert len({content(name) for name in blanks}) == len(CATEGORIES)


def test_copies_are_near_their_originals_and_are_the_worse_ones() -> None:
    for defect in (Defect.RECOMPRESSED, Defect.RESIZED):
        for category in CATEGORIES:
            copy = catalogue.images()[_first(defect, category.label)]
            original, mine = _image(copy.drawn_as), _image(copy.name)
            assert _distance(copy.name, copy.drawn_as) <= 12
            if defect is Defect.RESIZED:
                assert 0.45 < mine.width / original.width < 0.85
            else:
                assert mine.size == original.size
                assert len(content(copy.name)) < len(content(copy.drawn_as))


def test_two_views_of_one_product_are_two_images() -> None:
    product = next(p for p in catalogue.listed("backpack") if len(p.images) == 2)
    first, second = (image.name for image in product.images)
    assert _distance(first, second) > 24
