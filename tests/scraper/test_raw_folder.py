"""Files in data/raw/<source> that a person put there, and that vanish from it."""

import io
import os
import unicodedata
from pathlib import Path

import pytest
from PIL import Image

from pipeline.cli import UserError
from pipeline.manifest import Manifest, Row, Status
from scraper.raw_folder import reconcile


def jpeg(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (20, 10), colour).save(out, "JPEG")
    return out.getvalue()


@pytest.fixture
def raw(tmp_path):
    """The folder of a source that is crawled or downloaded."""
    return tmp_path


def take_in(folder):
    with Manifest(folder / "manifest.jsonl") as manifest:
        reconcile(folder, manifest, "own work")


def put(folder, **files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def rows(folder) -> dict[str, Row]:
    return {row.image_url: row for row in Manifest(folder / "manifest.jsonl").rows.values()}


def statuses(folder) -> dict[str, str]:
    return {name: row.status.value for name, row in rows(folder).items()}


def test_files_in_class_folders_are_taken_in(raw):
    put(
        raw,
        **{
            "mug/My photo (1).JPG": jpeg("red"),
            "mug/from phone/IMG_2.webp": jpeg("blue"),  # whatever it is called
            "mug/copy.jpg": jpeg("red"),
            "cup/copy.jpg": jpeg("red"),
            "mug/notes.txt": b"buy milk",
            "mug/.DS_Store": b"x",
            "mug/.thumbs/1.jpg": jpeg("green"),
            ".git/x.jpg": jpeg("green"),
            "readme.txt": b"not in a class",
        },
    )
    take_in(raw)
    assert statuses(raw) == {
        "cup/copy.jpg": "saved",
        "mug/My photo (1).JPG": "saved",
        "mug/copy.jpg": "duplicate",
        "mug/from phone/IMG_2.webp": "saved",
        "mug/notes.txt": "rejected_not_image",
    }
    row = rows(raw)["mug/My photo (1).JPG"]
    assert (row.label, row.file, row.license) == ("mug", "mug/My photo (1).JPG", "own work")
    assert (row.format, row.width, row.height, row.bytes) == ("jpeg", 20, 10, len(jpeg("red")))
    assert row.fetched_at
    assert rows(raw)["mug/notes.txt"].file is None
    before = (raw / "manifest.jsonl").read_bytes()
    take_in(raw)
    assert (raw / "manifest.jsonl").read_bytes() == before


def test_what_is_removed_moved_or_replaced_is_noticed(raw):
    put(raw, **{"mug/a.jpg": jpeg("red"), "mug/b.jpg": jpeg("blue"), "mug/c.jpg": b"no image"})
    take_in(raw)
    (raw / "mug/a.jpg").unlink()
    put(raw, **{"mug/b.jpg": jpeg("blue") + b"..", "mug/c.jpg": jpeg("green")})
    (raw / "cup").mkdir()
    put(raw, **{"cup/a.jpg": jpeg("red")})
    take_in(raw)
    assert statuses(raw) == {
        "cup/a.jpg": "saved",
        "mug/a.jpg": "failed_missing",
        "mug/b.jpg": "saved",
        "mug/c.jpg": "saved",
    }
    assert rows(raw)["mug/b.jpg"].bytes == len(jpeg("blue")) + 2
    put(raw, **{"mug/a.jpg": jpeg("red")})
    take_in(raw)
    assert statuses(raw)["mug/a.jpg"] == "saved"


def test_a_crawled_file_that_vanished_is_missed(raw):
    """`scrapy crawl … -a source=own` put it there; only a crawl can bring it back."""
    row = Row(
        status=Status.SAVED, label="mug", image_url="http://shop.example/a.jpg",
        file="mug/0a.jpg", bytes=3, sha256="0a",
    )  # fmt: skip
    with Manifest(raw / "manifest.jsonl") as manifest:
        manifest.append(row)
    take_in(raw)
    assert statuses(raw) == {"http://shop.example/a.jpg": "failed_missing"}


def test_a_class_may_be_written_in_any_script(raw):
    """Some systems take é apart into e and an accent; the class is the same."""
    put(
        raw,
        **{unicodedata.normalize("NFD", "Café crème/x.jpg"): jpeg("red"), "鞋/1.jpg": jpeg("red")},
    )
    take_in(raw)
    assert {row.label for row in rows(raw).values()} == {"Café crème", "鞋"}
    for row in rows(raw).values():
        assert (raw / row.file).is_file()


@pytest.mark.parametrize(
    ("name", "proposed"), [("mug.", "'mug'"), ("a:b", "'a-b'"), ("con", "class folder")]
)
def test_a_folder_that_can_be_no_class_is_refused_before_anything_is_written(raw, name, proposed):
    put(raw, **{"alpha/x.jpg": jpeg("red"), f"{name}/x.jpg": jpeg("red")})
    with pytest.raises(UserError, match=proposed) as refused:
        take_in(raw)
    assert name in str(refused.value)
    assert not (raw / "manifest.jsonl").exists()


def test_links_are_followed_and_what_systems_leave_is_passed_over(raw, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("share")
    put(elsewhere, **{"a.jpg": jpeg("red"), "@eaDir/a.jpg": jpeg("blue"), "Thumbs.db": b"x"})
    (raw / "mug").symlink_to(elsewhere)
    (elsewhere / "again").symlink_to(raw)
    (elsewhere / "away.jpg").symlink_to("nowhere")
    take_in(raw)
    assert statuses(raw) == {"mug/a.jpg": "saved"}


def test_a_file_that_no_row_can_lead_to_or_that_cannot_be_read_is_a_row(raw, monkeypatch):
    put(raw, **{"mug/a.jpg": jpeg("red"), "mug/b.jpg": jpeg("blue"), "mug/c.jpg": jpeg("green")})
    (raw / "mug/a.jpg").rename(raw / os.fsdecode(b"mug/caf\xe9.jpg"))
    read = Path.read_bytes

    def refusing(self):
        if self.name == "b.jpg":
            raise PermissionError(13, "Permission denied")
        return read(self)

    monkeypatch.setattr(Path, "read_bytes", refusing)
    for _ in range(2):
        take_in(raw)
        assert statuses(raw) == {
            "mug/caf\\xe9.jpg": "failed_unreadable",
            "mug/b.jpg": "failed_unreadable",
            "mug/c.jpg": "saved",
        }
    assert "rename it" in str(rows(raw)["mug/caf\\xe9.jpg"].error)
    assert rows(raw)["mug/b.jpg"].error == "can't be read: Permission denied"
