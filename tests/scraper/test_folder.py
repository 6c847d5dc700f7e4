"""Pictures that people put into a source's folder, and files that vanish from it."""

import io
import json
import unicodedata

import pytest
from PIL import Image

from pipeline.cli import UserError
from pipeline.manifest import Manifest, Row, Status
from pipeline.sources import FolderSource
from scraper.collect import collect
from scraper.settings import DOWNLOAD_MAXSIZE

OWN = FolderSource(kind="folder", license="own work")


def jpeg(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (20, 10), colour).save(out, "JPEG")
    return out.getvalue()


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The folder of a source `own`, in an empty project."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "data/raw/own"
    folder.mkdir(parents=True)
    return folder


def put(folder, **files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def rows(folder) -> dict[str, Row]:
    return {row.image_url: row for row in Manifest(folder / "manifest.jsonl").rows.values()}


def statuses(folder) -> dict[str, str]:
    return {name: row.status.value for name, row in rows(folder).items()}


def test_an_empty_folder_is_no_error(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    collect("own", OWN)
    assert (tmp_path / "data/raw/own").is_dir()
    counts = json.loads((tmp_path / "results/collect/own.json").read_text())
    assert counts["candidates"] == 0
    assert "candidates" in capsys.readouterr().out


def test_files_in_class_folders_are_taken_in(own):
    put(
        own,
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
    collect("own", OWN)
    assert statuses(own) == {
        "cup/copy.jpg": "saved",
        "mug/My photo (1).JPG": "saved",
        "mug/copy.jpg": "duplicate",
        "mug/from phone/IMG_2.webp": "saved",
        "mug/notes.txt": "rejected_not_image",
    }
    row = rows(own)["mug/My photo (1).JPG"]
    assert (row.label, row.file, row.license) == ("mug", "mug/My photo (1).JPG", "own work")
    assert (row.format, row.width, row.height, row.bytes) == ("jpeg", 20, 10, len(jpeg("red")))
    assert row.fetched_at
    assert rows(own)["mug/notes.txt"].file is None
    before = (own / "manifest.jsonl").read_bytes()
    collect("own", OWN)
    assert (own / "manifest.jsonl").read_bytes() == before


def test_what_is_removed_moved_or_replaced_is_noticed(own):
    put(own, **{"mug/a.jpg": jpeg("red"), "mug/b.jpg": jpeg("blue"), "mug/c.jpg": b"no picture"})
    collect("own", OWN)
    (own / "mug/a.jpg").unlink()
    put(own, **{"mug/b.jpg": jpeg("blue") + b"..", "mug/c.jpg": jpeg("green")})
    (own / "cup").mkdir()
    put(own, **{"cup/a.jpg": jpeg("red")})
    collect("own", OWN)
    assert statuses(own) == {
        "cup/a.jpg": "saved",
        "mug/a.jpg": "failed_missing",
        "mug/b.jpg": "saved",
        "mug/c.jpg": "saved",
    }
    assert rows(own)["mug/b.jpg"].bytes == len(jpeg("blue")) + 2
    put(own, **{"mug/a.jpg": jpeg("red")})
    collect("own", OWN)
    assert statuses(own)["mug/a.jpg"] == "saved"


def test_a_crawled_file_that_vanished_is_missed(own):
    """`scrapy crawl … -a source=own` put it there; only a crawl can bring it back."""
    row = Row(
        status=Status.SAVED, label="mug", image_url="http://shop.example/a.jpg",
        file="mug/0a.jpg", bytes=3, sha256="0a",
    )  # fmt: skip
    with Manifest(own / "manifest.jsonl") as manifest:
        manifest.append(row)
    collect("own", OWN)
    assert statuses(own) == {"http://shop.example/a.jpg": "failed_missing"}


def test_a_class_may_be_written_in_any_script(own):
    """Some systems take é apart into e and an accent; the class is the same."""
    put(
        own,
        **{unicodedata.normalize("NFD", "Café crème/x.jpg"): jpeg("red"), "鞋/1.jpg": jpeg("red")},
    )
    collect("own", OWN)
    assert {row.label for row in rows(own).values()} == {"Café crème", "鞋"}
    for row in rows(own).values():
        assert (own / row.file).is_file()


@pytest.mark.parametrize(
    ("name", "proposed"), [("mug.", "'mug'"), ("a:b", "'a-b'"), ("con", "class folder")]
)
def test_a_folder_that_can_be_no_class_is_refused_before_anything_is_written(own, name, proposed):
    put(own, **{"alpha/x.jpg": jpeg("red"), f"{name}/x.jpg": jpeg("red")})
    with pytest.raises(UserError, match=proposed) as refused:
        collect("own", OWN)
    assert name in str(refused.value)
    assert not (own / "manifest.jsonl").exists()


def test_a_file_that_is_too_large_is_not_read(own):
    put(own, **{"mug/film.mov": b""})
    with (own / "mug/film.mov").open("wb") as film:
        film.truncate(DOWNLOAD_MAXSIZE + 1)
    collect("own", OWN)
    assert statuses(own) == {"mug/film.mov": "rejected_too_large"}


def test_only_the_classes_that_params_yaml_names_are_counted(own, capsys):
    put(own, **{"mug/a.jpg": jpeg("red"), "cup/a.jpg": jpeg("red")})
    collect("own", FolderSource(kind="folder", classes=["mug"]))
    counts = json.loads((own.parents[2] / "results/collect/own.json").read_text())
    assert counts["saved_by_class"] == {"mug": 1}
    assert "left out, as sources.own.classes does not name them: cup" in capsys.readouterr().out
