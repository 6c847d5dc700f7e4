"""The counter says what clean then does."""

from pipeline import paths
from pipeline.decisions import read_decisions
from pipeline.review.catalog import read_catalog
from pipeline.review.changes import changes


def verdicts(work) -> dict[str, tuple[bool, set[str]]]:
    """By SHA-256, which may be filed twice: is it kept, and its classes."""
    found: dict[str, tuple[bool, set[str]]] = {}
    for row in work.rows():
        kept, labels = found.get(row["sha256"], (False, set()))
        found[row["sha256"]] = (kept or row["verdict"] == "keep", labels | {row["label"]})
    return found


def check(work, decide, **expected: int) -> None:
    """What is told is expected, and is what another run of clean changes; then nothing is left."""
    work.clean()
    catalog, before = read_catalog(work.params), verdicts(work)
    decide()
    told = changes(catalog, read_decisions(paths.REVIEW))
    assert {name: n for name, n in told.items() if n} == expected
    work.clean()
    after = verdicts(work)
    pairs = [(before[sha256], after[sha256]) for sha256 in before]
    found = {
        "kept": sum(b[0] and not a[0] for a, b in pairs),
        "dropped": sum(a[0] and not b[0] for a, b in pairs),
        "relabelled": sum(not b[1] <= a[1] for a, b in pairs),
    }
    assert {name: n for name, n in found.items() if n} == expected
    told = changes(read_catalog(work.params), read_decisions(paths.REVIEW))
    assert set(told.values()) == {0}


def test_of_single_images(work, make) -> None:
    a, b, c = (work.add(make.encoded(make.next())) for _ in range(3))
    tiny, blank, broken = work.add(make.tiny()), work.add(make.blank()), work.add(make.text())

    def decide() -> None:
        work.decide(a, "drop")
        work.decide(b, "keep")  # it is already
        work.decide(c, "relabel", "cap")
        work.decide(tiny, "relabel", "plate")
        work.decide(blank, "drop")  # it is already
        work.decide(broken, "keep")  # nobody can

    check(work, decide, kept=1, dropped=1, relabelled=2)


def test_of_copies(work, make) -> None:
    images = [make.next((400, 300)) for _ in range(5)]
    best = [work.add(make.encoded(image)) for image in images]
    copies = [work.add(make.resized(image)) for image in images]

    def decide() -> None:
        work.decide(copies[0], "keep")  # instead of the best one
        for sha256 in (best[1], copies[1]):  # beside it
            work.decide(sha256, "keep")
        work.decide(best[2], "drop")  # the copy comes back
        work.decide(copies[3], "relabel", "cap")  # and so the best one is not of its class
        work.decide(best[4], "relabel", "cap")  # and so the copy still goes

    check(work, decide, kept=4, dropped=3, relabelled=2)


def test_of_conflicts(work, make) -> None:
    images = [make.next((400, 300)) for _ in range(4)]
    mugs = [work.add(make.encoded(image), "mug") for image in images]
    caps = [work.add(make.resized(image), "cap") for image in images]

    def decide() -> None:
        work.decide(mugs[0], "keep")
        work.decide(mugs[1], "drop")  # the other class is right, then
        work.decide(mugs[2], "relabel", "plate")
        for sha256 in (mugs[3], caps[3]):
            work.decide(sha256, "drop")

    check(work, decide, kept=3, relabelled=1)


def test_of_conflicts_in_the_same_bytes(work, make) -> None:
    twice = make.encoded(make.next())
    sha256 = work.add(twice, "mug", product_id="1")
    work.add(twice, "cap", product_id="1")
    check(work, lambda: work.decide(sha256, "keep", "cap"), kept=1)


def test_of_conflicts_that_were_both_kept(work, make) -> None:
    work.values["clean"]["conflicts"] = "keep_both"
    image = make.next((400, 300))
    work.add(make.encoded(image), "mug")
    cap = work.add(make.resized(image), "cap")
    check(work, lambda: work.decide(cap, "keep"), dropped=1)


def test_of_a_decision_that_is_gone(work, make) -> None:
    kept, dropped = (work.add(make.encoded(make.next())) for _ in range(2))
    header = paths.REVIEW.read_text()
    work.decide(kept, "keep")
    work.decide(dropped, "drop")
    work.clean()
    paths.REVIEW.write_text(header)
    told = changes(read_catalog(work.params), {})
    assert told == {"kept": 0, "dropped": 0, "relabelled": 0, "anew": 2}
