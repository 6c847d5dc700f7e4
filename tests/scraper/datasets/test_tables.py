"""Tables that say which files are images of what, as people save them."""

import csv
import io
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from taken import found, left_out

from pipeline.cli import UserError
from scraper.datasets.tables import PathTable, TableFacts

INDEX = {"file": r"styles\.csv$", "path_column": "id", "label_column": "type"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", " "])
def test_a_table_names_the_images(local, take, make_tar, image, delimiter, encoding) -> None:
    """Ids without extension, in a table that comes after the images."""
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
        "set/images/7.jpg": image(7),
        "set/images/8.jpg": image(8),
        "set/images/9.jpg": image(9),
        "set/images/17.jpg": image(17),
        "set/styles.csv": out.getvalue().encode(encoding),
    }
    index = {**INDEX, "split_column": "set", "product_column": "id", "title_column": "title"}
    rows = take(**local("x.tar.gz", make_tar(files)), index=index)
    assert found(rows) == {
        ("set/images/7.jpg", "mug", "validation", "7", "Müsli, bowl"),
        ("set/images/8.jpg", "hat", None, "8", "A;B\tC"),
    }


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("file;label\n1.jpg;Müsli\n2.jpg;Käse\n", "cp1252"),
        ("sep=;\r\nfile;label\r\n1.jpg;Müsli\r\n2.jpg;Käse\r\n", "utf-8"),
        ('"sep=|"\nfile|label\n1.jpg|Müsli\n2.jpg|Käse\n', "utf-8-sig"),
        ("SEP=\t\nfile\tlabel\n1.jpg\tMüsli\n2.jpg\tKäse\n", "utf-16"),
        ('"file" , "label"\n1.jpg,Müsli\n2.jpg,Käse\n', "utf-8"),
        ('"file"; "the label; in words"; "label"\n1.jpg;x;Müsli\n2.jpg;y;"Käse"\n', "utf-8"),
        ("file|label|note\n1.jpg|Müsli|a, b; c\n\n2.jpg|Käse|d\n", "utf-8"),
        ("file\tlabel\tsold by\n1.jpg\tMüsli\tus, them\n2.jpg\tKäse\tus\n", "utf-16-le"),
        ("\r\n\r\nfile,label\r1.jpg, Müsli\r2.jpg, Käse\r", "utf-8"),
    ],
)
def test_tables_as_people_save_them(local, take, make_zip, image, text, encoding) -> None:
    files = {"labels.csv": text.encode(encoding), "a/1.jpg": image(1), "a/2.jpg": image(2)}
    index = {"file": r"labels\.csv$", "path_column": "file", "label_column": "label"}
    rows = take(**local("x.zip", make_zip(files)), index=index)
    assert {(r.label, r.image_url) for r in rows} == {
        ("Müsli", "x.zip#a/1.jpg"),
        ("Käse", "x.zip#a/2.jpg"),
    }


def test_encoding_is_that_of_names_and_tables(local, take, make_tar, image) -> None:
    """And accents that one spells as one letter and the other as two are the same."""
    files = {
        "t.csv": "file,label\nчашка.jpg,кружка\ncafe\u0301.jpg,кружка\n".encode("utf-16"),
        os.fsdecode("чашка.jpg".encode("cp1251")): image(1),
        "caf\u00e9.jpg": image(2),
    }
    index = {"file": "csv$", "path_column": "file", "label_column": "label"}
    rows = take(**local("x.tar", make_tar(files, "w")), index=index, encoding="cp1251")
    assert {(r.label, r.image_url) for r in rows} == {
        ("кружка", "x.tar#чашка.jpg"),
        ("кружка", "x.tar#caf\u00e9.jpg"),
    }


def test_an_image_with_two_labels_is_in_both_classes(local, take, make_zip, image) -> None:
    """So that clean finds the conflict, whichever label came last."""
    table = b"id,type\n1.jpg,mug\n1.jpg,hat\n2.jpg,mug\n2.jpg,mug\n"
    files = {"styles.csv": table, "img/1.jpg": image(1), "img/2.jpg": image(2)}
    rows = take(**local("x.zip", make_zip(files)), index=INDEX)
    assert sorted((r.label, r.image_url, r.status.value) for r in rows) == [
        ("hat", "x.zip#img/1.jpg", "saved"),
        ("mug", "x.zip#img/1.jpg", "saved"),
        ("mug", "x.zip#img/2.jpg", "saved"),
    ]


