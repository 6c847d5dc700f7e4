"""Images in data/raw that were edited in place."""

import hashlib
import io
import os
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from pipeline.manifest import Manifest, Row, Status
from scraper.edits import follow_edits

URL = "https://shop.example/red.bmp"


def bmp(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (20, 10), colour).save(out, "BMP")
    return out.getvalue()


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """A class with one image that was crawled and one that a person put there."""
    crawled, own = bmp("red"), bmp("green")
    with Manifest(tmp_path / "manifest.jsonl") as manifest:
        for url, content in ((URL, crawled), ("mug/own.bmp", own)):
            file = f"mug/{sha(content)}.bmp" if url == URL else url
            manifest.write_file(file, content)
            manifest.append(
                Row(
                    status=Status.SAVED, label="mug", image_url=url, file=file,
                    sha256=sha(content), bytes=len(content), license="CC0", product_id="7",
                )
            )  # fmt: skip
    return tmp_path


def follow(raw: Path) -> int:
    with Manifest(raw / "manifest.jsonl") as manifest:
        return follow_edits(raw, manifest, raw / "note.json")


def rows(raw: Path) -> dict[str, Row]:
    return {row.image_url: row for row in Manifest(raw / "manifest.jsonl").rows.values()}


@pytest.mark.parametrize("with_note", [True, False])
def test_an_edit_of_the_same_size_is_another_image(raw: Path, with_note: bool) -> None:
    """With the note of a run before and without it the same."""
    for path in raw.glob("mug/*"):
        os.utime(path, (1, 1))
    assert follow(raw) == 0
    if not with_note:
        (raw / "note.json").unlink()
    red = raw / f"mug/{sha(bmp('red'))}.bmp"
    red.write_bytes(bmp("blue"))
    (raw / "mug/own.bmp").write_bytes(bmp("white"))
    before = rows(raw)
    assert follow(raw) == 2
    assert follow(raw) == 0
    file = f"mug/{sha(bmp('blue'))}.bmp"
    after = rows(raw)
    assert after[URL].status is Status.FAILED_MISSING
    assert after[URL].error == f"edited in place; it is {file} now"
    assert after[file] == replace(
        before[URL], image_url=file, file=file, sha256=sha(bmp("blue")),
        format="bmp", width=20, height=10, fetched_at=after[file].fetched_at,
    )  # fmt: skip
    assert after["mug/own.bmp"].sha256 == sha(bmp("white"))
    assert (raw / file).read_bytes() == bmp("blue")
    assert not red.exists()  # where a crawl may put the bytes that it had


def test_an_edit_into_an_image_that_is_there_is_its_duplicate(raw: Path) -> None:
    (raw / f"mug/{sha(bmp('red'))}.bmp").write_bytes(bmp("green"))
    assert follow(raw) == 1
    assert sorted(row.status for row in rows(raw).values()) == [
        "duplicate",
        "failed_missing",
        "saved",
    ]


def test_an_edit_into_no_image_is_a_row_with_the_reason(raw: Path) -> None:
    (raw / "mug/own.bmp").write_bytes(b"oh")
    assert follow(raw) == 1
    row = rows(raw)["mug/own.bmp"]
    assert (row.status, row.error, row.file) == (Status.REJECTED_NOT_IMAGE, "text", None)


def test_what_was_compared_is_not_read_again(raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert follow(raw) == 0  # these files are so new that an edit might have the same stamp
    monkeypatch.setattr("scraper.edits.is_settled", lambda *_: True)
    assert follow(raw) == 0
    monkeypatch.setattr(Path, "read_bytes", None)
    assert follow(raw) == 0
