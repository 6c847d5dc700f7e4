"""Which of several images stays, what is a conflict, and what stays together."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from pipeline import paths
from pipeline.clean.duplicates import Sets
from pipeline.manifest import Reason
from pipeline.review.catalog import read_catalog


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


def test_a_placeholder_joins_nothing(work, make) -> None:
    placeholder = make.encoded(make.next())
    for n in range(6):
        work.add(make.encoded(make.next()), product_id=f"p {n}")
        work.add(placeholder, product_id=f"p {n}")
    work.clean()
    assert len({row["group"] for row in work.rows(verdict="keep")}) == 6
    (row,) = work.rows(verdict="drop")
    assert row["reason"] == Reason.PLACEHOLDER


def test_the_placeholder_goes_before_the_conflict(work, make) -> None:
    placeholder = make.encoded(make.next())
    for n in range(6):
        for label in ("cup", "mug"):
            work.add(placeholder, label, product_id=f"{label} {n}")
    work.clean()
    assert work.metrics()["dropped"] == {"placeholder": 2}


def test_one_product_listed_often_is_no_placeholder(work, make) -> None:
    content = make.encoded(make.next())
    for _ in range(8):
        work.add(content, product_id="p 1")
    work.clean()
    assert work.metrics()["kept"] == 1


def test_mirror_images_are_duplicates_on_request(work, make) -> None:
    image = make.next()
    for content in (image, image.transpose(0)):
        work.add(make.encoded(content))
    work.clean()
    assert work.metrics()["kept"] == 2
    work.values["clean"]["near_duplicate"]["mirrored"] = True
    work.clean()
    assert work.metrics()["dropped"] == {"near_duplicate": 1}


def chart() -> Image.Image:
    """A size chart."""
    image = Image.new("RGB", (320, 240), "white")
    pen = ImageDraw.Draw(image)
    for row in range(6):
        for column, text in enumerate((f"EU {36 + row}", f"US {5 + row}", f"{22 + row} cm")):
            x, y = 20 + 95 * column, 15 + 36 * row
            pen.rectangle((x, y, x + 95, y + 36), outline="black")
            pen.text((x + 47, y + 18), text, "black", anchor="mm", font_size=20)
    return image


def products(work, make, shared: list[bytes], label: str = "mug") -> None:
    """For each shared image a product, which has another image too."""
    for n, content in enumerate(shared):
        work.add(make.encoded(make.next()), label, product_id=f"{label} {n}")
        work.add(content, label, product_id=f"{label} {n}")


def hub(kind: str, make, count: int) -> list[bytes]:
    """One image in as many files as there are products."""
    image = chart() if kind == "chart" else make.next((400, 300))
    if kind == "sizes":
        shapes = [image.resize((400 - 8 * n, 300 - 6 * n)) for n in range(count)]
        return [make.encoded(shape) for shape in shapes]
    if kind == "comments":
        return [make.encoded(image, comment=f"product {n}".encode()) for n in range(count)]
    return [make.encoded(image, quality=95 - n) for n in range(count)]


@pytest.mark.parametrize("kind", ["chart", "portrait", "sizes", "comments"])
def test_what_many_products_show_in_bytes_of_their_own_joins_nothing(work, make, kind) -> None:
    products(work, make, hub(kind, make, 12))
    work.clean()
    assert work.metrics()["dropped"] == {"placeholder": 12}
    kept = work.rows(verdict="keep")
    assert len({row["group"] for row in kept}) == len(kept) == 12
    assert len({row["duplicate_of"] for row in work.rows(verdict="drop")} - {""}) == 1
    page = (paths.RESULTS / "clean" / "report.html").read_text()
    assert 'Placeholders <span class="count">1 sets' in page
    (shown,) = [s for s in read_catalog(work.params).sets if len(s.rows) == 12]
    assert shown.kind == "duplicates"


def test_a_hub_under_two_classes_is_no_label_conflict(work, make) -> None:
    shared = hub("chart", make, 12)
    products(work, make, shared[:6], "mug")
    products(work, make, shared[6:], "cup")
    work.clean()
    assert work.metrics()["dropped"] == {"placeholder": 12}
    assert work.metrics()["kept"] == 12


def test_files_of_a_hub_count_together(work, make) -> None:
    """One file of many products, and another of the same image that few show."""
    many, one, few = hub("portrait", make, 3)
    products(work, make, [many] * 6 + [one])
    work.add(few, product_id="none of them")
    work.clean()
    assert work.metrics()["dropped"] == {"placeholder": 3}


@pytest.mark.parametrize("change", [{"other_bytes": False}, {"min_products": 8}])
def test_what_fewer_products_show_is_a_duplicate(work, make, change: dict[str, int]) -> None:
    products(work, make, hub("portrait", make, 6))
    work.values["clean"]["placeholder"] |= change
    work.clean()
    assert work.metrics()["dropped"] == {"near_duplicate": 5}
    assert len({row["group"] for row in work.rows(verdict="keep")}) == 1


def test_a_flagged_hub_joins_nothing(work, make) -> None:
    products(work, make, hub("portrait", make, 6))
    work.values["clean"]["placeholder"]["action"] = "flag"
    work.clean()
    assert work.metrics()["flagged"] == {"placeholder": 1}
    assert len({row["group"] for row in work.rows(verdict="keep")}) == 7


def test_views_of_one_product_are_no_hub(work, make) -> None:
    for content in hub("portrait", make, 8):
        work.add(content, product_id="p 1")
    work.clean()
    assert work.metrics()["dropped"] == {"near_duplicate": 7}


def test_what_is_dropped_as_a_conflict_joins_nothing(work, make) -> None:
    for label, content in zip(("cup", "mug"), hub("portrait", make, 2), strict=True):
        products(work, make, [content], label)
    work.clean()
    assert work.metrics()["dropped"] == {"label_conflict": 2}
    assert len({row["group"] for row in work.rows(verdict="keep")}) == 2
    assert len({row["group"] for row in work.rows(verdict="drop")}) == 1


def test_a_person_keeps_an_image_of_a_hub(work, make) -> None:
    shared = hub("portrait", make, 6)
    products(work, make, shared)
    kept = hashlib.sha256(shared[3]).hexdigest()
    work.decide(kept, "keep")
    work.clean()
    assert work.metrics()["dropped"] == {"placeholder": 5}
    assert kept in {row["sha256"] for row in work.rows(verdict="keep")}
    assert len({row["group"] for row in work.rows(verdict="keep")}) == 7
