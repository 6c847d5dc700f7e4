"""Images that many products show: they are placeholders, and join nothing."""

import hashlib

import pytest
from PIL import Image, ImageDraw

from pipeline import paths
from pipeline.manifest import Reason
from pipeline.review.catalog import read_catalog


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
    assert 'Placeholders <span class="count">1 set<' in page
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


@pytest.mark.parametrize("own_bytes", [True, False])
def test_one_product_of_many_sellers_is_no_placeholder(work, make, own_bytes: bool) -> None:
    front, back = hub("portrait", make, 12), hub("portrait", make, 12)
    for n in range(12):
        for view in (front, back):
            image = view[n if own_bytes else 0]
            work.add(image, product_id=f"seller {n}", title="Mug  Blue" if n % 2 else "mug blue")
    work.clean()
    assert work.metrics()["kept"] == 2
    assert "placeholder" not in work.metrics()["dropped"]
    assert len({row["group"] for row in work.rows(verdict="keep")}) == 1


@pytest.mark.parametrize("own_bytes", [True, False])
@pytest.mark.parametrize("title", ["shirt {}", "shirt"])
def test_a_chart_is_one_whatever_the_titles(work, make, own_bytes: bool, title: str) -> None:
    for n, content in enumerate(hub("chart", make, 12)):
        charts = {"product_id": f"p {n}", "title": title.format(n)}
        work.add(content if own_bytes else make.encoded(chart()), **charts)
        work.add(make.encoded(make.next()), **charts)
    work.clean()
    assert work.metrics()["dropped"] == {"placeholder": 12 if own_bytes else 1}
    assert len({row["group"] for row in work.rows(verdict="keep")}) == 12


def test_a_person_keeps_an_image_of_a_hub(work, make) -> None:
    shared = hub("portrait", make, 6)
    products(work, make, shared)
    kept = hashlib.sha256(shared[3]).hexdigest()
    work.decide(kept, "keep")
    work.clean()
    assert work.metrics()["dropped"] == {"placeholder": 5}
    assert kept in {row["sha256"] for row in work.rows(verdict="keep")}
    assert len({row["group"] for row in work.rows(verdict="keep")}) == 7
