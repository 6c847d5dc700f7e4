"""Datasets and archives into data/raw: whole, traceable, once, and safe from a kill."""

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import pytest
from raw_src import PATTERN, RAW, digest, files

from pipeline.cli import UserError
from pipeline.manifest import Manifest
from pipeline.raw import read_raw
from pipeline.sources import ArchiveSource, DatasetSource
from scraper import datasets
from scraper.datasets import store
from scraper.raw_folder import reconcile

ROOT = Path(__file__).parents[3]


def test_a_row_and_a_file_for_each_image(served, take, shop) -> None:
    _, source = served
    rows = take(**source, license="CC0-1.0")
    assert {row.image_url: row.sha256 for row in rows} == {
        f"{source['url']}#{path}": digest(content) for path, content in shop.items()
    }
    for row in rows:
        assert row.file == f"{row.label}/{row.sha256}.jpg"
        assert digest((RAW / row.file).read_bytes()) == row.sha256
    assert files() == {row.file for row in rows}
    row = asdict(rows[0])
    assert row.pop("fetched_at").endswith("+00:00")
    assert {key: value for key, value in row.items() if value is not None} == {
        "status": "saved",
        "label": "hat",
        "image_url": f"{source['url']}#set/hat/0.jpg",
        "page_url": source["url"],
        "license": "CC0-1.0",
        "file": row["file"],
        "sha256": row["sha256"],
        "bytes": len(shop["set/hat/0.jpg"]),
        "format": "jpeg",
        "width": 9,
        "height": 7,
    }


def test_equal_bytes_are_stored_once_in_a_class_and_in_each_class(take, make_zip, image) -> None:
    Path("x.zip").write_bytes(
        make_zip({p: image(1) for p in ("mug/1.jpg", "mug/2.jpg", "hat/3.jpg", "mug/4.jpg")})
    )
    for _ in range(2):
        rows = take(url="x.zip", pattern=PATTERN)
        assert {row.image_url.rpartition("#")[2]: row.status.value for row in rows} == {
            "mug/1.jpg": "saved",
            "mug/2.jpg": "duplicate",
            "hat/3.jpg": "saved",
            "mug/4.jpg": "duplicate",
        }
        assert len(files()) == 2
    assert len((RAW / "manifest.jsonl").read_text().splitlines()) == 4


