"""A crawl that is killed again and again ends where one left alone does."""

import json
import multiprocessing
import os
import random
import signal
import time
from pathlib import Path

import pytest

from scraper import collect

KILLS = 10
PRODUCTS = 30
LIMIT = 40
CRAWLING = ("run", "downloader", "item_pipeline", "middlewares", "retry")
PRELOADED = [
    *(f"scraper.crawling.{name}" for name in CRAWLING),
    *(f"scraper.spiders.{name}" for name in ("shop", "commons", "open_food_facts", "openverse")),
    "scrapy.core.downloader.handlers.http11",
    "scrapy.core.scheduler",
    "scrapy.downloadermiddlewares.cookies",
    "scrapy.downloadermiddlewares.httpcompression",
    "scrapy.extensions.feedexport",
    "scrapy.pqueues",
]


class Killer:
    """Kills a process with SIGKILL in the middle of its n-th request, or a moment after it."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.victim: int | None = None
        self._counted = ""
        self._left = 0
        self._aims = 0

    def aim(self, victim: int, images: int) -> None:
        """In turns at a request for anything, and for an image where so many are to come."""
        # near the end hardly more than the first pages is sure to be asked for
        anything = PRODUCTS if images > PRODUCTS // 2 else 3
        choices = [("", anything), (".jpg", images // 2)]
        self._aims += 1
        self._counted, most = choices[self._aims % 2 if images > 1 else 0]
        self._left = self._rng.randint(most // 2, most) or 1
        self.victim = victim

    def strike(self, path: str, answer) -> None:
        """Called for each request, with what answers it."""
        self._left -= path.endswith(self._counted)
        hit = self.victim is not None and self._left == 0
        if not hit or self._rng.random() < 0.5:
            answer()
        if hit:
            time.sleep(self._rng.uniform(0, 0.01))  # in which dozens may be saved
            os.kill(self.victim, signal.SIGKILL)


@pytest.fixture
def shop(web):
    """A shop where most goes well; each route passes through `shop.killer`."""
    names = [f"n{n:02}" for n in range(PRODUCTS)]
    web.routes |= {f"/{name}.jpg": web.image(name * 2) for name in names}
    web.routes |= {
        "/robots.txt": "User-agent: *\nDisallow: /n11.jpg",
        "/n04.jpg": web.routes["/n09.jpg"],
        "/n21.jpg": web.routes["/n09.jpg"],
        "/n06.jpg": lambda request: request.answer(b"gone", 404),
        "/n07.jpg": lambda request: request.answer(b"busy", 503),
        "/n08.jpg": "<!doctype html>",
    }
    web.sell("mug", *((name, f"/{name}.jpg", f"/{name}b.jpg") for name in names), per_page=8)
    web.sell("cup", *((f"c{name}", f"/c{name}.jpg") for name in names[:9]), per_page=8)
    web.killer = Killer(random.Random(1))
    for path, route in web.routes.items():
        web.routes[path] = wrapped(web.killer, route)
    return web


def wrapped(killer: Killer, route):
    def handle(request) -> None:
        answer = (lambda: route(request)) if callable(route) else (lambda: request.answer(route))
        killer.strike(request.path, answer)

    return handle


@pytest.fixture(scope="module")
def processes():
    """Starts processes that have imported what a crawl needs, so that they are soon at it."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context


def saved(folder: Path) -> set[str]:
    """Paths, on the server, of the images that are saved or duplicates."""
    manifest = folder / "data/raw/shop/manifest.jsonl"
    if not manifest.exists():
        return set()
    rows = [json.loads(line) for line in manifest.read_text().split("\n")[:-1]]
    ends = {row["image_url"]: row["file"] for row in rows}
    return {f"/{url.rpartition('/')[2]}" for url, file in ends.items() if file}


def result(workshop) -> tuple:
    """The counting rows but for their times, and all other files but for what a disk notes."""
    rows = {key: row | {"fetched_at": None} for key, row in workshop.rows().items()}
    files = {
        str(path.relative_to(workshop.root)): path.read_bytes()
        for path in workshop.root.rglob("*")
        if path.is_file() and path.name != "manifest.jsonl" and ".cache" not in path.parts
    }
    return rows, files


def test_a_crawl_killed_ten_times_ends_as_one_left_alone(
    shop, workshop, tmp_path_factory, processes, monkeypatch
):
    alone = type(workshop)(tmp_path_factory.mktemp("alone"))
    for where in (alone, workshop):
        where.shop(shop, "mug", "cup", limit_per_class=LIMIT)

    def start():
        process = processes.Process(target=collect.main, args=[["shop"]])
        process.start()
        return process

    monkeypatch.chdir(alone.root)
    undisturbed = start()
    undisturbed.join()
    assert undisturbed.exitcode == 0
    whole = len(saved(alone.root))

    monkeypatch.chdir(workshop.root)
    progress = []
    for _ in range(KILLS):
        before, had = shop.asked.copy(), saved(workshop.root)
        process = start()
        shop.killer.aim(process.pid, whole - len(had))
        process.join()
        shop.killer.victim = None
        assert process.exitcode == -signal.SIGKILL
        assert not had & set(shop.asked - before)
        progress.append(len(saved(workshop.root)))
        leave_halves(workshop.root / "data/raw/shop")
    assert progress == sorted(progress)
    assert len(set(progress)) > 1  # how often differs with the load of the machine
    before, had = shop.asked.copy(), saved(workshop.root)
    last = start()
    last.join()
    assert last.exitcode == 0
    assert not had & set(shop.asked - before)
    assert result(workshop) == result(alone)


def leave_halves(folder: Path) -> None:
    """What a kill in the middle of writing leaves."""
    part = folder / "mug/.x.jpg.99.part"
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_bytes(b"half")
    with (folder / "manifest.jsonl").open("a") as manifest:
        manifest.write('{"status": "sav')
