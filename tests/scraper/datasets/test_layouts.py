"""Layouts: which files are pictures, and of what class and split."""

import csv
import gzip
import hashlib
import io
import struct
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pipeline.cli import UserError
from scraper.datasets import idx
from scraper.datasets.layouts import official_split
from scraper.datasets.member import DamagedError, Member
from scraper.datasets.tables import Facts, PathTable

PATTERN = r"(?P<label>[^/]+)/[^/]+\.jpg$"


def found(rows) -> set[tuple]:
    """What of a row comes from the layout."""
    return {(r.image_url.partition("#")[2], r.label, r.split, r.product_id, r.title) for r in rows}


@pytest.fixture
def local(elsewhere):
    """A function that writes an archive of the person's own, and gives the parameters for it."""

    def save(name: str, content: bytes) -> dict[str, object]:
        Path(name).write_bytes(content)
        return {"url": name}

    return save


def test_class_folders_at_any_depth(local, take, make_tar, picture) -> None:
    files = {
        "mug/1.jpg": picture(1),
        "a/b/c/mug/2.jpg": picture(2),
        "a/hat/3.jpg": picture(3),
        "a/hat/readme.txt": b"no picture",
        "4.jpg": picture(4),
    }
    rows = take(**local("x.tar.gz", make_tar(files)), pattern=PATTERN)
    assert found(rows) == {
        ("mug/1.jpg", "mug", None, None, None),
        ("a/b/c/mug/2.jpg", "mug", None, None, None),
        ("a/hat/3.jpg", "hat", None, None, None),
    }


def test_a_pattern_names_products(local, take, make_tar, picture) -> None:
    files = {f"{label}/001/{n}.jpg": picture(n) for n, label in enumerate(("mug", "hat"))}
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


def test_split_folders(local, take, make_zip, picture) -> None:
    files = {
        f"{split}/mug/{split}.jpg": picture(n) for n, split in enumerate(("train", "dev", "test"))
    }
    pattern = r"^((?P<split>train|dev|test)/)?(?P<label>[^/]+)/[^/]+\.jpg$"
    rows = take(**local("x.zip", make_zip({**files, "mug/x.jpg": picture(9)})), pattern=pattern)
    assert {r.image_url: r.split for r in rows} == {
        "x.zip#train/mug/train.jpg": "train",
        "x.zip#dev/mug/dev.jpg": "validation",
        "x.zip#test/mug/test.jpg": "test",
        "x.zip#mug/x.jpg": None,
    }


def test_an_unknown_split_is_named(local, take, make_zip, picture) -> None:
    with pytest.raises(UserError, match="the split 'extra' is none of train"):
        take(
            **local("x.zip", make_zip({"extra/mug/1.jpg": picture(1)})),
            pattern=r"(?P<split>[^/]+)/(?P<label>[^/]+)/[^/]+\.jpg$",
        )


