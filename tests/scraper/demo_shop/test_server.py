"""The shop as a crawler meets it. All images are fetched once, for all tests here."""

import io
import itertools
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin
from urllib.robotparser import RobotFileParser

import extruct
import imagehash
import numpy as np
import pytest
import requests
from bs4 import BeautifulSoup
from PIL import Image

from scraper.demo_shop import catalogue, serve
from scraper.demo_shop.catalogue import CATEGORIES
from scraper.demo_shop.defects import PLANS, Defect


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    with serve() as address:
        yield address


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=8))
        yield session


@dataclass
class Answer:
    """How an image was answered; `seconds` to the end of its headers, before any redirect."""

    name: str
    status: int
    kind: str
    body: bytes
    whole: bool
    redirected: bool
    seconds: float


def _listing(shop: str, session: requests.Session, path: str) -> Iterator[BeautifulSoup]:
    """The pages of a category, by rel=next."""
    url: str | None = urljoin(shop, path)
    while url:
        page = session.get(url, timeout=30)
        assert page.status_code == 200
        html = BeautifulSoup(page.text, "lxml")
        yield html
        following = html.select_one("link[rel=next]")
        url = urljoin(url, str(following["href"])) if following else None


def _products(page: BeautifulSoup) -> list[str]:
    return [str(link["href"]) for link in page.select("ul.tiles li:not(.offer) a.product")]


@pytest.fixture(scope="module")
def listings(shop: str, session: requests.Session) -> dict[str, list[BeautifulSoup]]:
    return {c.label: list(_listing(shop, session, c.path)) for c in CATEGORIES}


@pytest.fixture(scope="module")
def answers(
    shop: str, session: requests.Session, listings: dict[str, list[BeautifulSoup]]
) -> dict[str, Answer]:
    def fetch(name: str) -> Answer:
        reply = session.get(f"{shop}photos/{name}", timeout=60, stream=True)
        try:
            body, whole = reply.content, True
        except requests.exceptions.ChunkedEncodingError:
            body, whole = b"", False
        first = reply.history[0] if reply.history else reply
        kind = reply.headers["content-type"]
        seconds = first.elapsed.total_seconds()
        return Answer(name, reply.status_code, kind, body, whole, bool(reply.history), seconds)

    names = [name for name, image in catalogue.images().items() if not image.private]
    with ThreadPoolExecutor(8) as threads:
        return {answer.name: answer for answer in threads.map(fetch, names)}


def test_listings_have_pages_of_products_in_the_catalogues_order(
    listings: dict[str, list[BeautifulSoup]],
) -> None:
    for label, pages in listings.items():
        shown = [_products(page) for page in pages]
        assert [len(page) for page in shown[:-1]] == [24] * (len(shown) - 1)
        wanted = [product.path for product in catalogue.listed(label)]
        assert list(itertools.chain(*shown)) == wanted
        assert not pages[-1].select("[rel=next]")


def _image(body: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(body))
    image.load()
    return image


def _seen_as(answer: Answer, times: Counter[bytes]) -> Defect | None:
    """A defect, by what a client sees of one answer and of how often its bytes came."""
    if answer.status == 404:
        return Defect.MISSING
    if not answer.whole:
        return Defect.SHORT_BODY
    if answer.body.startswith(b"<!doctype html>"):
        return Defect.HTML
    if times[answer.body] > 5:
        return Defect.PLACEHOLDER
    try:
        image = _image(answer.body)
    except OSError:
        return Defect.TRUNCATED
    if max(image.size) <= 48:
        return Defect.TINY
    if image.getcolors(maxcolors=1):
        return Defect.BLANK
    if answer.redirected:
        return Defect.REDIRECT
    return Defect.SLOW if answer.seconds > 0.99 else None


def test_defects_are_served_as_often_as_planned(answers: dict[str, Answer]) -> None:
    times = Counter(answer.body for answer in answers.values())
    for category in CATEGORIES:
        own = [a for a in answers.values() if a.name.startswith(category.label)]
        seen = Counter(_seen_as(a, times) for a in own)
        for defect in PLANS.keys() - {
            Defect.SAME_BYTES,
            Defect.RECOMPRESSED,
            Defect.RESIZED,
            Defect.SLOW,
        }:
            assert seen[defect] == PLANS[defect].products, (category.label, defect)
        assert seen[Defect.SLOW] >= PLANS[Defect.SLOW].products  # a busy machine adds to them
        bodies = Counter(a.body for a in own if a.body and times[a.body] <= 5)
        twice = [body for body, count in bodies.items() if count == 2]
        images = [body for body in twice if not body.startswith(b"<")]
        assert len(images) == PLANS[Defect.SAME_BYTES].products


def test_the_slow_answer_takes_a_second(answers: dict[str, Answer]) -> None:
    slow = [n for n, image in catalogue.images().items() if image.defect is Defect.SLOW]
    assert all(answers[name].seconds > 0.99 for name in slow)


def test_html_says_it_is_a_jpeg(answers: dict[str, Answer]) -> None:
    html = [n for n, image in catalogue.images().items() if image.defect is Defect.HTML]
    assert {answers[name].kind for name in html} == {"image/jpeg"}


