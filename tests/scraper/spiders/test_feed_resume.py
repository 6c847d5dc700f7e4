"""Feeds and tables that a kill interrupts, and such as are large."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest

COUNT = 12
MOST = 15_000  # KiB that reading may add


def feed(web) -> tuple[str, dict]:
    rows = "".join(
        f"<item><g:id>{n}</g:id><g:image_link>{web.url}/{n}.jpg</g:image_link>"
        "<g:product_type>Mugs</g:product_type></item>"
        for n in range(COUNT)
    )
    text = f'<rss xmlns:g="http://base.google.com/ns/1.0"><channel>{rows}</channel></rss>'
    return text, {"kind": "spider", "spider": "feed", "classes": {"mug": "Mugs"}}


def table(web) -> tuple[str, dict]:
    rows = [f"{web.url}/{n}.jpg,mug" for n in range(COUNT)]
    return "\n".join(["url,label", *rows]), {"kind": "addresses", "classes": None}


@pytest.mark.parametrize("made", [feed, table])
def test_after_a_kill_nothing_is_fetched_twice(web, workshop, made):
    running: list[subprocess.Popen] = []

    def serve(number: int):
        def answer(request) -> None:
            if number in (5, 9) and running:
                os.kill(running.pop().pid, signal.SIGKILL)
            else:
                request.answer(web.image(f"image {number}"))

        return answer

    content, source = made(web)
    web.routes |= {f"/{n}.jpg": serve(n) for n in range(COUNT)} | {"/list": content}
    workshop.sources(made=source | {"url": f"{web.url}/list", "allow_private": [web.host]})
    for _ in range(2):
        before = web.asked.copy()
        there = workshop.root / "data/raw/made/manifest.jsonl"
        had = set(workshop.statuses("made")) if there.exists() else set()
        command = [sys.executable, "-m", "scraper.collect", "made", "--if-needed"]
        environment = {**os.environ, "PYTHONPATH": str(workshop.repository)}
        process = subprocess.Popen(
            command, cwd=workshop.root, env=environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        running.append(process)
        process.wait()
        assert not {f"/{name}" for name in had} & set(web.asked - before)
    running.clear()
    workshop.collect("made", "--if-needed")
    assert set(workshop.statuses("made").values()) <= {"saved", "duplicate"}
    assert len(workshop.statuses("made")) == COUNT
    assert web.asked["/list"] == 1  # the download of a killed run serves the next one


MEASURE = """
import resource, sys, tracemalloc
from itertools import islice
from pathlib import Path
from scraper.feeds.filing import Filing
from scraper.feeds.kinds import kind_of
from scraper.feeds.opening import head_of
from scraper.feeds.read import items
path = Path(sys.argv[1])
kind, filing, found = kind_of(head_of(path)), Filing({"mug": ["Mugs"]}), 0
products = items(path, kind, "https://shop.example/feed")
next(products)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for item in products:
    found += bool(filing.labels(item.categories))
print(found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("kind", ["xml", "tsv"])
def test_memory_stays_flat_whatever_the_number_of_products(tmp_path, workshop, kind):
    path, count = tmp_path / "feed", 50_000
    words = "word " * 20
    with path.open("w") as out:
        if kind == "tsv":
            out.write("id\ttitle\timage_link\tproduct_type\tdescription\n")
            for n in range(count):
                filed = "Mugs" if n % 10 == 0 else f"Others > {n % 500}"
                out.write(f"{n}\tT\thttps://i.example/{n}.jpg\t{filed}\t{words}\n")
        else:
            out.write('<rss xmlns:g="http://base.google.com/ns/1.0"><channel>')
            for n in range(count):
                filed = "Mugs" if n % 10 == 0 else f"Others > {n % 500}"
                out.write(
                    f"<item><g:id>{n}</g:id><g:image_link>https://i.example/{n}.jpg</g:image_link>"
                    f"<g:product_type>{filed}</g:product_type><d>a & b {words}</d></item>\n"
                )
            out.write("</channel></rss>")
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(MEASURE), str(path)],
        env={**os.environ, "PYTHONPATH": str(workshop.repository)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found, grown = map(int, done.stdout.split())
    assert found == count // 10 - 1  # the first is read before the measurement
    assert grown < MOST
