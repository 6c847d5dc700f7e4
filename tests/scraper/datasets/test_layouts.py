"""Layouts: which files are images, and of what class and split."""

import gzip
import hashlib
import io
import json
import os
import struct
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pipeline.cli import UserError
from scraper.datasets import idx
from scraper.datasets.layouts import official_split
from scraper.datasets.member import DamagedError, Member

PATTERN = r"(?P<label>[^/]+)/[^/]+\.jpg$"


def found(rows) -> set[tuple]:
    """What of a row comes from the layout."""
    return {(r.image_url.partition("#")[2], r.label, r.split, r.product_id, r.title) for r in rows}


def test_class_folders_at_any_depth(local, take, make_tar, image) -> None:
    files = {
        "mug/1.jpg": image(1),
        "a/b/c/mug/2.jpg": image(2),
        "a/hat/3.jpg": image(3),
        "a/hat/readme.txt": b"no image",
        "4.jpg": image(4),
    }
    rows = take(**local("x.tar.gz", make_tar(files)), pattern=PATTERN)
    assert found(rows) == {
        ("mug/1.jpg", "mug", None, None, None),
        ("a/b/c/mug/2.jpg", "mug", None, None, None),
        ("a/hat/3.jpg", "hat", None, None, None),
    }


def test_a_pattern_names_products(local, take, make_tar, image) -> None:
    files = {f"{label}/001/{n}.jpg": image(n) for n, label in enumerate(("mug", "hat"))}
    pattern = r"(?P<label>[^/]+)/(?P<product>[^/]+)/[^/]+\.jpg$"
    rows = take(**local("x.tar.gz", make_tar(files)), pattern=pattern)
    assert {(row.label, row.product_id) for row in rows} == {("mug", "mug/001"), ("hat", "hat/001")}


@pytest.mark.parametrize(
    ("word", "split"),
    [
        *[("train", "train"), ("Training", "train"), ("test", "test"), ("TEST", "test")],
        *[(word, "validation") for word in ("val", "valid", "validation", "dev")],
        *[("", None), (None, None)],
    ],
)
def test_words_for_splits(word, split) -> None:
    assert official_split(word) == split


def test_split_folders(local, take, make_zip, image) -> None:
    files = {
        f"{split}/mug/{split}.jpg": image(n) for n, split in enumerate(("train", "dev", "test"))
    }
    pattern = r"^((?P<split>train|dev|test)/)?(?P<label>[^/]+)/[^/]+\.jpg$"
    rows = take(**local("x.zip", make_zip({**files, "mug/x.jpg": image(9)})), pattern=pattern)
    assert {r.image_url: r.split for r in rows} == {
        "x.zip#train/mug/train.jpg": "train",
        "x.zip#dev/mug/dev.jpg": "validation",
        "x.zip#test/mug/test.jpg": "test",
        "x.zip#mug/x.jpg": None,
    }


def test_an_unknown_split_is_named(local, take, make_zip, image) -> None:
    with pytest.raises(UserError, match="the split 'extra' is none of train"):
        take(
            **local("x.zip", make_zip({"extra/mug/1.jpg": image(1)})),
            pattern=r"(?P<split>[^/]+)/(?P<label>[^/]+)/[^/]+\.jpg$",
        )


def left_out() -> dict[str, list[str]]:
    path = Path("data/raw/src/left_out.json")
    return json.loads(path.read_text()) if path.exists() else {}


LITTER = ["__MACOSX/mug/._1.jpg", "mug/.ipynb_checkpoints/1-checkpoint.jpg", ".hidden/1.jpg",
          "@eaDir/1.jpg", "$RECYCLE.BIN/1.jpg", "mug/.1.jpg", ".git/objects/1.jpg"]  # fmt: skip


