"""What clean says at its end, where people look: empty classes, decisions that change nothing."""

import pytest
from ruamel.yaml import YAML

from pipeline import paths
from pipeline.clean.__main__ import main
from pipeline.cli import UserError
from pipeline.manifest import Status


def run(work, capsys: pytest.CaptureFixture) -> list[str]:
    YAML().dump(work.values, paths.PARAMS)
    capsys.readouterr()
    main([])
    return capsys.readouterr().out.splitlines()


def test_a_class_that_ends_empty_is_told_with_the_commonest_reason(work, make, capsys) -> None:
    work.source("own", ["mug", "hat", "cap", "Spoon"])
    work.add(make.encoded(make.next()))
    for _ in range(3):
        work.add(make.tiny(), "hat")
    work.add(make.blank(), "hat")
    gone = work.add(make.encoded(make.next()), "cap")
    work.decide(gone, "relabel", "mug")
    spoon, _, cap, _, hat = run(work, capsys)[-5:]
    assert cap == "WARNING: class 'cap' has no image: all were relabelled; see data/review.csv"
    assert hat == (
        "WARNING: class 'hat' has no image: all 4 were dropped, 3 of them as too_small; "
        "see clean.too_small in params.yaml"
    )
    assert spoon.startswith("WARNING: class 'Spoon' has no image: none was collected; check")


def test_a_class_that_no_source_names_does_not_vanish(work, make, capsys) -> None:
    work.add(make.encoded(make.next()))
    work.decide(work.add(make.encoded(make.next()), "cap"), "relabel", "mug")
    work.add(b"words", "hat", status=Status.REJECTED_NOT_IMAGE, file=None, sha256=None)
    work.add(b"gone", "pan", status=Status.FAILED_MISSING, file=None, sha256=None)  # taken away
    cap, _, hat = run(work, capsys)[-3:]
    assert cap == "WARNING: class 'cap' has no image: all were relabelled; see data/review.csv"
    assert hat.startswith(
        "WARNING: class 'hat' has no image: none of its 1 candidates was taken, "
        "1 because: rejected not image; see what collect says"
    )


def test_no_image_at_all_is_told_with_what_became_of_the_candidates(work, capsys) -> None:
    for n in range(3):
        work.add(b"%d" % n, "hat", status=Status.REJECTED_NOT_IMAGE, file=None, sha256=None)
    (paths.RAW / "own" / paths.LEFT_OUT).write_text('{"files beside the class folders": ["a.jpg"]}')
    with pytest.raises(UserError) as error:
        run(work, capsys)
    _, loose, hat, remedy = str(error.value).splitlines()
    assert "files beside the class folders: 1 (a.jpg)" in loose
    assert "class 'hat' has no image: none of its 3 candidates was taken" in hat
    assert "a folder that is called like its class" in remedy


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ("reviewed", "see data/review.csv"),
        ("label_conflict", "see clean.conflicts"),
        ("truncated", "put other files in their place"),
    ],
)
def test_each_reason_has_a_remedy(work, make, capsys, reason: str, remedy: str) -> None:
    work.add(make.encoded(make.next()))
    if reason == "reviewed":
        work.decide(work.add(make.encoded(make.next()), "hat"), "drop")
    elif reason == "truncated":
        work.add(make.truncated(), "hat")
    else:
        both = make.encoded(make.next())
        work.add(both, "hat")
        work.add(both, "mug")
    last = run(work, capsys)[-1]
    assert f"class 'hat' has no image: its only one was dropped as {reason}" in last
    assert remedy in last


def test_nothing_kept_is_an_error_that_names_the_parameter(work, make, capsys) -> None:
    for _ in range(2):
        work.add(make.tiny())
    with pytest.raises(UserError, match=r"no image was kept\n.*see clean.too_small"):
        run(work, capsys)
    assert (paths.RESULTS / "clean/report.html").exists()


def test_decisions_that_match_no_image_are_told(work, make, capsys) -> None:
    work.decide(work.add(make.encoded(make.next())), "keep")
    assert "match" not in run(work, capsys)[-1]
    work.decide("0" * 64, "drop")
    last = run(work, capsys)[-1]
    assert last.startswith("1 decision(s) in data/review.csv match no image: 000")
