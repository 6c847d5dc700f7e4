"""The manifest: the last row counts, a kill costs at most the row being written."""

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cli import UserError
from pipeline.manifest import Manifest, Row, Status, safe_label

texts = st.text(st.characters(codec="utf-8"), max_size=30)
rows = st.builds(
    Row,
    status=st.sampled_from(Status),
    label=texts,
    image_url=texts,
    title=st.none() | texts,
    bytes=st.none() | st.integers(0, 2**40),
)


@given(rows)
def test_a_row_survives_its_line(row: Row) -> None:
    line = row.to_json()
    assert "\n" not in line
    assert Row.from_json(line) == row


@given(st.lists(rows, max_size=8), st.integers(0))
def test_a_manifest_cut_anywhere_reads_and_goes_on(
    tmp_path_factory: pytest.TempPathFactory, written: list[Row], cut: int
) -> None:
    path = tmp_path_factory.mktemp("manifest") / "manifest.jsonl"
    with Manifest(path) as manifest:
        for row in written:
            manifest.append(row)
    content = path.read_bytes() if written else b""
    kept = content[: cut % (len(content) + 1)]
    path.write_bytes(kept)
    whole = written[: kept.count(b"\n")]
    extra = Row(status=Status.SAVED, label="mug", image_url="last")
    with Manifest(path) as manifest:
        assert manifest.rows == {row.key: row for row in whole}
        manifest.append(extra)
    assert Manifest(path).rows == {row.key: row for row in [*whole, extra]}


def test_a_line_that_is_no_row_is_named(tmp_path: Path) -> None:
    path = tmp_path / "manifest.jsonl"
    path.write_text(Row(status=Status.SAVED, label="a", image_url="b").to_json() + "\n{}\n")
    with pytest.raises(UserError, match="line 2"):
        Manifest(path)


@given(st.text(max_size=300))
def test_a_safe_label_is_a_folder_name(name: str) -> None:
    try:
        label = safe_label(name)
    except UserError:
        return
    assert label == safe_label(label)
    assert unicodedata.is_normalized("NFC", label)
    assert not set(label) & set('/\\:*?"<>|\0\n')
    assert label not in {".", ".."}
    assert not label.startswith((".", "-", " "))
    assert 0 < len(label.encode()) <= 120


@pytest.mark.parametrize("name", ["", "..", "/", "con", "LPT1.txt", " . "])
def test_what_can_be_no_folder_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="another name"):
        safe_label(name)


def test_half_a_character_costs_itself_only(tmp_path: Path) -> None:
    with Manifest(tmp_path / "manifest.jsonl") as manifest:
        manifest.append(Row(status=Status.SAVED, label="mug", image_url="x", title="Mug \ud83d"))
    (row,) = Manifest(tmp_path / "manifest.jsonl").rows.values()
    assert row.title == "Mug ?"
