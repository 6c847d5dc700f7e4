"""What is said of classes too small for split is what split then says."""

import pytest

from pipeline import paths
from pipeline.decisions import read_decisions
from pipeline.paths import VERDICTS
from pipeline.review.catalog import read_catalog
from pipeline.review.changes import too_few
from pipeline.split.__main__ import _kept, _verdicts
from pipeline.split.divide import TooFewError, divide


def said(work) -> list[str]:
    return too_few(read_catalog(work.params), read_decisions(paths.REVIEW))


def found(work) -> list[str]:
    """What split says after clean has run with these decisions."""
    work.clean()
    assert VERDICTS.exists()
    images = [_kept(row) for row in _verdicts() if row["verdict"] == "keep"]
    try:
        return [str(lack) for lack in divide(images, work.params.split).lacks]
    except TooFewError as error:
        return [str(lack) for lack in error.lacks]


@pytest.fixture
def filled(work, make):
    """Four plain images of each class, a mug twice, and a mug that is also filed as a cap."""
    shas = {
        label: [work.add(make.encoded(make.next()), label) for _ in range(4)]
        for label in ("mug", "cap")
    }
    image = make.next((400, 300))
    shas["copies"] = [work.add(make.encoded(image), "mug"), work.add(make.resized(image), "mug")]
    other = make.next((400, 300))
    shas["conflict"] = [
        work.add(make.encoded(other), "mug"), work.add(make.resized(other), "cap"),
    ]  # fmt: skip
    work.clean()
    return shas


def test_nothing_is_said_while_all_is_well(work, filled) -> None:
    assert said(work) == found(work) == []


@pytest.mark.parametrize("keep_official", [False, True])
@pytest.mark.parametrize("too_few_", ["stop", "leave_out"])
def test_dropped(work, filled, too_few_: str, keep_official: bool) -> None:
    work.values["split"] |= {"too_few": too_few_, "keep_official": keep_official}
    for sha256 in filled["cap"][:2]:
        work.decide(sha256, "drop")
    now = said(work)
    assert len(now) == 1
    assert "class 'cap' lacks" in now[0]
    assert now == found(work)


def test_relabelled_to_a_new_class_and_to_one_in_other_letters(work, filled) -> None:
    work.decide(filled["mug"][0], "relabel", "Bowl")
    work.decide(filled["mug"][1], "relabel", "bowl")
    now = said(work)
    assert len(now) == 1
    assert "class 'Bowl' lacks" in now[0]
    assert "in 2 groups, and needs at least 3" in now[0]
    assert now == found(work)


def test_copies_come_and_go_with_the_decision_about_another(work, filled) -> None:
    for sha256 in filled["mug"][1:]:
        work.decide(sha256, "drop")
    work.decide(filled["copies"][0], "drop")  # its copy comes back
    work.decide(filled["conflict"][0], "keep")  # as a mug
    assert said(work) == found(work) == []
    work.decide(filled["copies"][1], "drop")
    now = said(work)
    assert len(now) == 1
    assert "class 'mug' lacks" in now[0]
    assert now == found(work)


def test_a_class_that_loses_all(work, filled) -> None:
    for sha256 in (*filled["cap"], filled["conflict"][1]):
        work.decide(sha256, "drop")
    assert said(work) == ["class 'cap' has no image"]
