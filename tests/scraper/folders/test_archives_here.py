"""A folder in the place of an archive may change: collect and DVC notice."""

import hashlib
import shutil
import zipfile
from pathlib import Path

import pytest
from own_folder import jpeg, put

from pipeline.cli import UserError
from pipeline.manifest import Manifest
from pipeline.sources import ArchiveSource
from scraper.collect import collect
from scraper.folders.links import link_folders

SOURCE = ArchiveSource(kind="archive", url="set", pattern=r"(?P<label>[^/]+)/[^/]+\.jpg$")


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make(form: str, files: dict[str, bytes]) -> ArchiveSource:
    """A folder or a zip with these files, in the place of the one before; its source."""
    shutil.rmtree("set", ignore_errors=True)
    if form == "folder":
        Path("set").mkdir()
        put(Path("set"), files)
        return SOURCE
    with zipfile.ZipFile("set.zip", "w") as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return SOURCE.model_copy(update={"url": "set.zip"})


def run(source: ArchiveSource) -> set[tuple[str, str]]:
    """What both stages make of the source, as `dvc repro` runs them: class and image."""
    link_folders({"set": source})
    collect("set", source, if_needed=True)
    rows = Manifest(Path("data/raw/set/manifest.jsonl")).rows.values()
    return {(r.label, r.image_url.rpartition("/")[2]) for r in rows if r.status.has_file}


def test_what_changes_in_it_is_followed(capsys):
    red, blue, green = map(jpeg, ("red", "blue", "green"))
    first = {"mug/1.jpg": red, "cap/2.jpg": blue, "hat/3.jpg": green}
    assert run(make("folder", first)) == {("mug", "1.jpg"), ("cap", "2.jpg"), ("hat", "3.jpg")}
    # renamed, moved to another class, new
    source = make("folder", {"cup/1.jpg": red, "hat/2.jpg": blue, "hat/4.jpg": jpeg("white")})
    assert run(source) == {("cup", "1.jpg"), ("hat", "2.jpg"), ("hat", "4.jpg")}
    said = capsys.readouterr().out
    assert "WARNING" not in said
    assert "does not name them" not in said
    with pytest.raises(UserError, match="there is no file in it"):
        run(make("folder", {}))


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_an_image_that_was_edited_leaves_no_old_one(form):
    red, blue, green = map(jpeg, ("red", "blue", "green"))
    raw = Path("data/raw/set/manifest.jsonl")

    def saved(files: dict[str, bytes]) -> set[tuple[str, str]]:
        collect("set", make(form, files))
        there = [str(r.file) for r in Manifest(raw).rows.values() if r.status.has_file]
        contents = [(raw.parent / file).read_bytes() for file in there]
        return {(f, hashlib.sha256(c).hexdigest()) for f, c in zip(there, contents, strict=True)}

    def wanted(*contents: bytes) -> set[tuple[str, str]]:
        digests = [hashlib.sha256(content).hexdigest() for content in contents]
        return {(f"mug/{digest}.jpg", digest) for digest in digests}

    for n, contents in enumerate([(red, blue), (green, blue), (green, red), (red, blue), (red,)]):
        files = {f"mug/{at}.jpg": content for at, content in enumerate(contents)}
        assert saved(files) == wanted(*contents), n


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_without_it_what_was_collected_stays(form):
    source = make(form, {"mug/1.jpg": jpeg("red")})
    run(source)
    shutil.rmtree("set", ignore_errors=True)
    Path("set.zip").unlink(missing_ok=True)
    assert run(source) == {("mug", "1.jpg")}


def test_dvc_gets_a_link_to_a_folder_and_none_to_a_file():
    """A link to an archive that was deleted after it was collected would stop DVC."""
    source = make("folder", {"mug/1.jpg": jpeg("red")})
    run(source)
    assert Path("data/folders/set").resolve() == Path("set").resolve()
    run(make("zip", {"mug/1.jpg": jpeg("red")}))
    assert not Path("data/folders/set").is_symlink()


def test_where_dvc_can_not_look_the_stage_runs_each_time():
    source = make("folder", {"mug/1.jpg": jpeg("red")})
    Path("set/mug/broken.jpg").symlink_to("nowhere")
    link_folders({"set": source})
    mark = Path("data/folders/set")
    before = mark.read_text()
    collect("set", source, if_needed=True)
    assert mark.read_text() != before


def test_two_sources_may_read_one_archive():
    source = make("folder", {"mug/1.jpg": jpeg("red"), "cap/2.jpg": jpeg("blue")})
    link_folders({"a": source, "b": source})
    assert Path("data/folders/a").resolve() == Path("data/folders/b").resolve()
