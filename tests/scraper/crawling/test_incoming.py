"""What a crawl brought stays until DVC has it: in its cache, and where dvc.lock leads to."""

import hashlib
import json
from pathlib import Path

import pytest

from pipeline.incoming import drop_stored
from pipeline.manifest import Manifest, Row, Status
from scraper.crawling.incoming import manifest_of, recover

RAW, INCOMING = Path("data/raw/shop"), Path("data/incoming/shop")


def row(name: str, when: str = "2026-01-01", **more) -> Row:
    values = {
        "status": Status.SAVED,
        "file": f"mug/{name}.jpg",
        "bytes": 3,
        "sha256": name,
        "fetched_at": when,
    }
    return Row(label="mug", image_url=f"http://shop/{name}.jpg", **values | more)


@pytest.fixture
def crawled(tmp_path, monkeypatch):
    """Two images that a crawl brought; DVC is here, and has stored nothing."""
    monkeypatch.chdir(tmp_path)
    Path(".dvc").mkdir()
    with manifest_of("shop", RAW) as manifest:
        for name in ("aaa", "bbb"):
            manifest.write_file(f"mug/{name}.jpg", name.encode())
            manifest.append(row(name))


def store(*names: str) -> None:
    """What DVC leaves when it has stored these, written as its documentation says."""
    entries = []
    for name in names:
        md5 = hashlib.md5(name.encode()).hexdigest()
        put(md5, name.encode())
        entries.append({"md5": md5, "relpath": f"mug/{name}.jpg"})
    tree = json.dumps(entries).encode()
    md5 = hashlib.md5(tree).hexdigest() + ".dir"
    put(md5, tree)
    Path("dvc.lock").write_text(
        "schema: '2.0'\nstages:\n  collect@shop:\n    cmd: x\n    outs:\n"
        f"    - path: data/raw/shop\n      md5: {md5}\n"
    )


def put(md5: str, content: bytes) -> None:
    path = Path(".dvc/cache/files/md5") / md5[:2] / md5[2:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_what_is_stored_is_incoming_no_more(crawled) -> None:
    drop_stored()
    assert INCOMING.exists()
    store("aaa")
    drop_stored()
    assert INCOMING.exists()
    store("aaa", "bbb")
    drop_stored()
    assert not INCOMING.exists()
    assert (RAW / "mug/aaa.jpg").exists()


def test_a_cache_without_the_bytes_is_not_believed(crawled) -> None:
    store("aaa", "bbb")
    for path in Path(".dvc/cache").rglob("*"):
        if path.is_file() and path.read_bytes() == b"bbb":
            path.unlink()
    drop_stored()
    assert INCOMING.exists()


def test_what_an_experiment_deleted_comes_back(crawled) -> None:
    (RAW / "mug/aaa.jpg").unlink()
    before = (RAW / "manifest.jsonl").read_text().splitlines()
    (RAW / "manifest.jsonl").write_text(before[1] + "\n")
    recover("shop")
    assert (RAW / "mug/aaa.jpg").read_bytes() == b"aaa"
    rows = Manifest(RAW / "manifest.jsonl").rows.values()
    assert {one.sha256 for one in rows} == {"aaa", "bbb"}
    recover("shop")
    assert len((RAW / "manifest.jsonl").read_text().splitlines()) == 2


def test_a_newer_row_is_not_replaced(crawled) -> None:
    gone = row("aaa", "2026-02-01", status=Status.FAILED_MISSING, file=None, sha256=None)
    with Manifest(RAW / "manifest.jsonl") as manifest:
        manifest.append(gone)
    recover("shop")
    assert gone in Manifest(RAW / "manifest.jsonl").rows.values()


def test_without_dvc_nothing_is_written_twice(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with manifest_of("shop", RAW) as manifest:
        manifest.write_file("mug/a.jpg", b"a")
        manifest.append(row("a"))
    assert not INCOMING.exists()
