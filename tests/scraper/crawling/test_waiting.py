"""How much waits at once in a crawl, and what becomes of it where the crawl is interrupted."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from scraper.settings import CANDIDATES_UNDER_WAY, CONCURRENT_REQUESTS_PER_HOST, DOWNLOAD_SLOTS

COUNT_WAITING = """
from scraper.collect import main
from scraper.crawling.item_pipeline import ImagePipeline
from scraper.spiders.addresses import AddressesSpider

take, process = AddressesSpider._image, ImagePipeline.process_item
taken = ended = most = 0

def counted(*arguments):
    global taken, most
    taken += 1
    most = max(most, taken - ended)
    return take(*arguments)

async def counting(*arguments):
    global ended
    try:
        return await process(*arguments)
    finally:
        ended += 1

AddressesSpider._image, ImagePipeline.process_item = counted, counting
main(["table"])
print("most:", most)
"""


def table(web, workshop, count: int, **more: object) -> None:
    """A source with `count` addresses of one image."""
    rows = [f"{web.url}/{n}.jpg,mug" for n in range(count)]
    (workshop.root / "table.csv").write_text("\n".join(["url,label", *rows]))
    source = {"kind": "addresses", "url": "table.csv", "allow_private": [web.host]}
    workshop.sources(table=source | more)


def test_a_large_table_is_not_taken_at_once(web, workshop):
    count = CANDIDATES_UNDER_WAY + 100
    table(web, workshop, count)
    enough = threading.Event()

    def answer(request) -> None:
        enough.wait(2)  # all rows could be taken meanwhile
        enough.set()
        request.answer(web.image("one"))

    web.routes |= {f"/{n}.jpg": answer for n in range(count)}
    out = workshop.run("-c", COUNT_WAITING)
    assert int(out.rpartition("most: ")[2]) <= CANDIDATES_UNDER_WAY + 1
    assert len(workshop.rows("table")) == count


AS_PUBLIC = """
from pipeline import addresses
from scraper import settings
from scraper.collect import main

addresses._is_public = lambda address: True
settings.AUTOTHROTTLE_ENABLED, settings.DOWNLOAD_DELAY = False, 0
main(["table"])
"""


def test_a_public_host_has_fewer_requests_under_way_than_ones_own(web, workshop):
    """Also where no pause between requests would keep them from it."""
    lock, under_way, most = threading.Lock(), 0, 0

    def answer(request) -> None:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        time.sleep(0.02)
        with lock:
            under_way -= 1
        request.answer(web.image("one"))

    table(web, workshop, 60, allow_private=[])
    web.routes |= {f"/{n}.jpg": answer for n in range(60)}
    workshop.run("-c", AS_PUBLIC)
    assert len(workshop.rows("table")) == 60
    assert 1 < most <= CONCURRENT_REQUESTS_PER_HOST < DOWNLOAD_SLOTS["own network"]["concurrency"]


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("host_is", ["slow", "patient", "busy", "moved"])
def test_an_interrupted_crawl_leaves_what_waits(web, workshop, host_is):
    """It waits for the answers that are due, and not for its turn to ask for more."""
    count, asked, over = 200, threading.Event(), threading.Event()

    def answer(request) -> None:
        asked.set()
        over.wait(60)
        if host_is == "busy":
            request.answer(b"", 429, Retry_After="100")
        elif host_is == "moved":
            request.answer(b"", 302, Location=f"/to{request.path}")
        else:
            request.answer(web.image(request.path))

    table(web, workshop, count)
    web.routes |= {f"/{n}.jpg": answer for n in range(count)}
    if host_is == "patient":
        web.routes["/robots.txt"] = "User-agent: *\nCrawl-delay: 9"
    with subprocess.Popen(
        [sys.executable, "-m", "scraper.collect", "table"],
        cwd=workshop.root,
        env={**os.environ, "PYTHONPATH": str(workshop.repository)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as running:
        assert asked.wait(60)
        running.send_signal(signal.SIGINT)
        over.set()
        try:
            out, _ = running.communicate(timeout=90)  # its turns would take half an hour, or 100 s
        finally:  # a crawl that does not end must not hold up the test
            running.kill()
    assert running.returncode == 130, out
    assert "Traceback" not in out
    had = (
        workshop.rows("table", all_of_them=True)
        if "manifest.jsonl" in workshop.files("table")
        else []
    )
    assert len(had) < count  # a few are asked for until the signal arrives
    assert {row["status"] for row in had} <= {"saved"}
    web.routes |= {"/robots.txt": ""} | {f"/{n}.jpg": web.image(f"/{n}.jpg") for n in range(count)}
    before = web.asked.copy()
    workshop.collect("table")
    assert set(workshop.statuses("table").values()) == {"saved"}
    assert len(workshop.rows("table")) == count
    assert (web.asked - before).total() == count - len(had) + 1  # and robots.txt
