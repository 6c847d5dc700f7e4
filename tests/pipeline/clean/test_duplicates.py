"""Which of several images stays, what is a conflict, and what belongs to one group."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import paths
from pipeline.clean.duplicates import Sets


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20))))
def test_sets_are_connected_components(edges: list[tuple[int, int]]) -> None:
    sets = Sets()
    naive = {n: {n} for n in range(21)}
    for a, b in edges:
        sets.join(a, b)
        both = naive[a] | naive[b]
        for n in both:
            naive[n] = both
    for a in range(21):
        for b in range(21):
            assert (sets.find(a) == sets.find(b)) == (b in naive[a])


def survivor(work) -> str:
    work.clean()
    (row,) = work.rows(verdict="keep")
    for other in work.rows(verdict="drop"):
        assert other["duplicate_of"] == row["sha256"]
        assert other["group"] == row["group"]
    return row["sha256"]


def test_more_pixels_stay(work, make) -> None:
    image = make.next((400, 300))
    work.add(make.encoded(image.resize((300, 225)), quality=95))
    larger = work.add(make.encoded(image, quality=60))
    assert survivor(work) == larger


def test_of_equal_pixels_more_bytes_stay(work, make) -> None:
    image = make.next()
    work.add(make.encoded(image, quality=60))
    heavier = work.add(make.encoded(image, quality=95))
    assert survivor(work) == heavier


def test_official_test_stays_before_all(work, make) -> None:
    image = make.next((400, 300))
    work.add(make.encoded(image, quality=95), split="train")
    test = work.add(make.encoded(image.resize((300, 225)), quality=60), split="test")
    assert survivor(work) == test
    assert work.metrics()["leaks"] == 1
    page = (paths.RESULTS / "clean" / "report.html").read_text()
    assert f"own/mug/{test}.jpg</td><td>test</td>" in page


def test_the_order_of_rows_decides_nothing(work, make) -> None:
    image = make.next()
    contents = [make.encoded(image, quality=q) for q in (70, 80, 90)]
    for content in contents:
        work.add(content, "mug")
        work.add(content, "mug", "other")
    first = survivor(work)
    manifest = paths.RAW / "own" / paths.MANIFEST
    manifest.write_text("".join(reversed(manifest.read_text().splitlines(keepends=True))))
    assert survivor(work) == first
    (row,) = work.rows(verdict="keep")
    assert row["source"] == "other" or row["source"] == "own"
    assert work.metrics()["dropped"] == {"exact_duplicate": 3, "near_duplicate": 2}


def test_the_same_bytes_twice_in_official_splits_leak(work, make) -> None:
    content = make.encoded(make.next())
    for split in ("train", "test"):
        work.add(content, split=split)
    work.clean()
    (row,) = work.rows()
    assert (row["verdict"], row["official_split"]) == ("keep", "test")
    assert work.metrics()["leaks"] == 1


def conflict(work, make) -> dict[str, str]:
    """One image: once as a mug, twice as a cup, each in its own bytes."""
    image = make.next()
    labels = {90: "mug", 80: "cup", 70: "cup"}
    return {
        f"{label} {quality}": work.add(make.encoded(image, quality=quality), label)
        for quality, label in labels.items()
    }


@pytest.mark.parametrize(
    ("action", "kept", "dropped", "flagged"),
    [
        ("drop", [], {"label_conflict": 3}, {}),
        ("keep_both", ["cup", "mug"], {"near_duplicate": 1}, {"label_conflict": 2}),
        ("majority", ["cup"], {"label_conflict": 1, "near_duplicate": 1}, {"label_conflict": 1}),
    ],
)
def test_label_conflicts(work, make, action: str, kept, dropped, flagged) -> None:
    conflict(work, make)
    work.values["clean"]["conflicts"] = action
    work.clean()
    assert sorted(row["label"] for row in work.rows(verdict="keep")) == kept
    assert work.metrics()["dropped"] == dropped
    assert work.metrics()["flagged"] == flagged
    page = (paths.RESULTS / "clean" / "report.html").read_text()
    assert 'Label conflicts <span class="count">1 set' in page


def test_a_tie_is_no_majority(work, make) -> None:
    content = make.encoded(make.next())
    for label in ("cup", "mug"):
        work.add(content, label)
    work.values["clean"]["conflicts"] = "majority"
    work.clean()
    assert work.metrics()["dropped"] == {"label_conflict": 2}


def test_a_person_settles_a_conflict(work, make) -> None:
    names = conflict(work, make)
    work.decide(names["mug 90"], "keep")
    work.clean()
    assert [row["sha256"] for row in work.rows(verdict="keep")] == [names["mug 90"]]
    assert work.metrics()["dropped"] == {"label_conflict": 2}


def test_a_person_names_the_class_of_the_same_bytes(work, make) -> None:
    content = make.encoded(make.next())
    sha256, _ = (work.add(content, label) for label in ("cup", "mug"))
    work.decide(sha256, "relabel", "cup")
    work.clean()
    (row,) = work.rows(verdict="keep")
    assert row["label"] == "cup"
    assert set(work.written()) == {f"cup/{sha256}.jpg", "verdicts.parquet"}
    assert work.metrics()["dropped"] == {"exact_duplicate": 1}


def test_a_person_keeps_what_the_rules_drop(work, make) -> None:
    for content in (make.tiny(), make.blank()):
        work.decide(work.add(content), "keep", note="wanted")
    broken = work.add(make.text())
    work.decide(broken, "keep")
    work.clean()
    assert work.metrics()["kept"] == 2
    assert work.metrics()["dropped"] == {"unreadable": 1}


def test_a_person_drops_and_relabels(work, make) -> None:
    dropped, moved = (work.add(make.encoded(make.next())) for _ in range(2))
    work.decide(dropped, "keep")
    work.decide(dropped, "drop", note="a spoon")
    work.decide(moved, "relabel", "cup")
    work.clean()
    (row,) = work.rows(verdict="drop")
    assert (row["sha256"], row["reason"], row["note"]) == (dropped, "reviewed", "a spoon")
    (row,) = work.rows(verdict="keep")
    assert (row["raw_label"], row["label"]) == ("mug", "cup")
    assert f"cup/{moved}.jpg" in work.written()


@pytest.mark.parametrize("action", ["flag", "off"])
def test_near_duplicates_may_stay(work, make, action: str) -> None:
    image = make.next()
    for quality in (90, 60):
        work.add(make.encoded(image, quality=quality))
    work.values["clean"]["near_duplicate"]["action"] = action
    work.clean()
    assert work.metrics()["kept"] == 2
    groups = {row["group"] for row in work.rows()}
    assert len(groups) == (1 if action == "flag" else 2)
    assert work.metrics()["flagged"] == ({"near_duplicate": 1} if action == "flag" else {})


def test_views_of_one_product_are_kept_in_one_group(work, make) -> None:
    for product in ("p 1", "p 1", "p 2", None, None):
        work.add(make.encoded(make.next()), product_id=product)
    work.add(make.encoded(make.next()), source="other", product_id="p 1")
    work.clean()
    groups = [row["group"] for row in work.rows(verdict="keep")]
    assert len(groups) == 6
    assert len(set(groups)) == 5


def test_a_group_joins_products_that_share_an_image(work, make) -> None:
    shared = make.encoded(make.next())
    for product in ("p 1", "p 2"):
        work.add(shared, product_id=product)
        work.add(make.encoded(make.next()), product_id=product)
    work.clean()
    assert len({row["group"] for row in work.rows()}) == 1


def test_another_view_leaves_a_group_its_name(work, make) -> None:
    names = set()
    for _ in range(6):
        work.add(make.encoded(make.next()), product_id="p 1")
        work.clean()
        names.add(work.rows()[0]["group"])
    assert len(names) == 1


def test_mirror_images_are_duplicates_on_request(work, make) -> None:
    image = make.next()
    for content in (image, image.transpose(0)):
        work.add(make.encoded(content))
    work.clean()
    assert work.metrics()["kept"] == 2
    work.values["clean"]["near_duplicate"]["mirrored"] = True
    work.clean()
    assert work.metrics()["dropped"] == {"near_duplicate": 1}