INDEX = {"file": r"styles\.csv$", "path_column": "id", "label_column": "type"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", " "])
def test_a_table_names_the_pictures(local, take, make_tar, picture, delimiter, encoding) -> None:
    """Ids without extension, in a table that comes after the pictures."""
    rows = [
        ["id", "type", "title", "set"],
        ["7", "mug", "Müsli, bowl", "val"],
        ["8", "hat", "A;B\tC", ""],
    ]
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(
        [*rows, ["9", "", "x", ""], ["404", "hat", "x", ""]]
    )
    files = {
        "set/images/7.jpg": picture(7),
        "set/images/8.jpg": picture(8),
        "set/images/9.jpg": picture(9),
        "set/images/17.jpg": picture(17),
        "set/styles.csv": out.getvalue().encode(encoding),
    }
    index = {**INDEX, "split_column": "set", "product_column": "id", "title_column": "title"}
    rows = take(**local("x.tar.gz", make_tar(files)), index=index)
    assert found(rows) == {
        ("set/images/7.jpg", "mug", "validation", "7", "Müsli, bowl"),
        ("set/images/8.jpg", "hat", None, "8", "A;B\tC"),
    }


def test_a_table_for_each_split_and_labels_by_path(local, take, make_zip, picture) -> None:
    files = {
        "lists/train.txt": b"path product\nmug_final/1.JPG 11\n./hat_final/2.JPG 12\n",
        "lists/test.txt": b"path product\nmug_final\\3.JPG 13\n",
        "mug_final/1.JPG": picture(1),
        "hat_final/2.JPG": picture(2),
        "mug_final/3.JPG": picture(3),
        "mug_final/4.JPG": picture(4),
    }
    rows = take(
        **local("x.zip", make_zip(files)),
        pattern="(?P<label>[a-z]+)_final/",
        index={
            "file": r"lists/(?P<split>train|test)\.txt$",
            "path_column": "path",
            "product_column": "product",
        },
    )
    assert found(rows) == {
        ("mug_final/1.JPG", "mug", "train", "11", None),
        ("hat_final/2.JPG", "hat", "train", "12", None),
        ("mug_final/3.JPG", "mug", "test", "13", None),
    }


def test_a_table_that_is_not_there_or_lacks_a_column(local, take, make_zip, picture) -> None:
    archive = local("x.zip", make_zip({"styles.csv": b"id,kind\n1,mug\n", "1.jpg": picture(1)}))
    with pytest.raises(
        UserError, match=r"no column 'type' \(index\.label_column\); it has id, kind"
    ):
        take(**archive, index=INDEX)
    with pytest.raises(UserError, match=r"index\.file 'none' is in no path"):
        take(**archive, index={**INDEX, "file": "none"})


def test_lines_with_too_many_or_too_few_fields_are_read_as_far_as_they_go(
    local, take, make_zip, picture
) -> None:
    """As in styles.csv of Fashion Product Images, whose names have commas without quotes."""
    files = {
        "styles.csv": b"id,type,title\n1,mug,big, blue\n2\n3,hat,x\n",
        **{f"{n}.jpg": picture(n) for n in (1, 2, 3)},
    }
    rows = take(**local("x.zip", make_zip(files)), index={**INDEX, "title_column": "title"})
    assert found(rows) == {("1.jpg", "mug", None, None, "big"), ("3.jpg", "hat", None, None, "x")}


PATHS = st.lists(st.sampled_from(["a", "b", "1", "ü.x"]), min_size=1, max_size=4).map("/".join)


@given(st.lists(PATHS, unique=True, max_size=6), PATHS)
def test_a_table_gives_the_longest_end_of_a_path(paths: list[str], path: str) -> None:
    table = PathTable((p, Facts(label=p)) for p in paths)
    ends = [p for p in paths if f"/{path}".endswith(f"/{p}")]
    if ends:
        assert table.get(path) == Facts(label=max(ends, key=len))
    for suffix in ("", ".jpg"):
        known = table.get(path + suffix)
        assert known is None or f"/{path}".endswith(
            (f"/{known.label}", f"/{known.label}".rpartition(".")[0])
        )


def parquet(**columns: list) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


PARQUET = {"file": r"\.parquet$", "path_column": "image", "label_column": "kind"}


@pytest.mark.parametrize("inside", [True, False], ids=["in-zip", "alone"])
def test_pictures_in_parquet(local, take, make_zip, picture, inside) -> None:
    """As bytes, or as Hugging Face's datasets have them: bytes and path."""
    contents = [picture(n) for n in range(3)]
    images = [{"bytes": c, "path": f"{n}.jpg"} for n, c in enumerate(contents)]
    for name, values in (("struct", images), ("plain", contents)):
        table = parquet(
            image=values, kind=["mug", "hat", None], id=[10, 11, 12], part=["val", None, ""]
        )
        content = make_zip({f"{name}.parquet": table}) if inside else table
        index = {**PARQUET, "product_column": "id", "split_column": "part"}
        file = f"{name}.zip" if inside else f"{name}.parquet"
        rows = [
            r for r in take(**local(file, content), index=index) if r.image_url.startswith(file)
        ]
        assert found(rows) == {
            (f"{name}.parquet/0", "mug", "validation", "10", None),
            (f"{name}.parquet/1", "hat", None, "11", None),
        }
        assert {Path("data/raw/src", r.file).read_bytes() for r in rows} == set(contents[:2])


def test_parquet_as_a_table_of_paths(local, take, make_zip, picture) -> None:
    table = parquet(image=["1.jpg"], kind=["mug"])
    rows = take(
        **local("x.zip", make_zip({"1.jpg": picture(1), "t.parquet": table})), index=PARQUET
    )
    assert found(rows) == {("1.jpg", "mug", None, None, None)}


def test_damaged_parquet_is_named(local, take) -> None:
    content = bytearray(parquet(image=[b"x"] * 50, kind=["mug"] * 50))
    for wrong in (content[:-10], b"PAR1 nonsense"):
        with pytest.raises(UserError, match=r"t\.parquet is damaged"):
            take(**local("t.parquet", bytes(wrong)), index=PARQUET)


def member(content: bytes) -> Member:
    return Member("train-images", len(content), "100644", lambda: content)


def idx_file(*shape: int, values: bytes) -> bytes:
    return struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape) + values


@given(st.integers(1, 40), st.integers(1, 40), st.binary(min_size=1, max_size=50))
def test_idx_pictures_keep_their_pixels(width: int, height: int, seed: bytes) -> None:
    values = (seed * (width * height))[: width * height]
    (png,) = idx.pictures(member(gzip.compress(idx_file(1, height, width, values=values))))
    with Image.open(io.BytesIO(png)) as image:
        assert (image.size, image.mode, image.tobytes()) == ((width, height), "L", values)


def test_a_large_png_takes_several_blocks() -> None:
    values = bytes(range(256)) * 1024
    with Image.open(io.BytesIO(idx.png(values, 512, 512))) as image:
        assert image.tobytes() == values


def test_a_png_has_the_same_bytes_everywhere() -> None:
    """Compressed, they would depend on the zlib at hand; a picture's name is its digest."""
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
        idx.pictures(member(content))
