"""Every candidate image of a crawl ends in one row."""

import gzip
import hashlib
import socket
from pathlib import Path

import pytest
from answers import answers, redirect
from hypothesis import given
from hypothesis import strategies as st

from pipeline.manifest import Row, Status
from scraper.counts import metrics
from scraper.settings import DOWNLOAD_MAXSIZE


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


KINDS = {"e.png": "PNG", "f.webp": "WEBP", "g.avif": "AVIF", "h.gif": "GIF"}
EXPECTED = {
    "a.jpg": "saved",
    "b.jpg": "duplicate",
    "c.jpg": "saved",
    "moved.jpg": "saved",
    "zipped.jpg": "saved",
    **dict.fromkeys(KINDS, "saved"),
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


def serve_every_kind(web, other) -> None:
    """A route for each kind of answer that an image's address can give."""
    web.routes |= {
        "/robots.txt": "User-agent: *\nDisallow: /secret/\n",
        "/a.jpg": web.image("a"),
        "/b.jpg": web.image("a"),
        "/moved.jpg": redirect("/c2.jpg"),
        "/c2.jpg": web.image("moved"),
        "/zipped.jpg": zipped,
        **{f"/{name}": web.image(name, kind) for name, kind in KINDS.items()},
        "/page.jpg": "<!doctype html><title>Sorry</title>",
        "/empty.jpg": b"",
        "/drawing.svg": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        "/claims.jpg": lambda r: r.answer(b"x", Content_Length=str(DOWNLOAD_MAXSIZE + 1)),
        "/endless.jpg": endless,
        "/bomb.jpg": bomb,
        "/sideways.jpg": redirect(f"{other.url}/x.jpg"),
        "/gone.jpg": answers(404),
        "/broken.jpg": answers(500),
        "/round.jpg": redirect("/round.jpg"),
        "/short.jpg": cut_short,
        "/secret/hidden.jpg": web.image("hidden"),
    }  # fmt: skip


def assert_traceable(row: dict, web, folder: Path) -> None:
    """The row says where its image came from, and its file holds what the row says."""
    assert row["page_url"].startswith(f"{web.url}/p/")
    assert row["product_id"] in ("SKU-one", "SKU-two")
    assert row["license"] == "CC0"
    assert row["fetched_at"].endswith("+00:00")
    assert (row["error"] is None) == (row["status"] in ("saved", "duplicate"))
    if row["status"] == "saved":
        content = (folder / row["file"]).read_bytes()
        assert row["file"] == f"mug/{row['sha256']}.{Path(row['file']).suffix[1:]}"
        assert row["sha256"] == hashlib.sha256(content).hexdigest()
        assert (row["bytes"], row["width"], row["height"]) == (len(content), 24, 18)


def test_every_candidate_ends_in_one_row(web, other, workshop):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"127.0.0.1:{closed.getsockname()[1]}"
    serve_every_kind(web, other)
    elsewhere = [
        "http://169.254.169.254/latest/meta-data",
        f"http://localhost:{other.server_port}/named.jpg",
        f"http://{nobody}/refused.jpg",
        "http://nowhere.invalid/nowhere.jpg",
        "file:///etc/passwd",  # is no candidate at all
        "ftp://files.invalid/x.jpg",
        "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==",
    ]
    here = [f"/{name}" for name in EXPECTED if not any(name in url for url in elsewhere)]
    here[here.index("/hidden.jpg")] = "/secret/hidden.jpg"
    web.sell("mug", ("one", *here), ("two", *elsewhere))
    workshop.shop(web, "mug", allow_private=[web.host, nobody], license="CC0")

    out = workshop.collect("shop")

    assert workshop.statuses() == EXPECTED
    rows = workshop.rows(all_of_them=True)
    # of the equal images either may come first; if it is b.jpg, a second row makes it a duplicate
    second = [row["status"] for row in rows if row["image_url"].endswith("/b.jpg")]
    assert second in (["duplicate"], ["saved", "duplicate"])
    assert len(rows) == len(EXPECTED) - 1 + len(second)
    assert not other.asked
    assert "/secret/hidden.jpg" not in web.asked
    assert web.asked["/gone.jpg"] == 1
    assert web.asked["/broken.jpg"] == 3
    for row in rows:
        assert_traceable(row, web, workshop.root / "data/raw/shop")
    saved = workshop.rows()["mug", "g.avif"]
    assert saved["format"] == "avif"
    assert workshop.rows()["mug", "gone.jpg"]["http_status"] == 404
    counts = workshop.counts()
    assert counts["candidates"] == len(EXPECTED)
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
