"""Names and tables whose encoding nobody tells."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cli import UserError
from scraper.datasets.text import file_name, normal, table_text

TABLE = "file;label\n1.jpg;Müsli\n2.jpg;Käse\n"


@given(st.binary(min_size=1, max_size=30), st.sampled_from([None, "cp437", "cp932", "gbk", "big5"]))
def test_a_name_is_read_or_shown(raw: bytes, encoding: str | None) -> None:
    """Valid UTF-8 is never lost, and no other error comes of any bytes."""
    for known in filter(None, ("utf-8", encoding)):
        try:
            expected = raw.decode(known)
        except UnicodeDecodeError:
            continue
        assert file_name(raw, encoding, "x.zip") == expected
        return
    with pytest.raises(UserError) as error:
        file_name(raw, encoding, "x.zip")
    assert repr(raw) in str(error.value)


def test_a_name_in_no_known_encoding_is_shown_as_it_might_read() -> None:
    with pytest.raises(UserError, match=r"x\.zip: .*set the source's encoding.*cp437 \('Müsli'\)"):
        file_name("Müsli".encode("cp437"), None, "x.zip")
    with pytest.raises(UserError, match="neither UTF-8 nor ascii"):
        file_name("Müsli".encode("cp437"), "ascii", "x.zip")


@pytest.mark.parametrize(
    "content",
    [
        TABLE.encode(),
        TABLE.encode("utf-8-sig"),
        TABLE.encode("utf-16"),
        codecs.BOM_UTF16_BE + TABLE.encode("utf-16-be"),
        TABLE.encode("utf-16-le"),
        TABLE.encode("utf-16-be"),
        TABLE.encode("utf-32"),
    ],
)
def test_unicode_is_known_by_itself(content: bytes, caplog) -> None:
    assert table_text(content, None, "t.csv") == TABLE
    assert not caplog.messages


@given(st.text(max_size=40))
def test_utf8_is_read_as_it_is(text: str) -> None:
    if not text.startswith("\ufeff") and "\0" not in text:
        assert table_text(text.encode(), "cp1252", "t.csv") == text


def test_what_spreadsheets_save_is_read_and_said(caplog) -> None:
    assert table_text(TABLE.encode("cp1252"), None, "t.csv") == TABLE
    assert "t.csv is not UTF-8; it is read as cp1252, with words such as 'Müsli'" in caplog.text
    caplog.clear()
    russian = "file;label\n1.jpg;кружка\n"
    assert table_text(russian.encode("cp1251"), "cp1251", "t.csv") == russian
    assert not caplog.messages


def test_a_table_in_another_encoding_is_named() -> None:
    with pytest.raises(UserError, match=r"t\.csv is not cp1252: byte 1 is 0x81; save it as UTF-8"):
        table_text(b"a\x81\n", None, "t.csv")
    with pytest.raises(UserError, match=r"t\.csv is not ascii"):
        table_text(b"a\xfc\n", "ascii", "t.csv")


def test_paths_are_compared_in_one_form() -> None:
    assert normal(".\\a//b\\cafe\u0301.jpg") == "a/b/caf\u00e9.jpg"