def test_no_two_products_look_alike_except_as_planned(answers: dict[str, Answer]) -> None:
    unusual_but_clean = (None, Defect.REDIRECT, Defect.SLOW, Defect.TWO_CATEGORIES)
    images = catalogue.images()
    names = [name for name in answers if images[name].defect in unusual_but_clean]

    def bits(name: str) -> np.ndarray:
        return imagehash.phash(_image(answers[name].body), hash_size=16).hash.ravel()

    hashes = np.array([bits(name) for name in names]).astype(np.float32)
    distances = 256 - hashes @ hashes.T - (1 - hashes) @ (1 - hashes).T
    np.fill_diagonal(distances, 256)
    a, b = np.unravel_index(distances.argmin(), distances.shape)
    assert distances[a, b] > 24, (names[a], names[b])


def test_product_pages_carry_the_product_in_markup(shop: str, session: requests.Session) -> None:
    forms = set()
    for product in catalogue.listed("sneaker")[:40]:
        url = urljoin(shop, product.path)
        page = session.get(url, timeout=30).text
        data = extruct.extract(page, url, syntaxes=["json-ld", "opengraph"], uniform=True)
        items: list[dict[str, Any]] = []
        for item in data["json-ld"]:
            items += item.get("@graph", [item])
        (found,) = [item for item in items if item["@type"] == "Product"]
        assert any(item["@type"] == "BreadcrumbList" for item in items)
        assert found["sku"] == product.sku
        assert found["name"] == product.title
        assert found["offers"]["price"] == product.price
        images = found["image"] if isinstance(found["image"], list) else [found["image"]]
        addresses = [i["url"] if isinstance(i, dict) else i for i in images]
        wanted = [urljoin(shop, image.path) for image in product.images]
        assert [urljoin(url, address) for address in addresses] == wanted
        assert data["opengraph"][0]["og:image"] == wanted[0]
        forms.add((type(found["image"]), type(images[0]), addresses[0].startswith("http")))
    assert len(forms) == 4


def test_a_product_in_two_categories_is_one_page(
    listings: dict[str, list[BeautifulSoup]],
) -> None:
    shown = Counter(
        path for pages in listings.values() for page in pages for path in _products(page)
    )
    twice = [p.path for p in catalogue.products().values() if p.also]
    assert sorted(path for path, times in shown.items() if times == 2) == sorted(twice)
    assert max(shown.values()) == 2


def test_robots_txt_forbids_what_listings_link_to(
    shop: str, session: requests.Session, listings: dict[str, list[BeautifulSoup]]
) -> None:
    robots = RobotFileParser(f"{shop}robots.txt")
    robots.parse(session.get(f"{shop}robots.txt", timeout=30).text.splitlines())
    links = {
        str(a["href"])
        for pages in listings.values()
        for page in pages
        for a in page.select("a[href]")
    }
    forbidden = {link for link in links if not robots.can_fetch("*", urljoin(shop, link))}
    assert forbidden == {link for link in links if link.startswith("/private/")}
    assert "/private/offers/" in forbidden
    assert len(forbidden) == 1 + len(CATEGORIES)
    page = session.get(urljoin(shop, "/private/offers/"), timeout=30)
    assert len(BeautifulSoup(page.text, "lxml").select("a.product")) == len(catalogue.private())
    for product in catalogue.private():
        assert session.get(urljoin(shop, product.path), timeout=30).ok
        assert session.get(urljoin(shop, product.images[0].path), timeout=30).ok
    assert robots.site_maps() == [f"{shop}sitemap.xml"]


def test_the_sitemap_lists_every_public_page(shop: str, session: requests.Session) -> None:
    soup = BeautifulSoup(session.get(f"{shop}sitemap.xml", timeout=30).content, "xml")
    listed = [loc.text for loc in soup.select("loc")]
    public = [p.path for p in catalogue.products().values() if not p.private]
    assert listed == [urljoin(shop, path) for path in ["/", *(c.path for c in CATEGORIES), *public]]


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("", 200, "text/html; charset=utf-8"),
        ("shop.css", 200, "text/css; charset=utf-8"),
        ("photos/nothing.jpg", 404, "text/html; charset=utf-8"),
        ("mugs/?page=99", 404, "text/html; charset=utf-8"),
        ("mugs/?page=x", 404, "text/html; charset=utf-8"),
        ("private/photos/mug-001.jpg", 404, "text/html; charset=utf-8"),
        ("../../etc/passwd", 404, "text/html; charset=utf-8"),
    ],
)
def test_addresses(shop: str, session: requests.Session, path: str, status: int, kind: str) -> None:
    reply = session.get(shop + path, timeout=30)
    assert reply.status_code == status
    assert reply.headers["content-type"] == kind


def test_head_tells_the_length_and_sends_no_body(shop: str, session: requests.Session) -> None:
    got, head = session.get(f"{shop}mugs/", timeout=30), session.head(f"{shop}mugs/", timeout=30)
    assert head.headers["content-length"] == str(len(got.content))
    assert head.content == b""
    assert session.get(f"{shop}mugs/", timeout=30).content == got.content


def test_an_address_without_its_slash_is_sent_on(shop: str, session: requests.Session) -> None:
    assert session.get(f"{shop}mugs", timeout=30).url == f"{shop}mugs/"


def test_pages_load_nothing_from_elsewhere(shop: str, session: requests.Session) -> None:
    for path in ("", "mugs/", catalogue.listed("mug")[0].path[1:]):
        page = BeautifulSoup(session.get(shop + path, timeout=30).text, "lxml")
        loads = [str(tag.get("src") or tag.get("href")) for tag in page.select("[src], link[href]")]
        assert all(urljoin(shop, load).startswith(shop) for load in loads)
