"""What APIs' records say, whatever shape they come in."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.manifest import Row, Status
from scraper.spiders.records import image_format, listed, mapping, number, parse, text

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)


@given(anything)
def test_what_is_read_fits_the_manifest_whatever_it_was(value):
    record = {"key": value}
    assert listed(value) is None or all(isinstance(entry, dict) for entry in listed(value))
    assert isinstance(mapping(value), dict)
    named = text(record, "key")
    row = Row(
        status=Status.SAVED, label="mug", image_url="x",
        title=named, width=number(record, "key"), format=image_format(named),
    )  # fmt: skip
    assert Row.from_json(row.to_json().encode().decode()) == row


@given(st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.lists(st.text())))
def test_what_a_strict_reader_reads_is_read(content):
    assert parse(json.dumps(content).encode()) == content


@given(st.binary())
def test_bytes_that_are_no_json_are_nothing(body):
    assert parse(body) is None or isinstance(json.loads(body), dict)


def test_json_that_is_too_deep_is_nothing():
    assert parse(b'{"a":' * 100_000) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [(640, 640), ("640", 640), (640.0, 640), (" 7 ", 7), (0, 0), (-1, None), (1.5, None),
     ("wide", None), (None, None), (True, None), ([640], None), (1e300, None), ("", None)],
)  # fmt: skip
def test_numbers(value, expected):
    assert number({"width": value}, "width") == expected


@pytest.mark.parametrize(
    ("declared", "expected"),
    [("image/jpeg", "jpeg"), ("IMAGE/JPEG", "jpeg"), ("image/jpg", "jpeg"), ("JPG", "jpeg"),
     (".Jpeg", "jpeg"), ("image/pjpeg", "jpeg"), ("image/x-png", "png"), ("image/HEIF", "heic"),
     ("image/png; charset=binary", "png"), ("image/x-ms-bmp", "bmp"), ("TIF", "tiff"),
     ("image/svg+xml", "svg"), ("SVG", "svg"), ("application/pdf", "pdf"), ("image/*", None),
     ("application/octet-stream", None), ("binary/octet-stream", None), ("", None), (None, None)],
)  # fmt: skip
def test_formats_as_they_are_declared(declared, expected):
    assert image_format(declared) == expected


def test_the_first_value_that_says_something():
    record = {"a": None, "b": " ", "c": ["x"], "d": " Two\n lines ", "e": "later", "f": False}
    assert text(record, "a", "b", "c", "f", "d", "e") == "Two lines"
    assert text(record, "a", "none") is None
    assert text({"half": "Mug \ud83d"}, "half") == "Mug ?"
