"""People's own folders of which this user may not read all."""

import io
import json
import sys
from pathlib import Path

import dvc_objects.fs.system  # noqa: F401 - who has fewer rights may not find it later
import pytest
from PIL import Image

from pipeline.listing import UNREADABLE
from pipeline.manifest import Manifest
from pipeline.sources import FolderSource
from scraper.collect import collect
from scraper.folders.links import link_folders

OWN = FolderSource(kind="folder", license="own work")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="modes bind nobody there")


@pytest.fixture
def own(unprivileged: Path) -> Path:
    """data/own with three classes."""
    for label, colour in (("mug", "red"), ("hat", "blue"), ("cap", "green")):
        (unprivileged / "data/own" / label).mkdir(parents=True)
        out = io.BytesIO()
        Image.new("RGB", (20, 10), colour).save(out, "JPEG")
        (unprivileged / "data/own" / label / f"{label}.jpg").write_bytes(out.getvalue())
    return unprivileged / "data/own"


def statuses() -> dict[str, str]:
    rows = Manifest(Path("data/raw/own/manifest.jsonl")).rows.values()
    return {row.image_url: row.status.value for row in rows}


@pytest.mark.parametrize("mode", [0, 0o100, 0o400])
def test_a_folder_of_which_one_may_not_read_all(own: Path, mode: int, capsys) -> None:
    (own / "hat").chmod(mode)
    try:
        collect("own", OWN)
    finally:
        (own / "hat").chmod(0o700)
    assert statuses() == {"cap/cap.jpg": "saved", "mug/mug.jpg": "saved"}
    name = "hat/hat.jpg" if mode == 0o400 else "hat"
    left_out = json.loads(Path("data/raw/own/left_out.json").read_text())
    assert left_out == {UNREADABLE: [name]}
    assert f"left out, {UNREADABLE}: 1 ({name})" in capsys.readouterr().out


@pytest.mark.parametrize("mode", [0, 0o100, 0o400])
def test_dvc_is_not_sent_where_it_would_stop(own: Path, mode: int) -> None:
    """It hashes a dependency as a whole: one file that it can't read ends `dvc repro`."""
    link_folders({"own": OWN})
    assert Path("data/folders/own").is_symlink()
    paths = [own / "hat"] if mode else [own / "hat", own / "hat/hat.jpg"]
    for path in paths:
        before = path.stat().st_mode
        path.chmod(mode)
        try:
            link_folders({"own": OWN})
        finally:
            path.chmod(before)
        assert not Path("data/folders/own").is_symlink()


def test_a_file_that_may_not_be_read_costs_only_itself(own: Path) -> None:
    (own / "hat/hat.jpg").chmod(0)
    collect("own", OWN)
    assert statuses() == {
        "cap/cap.jpg": "saved", "hat/hat.jpg": "failed_unreadable", "mug/mug.jpg": "saved"
    }  # fmt: skip
