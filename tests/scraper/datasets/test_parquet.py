"""Images and tables in Parquet files."""

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from taken import found, left_out

from pipeline.cli import UserError


def parquet(**columns: list) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


PARQUET = {"file": r"\.parquet$", "path_column": "image", "label_column": "kind"}


@pytest.mark.parametrize("inside", [True, False], ids=["in-zip", "alone"])
def test_images_in_parquet(local, take, make_zip, image, inside) -> None:
    """As bytes, or as Hugging Face's datasets have them: bytes and path."""
    contents = [image(n) for n in range(3)]
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


def test_parquet_as_a_table_of_paths(local, take, make_zip, image) -> None:
    table = parquet(image=["1.jpg"], kind=["mug"])
    rows = take(**local("x.zip", make_zip({"1.jpg": image(1), "t.parquet": table})), index=PARQUET)
    assert found(rows) == {("1.jpg", "mug", None, None, None)}


@pytest.mark.parametrize(
    ("column", "value", "kind"),
    [
        ("kind", [0, 1], "list<.*int64>"),
        ("kind", ["mug"], "list<.*string>"),
        ("kind", {"name": "mug"}, "struct<name: string>"),
        ("image", [{"bytes": b"x", "path": "1.jpg"}], "list<"),
        ("image", {"url": "1.jpg"}, "struct<url"),
        ("part", ["train"], "list<"),
    ],
)
def test_a_value_that_is_no_plain_one_is_an_error(local, take, column, value, kind) -> None:
    columns = {"image": [b"x"], "kind": ["mug"], "part": ["train"]} | {column: [value]}
    key = {"kind": "label_column", "image": "path_column", "part": "split_column"}[column]
    with pytest.raises(
        UserError, match=rf"t\.parquet: the column '{column}' \(index\.{key}\) has {kind}"
    ):
        take(**local("t.parquet", parquet(**columns)), index={**PARQUET, "split_column": "part"})


def test_parquet_with_paths_in_the_place_of_bytes(local, take, make_zip, image) -> None:
    """As Hugging Face's datasets write an image that lies beside: without bytes."""
    schema = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    values = [{"bytes": None, "path": f"{n}.jpg"} for n in (1, 2)]
    table = parquet(image=pa.array(values, schema), kind=pa.array(["mug", "hat"]))
    rows = take(
        **local("x.zip", make_zip({"t.parquet": table, "img/1.jpg": image(1)})), index=PARQUET
    )
    assert found(rows) == {("img/1.jpg", "mug", None, None, None)}
    assert left_out() == {"images that a table names and the archive lacks": ["2.jpg"]}
    with pytest.raises(UserError, match=r"nothing can be taken\n.*lacks: 2 \(1\.jpg, 2\.jpg\)"):
        take(**local("y.zip", make_zip({"t.parquet": table})), index=PARQUET)


def test_rows_without_a_label_or_with_bytes_here_and_there(local, take, image) -> None:
    schema = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    values = [{"bytes": image(n), "path": f"{n}.jpg"} for n in range(4)]
    values[1]["bytes"] = None
    image = pa.array(values, schema)
    kind = pa.array([0.0, 1.0, float("nan"), None])
    rows = take(**local("t.parquet", parquet(image=image, kind=kind)), index=PARQUET)
    assert found(rows) == {("t.parquet/0", "0.0", None, None, None)}
    assert left_out() == {
        "images without a label": ["t.parquet/2", "t.parquet/3"],
        "images that a table names and the archive lacks": ["1.jpg"],
    }


def test_words_that_parquet_has_as_bytes(local, take, image) -> None:
    rows = take(
        **local("t.parquet", parquet(image=[image(1)], kind=["Müsli".encode()])), index=PARQUET
    )
    assert [row.label for row in rows] == ["Müsli"]


def test_damaged_parquet_is_named(local, take) -> None:
    content = bytearray(parquet(image=[b"x"] * 50, kind=["mug"] * 50))
    for wrong in (content[:-10], b"PAR1 nonsense"):
        with pytest.raises(UserError, match=r"t\.parquet is damaged"):
            take(**local("t.parquet", bytes(wrong)), index=PARQUET)
