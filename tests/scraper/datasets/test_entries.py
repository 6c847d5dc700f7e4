"""Entries of archives as people write them and change them."""

import shutil
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from pipeline.cli import UserError
from pipeline.manifest import Manifest
from scraper.raw_folder import reconcile

RAW = Path("data/raw/src")
PATTERN = r"(?P<label>[^/]+)/[^/]+\.jpg$"


def files() -> set[str]:
    """Of data/raw/src, the source's own notes left out."""
    return {str(p.relative_to(RAW)) for p in RAW.rglob("*") if p.is_file() and p.parent != RAW}


TWO = "set/(?P<label>[^/]+)/"


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({"pattern": "(?P<label>set)/"}, {"pattern": TWO}),
        ({"pattern": TWO}, {"pattern": "(?P<label>set)/"}),
        ({"pattern": "/(?P<label>[0-9])"}, {"pattern": TWO}),
        ({"pattern": TWO}, {"pattern": "(?P<label>mug)/"}),
        ({"pattern": TWO, "classes": {"x": "mug"}}, {"pattern": TWO, "classes": {"y": "mug"}}),
        ({"pattern": TWO, "classes": {"x": "mug"}}, {"pattern": TWO}),
        ({"pattern": TWO}, {"pattern": TWO, "classes": {"all": ["mug", "hat"]}}),
        (
            {"index": {"file": "a.csv", "path_column": "p", "label_column": "a"}},
            {"index": {"file": "a.csv", "path_column": "p", "label_column": "b"}},
        ),
    ],
)
def test_what_todays_layout_does_not_give_is_taken_out(take, make_zip, shop, first, then) -> None:
    """Whatever its label: an image must not stay under what a wrong pattern called it."""
    table = "p,a,b\n" + "".join(f"{path},wrong,{n % 2}\n" for n, path in enumerate(shop))
    Path("x.zip").write_bytes(make_zip({**shop, "a.csv": table.encode()}))
    before = take(url="x.zip", **first)
    there = files()
    rows = take(url="x.zip", **then)
    assert there <= files()  # raw is never changed
    shutil.move("data/raw/src", "data/raw/other")
    fresh = take(url="x.zip", **then)
    taken = {row.key: row.sha256 for row in rows if row.status.has_file}
    assert taken == {row.key: row.sha256 for row in fresh if row.status.has_file}
    out = {row.key for row in before} - taken.keys()
    assert {row.key: row.status.value for row in rows if row.key in out} == dict.fromkeys(
        out, "rejected_class"
    )


def test_another_archive_takes_the_place_of_the_first(take, make_zip, shop, image) -> None:
    """What people put into the folder by hand stays."""
    Path("x.zip").write_bytes(make_zip(shop))
    take(url="x.zip", pattern=PATTERN)
    (RAW / "mug/mine.jpg").write_bytes(image(99))
    with Manifest(RAW / "manifest.jsonl") as manifest:
        reconcile(RAW, manifest, None)
    Path("y.zip").write_bytes(make_zip({"set/hat/0.jpg": shop["set/mug/0.jpg"]}))
    for _ in range(2):
        rows = take(url="y.zip", pattern=PATTERN)
        assert {row.image_url for row in rows if row.status.has_file} == {
            "y.zip#set/hat/0.jpg",
            "mug/mine.jpg",
        }


def test_several_labels_make_one_class(take, make_zip, image) -> None:
    fruit = {"pineapple/1.jpg": image(1), "pineappe/2.jpg": image(2), "kiwi/3.jpg": image(3)}
    Path("x.zip").write_bytes(make_zip(fruit))
    classes = {"pineapple": ["pineapple", "pineappe"], "kiwi": "kiwi"}
    rows = take(url="x.zip", pattern=PATTERN, classes=classes)
    assert Counter(row.label for row in rows) == {"pineapple": 2, "kiwi": 1}


def test_a_tilde_is_the_persons_home(take, make_zip, shop, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "sets").mkdir()
    (tmp_path / "sets/x.zip").write_bytes(make_zip(shop))
    rows = take(url="~/sets/x.zip", pattern=PATTERN)
    assert {row.image_url for row in rows} == {f"~/sets/x.zip#{path}" for path in shop}
    with zipfile.ZipFile(tmp_path / "sets/x.zip") as packed:
        packed.extractall(tmp_path / "sets")
    assert take(url="~/sets", pattern=r"(?P<label>[^/]+)/[^/]+\.jpg$")
    with pytest.raises(UserError, match=f"no such file or folder, {tmp_path}/none"):
        take(url="~/none", pattern=PATTERN)
    with pytest.raises(UserError, match="~nobody-here/x"):
        take(url="~nobody-here/x", pattern=PATTERN)


PAGES = [
    b"<!DOCTYPE html><html><head><title>Google Drive - Virus\n scan warning</title></head>",
    b"\n\n<HTML><TITLE>Google Drive - Virus scan warning</TITLE>",
    b"\xef\xbb\xbf<!-- x --><html lang=en><title lang=en>Google Drive - Virus scan warning</title>",
    b'<?xml version="1.0"?><!DOCTYPE html><title>Google Drive - Virus scan warning</title>',
]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("name", ["set.zip", "uc", "set.tar.gz", "t.parquet"])
def test_a_page_in_the_place_of_the_file_is_named_and_not_kept(
    web, take, make_zip, shop, page, name
) -> None:
    web.routes[f"/{name}?"] = page
    source = {"url": f"{web.url}/{name}?id=1", "pattern": PATTERN, "allow_private": [web.host]}
    for sha256 in (None, "0" * 64):
        with pytest.raises(UserError, match=r"a web page .'Google Drive - Virus scan warning'"):
            take(**source, sha256=sha256)
    web.routes[f"/{name}?"] = make_zip(shop)
    assert len(take(**source)) == len(shop)
    Path("saved.zip").write_bytes(page)
    with pytest.raises(UserError, match=r"saved\.zip: it is a web page"):
        take(url="saved.zip", pattern=PATTERN)


def test_what_is_no_archive_is_told_by_what_it_is(take, make_zip, shop) -> None:
    Path("set").write_bytes(b'{"error": "log in"}')
    with pytest.raises(UserError, match=r"set is no archive but text: '{.error"):
        take(url="set", pattern=PATTERN)
    files = {f"{n}.txt": b"" for n in range(9)} | {"train.tar.gz": b"x"}
    Path("x.zip").write_bytes(make_zip(files))
    with pytest.raises(UserError, match=r"archives in it, such as train\.tar\.gz: unpack it"):
        take(url="x.zip", pattern=PATTERN)
