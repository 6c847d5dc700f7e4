"""Whole runs of the collect stage, each in a process of its own, against servers of our own."""

import shutil
import time
import zipfile

import pytest
from answers import answers


def test_a_second_run_fetches_what_failed_for_a_time_and_nothing_else(web, workshop):
    web.sell("mug", ("one", "/a.jpg", "/busy.jpg"), ("two", "/gone.jpg", "/text.jpg"))
    web.routes |= {"/busy.jpg": answers(503), "/gone.jpg": answers(410), "/text.jpg": b"text"}
    workshop.shop(web, "mug")
    workshop.collect("shop")
    web.routes["/busy.jpg"] = web.image("b")
    before = web.asked.copy()
    workshop.collect("shop")
    assert workshop.statuses() == {
        "a.jpg": "saved",
        "busy.jpg": "saved",
        "gone.jpg": "failed_http",
        "text.jpg": "rejected_not_image",
    }
    asked_again = {path for path in web.asked - before if path.endswith("jpg")}
    assert asked_again == {"/busy.jpg"}
    assert len(workshop.rows(all_of_them=True)) == 5

    web.routes |= {"/gone.jpg": web.image("found"), "/text.jpg": b"another text"}
    before = web.asked.copy()
    out = workshop.collect("shop", "--retry-permanent")
    asked_again = {path for path in web.asked - before if path.endswith("jpg")}
    assert asked_again == {"/gone.jpg", "/text.jpg"}
    assert workshop.statuses()["gone.jpg"] == "saved"
    assert workshop.statuses()["text.jpg"] == "rejected_not_image"
    assert "took 0:0" in out


def test_only_a_crawl_can_ask_again(workshop):
    workshop.sources(own={"kind": "folder"})
    out = workshop.collect("own", "--retry-permanent", code=1)
    assert "own is no crawl" in out
    workshop.collect("own", "--retry-permanent", "--if-needed", code=2)


def test_if_needed_verifies_offline_and_takes_in_what_was_put_there(web, workshop):
    web.sell("mug", ("one", "/a.jpg"), ("two", "/busy.jpg"))
    web.routes["/busy.jpg"] = answers(503)
    workshop.shop(web, "mug")
    workshop.collect("shop", "--if-needed")
    state = (workshop.root / "data/raw/shop/run.json").read_text()
    web.shutdown()
    web.server_close()
    folder = workshop.root / "data/raw/shop/mug"
    (folder / "IMG 1.png").write_bytes(web.image("mine", "PNG"))

    out = workshop.run("-X", "importtime", "-m", "scraper.collect", "shop", "--if-needed")

    for module in ("scrapy", "twisted", "extruct", "tensorflow"):
        assert f" {module}\n" not in out
    assert workshop.statuses() == {
        "a.jpg": "saved",
        "busy.jpg": "failed_http",
        "IMG 1.png": "saved",
    }
    assert (workshop.root / "data/raw/shop/run.json").read_text() == state
    assert workshop.counts()["saved_by_class"] == {"mug": 2}
    before = workshop.rows(all_of_them=True)
    workshop.collect("shop", "--if-needed")
    assert workshop.rows(all_of_them=True) == before


def test_if_needed_fetches_what_vanished_and_what_changed_parameters_ask_for(web, workshop):
    web.sell("mug", *((f"m{n}", f"/{n}.jpg") for n in range(5)))
    web.sell("cup", ("c", "/cup.jpg"))
    workshop.shop(web, "mug", "cup", limit_per_class=2)
    workshop.collect("shop", "--if-needed")
    assert sorted(workshop.statuses()) == ["0.jpg", "1.jpg", "cup.jpg"]

    def fetched() -> set[str]:
        before = web.asked.copy()
        workshop.collect("shop", "--if-needed")
        return {path for path in web.asked - before if path.endswith("jpg")}

    (workshop.root / "data/raw/shop" / workshop.rows()["mug", "1.jpg"]["file"]).unlink()
    assert fetched() == {"/1.jpg"}
    shutil.rmtree(workshop.root / "data/raw/shop/cup")
    workshop.shop(web, "mug", limit_per_class=3)
    assert fetched() == {"/2.jpg"}
    assert workshop.statuses()["cup.jpg"] == "failed_missing"
    before = web.asked.copy()
    assert not fetched()  # what is left out is not missed
    assert web.asked == before


