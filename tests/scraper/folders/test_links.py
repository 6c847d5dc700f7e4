"""The paths of people's own folders, and the link through which DVC sees them."""

from pathlib import Path

import pytest
from own_folder import OWN, jpeg, put

from pipeline.cli import UserError
from pipeline.sources import FolderSource
from scraper.collect import collect, main
from scraper.folders.links import link_folders


def test_a_path_that_was_never_there_is_an_error(own, tmp_path):
    with pytest.raises(UserError, match=r"sources\.own\.path: .*nowhere' is not there; corr"):
        collect("own", FolderSource(kind="folder", path=str(tmp_path.parent / "nowhere")))
    (own / "file").write_bytes(b"")
    with pytest.raises(UserError, match="is a file"):
        collect("own", FolderSource(kind="folder", path=str(own / "file")))


@pytest.mark.parametrize(
    "path",
    [
        "data/raw/own",
        "data/clean/x",
        "results",
        ".",
        "..",
        "/",
        "${x}",
        "data",
        "s3://a/b",
        "file:///a",
    ],
)
def test_a_path_that_dvc_writes_is_refused(own, path):
    with pytest.raises(ValueError, match=r"choose another|contains |an address|\$\{"):
        FolderSource(kind="folder", path=path)


def test_two_sources_do_not_read_one_folder(own):
    with pytest.raises(UserError, match=r"sources\.a and sources\.b both read"):
        link_folders({"a": OWN, "b": OWN})


def test_dvc_gets_a_link_where_it_can_look(own, tmp_path):
    put(own, {"mug/a.jpg": jpeg("red")})
    link_folders({"own": OWN})
    link = Path("data/folders/own")
    assert link.resolve() == own.resolve()
    (own / "cup").symlink_to(tmp_path)  # which DVC doesn't follow
    link_folders({"own": OWN})
    assert link.is_file()
    before = link.read_bytes()
    collect("own", OWN)
    assert link.read_bytes() != before  # so that both stages run again
    link_folders({})
    assert not link.exists()
    assert (own / "mug/a.jpg").exists()


def test_a_link_that_leads_to_itself_is_named(own):
    preset = Path(__file__).parents[3] / "presets/own.yaml"
    text = preset.read_text(encoding="utf-8").replace("path: data/own", "path: loop")
    Path("params.yaml").write_text(text, encoding="utf-8")
    Path("loop").symlink_to("loop")
    with pytest.raises(UserError, match=r"sources\.own\.path.*(leads nowhere|is not there)"):
        main(["own"])
