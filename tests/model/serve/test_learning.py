"""`--learn-into`: images that were answered wrongly go into the person's own folder."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pillow_heif
import pytest
import requests
from server import ROOT, Server, Sources, project, served

pillow_heif.register_heif_opener()  # to write them


@pytest.fixture(scope="module")
def work(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    sources: Sources = {"own": {"kind": "folder", "path": "data/own"}}
    return project(exported, tmp_path_factory.mktemp("project"), sources)


@pytest.fixture(scope="module")
def learning(work: Path) -> Iterator[Server]:
    with served(work, "--engine", "onnx", "--learn-into", "own") as server:
        yield server


@pytest.fixture
def own(work: Path) -> Iterator[Path]:
    yield work / "data/own"
    shutil.rmtree(work / "data", ignore_errors=True)


def learn(server: str, content: bytes, label: str, **parameters: str) -> requests.Response:
    files = {"files": ("../../x.exe", content)}  # what a name says is never asked
    given = {"label": label, **parameters}
    return requests.post(f"{server}/v1/learn", params=given, files=files, timeout=60)


def kept(own: Path) -> dict[str, bytes]:
    return {
        path.relative_to(own).as_posix(): path.read_bytes()
        for path in sorted(own.rglob("*"))
        if path.is_file()
    }


def collect(work: Path) -> list[str]:
    """What the stage of the source then brings into data/raw."""
    command = [sys.executable, "-m", "scraper.collect", "own", "--if-needed"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=work, env=environment, check=True, capture_output=True)
    raw = work / "data/raw/own"
    return [path.relative_to(raw).as_posix() for path in sorted(raw.glob("*/*"))]


def test_the_bytes_are_kept_under_their_class_and_collected(
    learning: Server, work: Path, own: Path, image: Path, make: Any
) -> None:
    heic = make.encoded(make.photo(1, (80, 60)), "HEIF")
    for content, suffix in ((image.read_bytes(), "png"), (heic, "heic")):
        sha256 = hashlib.sha256(content).hexdigest()
        answer = learn(learning, content, "sky").json()
        assert answer == {
            "label": "sky",
            "file": f"data/own/sky/{sha256}.{suffix}",
            "new": True,
        }
        assert learn(learning, content, "sky").json()["new"] is False
        assert (work / answer["file"]).read_bytes() == content
    assert len(kept(own)) == 2  # nothing half written, nothing twice
    assert [file.partition("/")[0] for file in collect(work)] == ["sky", "sky"]


def test_the_last_word_counts(learning: Server, own: Path, image: Path) -> None:
    learn(learning, image.read_bytes(), "apple")
    assert learn(learning, image.read_bytes(), "sky").json()["new"]
    assert [name.partition("/")[0] for name in kept(own)] == ["sky"]


def test_what_a_person_filed_is_not_moved(
    learning: Server, work: Path, own: Path, image: Path
) -> None:
    content = image.read_bytes()
    theirs = own / f"apple/{hashlib.sha256(content + b'').hexdigest()}.png"
    other = own / "sky" / theirs.name
    learn(learning, content, "sky")
    theirs.parent.mkdir(parents=True)
    other.rename(theirs)  # somebody moved it by hand
    response = learn(learning, content, "leaf")
    assert response.status_code == 409
    assert "the image is there as 'apple': data/own/apple/" in response.json()["detail"]
    assert list(kept(own)) == [f"apple/{theirs.name}"]


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        ("appel", "there is no class 'appel'; did you mean 'apple'? A new class begins with new="),
        ("zzz", "there is no class 'zzz'; begin it with new=true"),
        ("../apple", "can't be a class folder; 'apple' could"),
        ("a/b", "can't be a class folder; 'a-b' could"),
        (".hidden", "can't be a class folder; 'hidden' could"),
        ("CON", "can't be a class folder; choose another"),
        ("a\0b", "can't be a class folder"),
        (" apple", "can't be a class folder; 'apple' could"),
        ("x" * 200, "can't be a class folder"),
        ("", "can't be a class folder; choose another"),
    ],
)
def test_labels_that_can_not_be_are_refused(
    learning: Server, own: Path, image: Path, label: str, reason: str
) -> None:
    for new in ("false", "true") if "folder" in reason else ("false",):
        response = learn(learning, image.read_bytes(), label, new=new)
        assert response.status_code == 422
        assert reason in response.json()["detail"]
    assert kept(own) == {}


def test_a_new_class_begins_when_it_is_said(learning: Server, own: Path, image: Path) -> None:
    assert learn(learning, image.read_bytes(), "twig", new="true").json()["label"] == "twig"
    assert [name.partition("/")[0] for name in kept(own)] == ["twig"]


@pytest.mark.parametrize("there", ["Sky", "SKY"])
def test_a_class_has_one_folder_however_it_is_spelt(
    learning: Server, own: Path, image: Path, there: str
) -> None:
    (own / there).mkdir(parents=True)
    learn(learning, image.read_bytes(), "sky")
    assert [name.partition("/")[0] for name in kept(own)] == [there]


def test_with_official_splits_it_is_for_training(
    learning: Server, work: Path, own: Path, image: Path
) -> None:
    for split in ("Train", "val"):
        (own / split / "sky").mkdir(parents=True)
    learn(learning, image.read_bytes(), "sky")
    assert [name.rpartition("/")[0] for name in kept(own)] == ["Train/sky"]
    assert [file.partition("/")[0] for file in collect(work)] == ["sky"]


def test_what_is_no_image_is_not_kept(learning: Server, own: Path, make: Any) -> None:
    for content, status in ((b"no image", 415), (make.truncated(), 422), (b"", 415)):
        assert learn(learning, content, "sky").status_code == status
    address = f"{learning}/v1/learn?label=sky"
    response = requests.post(address, json={"addresses": ["http://127.0.0.1/"]}, timeout=60)
    assert response.status_code == 415
    assert kept(own) == {}


def test_many_at_once_are_kept_once(learning: Server, own: Path, image: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        labels = ["sky", "apple"] * 8
        answers = list(threads.map(lambda one: learn(learning, image.read_bytes(), one), labels))
    assert {answer.status_code for answer in answers} == {200}
    assert len(kept(own)) == 1


def test_a_folder_that_can_not_be_written_is_told(learning: Server, own: Path, image: Path) -> None:
    own.mkdir(parents=True)
    (own / "sky").write_text("a file")
    response = learn(learning, image.read_bytes(), "sky")
    assert response.status_code == 500
    assert "data/own can't take the image: " in response.json()["detail"]


def test_without_the_option_there_is_no_such_thing(server: Server, image: Path) -> None:
    assert learn(server, image.read_bytes(), "sky").status_code == 404
    assert requests.get(f"{server}/v1/model", timeout=60).json()["learn_into"] is None
    assert "/v1/learn" not in requests.get(f"{server}/docs", timeout=60).text


def test_a_class_that_the_source_leaves_out_is_refused(
    exported: Path, tmp_path: Path, image: Path
) -> None:
    own: Sources = {"own": {"kind": "folder", "path": "own", "classes": ["Sky", "twig"]}}
    root = project(exported, tmp_path, own)
    with served(root, "--engine", "onnx", "--learn-into", "own") as server:
        response = learn(server, image.read_bytes(), "apple")
        assert response.status_code == 422
        assert "leaves 'apple' out; add it to sources.own.classes" in response.json()["detail"]
        assert learn(server, image.read_bytes(), "sky").json()["label"] == "Sky"
        assert learn(server, image.read_bytes(), "twig").json()["label"] == "twig"
    assert [name.partition("/")[0] for name in kept(root / "own")] == ["twig"]


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("shop", "the source 'shop' is of kind spider, and only a source of kind folder can"),
        ("onw", "params.yaml has no source 'onw'; did you mean 'own'?"),
        ("zzz", "params.yaml has no source 'zzz'; there is away, file, own, shop"),
        ("away", "/no/such/folder is not there; make it, or correct sources.away.path"),
        ("file", "params.yaml is a file; it should be a folder"),
    ],
)
def test_a_source_that_can_not_learn_is_said(
    exported: Path, tmp_path: Path, source: str, sentence: str
) -> None:
    spider = {"kind": "spider", "spider": "shop", "url": "demo", "classes": {"mug": "/mugs/"}}
    sources: Sources = {
        "own": {"kind": "folder", "path": "own"},
        "shop": spider,
        "away": {"kind": "folder", "path": "/no/such/folder"},
        "file": {"kind": "folder", "path": "params.yaml"},
    }
    root = project(exported, tmp_path, sources)
    command = [sys.executable, "-m", "model.serve", "--engine", "onnx", "--learn-into", source]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: --learn-into: ")
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