@pytest.mark.parametrize("form", ["zip", "tar.gz", "folder"])
def test_litter_and_hidden_folders_are_no_classes(
    local, take, make_zip, make_tar, image, form
) -> None:
    files = {path: image(n) for n, path in enumerate(["mug/1.jpg", *LITTER])}
    files |= {"mug/Thumbs.db": b"", ".DS_Store": b"", "desktop.ini": b""}
    if form == "folder":
        for path, content in files.items():
            Path("x", path).parent.mkdir(parents=True, exist_ok=True)
            Path("x", path).write_bytes(content)
        archive = {"url": "x"}
    else:
        archive = local(f"x.{form}", (make_zip if form == "zip" else make_tar)(files))
    rows = take(**archive, pattern=PATTERN)
    assert [(r.label, r.image_url.partition("#")[2]) for r in rows] == [("mug", "mug/1.jpg")]
    names = set(LITTER)
    if form == "folder":  # a folder of them is named once, and not looked into
        names = {"__MACOSX", ".hidden", "@eaDir", "$RECYCLE.BIN", ".git", ".DS_Store"}
        names |= {"desktop.ini", "mug/.1.jpg", "mug/.ipynb_checkpoints", "mug/Thumbs.db"}
    assert {kind: set(names) for kind, names in left_out().items()} == {
        "files of the system": names
    }


def test_if_only_litter_matches_that_is_said(local, take, make_zip, image) -> None:
    archive = local("x.zip", make_zip({"__MACOSX/mug/._1.jpg": image(1)}))
    with pytest.raises(UserError, match=r"nothing can be taken\n.*files of the system: 1 \(__MAC"):
        take(**archive, pattern=PATTERN)


def test_a_label_that_is_no_text_is_shown(local, take, make_tar, image) -> None:
    name = os.fsdecode("Müsli/1.jpg".encode("cp1252"))
    archive = local("x.tar", make_tar({name: image(1)}, "w"))
    with pytest.raises(UserError, match=r"b'M\\xfcsli' is not UTF-8; .* cp1252 \('Müsli'\)"):
        take(**archive, pattern=PATTERN)
    (row,) = take(**archive, pattern=PATTERN, encoding="cp1252")
    assert (row.label, row.image_url) == ("Müsli", "x.tar#Müsli/1.jpg")


@pytest.mark.parametrize("spelling", ["NFC", "NFD"])
def test_a_pattern_finds_letters_however_they_are_spelt(
    local, take, make_zip, image, spelling
) -> None:
    path = unicodedata.normalize(spelling, "Müsli/1.jpg")
    archive = local("x.zip", make_zip({path: image(1)}))
    (row,) = take(**archive, pattern="^(?P<label>Müsli)/", classes={"muesli": "Müsli"})
    assert row.label == "muesli"


def member(content: bytes) -> Member:
    return Member("train-images", len(content), "100644", lambda: content)


def idx_file(*shape: int, values: bytes) -> bytes:
    return struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape) + values


@given(st.integers(1, 40), st.integers(1, 40), st.binary(min_size=1, max_size=50))
def test_idx_images_keep_their_pixels(width: int, height: int, seed: bytes) -> None:
    values = (seed * (width * height))[: width * height]
    (png,) = idx.images(member(gzip.compress(idx_file(1, height, width, values=values))))
    with Image.open(io.BytesIO(png)) as image:
        assert (image.size, image.mode, image.tobytes()) == ((width, height), "L", values)


def test_a_large_png_takes_several_blocks() -> None:
    values = bytes(range(256)) * 1024
    with Image.open(io.BytesIO(idx.png(values, 512, 512))) as image:
        assert image.tobytes() == values


def test_a_png_has_the_same_bytes_everywhere() -> None:
    """Compressed, they would depend on the zlib at hand; an image's name is its digest."""
    digest = hashlib.sha256(idx.png(bytes(range(6)), 3, 2)).hexdigest()
    assert digest == "d1afdb4668aa1ff7e00680a0ef675e19d2ac93d8e70e8bc6d1cde3b46574810f"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\0\x08",
        idx_file(2, 2, 2, values=b"1234567"),
        idx_file(2, 2, 2, values=b"123456789"),
        idx_file(8, values=b"12345678"),
        struct.pack(">HBB3I", 0, 0x0D, 3, 1, 1, 1) + b"1234",  # floats
        gzip.compress(idx_file(2, 2, 2, values=b"12345678"))[:-9],
    ],
)
def test_an_idx_file_that_is_not_what_it_says(content: bytes) -> None:
    with pytest.raises(DamagedError, match="train-images"):
        idx.images(member(content))
