"""The clean stage on made images whose defects are counted."""

import hashlib
import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from ruamel.yaml import YAML

from pipeline import paths
from pipeline.cli import UserError
from pipeline.manifest import Manifest, Reason, Row, Status
from pipeline.split import __main__ as split

ROOT = Path(__file__).parents[3]


def test_a_thousand_defects_are_found_and_nothing_else(work, make) -> None:
    for label in ("mug", "sneaker"):
        for kind in ("JPEG", "PNG", "WEBP", "GIF") * 3:
            work.add(make.encoded(make.next(), kind), label)
        work.add(b"" if label == "mug" else b"\0", label, reason=Reason.UNREADABLE)
        for _ in range(26):
            add_one_of_each(work, make, label)
    placeholder = make.encoded(make.next())
    for n in range(3):
        for label in ("mug", "sneaker"):
            first = Reason.PLACEHOLDER if n == 0 else None
            work.add(placeholder, label, reason=first, product_id=f"{label} {n}")
    twice = make.encoded(make.next())
    for label in ("mug", "sneaker"):
        work.add(twice, label, reason=Reason.LABEL_CONFLICT, product_id="twice")
    work.clean()
    work.assert_expected()
    assert work.expected.total() > 1000
    kept = {f"{r['label']}/{r['sha256']}.jpg" for r in work.rows(verdict="keep")}
    assert set(work.written()) == kept | {"verdicts.parquet"}


def add_one_of_each(work, make, label: str) -> None:
    """Each kind of defect, in its forms, and the images that the copies are of."""
    for content in (make.text(), make.text(), make.damaged()):
        work.add(content, label, reason=Reason.UNREADABLE)
    work.add(make.bomb(), label, reason=Reason.TOO_MANY_PIXELS)
    for kind in ("JPEG", "PNG", "WEBP", "GIF"):
        work.add(make.truncated(kind), label, reason=Reason.TRUNCATED)
    for _ in range(4):
        work.add(make.tiny(), label, reason=Reason.TOO_SMALL)
        work.add(make.blank(), label, reason=Reason.BLANK)
    for copy in (make.recompressed, make.resized):
        original = make.next()
        work.add(make.encoded(original), label)
        work.add(copy(original), label, reason=Reason.NEAR_DUPLICATE)
    original = make.encoded(make.next())
    work.add(original, label)
    commented = original[:2] + b"\xff\xfe\x00\x04hi" + original[2:]
    work.add(commented, label, reason=Reason.SAME_PIXELS)
    work.add(original, label, source="other", reason=Reason.EXACT_DUPLICATE)


