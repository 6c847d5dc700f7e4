"""Whole runs of the collect stage, each in a process of its own, against servers of our own."""

import gzip
import hashlib
import shutil
import socket
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.manifest import Row, Status
from scraper.counts import metrics
from scraper.settings import DOWNLOAD_MAXSIZE


def redirect(to: str):
    return lambda request: request.answer(b"", 302, Location=to)


def status(code: int):
    return lambda request: request.answer(b"sorry", code)


def cut_short(request) -> None:
    request.answer(request.server.image("cut")[:-10], Content_Length="5000")
    request.close_connection = True


def endless(request) -> None:
    """More than is allowed, without saying so before."""
    request.send_response(200)
    request.send_header("Transfer-Encoding", "chunked")
    request.end_headers()
    while True:  # until the client hangs up
        request.wfile.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")


def zipped(request) -> None:
    request.answer(gzip.compress(request.server.image("z")), Content_Encoding="gzip")


def bomb(request) -> None:
    request.answer(gzip.compress(bytes(DOWNLOAD_MAXSIZE + 1), 1), Content_Encoding="gzip")


@pytest.fixture
def other(web):
    """A server of the same private network that no source allows."""
    with type(web)() as other:
        other.routes["/x.jpg"] = other.image("secret")
        yield other


def test_every_candidate_ends_in_one_row(web, other, workshop):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"127.0.0.1:{closed.getsockname()[1]}"
    kinds = {"e.png": "PNG", "f.webp": "WEBP", "g.avif": "AVIF", "h.gif": "GIF"}
    expected = {
        "a.jpg": "saved",
        "b.jpg": "duplicate",
        "c.jpg": "saved",
        "moved.jpg": "saved",
        "zipped.jpg": "saved",
        **dict.fromkeys(kinds, "saved"),
        "page.jpg": "rejected_not_image",
        "empty.jpg": "rejected_not_image",
        "drawing.svg": "rejected_format",
        "claims.jpg": "rejected_too_large",
        "endless.jpg": "rejected_too_large",
        "bomb.jpg": "rejected_too_large",
        "hidden.jpg": "rejected_robots",
        "meta-data": "rejected_address",
        "named.jpg": "rejected_address",
        "sideways.jpg": "rejected_address",
        "gone.jpg": "failed_http",
        "broken.jpg": "failed_http",
        "round.jpg": "failed_http",
        "short.jpg": "failed_truncated",
        "refused.jpg": "failed_connection",
        "nowhere.jpg": "failed_connection",
    }
    web.routes |= {
        "/robots.txt": "User-agent: *\nDisallow: /secret/\n",
        "/a.jpg": web.image("a"),
        "/b.jpg": web.image("a"),
        "/moved.jpg": redirect("/c2.jpg"),
        "/c2.jpg": web.image("moved"),
        "/zipped.jpg": zipped,
        **{f"/{name}": web.image(name, kind) for name, kind in kinds.items()},
        "/page.jpg": "<!doctype html><title>Sorry</title>",
        "/empty.jpg": b"",
        "/drawing.svg": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        "/claims.jpg": lambda r: r.answer(b"x", Content_Length=str(DOWNLOAD_MAXSIZE + 1)),
        "/endless.jpg": endless,
        "/bomb.jpg": bomb,
        "/sideways.jpg": redirect(f"{other.url}/x.jpg"),
        "/gone.jpg": status(404),
        "/broken.jpg": status(500),
        "/round.jpg": redirect("/round.jpg"),
        "/short.jpg": cut_short,
        "/secret/hidden.jpg": web.image("hidden"),
    }  # fmt: skip
    elsewhere = [
        "http://169.254.169.254/latest/meta-data",
        f"http://localhost:{other.server_port}/named.jpg",
        f"http://{nobody}/refused.jpg",
        "http://nowhere.invalid/nowhere.jpg",
        "file:///etc/passwd",  # is no candidate at all
        "ftp://files.invalid/x.jpg",
        "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==",
    ]
    here = [f"/{name}" for name in expected if not any(name in url for url in elsewhere)]
    here[here.index("/hidden.jpg")] = "/secret/hidden.jpg"
    web.sell("mug", ("one", *here), ("two", *elsewhere))
    workshop.shop(web, "mug", allow_private=[web.host, nobody], license="CC0")

    out = workshop.collect("shop")

    assert workshop.statuses() == expected
    rows = workshop.rows(all_of_them=True)
    # of the equal images either may come first; if it is b.jpg, a second row makes it a duplicate
    second = [row["status"] for row in rows if row["image_url"].endswith("/b.jpg")]
    assert second in (["duplicate"], ["saved", "duplicate"])
    assert len(rows) == len(expected) - 1 + len(second)
    assert not other.asked
    assert "/secret/hidden.jpg" not in web.asked
    assert web.asked["/gone.jpg"] == 1
    assert web.asked["/broken.jpg"] == 3
    for row in rows:
        assert row["page_url"].startswith(f"{web.url}/p/")
        assert row["product_id"] in ("SKU-one", "SKU-two")
        assert row["license"] == "CC0"
        assert row["fetched_at"].endswith("+00:00")
        assert (row["error"] is None) == (row["status"] in ("saved", "duplicate"))
        if row["status"] == "saved":
            content = (workshop.root / "data/raw/shop" / row["file"]).read_bytes()
            assert row["file"] == f"mug/{row['sha256']}.{Path(row['file']).suffix[1:]}"
            assert row["sha256"] == hashlib.sha256(content).hexdigest()
            assert (row["bytes"], row["width"], row["height"]) == (len(content), 24, 18)
    saved = workshop.rows()["mug", "g.avif"]
    assert saved["format"] == "avif"
    assert workshop.rows()["mug", "gone.jpg"]["http_status"] == 404
    counts = workshop.counts()
    assert counts["candidates"] == len(expected)
    assert counts["saved_by_class"] == {"mug": counts["saved"]}
    kept = [counts[k] for k in ("saved", "duplicate", "rejected", "failed")]
    assert kept == [8, 1, 10, 6]
    assert "rejected robots" in out


@given(
    st.lists(
        st.builds(
            lambda n, label, s: Row(status=s, label=label, image_url=str(n)),
            st.integers(0, 30),
            st.sampled_from(["mug", "cup", "left out"]),
            st.sampled_from(Status),
        )
    )
)
def test_counts_add_up(rows):
    """Candidates are saved, duplicate, rejected or failed, whatever statuses there will be."""
    rows = list({row.key: row for row in rows}.values())
    counts = metrics(rows, ["cup", "mug"])
    assert counts["candidates"] == sum(row.label != "left out" for row in rows)
    ends = [counts[kind] for kind in ("saved", "duplicate", "rejected", "failed")]
    assert sum(ends) == counts["candidates"]
    assert sum(counts["saved_by_class"].values()) == counts["saved"]


def test_a_second_run_fetches_what_failed_for_a_time_and_nothing_else(web, workshop):
    web.sell("mug", ("one", "/a.jpg", "/busy.jpg"), ("two", "/gone.jpg", "/text.jpg"))
    web.routes |= {"/busy.jpg": status(503), "/gone.jpg": status(410), "/text.jpg": b"text"}
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
    web.routes["/busy.jpg"] = status(503)
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
    web.routes |= {"/late.jpg": late, "/gone.jpg": status(404), "/twin.jpg": web.image("late")}
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