def test_what_is_no_image_has_a_row_that_says_so(take, make_tar, image, monkeypatch) -> None:
    monkeypatch.setattr(store, "MAX_IMAGE", 5000)
    monkeypatch.setattr(datasets, "MAX_IMAGE", 5000)
    content = make_tar(
        {
            "mug/1.jpg": image(1),
            "mug/page.jpg": b"<!doctype html><p>sorry",
            "mug/empty.jpg": b"",
            "mug/huge.jpg": b"x" * 5001,
            "mug/png.jpg": image(2, "PNG"),
            "mug/bmp.jpg": image(3, "BMP"),
            "mug/jp2.jpg": b"\0\0\0\x0cjP  \r\n\x87\n",
        },
        "w",
    )
    with tarfile.open(fileobj=(out := io.BytesIO(content)), mode="a") as tar:
        link = tarfile.TarInfo("mug/link.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "1.jpg"
        tar.addfile(link)
    Path("x.tar").write_bytes(out.getvalue())
    rows = {r.image_url.rpartition("/")[2]: r for r in take(url="x.tar", pattern=PATTERN)}
    assert {name: row.status.value for name, row in rows.items()} == {
        "1.jpg": "saved",
        "page.jpg": "rejected_not_image",
        "empty.jpg": "rejected_not_image",
        "huge.jpg": "rejected_too_large",
        "png.jpg": "saved",
        "bmp.jpg": "saved",
        "jp2.jpg": "rejected_format",
        "link.jpg": "rejected_not_image",
    }
    assert rows["png.jpg"].file.endswith(".png")
    assert "link" in rows["link.jpg"].error
    assert all(row.error for row in rows.values() if not row.file)


def test_nothing_is_fetched_when_nothing_is_missing(served, take) -> None:
    server, source = served
    first = take(**source)
    shutil.rmtree(".cache")
    server.statuses = [500] * 99
    assert take(**source) == first
    assert len(server.ranges) == 1
    (RAW / first[2].file).unlink()
    with pytest.raises(UserError, match="500"):
        take(**source)
    server.statuses = []
    assert take(**source) == first
    assert files() == {row.file for row in first}


def test_an_archive_that_is_here_still_is_not_fetched_again(served, take) -> None:
    server, source = served
    first = take(**source)
    (RAW / first[2].file).unlink()
    assert take(**source) == first
    assert len(server.ranges) == 1


def test_a_row_whose_file_was_reported_missing_is_mended(served, take) -> None:
    _, source = served
    first = take(**source)
    gone = {**asdict(first[2]), "status": "failed_missing", "file": None}
    (RAW / first[2].file).unlink()
    with (RAW / "manifest.jsonl").open("a") as manifest:
        manifest.write(json.dumps(gone) + "\n")
    rows = {row.key: row.status.value for row in take(**source)}
    assert rows[first[2].key] == "saved"
    assert (RAW / first[2].file).exists()


def test_a_changed_source_adds_what_is_new_and_leaves_nothing_in_a_wrong_class(
    served, take
) -> None:
    server, source = served
    take(**source, classes={"cup": "mug"})
    assert {Path(f).parent.name for f in files()} == {"cup"}
    mugs = files()
    take(**source, classes={"cup": "mug", "cap": "hat"})
    rows = take(**source, classes={"cup": "hat"})
    assert Counter((row.label, row.status.value) for row in rows) == {
        ("cup", "saved"): 4,
        ("cup", "rejected_class"): 4,
        ("cap", "rejected_class"): 4,
    }
    assert mugs < files()  # raw is never changed
    assert len(server.ranges) == 1
    license_known = take(**source, classes={"cup": "hat"}, license="MIT")
    assert Counter(row.license for row in license_known) == {None: 8, "MIT": 4}
    again = take(**source, classes={"cup": "mug"})
    assert {row.file for row in again if (row.label, row.status) == ("cup", "saved")} == mugs


def test_a_class_that_is_mapped_to_something_else_leaves_nothing_in_the_dataset(
    served, take
) -> None:
    """What clean reads, after people's files are taken in as the stage does."""
    _, source = served
    for classes in ({"cup": "mug", "old": "hat"}, {"cup": "hat"}):
        take(**source, classes=classes)
        with Manifest(RAW / "manifest.jsonl") as manifest:
            reconcile(RAW, manifest, None)
        typed = ArchiveSource(kind="archive", **source, classes=classes)
        found = {(p.label, p.file) for p in read_raw({"src": typed}, RAW.parent).images}
        assert len(found) == 4 * len(classes)
    hats = {f"src/{row.file}" for row in Manifest(RAW / "manifest.jsonl").rows.values()
            if "/hat/" in row.image_url and row.label == "cup"}  # fmt: skip
    assert {file for _, file in found} == hats


def test_a_folder_by_path_is_copied_and_looked_at_again(take, shop, image) -> None:
    for path, content in shop.items():
        Path("mine", path).parent.mkdir(parents=True, exist_ok=True)
        Path("mine", path).write_bytes(content)
    rows = take(url="mine", pattern=PATTERN)
    assert {row.image_url for row in rows} == {f"mine#{path}" for path in shop}
    Path("mine/set/mug/new.jpg").write_bytes(image(99))
    assert len(take(url="mine", pattern=PATTERN)) == len(shop) + 1
    shutil.rmtree("mine")
    assert len(files()) == len(shop) + 1


def test_names_that_are_not_utf8(take, make_tar, image) -> None:
    """Each keeps a name of its own."""
    names = [os.fsdecode(b"mug/%c.jpg" % byte) for byte in (0xFE, 0xFF)]
    content = make_tar({name: image(n) for n, name in enumerate(names)}, "w")
    Path("x.tar").write_bytes(content)
    rows = take(url="x.tar", pattern=PATTERN)
    assert [row.image_url for row in rows] == [r"x.tar#mug/\xfe.jpg", r"x.tar#mug/\xff.jpg"]


KILLED = """
import os, pathlib, sys
from pipeline import manifest
from pipeline.sources import ArchiveSource
from scraper import datasets

step, left = sys.argv[1], int(sys.argv[2])
def counting(function):
    def run(*args, **kwargs):
        global left
        left -= 1
        if left < 0:
            os._exit(9)  # as SIGKILL: nothing is tidied up
        return function(*args, **kwargs)
    return run
if step == "write": pathlib.Path.write_bytes = counting(pathlib.Path.write_bytes)
if step == "move": pathlib.Path.replace = counting(pathlib.Path.replace)
if step == "row": manifest.Manifest.append = counting(manifest.Manifest.append)
folder = pathlib.Path("data/raw/src")
with manifest.Manifest(folder / "manifest.jsonl") as rows:
    source = ArchiveSource(kind="archive", url="x.zip", pattern=sys.argv[3])
    datasets.collect("src", source, folder, rows)
"""


@pytest.mark.parametrize(
    ("step", "after"), [("write", 3), ("move", 0), ("move", 5), ("row", 0), ("row", 5)]
)
def test_a_killed_run_ends_where_it_would_have(take, make_zip, shop, step, after) -> None:
    Path("x.zip").write_bytes(make_zip({**shop, "set/mug/again.jpg": shop["set/mug/0.jpg"]}))
    undisturbed = take(url="x.zip", pattern=PATTERN)
    there = files()
    shutil.rmtree(RAW)
    command = [sys.executable, "-c", KILLED, step, str(after), PATTERN]
    killed = subprocess.run(command, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert killed.returncode == 9
    resumed = take(url="x.zip", pattern=PATTERN)
    assert [{**asdict(r), "fetched_at": ""} for r in resumed] == [
        {**asdict(r), "fetched_at": ""} for r in undisturbed
    ]
    assert files() == there
    assert len((RAW / "manifest.jsonl").read_text().splitlines()) == len(undisturbed)


def test_the_real_photos_come_whole_over_the_web(datasets_mirror, web, monkeypatch) -> None:
    """clothing-dataset-small, as its host gives it: proved by its git tree while it is unpacked."""
    (archive,) = datasets_mirror.glob("clothing-dataset-small-*.tar.gz")
    commit = archive.name.removeprefix("clothing-dataset-small-")
    web.routes[f"/{commit}"] = lambda request: request.answer(archive.read_bytes())
    monkeypatch.setenv("DATASETS_MIRROR", web.url)
    source = DatasetSource(kind="dataset", dataset="clothing-dataset-small", classes=None)
    with Manifest(RAW / "manifest.jsonl") as manifest:
        datasets.collect("src", source, RAW, manifest)
    rows = list(Manifest(RAW / "manifest.jsonl").rows.values())
    assert Counter(row.split for row in rows) == {"train": 3068, "validation": 341, "test": 372}
    assert {row.status.value for row in rows} == {"saved"}
    assert len({row.label for row in rows}) == 10
    assert files() == {row.file for row in rows}
    for row in rows[::50]:
        assert digest((RAW / row.file).read_bytes()) == row.sha256
        assert row.license == "CC0-1.0"
        assert row.page_url == "https://github.com/alexeygrigorev/clothing-dataset-small"
    asked = sum(web.asked.values())
    shutil.rmtree(".cache")
    with Manifest(RAW / "manifest.jsonl") as manifest:
        datasets.collect("src", source, RAW, manifest)
    assert sum(web.asked.values()) == asked