def test_every_rule_can_flag_or_be_off(work, make) -> None:
    dark = Image.fromarray(np.asarray(make.next()) // 5)
    tall = make.next((60, 320)).resize((100, 600))
    kinds = {
        "too_small": make.tiny(),
        "blank": make.blank(),
        "dark": make.encoded(dark),
        "light": make.encoded(make.next().convert("L").point(lambda v: 255 if v > 128 else 244)),
        "low_information": make.encoded(make.next().quantize(2).convert("RGB"), "PNG"),
        "blurred": make.blurred(),
        "extreme_aspect": make.encoded(tall),
    }
    for content in kinds.values():
        work.add(content)
    for content in (make.encoded(make.next()) for _ in range(3)):
        work.add(content)
    clean = work.values["clean"]
    clean["low_information"]["min_entropy"] = 3
    seen = {}
    for action in ("drop", "flag", "off"):
        for name in kinds:
            clean[name]["action"] = action
        work.clean()
        seen[action] = work.metrics()
    assert set(seen["drop"]["dropped"]) == set(kinds)
    assert seen["drop"]["kept"] == 3
    assert (seen["flag"]["kept"], seen["off"]["kept"]) == (10, 10)
    assert set(seen["flag"]["flagged"]) == set(kinds)
    assert seen["off"]["flagged"] == {}


def test_compressed_data_is_kept_where_it_may_be(work, make) -> None:
    plain, large = make.encoded(make.next()), make.encoded(make.next((1500, 900)))
    names = [work.add(plain), work.add(large)]
    work.clean()
    written = work.written()
    assert plain[plain.index(b"\xff\xda") :] in written[f"mug/{names[0]}.jpg"]
    with Image.open(io.BytesIO(written[f"mug/{names[1]}.jpg"])) as image:
        assert image.size == (1024, 614)


def test_what_is_not_asked_for_is_left_out(work, make) -> None:
    work.source("shop", ["mug"])
    work.add(make.encoded(make.next()), "mug", "shop")
    work.add(make.encoded(make.next()), "cup", "shop")
    work.add(make.encoded(make.next()), "mug", "former", unasked=True)
    stray = paths.RAW / "shop" / "mug" / "not in the manifest.jpg"
    stray.write_bytes(b"x")
    (paths.RAW / ".gitignore").write_text("/shop\n")
    findings = work.clean()
    assert [source for source, _ in findings.raw.left_out] == ["former", "shop", "shop"]
    assert work.metrics()["images"] == 1
    assert stray.exists()


def test_a_source_without_a_folder_is_fine_if_another_has_images(work, make) -> None:
    work.source("empty")
    with pytest.raises(UserError, match=r"no image of the sources .*empty.*scraper.collect"):
        work.clean()
    assert not paths.CLEAN.exists()
    work.add(make.encoded(make.next()))
    work.clean()
    assert work.metrics()["kept"] == 1


def test_a_file_that_vanished_or_changed(work, make) -> None:
    gone, changed = (work.add(make.encoded(make.next())) for _ in range(2))
    stays = work.add(make.encoded(make.next()))
    (paths.RAW / f"own/mug/{gone}.jpg").unlink()
    (paths.RAW / f"own/mug/{changed}.jpg").write_bytes(make.encoded(make.next()))
    for _ in range(2):
        work.clean()
        assert work.metrics()["dropped"] == {"missing": 1, "unreadable": 1}
    (paths.RAW / f"own/mug/{stays}.jpg").write_bytes(b"after it was measured")
    work.clean()
    assert work.metrics()["dropped"] == {"missing": 1, "unreadable": 2}


def test_devices_and_links_in_the_folder(work, make) -> None:
    linked = work.add(make.encoded(make.next()))
    path = paths.RAW / f"own/mug/{linked}.jpg"
    path.rename("elsewhere.jpg")
    path.symlink_to(Path("elsewhere.jpg").absolute())  # as DVC may link to its cache
    piped = work.add(make.encoded(make.next()), reason=Reason.UNREADABLE)
    path = paths.RAW / f"own/mug/{piped}.jpg"
    path.unlink()
    os.mkfifo(path)
    work.clean()
    work.assert_expected()


def test_a_link_that_was_saved_many_times_is_one_row(work, make) -> None:
    content = make.encoded(make.next())
    for _ in range(3):
        work.add(content)
    work.clean()
    assert len(work.rows()) == 1
    assert work.metrics()["kept"] == 1


def test_rows_without_a_file_are_no_images(work, make) -> None:
    work.add(make.encoded(make.next()))
    with Manifest(paths.RAW / "own" / paths.MANIFEST) as manifest:
        manifest.append(Row(status=Status.FAILED_HTTP, label="mug", image_url="http://x/1"))
    work.clean()
    assert len(work.rows()) == 1


def test_a_name_that_says_another_format_is_told(work, make) -> None:
    right = work.add(make.encoded(make.next()))  # all are called .jpg here
    wrong = work.add(make.encoded(make.next(), "PNG"))
    broken = work.add(b"text", reason=Reason.UNREADABLE)
    work.clean()
    work.assert_expected()
    told = {row["sha256"]: row["extension_mismatch"] for row in work.rows()}
    assert told == {right: False, wrong: True, broken: None}


def test_nothing_of_the_run_gets_into_the_verdicts(work, make) -> None:
    work.add(make.encoded(make.next()), page_url="http://127.0.0.1:8123/p", product_id="p 1")
    work.add(b"text", reason=Reason.UNREADABLE)
    work.clean()
    content = paths.VERDICTS.read_bytes()
    for trace in (b"8123", b"127.0.0.1", str(work.root).encode(), b"2026"):
        assert trace not in content


@pytest.mark.parametrize("stage", ["clean", "split"])
def test_help_teaches(stage: str) -> None:
    command = [sys.executable, "-m", f"pipeline.{stage}", "--help"]
    out = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert "data/clean" in out


def test_a_run_by_hand(work, make) -> None:
    """A user's mistake costs one line and exit code 1."""
    work.add(make.encoded(make.next()))
    work.decide("abc", "keep")
    YAML().dump(work.values, paths.PARAMS)
    command = [sys.executable, "-m", "pipeline.clean"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: data/review.csv, line 2: 'abc' is no SHA-256")
    assert "Traceback" not in done.stderr
    assert not paths.CLEAN.exists()


def test_real_photos(work, make, real_photos: Path) -> None:
    """3,781 photos: one true duplicate, filed as shorts and as skirt; nothing else is wrong."""
    work.source("clothing")
    with Manifest(paths.RAW / "clothing" / paths.MANIFEST) as manifest:
        for path in sorted(real_photos.glob("*/*/*.jpg")):
            content = path.read_bytes()
            sha256 = hashlib.sha256(content).hexdigest()
            split, label, _ = path.relative_to(real_photos).parts
            file = paths.RAW / "clothing" / label / f"{sha256}.jpg"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.symlink_to(path)
            manifest.append(
                Row(
                    status=Status.SAVED,
                    label=label,
                    image_url=str(path.relative_to(real_photos)),
                    file=f"{label}/{sha256}.jpg",
                    sha256=sha256,
                    bytes=len(content),
                    split=split,
                )
            )
    work.clean()
    assert work.metrics() == {
        "images": 3781,
        "kept": 3779,
        "dropped": {"label_conflict": 2},
        "flagged": {},
        "leaks": 0,
        "left_out": 0,
    }
    conflict = work.rows(reason="label_conflict")
    assert {row["label"] for row in conflict} == {"shorts", "skirt"}
    assert_no_leak_where_near_duplicates_stay(work, make)


def assert_no_leak_where_near_duplicates_stay(work, make) -> None:
    rows = work.rows(verdict="keep")[::60]
    for row in rows:
        with Image.open(paths.CLEAN / row["label"] / f"{row['sha256']}.jpg") as image:
            work.add(make.resized(image), row["label"], "clothing")
    work.values["clean"]["near_duplicate"]["action"] = "flag"
    work.values["clean"]["conflicts"] = "keep_both"
    YAML().dump(work.values, paths.PARAMS)
    pairs = work.clean().pairs
    assert len(pairs) == len(rows) + 1
    split.main([])
    places = {path.stem: path.parts[-3] for path in paths.DATASET.rglob("*.jpg")}
    assert len(places) == 3781 + len(rows)
    assert [pair for pair in pairs if places[pair.a] != places[pair.b]] == []
