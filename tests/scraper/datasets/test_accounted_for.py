"""Every image of an archive is taken, or named with the reason."""

import csv
import io
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from taken import found, left_out

from pipeline.cli import UserError
from scraper.datasets import records
from scraper.datasets.layouts import INNER, LACKING, NO_LABEL, NO_MATCH, NO_ROW

INDEX = {"file": r"styles\.csv$", "path_column": "id", "label_column": "type"}


def labels(rows) -> dict[str, str]:
    return {path.rpartition("/")[2]: label for path, label, *_ in found(rows)}


@pytest.mark.parametrize(
    ("pattern", "missed"),
    [
        (r"(?P<label>[^/_]+)_\d+\.jpg$", ["Red-Hat_1.JPG", "extra/cap_1.webp"]),
        (r"^(?P<label>[^/_]+)_\d+\.(jpg|JPG)$", ["extra/cap_1.webp"]),
        (r"(?P<label>mug)_\d+\.", ["Red-Hat_1.JPG", "extra/cap_1.webp"]),
        (r"(?i)(?P<label>[^/_]+)_\d+\.\w+$", []),
    ],
)
def test_images_that_the_pattern_does_not_fit(local, take, make_zip, image, pattern, missed):
    files = {"mug_1.jpg": image(1), "Red-Hat_1.JPG": image(2), "extra/cap_1.webp": image(3)}
    others = {"readme.txt": b"", "labels.json": b"{}", "__MACOSX/._mug_1.jpg": b"x"}
    take(**local("x.zip", make_zip(files | others)), pattern=pattern)
    assert left_out().get(NO_MATCH, []) == missed


@pytest.mark.parametrize("name", ["data/in.zip", "in.tar.gz", "IN.7Z", "a/b/in.tgz"])
def test_an_archive_inside_is_named_beside_images(local, take, make_zip, image, name):
    files = {"mug/1.jpg": image(1), name: make_zip({"hat/2.jpg": image(2)})}
    take(**local("x.zip", make_zip(files)), pattern=r"(?P<label>[^/]+)/[^/]+\.jpg$")
    assert left_out() == {INNER: [name]}


def test_images_that_no_table_names(local, take, make_zip, image):
    files = {f"images/{n}.jpg": image(n) for n in range(5)} | {"other/6.jpg": image(6)}
    table = b"id,type\n0,mug\n1,hat\n2,\n9,hat\n"
    pattern = "^images/(?P<product>.)"
    archive = local("x.zip", make_zip(files | {"styles.csv": table}))
    assert labels(take(**archive, index=INDEX, pattern=pattern)) == {"0.jpg": "mug", "1.jpg": "hat"}
    assert left_out() == {
        NO_ROW: ["images/3.jpg", "images/4.jpg"],
        NO_LABEL: ["images/2.jpg"],
        NO_MATCH: ["other/6.jpg"],
        LACKING: ["9"],
    }


@pytest.mark.parametrize("word", ["NaN", "nan", "<NA>", "N/A", "null", "NULL", "#N/A", " "])
def test_words_for_no_label_are_no_class(local, take, make_zip, image, word):
    table = f"id,type\n1,mug\n2,{word}\n3,none\n"
    files = {f"{n}.jpg": image(n) for n in (1, 2, 3)} | {"styles.csv": table.encode()}
    taken = take(**local("x.zip", make_zip(files)), index=INDEX)
    assert labels(taken) == {"1.jpg": "mug", "3.jpg": "none"}
    assert left_out() == {NO_LABEL: ["2.jpg"]}


@pytest.mark.parametrize(
    "lines",
    [
        ['1,mug,"open', "2,hat,x", "3,cap,x"],
        ['1,mug,"open', '2,hat,"a, ""b"""', "3,cap,x"],
        ['1,mug,"open', '2,hat,"open too', '3,cap,"c"'],
        ["1,mug,x", "2,hat,x", '3,cap,"open'],
        ['1,mug,"two', 'lines"', '2,hat,"open', "3,cap,x"],
        ['1,mug,"open', "2,hat,x", "3,cap,x", *["9,cap," + 999 * "y"] * 200],  # a limit of csv's
        ['1,mug,"a" b', '2,hat,5" wide', '3,cap,"x"'],
    ],
)
def test_a_quote_that_is_not_closed_swallows_no_line(local, take, make_zip, image, lines):
    table = "\n".join(["id,type,title", *lines])
    files = {f"{n}.jpg": image(n) for n in (1, 2, 3)} | {"styles.csv": table.encode()}
    taken = take(**local("x.zip", make_zip(files)), index=INDEX)
    assert labels(taken) == {"1.jpg": "mug", "2.jpg": "hat", "3.jpg": "cap"}


