"""The page of the clean stage."""

import re
from typing import Any

import pytest

from pipeline import paths
from pipeline.manifest import Reason, Row, Status


def report() -> str:
    return (paths.RESULTS / "clean" / "report.html").read_text(encoding="utf-8")


def part(name: str) -> str:
    """The part of the page below the heading of this id, without line breaks."""
    return " ".join(re.split("<h2", report().split(f'<h2 id="{name}">')[1])[0].split())


def attempt(
    work: Any, status: Status, source: str = "own", label: str = "mug", **columns: Any
) -> None:
    """Add a row of an image that was not saved."""
    values = {"image_url": f"http://shop.example/{status}/{work._urls}.jpg"} | columns
    work._urls += 1
    with (paths.RAW / source / paths.MANIFEST).open("a") as manifest:
        manifest.write(Row(status=status, label=label, **values).to_json() + "\n")


def test_the_page(work, make) -> None:
    original = make.next()
    work.add(make.encoded(original), title="<script>alert(1)</script>", page_url="javascript:x()")
    work.add(make.recompressed(original), reason=Reason.NEAR_DUPLICATE)
    work.add(make.truncated(), label="<b>", reason=Reason.TRUNCATED)
    work.clean()
    page = (paths.RESULTS / "clean" / "report.html").read_text()
    assert "near duplicate" in page
    assert "of 256 bits, difference 0.0" in page
    assert "&lt;b&gt;" in page
    for bad in ("<script>alert", "javascript:", 'src="http', "<link", "url("):
        assert bad not in page


def test_of_many_copies_the_page_shows_some(work, make) -> None:
    image = make.next()
    for quality in range(60, 72):
        work.add(make.encoded(image, quality=quality))
    work.clean()
    page = (paths.RESULTS / "clean" / "report.html").read_text()
    assert page.count("<figure") == 8
    assert "and 4 more" in page


def test_the_page_counts_what_each_source_did_not_give(work, make) -> None:
    """By reason. An image that came later counts no more; a class that nobody asks for neither."""
    work.source("shop", ["mug"])
    for source in ("own", "shop"):
        work.add(make.encoded(make.next()), source=source)
    for _ in range(8):
        attempt(work, Status.REJECTED_NOT_IMAGE, "shop")
    attempt(
        work, Status.FAILED_HTTP, "shop", error="404 <Not Found>", image_url="http://a.example/b"
    )
    attempt(work, Status.FAILED_HTTP, "shop", "Mug")
    attempt(work, Status.FAILED_HTTP, "shop", "hat")
    attempt(work, Status.FAILED_TIMEOUT, "shop", image_url="http://a.example/later.jpg")
    work.add(make.encoded(make.next()), source="shop", image_url="http://a.example/later.jpg")
    attempt(work, Status.FAILED_UNREADABLE, "own", image_url="mug/locked.jpg")
    work.clean()
    rows = re.findall(r"<tr><td>(\w+)</td><td>(\d+)</td><td[^>]*>([^<]+)<", part("not-taken"))
    assert rows == [
        ("own", "1", "failed unreadable"),
        ("shop", "2", "failed http"),
        ("shop", "8", "rejected not image"),
    ]
    assert "http://a.example/b (404 &lt;Not Found&gt;)" in part("not-taken")


def test_without_a_loss_the_page_says_so(work, make) -> None:
    work.add(make.encoded(make.next()))
    work.clean()
    assert "collect took every image" in part("not-taken")


@pytest.mark.parametrize(
    ("address", "links"),
    [
        ("https://shop.example/mug", True),
        ("http://localhost.example/mug", True),
        ("http://localhost:8000/mug", True),
        ("http://demo-shop.localhost/mug", False),
        ("http://Demo-Shop.LOCALHOST:8080/mug", False),
        ("http://demo-shop.localhost./mug", False),
        ("http://[half/mug", False),
        ("file:///etc/passwd", False),
    ],
)
def test_only_a_page_that_can_be_opened_is_linked(work, make, address: str, links: bool) -> None:
    work.add(make.tiny(), page_url=address, reason=Reason.TOO_SMALL)
    work.clean()
    assert (f'href="{address}"' in report()) is links


def test_a_license_without_a_name_is_named_by_its_address(work, make) -> None:
    for license_url in (
        None,
        "javascript:x()",
        "http://demo-shop.localhost/terms",
        "https://a.example/x",
    ):
        work.add(make.encoded(make.next()), license=None, license_url=license_url)
    work.clean()
    table = part("sources")
    rows = re.findall(r'<td class="words">(.*?)</td><td>(\d+)</td>', table)
    assert sorted(rows) == [
        ('<a href="https://a.example/x" rel="noreferrer">https://a.example/x</a>', "1"),
        ("http://demo-shop.localhost/terms", "1"),
        ("not stated", "2"),
    ]


def test_an_image_has_the_name_that_people_know(work, make) -> None:
    """Its name in a person's folder, else its title, else its file."""
    work.add(make.tiny(), image_url="mug/IMG 1.heic", title="Not this", reason=Reason.TOO_SMALL)
    work.add(make.blank(), title="Red <mug>", reason=Reason.BLANK)
    sha256 = work.add(make.truncated(), reason=Reason.TRUNCATED)
    work.clean()
    names = re.findall(r'<span class="file">(.*?)</span>', part("dropped"))
    assert sorted(names) == ["Red &lt;mug&gt;", "mug/IMG 1.heic", f"own/mug/{sha256}.jpg"]


def test_one_set_is_one_and_none_is_none(work, make) -> None:
    image = make.next()
    work.add(make.encoded(image))
    work.add(make.recompressed(image), reason=Reason.NEAR_DUPLICATE)
    work.clean()
    assert ">1 set<" in part("duplicates")
    assert ">0 sets<" in part("conflicts")


def test_of_many_names_there_are_three_and_a_number(work, make) -> None:
    work.add(make.encoded(make.next()))
    for number in range(40):
        work.add(make.encoded(make.next()), f"c{number:02}", "gone", unasked=True)
    work.clean()
    assert part("left-out").count(".jpg") == 3
    assert "and 37 more" in part("left-out")