def test_a_name_in_two_folders_is_not_taken_by_chance(local, take, make_zip, image) -> None:
    files = {
        "styles.csv": b"id,type\n1.jpg,mug\n2.jpg,hat\n3,hat\nnone,hat\n4,\n",
        **{f"img/{n}.jpg": image(n) for n in (1, 2, 3, 4)},
        "test/1.jpg": image(9),
        "test/2.jpg": image(2),  # the same image
        "img/3.json": b"{}",
    }
    archive = local("x.zip", make_zip(files))
    rows = {r.image_url.partition("#")[2]: r for r in take(**archive, index=INDEX)}
    assert {path: row.status.value for path, row in rows.items()} == {
        "img/1.jpg": "rejected_class",
        "test/1.jpg": "rejected_class",
        "img/2.jpg": "saved",
        "test/2.jpg": "duplicate",
        "img/3.jpg": "saved",
    }
    assert "the end of img/1.jpg and of test/1.jpg; a pattern can choose" in rows["img/1.jpg"].error
    assert left_out() == {
        "images that a table names and the archive lacks": ["none"],
        "images without a label": ["img/4.jpg"],
    }
    rows = {r.image_url.partition("#")[2]: r for r in take(**archive, index=INDEX, pattern="^img/")}
    assert rows["img/1.jpg"].status.value == "saved"
    assert rows["test/1.jpg"].status.value == "rejected_class"


def test_a_table_that_is_no_text_is_named(local, take, make_zip) -> None:
    for name, content in (("styles.xlsx", make_zip({"x": b""})), ("styles.csv", b"%PDF-1.7")):
        archive = local("x.zip", make_zip({name: content}))
        with pytest.raises(UserError, match=rf"{name} is no text but .*; save the table as CSV"):
            take(**archive, index={**INDEX, "file": "styles"})


def test_a_table_for_each_split_and_labels_by_path(local, take, make_zip, image) -> None:
    files = {
        "lists/train.txt": b"path product\nmug_final/1.JPG 11\n./hat_final/2.JPG 12\n",
        "lists/test.txt": b"path product\nmug_final\\3.JPG 13\n",
        "mug_final/1.JPG": image(1),
        "hat_final/2.JPG": image(2),
        "mug_final/3.JPG": image(3),
        "mug_final/4.JPG": image(4),
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


def test_a_table_that_is_not_there_or_lacks_a_column(local, take, make_zip, image) -> None:
    archive = local("x.zip", make_zip({"styles.csv": b"id,kind\n1,mug\n", "1.jpg": image(1)}))
    with pytest.raises(
        UserError, match=r"no column 'type' \(index\.label_column\); it has id, kind"
    ):
        take(**archive, index=INDEX)
    with pytest.raises(UserError, match=r"index\.file 'none' is in no path"):
        take(**archive, index={**INDEX, "file": "none"})


def test_lines_with_too_many_or_too_few_fields_are_read_as_far_as_they_go(
    local, take, make_zip, image
) -> None:
    """As in styles.csv of Fashion Product Images, whose names have commas without quotes."""
    files = {
        "styles.csv": b"id,type,title\n1,mug,big, blue\n2\n3,hat,x\n",
        **{f"{n}.jpg": image(n) for n in (1, 2, 3)},
    }
    rows = take(**local("x.zip", make_zip(files)), index={**INDEX, "title_column": "title"})
    assert found(rows) == {("1.jpg", "mug", None, None, "big"), ("3.jpg", "hat", None, None, "x")}


PATHS = st.lists(st.sampled_from(["a", "b", "1", "ü.x"]), min_size=1, max_size=4).map("/".join)


@given(st.lists(PATHS, unique=True, max_size=6), PATHS)
def test_a_table_gives_the_longest_end_of_a_path(paths: list[str], path: str) -> None:
    table = PathTable((p, TableFacts(label=p)) for p in paths)
    ends = [p for p in paths if f"/{path}".endswith(f"/{p}")]
    if ends:
        assert table.get(path) == TableFacts(label=max(ends, key=len))
    for suffix in ("", ".jpg"):
        known = table.get(path + suffix)
        assert known is None or f"/{path}".endswith(
            (f"/{known.label}", f"/{known.label}".rpartition(".")[0])
        )