def test_a_limit_fills_in_the_order_of_the_listing(web, workshop):
    """The first ones count, though they answer last; what fails or is there twice does not."""

    def late(request) -> None:
        time.sleep(0.4)
        request.answer(request.server.image("late"))

    names = ["late", "gone", "twin", "a", "b", "c", "d", "e"]
    web.sell("mug", *((name, f"/{name}.jpg") for name in names), per_page=4)
    web.routes |= {"/late.jpg": late, "/gone.jpg": answers(404), "/twin.jpg": web.image("late")}
    workshop.shop(web, "mug", limit_per_class=3)
    workshop.collect("shop")
    assert workshop.statuses() == {
        "late.jpg": "saved",
        "gone.jpg": "failed_http",
        "twin.jpg": "duplicate",
        "a.jpg": "saved",
        "b.jpg": "saved",
    }
    assert not {"/c.jpg", "/d.jpg", "/e.jpg"} & set(web.asked)
    before = web.asked.copy()
    workshop.collect("shop")
    assert not any(path.endswith("jpg") for path in web.asked - before)


def test_equal_images_and_a_product_in_two_categories(web, workshop):
    """Stored once in a class, under the first address whichever came first; and in both classes."""

    def late(request) -> None:
        time.sleep(0.4)
        request.answer(request.server.image("same"))

    web.sell("mug", ("one", "/a.jpg"), ("two", "/b.jpg"), ("both", "/both.jpg"))
    web.sell("cup", ("both", "/both.jpg"))
    web.routes |= {"/a.jpg": late, "/b.jpg": web.image("same")}
    # the address of a product will do for that of a category
    categories = {"mug": "/mug/", "cup": "/cup/", "one of them": "/p/both"}
    workshop.shop(web, classes=categories)
    workshop.collect("shop")
    rows = workshop.rows()
    assert {key: row["status"] for key, row in rows.items()} == {
        ("mug", "a.jpg"): "saved",
        ("mug", "b.jpg"): "duplicate",
        ("mug", "both.jpg"): "saved",
        ("cup", "both.jpg"): "saved",
        ("one of them", "both.jpg"): "saved",
    }
    assert rows["mug", "a.jpg"]["file"] == rows["mug", "b.jpg"]["file"]
    assert len({row["file"] for row in rows.values()}) == 4
    assert workshop.counts()["duplicate"] == 1


@pytest.mark.timeout(900)
def test_the_demo_shop_is_the_same_shop_at_another_port(workshop):
    shop = {"kind": "spider", "spider": "shop", "url": "demo", "limit_per_class": 5}
    workshop.sources(shop=shop | {"classes": {"mug": "/mugs/"}})
    workshop.collect("shop")
    before = workshop.rows(all_of_them=True)
    assert sum(row["status"] == "saved" for row in before) == 5
    workshop.collect("shop")
    assert workshop.rows(all_of_them=True) == before


def test_what_an_archive_has_and_nobody_can_use_is_counted(workshop, web):
    """In the table, in the numbers, and again where nothing is fetched."""
    table = "file,label\n1.jpg,mug\n2.jpg,\nnone.jpg,hat\n"
    images = {f"{n}.jpg": web.image(str(n)) for n in (1, 2)}
    with zipfile.ZipFile(workshop.root / "x.zip", "w") as packed:
        for name, content in {"t.csv": table, **images, ".hidden/1.jpg": images["1.jpg"]}.items():
            packed.writestr(name, content)
    index = {"file": "csv$", "path_column": "file", "label_column": "label"}
    workshop.sources(set={"kind": "archive", "url": "x.zip", "index": index})
    for option in ([], ["--if-needed"]):
        said = workshop.collect("set", *option)
        assert "left out, images that a table names and the archive lacks: 1 (none.jpg)" in said
        assert "left out, images without a label: 1 (2.jpg)" in said
        assert workshop.counts("set")["left_out"] == {
            "images that a table names and the archive lacks": 1,
            "images without a label": 1,
        }
