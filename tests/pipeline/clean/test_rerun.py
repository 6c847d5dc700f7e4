"""What the clean stage does again, and what it takes from its cache."""

import io
import shutil

import pytest
from PIL import Image

from pipeline import paths
from pipeline.cli import UserError
from pipeline.engine import map_images
from pipeline.manifest import Reason


def test_a_rerun_decodes_nothing(work, make, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        work.add(make.encoded(make.next()))
        work.add(make.encoded(make.next(), "PNG"))
    work.add(make.text(), reason=Reason.UNREADABLE)
    work.clean()
    before = work.written()
    monkeypatch.setattr("pipeline.clean.__main__.map_images", _only_nothing)
    monkeypatch.setattr("pipeline.clean.near_duplicates.pairs_within", _never)
    work.clean()
    assert work.written() == before
    work.values["clean"]["too_small"]["min_side"] = 300
    work.clean()
    assert work.metrics()["dropped"] == {"too_small": 10, "unreadable": 1}


def test_another_size_is_written_anew(work, make) -> None:
    for n in range(4):
        work.add(make.encoded(make.next(), "PNG" if n % 2 else "JPEG"))
    work.clean()
    work.values["clean"]["max_side"] = 100
    work.clean()
    for content in (c for name, c in work.written().items() if name.endswith(".jpg")):
        with Image.open(io.BytesIO(content)) as image:
            assert max(image.size) == 100


def test_a_new_class_is_measured_alone(work, make, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        work.add(make.encoded(make.next()))
    work.clean()
    new = {work.add(make.encoded(make.next()), "cap") for _ in range(3)}
    given = []

    def spy(function, items, description):
        given.extend(item[1] for item in items if function.__name__ == "measure")
        return map_images(function, items, description)

    monkeypatch.setattr("pipeline.clean.__main__.map_images", spy)
    work.clean()
    assert set(given) == new
    assert work.metrics()["kept"] == 8


def _only_nothing(function, items, description):
    assert items == []
    return iter(())


def _never(*args):
    raise AssertionError("nothing is new")


def test_the_cache_is_safe_to_delete_and_no_part_of_the_result(work, make) -> None:
    for n in range(6):
        work.add(make.encoded(make.next(), "PNG" if n % 2 else "JPEG"))
    work.clean()
    before = work.written()
    assert list(paths.CLEAN_CACHE.rglob("*.sealed"))
    shutil.rmtree(paths.CLEAN_CACHE)
    work.clean()
    assert work.written() == before


def test_a_damaged_cache_is_named(work, make) -> None:
    work.add(make.encoded(make.next()))
    path = paths.CLEAN_CACHE / "findings.sqlite"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no database" * 100)
    with pytest.raises(UserError, match=r"findings.sqlite is damaged .* delete it"):
        work.clean()


def test_a_new_version_measures_anew(work, make, monkeypatch: pytest.MonkeyPatch) -> None:
    work.add(make.encoded(make.next()))
    work.clean()
    monkeypatch.setattr("pipeline.clean.cache._VERSION", "next")
    monkeypatch.setattr("pipeline.clean.__main__.map_images", _refuse)
    with pytest.raises(ConnectionError):
        work.clean()


def _refuse(*args):
    raise ConnectionError


def test_the_folder_before_stays_when_a_run_fails(
    work, make, monkeypatch: pytest.MonkeyPatch
) -> None:
    work.add(make.encoded(make.next()))
    work.clean()
    before = work.written()
    monkeypatch.setattr("pipeline.clean.__main__.write_verdicts", _refuse)
    work.add(make.encoded(make.next()))
    with pytest.raises(ConnectionError):
        work.clean()
    assert work.written() == before
    assert not list(paths.CLEAN.parent.glob("*.part"))