def test_lines_with_open_quotes_are_told(caplog):
    table = '1,"a\n2,b\n3,"c\n4,"d\ne"\n5,"f"\n'
    assert [first for first, _ in records.csv_records(table, ",", "t.csv")] == list("12345")
    assert "t.csv: in 2 lines a quote is not closed, first in line 1" in caplog.text


VALUES = st.text(st.sampled_from('ab",; \n'), max_size=5)


@given(st.lists(st.lists(VALUES, min_size=2, max_size=3), min_size=1, max_size=5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_table_that_is_well_formed_is_read_as_it_is(rows):
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows(rows)
    assert list(records.csv_records(out.getvalue(), ",", "t.csv")) == rows


OBJECTS = [{"id": 1, "type": "mug"}, {"id": "2.jpg", "type": "hat", "more": [1]}, {"id": 3}]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("labels.json", json.dumps(OBJECTS)),
        ("labels.json", json.dumps(OBJECTS, indent=2)),
        ("metadata.jsonl", "\n".join(map(json.dumps, OBJECTS))),
        ("labels.json", "\r\n\r\n".join(map(json.dumps, OBJECTS)) + "\r\n"),
        ("x.ndjson", "\ufeff" + "\n".join(map(json.dumps, OBJECTS))),
    ],
)
def test_a_table_in_json(local, take, make_zip, image, name, text):
    files = {f"{n}.jpg": image(n) for n in (1, 2, 3)} | {name: text.encode()}
    taken = take(**local("x.zip", make_zip(files)), index=INDEX | {"file": name})
    assert labels(taken) == {"1.jpg": "mug", "2.jpg": "hat"}
    assert left_out() == {NO_LABEL: ["3.jpg"]}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"1.jpg": "mug"}, r"labels.json is JSON, but no list of objects; write a list"),
        ({"1.jpg": {"type": "mug"}}, "no list of objects"),
        (["mug"], "no list of objects"),
        (7, "no list of objects"),
        ({"images": [], "annotations": [], "categories": []}, r"object detection \(COCO\)"),
        ([{"id": 1, "type": ["mug"]}], r"column 'type' \(index.label_column\) has a list"),
        ([{"name": 1}], r"no column 'id' \(index.path_column\); it has name; name one of these"),
    ],
)
def test_other_json_is_told_with_the_remedy(local, take, make_zip, content, told):
    archive = local("x.zip", make_zip({"labels.json": json.dumps(content).encode()}))
    with pytest.raises(UserError, match=told):
        take(**archive, index=INDEX | {"file": "labels"})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b'{"id": 1', "is no JSON"),
        (b'{"id": 1}\n{"id"', "line 2 is no JSON"),
        (b"", "is empty"),
        (b"[]", "is empty"),
    ],
)
def test_damaged_json_is_named(local, take, make_zip, text, told):
    with pytest.raises(UserError, match=rf"labels.json.*{told}"):
        take(**local("x.zip", make_zip({"labels.json": text})), index=INDEX | {"file": "labels"})


def test_a_table_without_labels_is_told_with_the_remedy(local, take, make_zip, image):
    many = ",".join(f"column_{n}" for n in range(50)).encode()
    files = {"train.csv": b"id,type\n1,mug\n", "test.csv": b"id," + many + b"\n2\n", "1.jpg": b""}
    with pytest.raises(
        UserError, match=r"test.csv has no column 'type'.*column_10, …; .*only tables with labels"
    ):
        take(**local("x.zip", make_zip(files)), index=INDEX | {"file": r"\.csv$"})


def test_a_table_of_web_addresses_is_told_with_the_remedy(local, take, make_zip):
    table = b"id,type\nhttps://shop.example/1.jpg,mug\n"
    with pytest.raises(UserError, match=r"web addresses: kind: addresses fetches their images"):
        take(**local("x.zip", make_zip({"styles.csv": table})), index=INDEX)
