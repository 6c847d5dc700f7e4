"""`python -m scraper.preview URL`: what would the shop spider take from that page, and why not?"""

import argparse
import mimetypes
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from bs4 import BeautifulSoup
from scrapy.http import Headers, TextResponse
from scrapy.responsetypes import responsetypes
from scrapy.robotstxt import ProtegoRobotParser
from tabulate import tabulate

from pipeline.addresses import FetchError, RefusedAddressError, ask, check_url, host_port
from pipeline.cli import UserError, run
from pipeline.formats import BY_SUFFIX
from pipeline.params import load_params
from pipeline.paths import PARAMS
from pipeline.sources import SpiderSource
from scraper.crawling.run import own_network
from scraper.crawling.selection import Candidate, check
from scraper.examine import RejectedError
from scraper.reading.canonical import Place, is_view, place
from scraper.reading.img import shown_pictures
from scraper.reading.links import breadcrumb, link_texts, menu, source_yaml
from scraper.reading.markup import Listing, Photo, Product, read_listing, read_product
from scraper.reading.optout import page_opt_out
from scraper.reading.pages import Page
from scraper.settings import DOWNLOAD_MAXSIZE, DOWNLOAD_TIMEOUT, USER_AGENT
from scraper.spiders.shop import classes_of

_SHOWN = 30  # rows of a table
_WIDTH = 60  # characters of a title


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m scraper.preview",
        description="Fetch one page and show what the shop spider would take from it: products, "
        "pictures with their declared size, categories, next page, and what robots.txt and the "
        "page itself say to robots. Nothing is stored. Where params.yaml has a source at the same "
        "host, its rules (min_side, formats, licenses) judge the pictures.",
    )
    parser.add_argument("url", help="of a shop, a category or a product; your own network is fine")
    parser.add_argument(
        "--source-yaml",
        action="store_true",
        help="print an entry for `sources` in params.yaml instead",
    )
    options = parser.parse_args(argv)
    found = preview(options.url)
    print(entry(found) if options.source_yaml else render(found))


@dataclass(frozen=True, slots=True)
class ShownImage:
    """One image of the page, its declared size in pixels, and why it would not be taken."""

    url: str
    width: int | None
    height: int | None
    refusal: str | None


@dataclass(frozen=True, slots=True)
class Preview:
    """What is on a page."""

    url: str
    title: str
    judged_by: str
    robots: str
    opt_out: str | None
    product: Product | None
    listing: Listing
    """as a category page; where it is a product's, links that only may be products say nothing"""
    pictures: list[ShownImage]
    refused: dict[str, str]
    """products that would not be fetched: why"""
    titles: dict[Place, str]
    """what the page calls where its links lead"""
    menu: dict[str, str]
    """class: address, of what may be categories"""
    category: str
    """the page itself, or the category that this product is in"""
    labels: str
    """the classes of the source that the page is of"""
    allow_private: list[str]


def preview(url: str) -> Preview:
    """Fetch `url`, by the address guard and robots.txt as the spiders do, and read it.

    Raises UserError where it may not be fetched, can't be had, or is no web page.
    """
    check_url(url)
    own = own_network(url)
    name, source = _source(url)
    robots = _Robots([*own, *source.allow_private], source)
    robots.require(url)
    response = _page(url, robots.allow_private)
    robots.require(response.url)
    page, soup = (
        Page(response.text, response.url, response.encoding),
        BeautifulSoup(response.text, "lxml"),
    )
    listing = read_listing(response.text, response.url, response.encoding)
    product = read_product(response.text, response.url, response.encoding)
    if product and not product.is_guess and listing.is_guess:
        listing = Listing((), listing.next_page, is_guess=True)
    opt_out = page_opt_out(response)
    refused = {x: why for x in listing.products if (why := robots.refusal(x))}
    categories = menu(page, soup, () if listing.is_guess else listing.products)
    within = breadcrumb(page) if product else None
    same = (x for x in categories.values() if is_view(place(response.url), place(x)))
    return Preview(
        url=response.url,
        title=_line(soup.title.get_text() if soup.title else None),
        judged_by=f"sources.{name} in params.yaml" if name else "the defaults of a source",
        robots=robots.summary(response.url),
        opt_out=opt_out,
        product=product,
        listing=listing,
        pictures=_pictures(page, product, source, robots, opt_out),
        refused=refused,
        titles=link_texts(page, soup),
        menu=categories,
        category=within or next(same, response.url),
        labels=_labels(product, response.url, source),
        allow_private=own,
    )


def _source(url: str) -> tuple[str | None, SpiderSource]:
    """The source that crawls this host, by params.yaml; one without rules where there is none."""
    sources = load_params().sources if PARAMS.exists() else {}
    for name, source in sources.items():
        if isinstance(source, SpiderSource) and "://" in (source.url or ""):
            shop = host_port(str(source.url))
            if shop == host_port(url):
                return name, source
    return None, SpiderSource(kind="spider", spider="shop", url=url, classes={})


def _labels(product: Product | None, url: str, source: SpiderSource) -> str:
    """By what the product is filed under, or by the address of the category itself."""
    if not source.classes:
        return "params.yaml names none here"
    product = product or Product(None, None, ())
    filed = replace(product, categories=(*product.categories, url))
    found = classes_of(filed, url, source.classes, source.url or "")
    return ", ".join(found) or "none, as far as this page says"


def _page(url: str, allow_private: Collection[str]) -> TextResponse:
    answer = ask(
        url, max_bytes=DOWNLOAD_MAXSIZE, timeout=DOWNLOAD_TIMEOUT, allow_private=allow_private
    )
    if answer.status != 200:
        raise UserError(f"{answer.url} answers {answer.status} {answer.reason}; nothing is shown")
    headers = Headers()
    for key, value in answer.headers:
        if key.lower() != "content-encoding":  # the body is decoded
            headers.appendlist(key, value)
    kind = responsetypes.from_args(headers=headers, url=answer.url, body=answer.body)
    if not issubclass(kind, TextResponse):
        what = (headers.get("Content-Type") or b"unknown").decode("latin-1")
        raise UserError(f"{answer.url} is no web page ({what}); give a page that shows products")
    return kind(answer.url, headers=headers, body=answer.body)


class _Robots:
    """robots.txt of each host, read once, and judged as scraper.crawling.middlewares does."""

    def __init__(self, allow_private: Collection[str], source: SpiderSource) -> None:
        self.allow_private = allow_private
        self._obeyed = source.obey_robots
        self._rules: dict[str, ProtegoRobotParser | str] = {}
        """address of a robots.txt: its rules, or why its host is left alone"""

    def require(self, url: str) -> None:
        if why := self.refusal(url):
            raise UserError(f"{url} would not be fetched: {why}")

    def refusal(self, url: str) -> str | None:
        return self._objection(url) if self._obeyed else None

    def summary(self, url: str) -> str:
        rules = self._of(url)
        if objection := self._objection(url):
            return f"{objection}; not obeyed, as the source says so"
        delay = None if isinstance(rules, str) else rules.crawl_delay(USER_AGENT)
        return "allows it" + (f", with {delay:g} s between requests" if delay else "")

    def _objection(self, url: str) -> str | None:
        rules = self._of(url)
        if isinstance(rules, str):
            return rules
        return None if rules.allowed(url, USER_AGENT) else "robots.txt forbids it"

    def _of(self, url: str) -> ProtegoRobotParser | str:
        parts = urlsplit(url)
        address = f"{parts.scheme}://{parts.netloc}/robots.txt"
        if address not in self._rules:
            self._rules[address] = self._read(address)
        return self._rules[address]

    def _read(self, address: str) -> ProtegoRobotParser | str:
        try:
            answer = ask(
                address,
                max_bytes=DOWNLOAD_MAXSIZE,
                timeout=DOWNLOAD_TIMEOUT,
                allow_private=self.allow_private,
            )
        except RefusedAddressError as error:
            return str(error)
        except FetchError as error:
            return f"{error}, so its host is left alone"
        if answer.status == 429 or answer.status >= 500:
            return f"{address} answers {answer.status}, so its host is left alone"
        return ProtegoRobotParser(answer.body if answer.status == 200 else b"", spider=None)


def _pictures(
    page: Page,
    product: Product | None,
    source: SpiderSource,
    robots: _Robots,
    opt_out: str | None,
) -> list[ShownImage]:
    """Those of the product, as they would be taken, then the others that the page shows."""
    sizes = shown_pictures(page.tree, page.absolute)
    found = []
    for photo in product.photos if product else ():
        size = sizes.pop(photo.url, (None, None))
        if photo.width or photo.height:  # what counts; that of its place on the page is shown only
            size = photo.width, photo.height
        refusal = _refusal(photo, source, opt_out) or robots.refusal(photo.url)
        found.append(ShownImage(photo.url, *size, refusal))
    why = "not of this product" if product else "on no product's page"
    return [*found, *(ShownImage(url, *size, why) for url, size in sizes.items())]


def _refusal(photo: Photo, source: SpiderSource, opt_out: str | None) -> str | None:
    path = urlsplit(photo.url).path
    known = BY_SUFFIX.get(PurePosixPath(path).suffix.lower())
    kind = (mimetypes.guess_type(path)[0] or "").removeprefix("image/").partition("+")[0]
    named = photo.license or photo.license_url
    candidate = Candidate(
        license=photo.license if named else source.license,
        license_url=photo.license_url,
        format=known.name if known else kind or None,
        width=photo.width,
        height=photo.height,
        opt_out=opt_out,
    )
    try:
        check(candidate, source)
    except RejectedError as error:
        return f"{error.status.replace('_', ' ')}: {error}"
    return None


def render(found: Preview) -> str:
    """The page as tables, in plain text."""
    product, listing = found.product, found.listing
    what = [name for name, there in (("product", product), ("listing", listing.products)) if there]
    about = [
        ("page", found.url),
        ("title", found.title),
        (
            "is a",
            " and a ".join(what) or "page without products; if it shows some, try browser: true",
        ),
        ("robots.txt", found.robots),
        ("opt-out", found.opt_out or "none"),
        ("next page", listing.next_page or "none"),
        ("filed under", " | ".join(product.categories if product else ()) or "nothing"),
        ("class", found.labels),
        ("judged by", found.judged_by),
    ]
    parts = [tabulate(about, tablefmt="plain", disable_numparse=True)]
    if product:
        row = (_line(product.title), _line(product.id), len(product.photos))
        name = "Product, whose picture is a guess" if product.is_guess else "Product"
        parts.append(_table(name, ("title", "id", "pictures"), [row]))
    if listing.products:
        name = "Links that may be products" if listing.is_guess else "Products"
        links = [
            (_taken(found.refused.get(x)), found.titles.get(place(x)), x) for x in listing.products
        ]
        parts.append(_table(name, ("fetched", "title", "address"), links))
        parts.append(f"The pictures of one: python -m scraper.preview {listing.products[0]}")
    pictures = [(_taken(p.refusal), _size(p), p.url) for p in found.pictures]
    parts.append(_table("Pictures", ("taken", "declared size", "address"), pictures))
    parts.append(_table("Categories", ("class", "address"), found.menu.items()))
    # what came from the web must not steer the terminal
    return "".join(c for c in "\n\n".join(parts) if c.isprintable() or c == "\n")


def _table(name: str, headers: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    rows = list(rows)
    if not rows:
        return f"{name}: none"
    shown = tabulate(rows[:_SHOWN], headers, disable_numparse=True)
    more = f"\n… and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
    return f"{name}: {len(rows)}\n{shown}{more}"


def _taken(refusal: str | None) -> str:
    return f"no: {refusal}" if refusal else "yes"


def _size(picture: ShownImage) -> str:
    if picture.width is None and picture.height is None:
        return "none"
    return f"{picture.width or '?'}×{picture.height or '?'}"


def _line(text: str | None) -> str:
    """One line, not too long for a table."""
    line = " ".join((text or "").split())
    return line if len(line) <= _WIDTH else line[: _WIDTH - 1] + "…"


def entry(found: Preview) -> str:
    """An entry for `sources`: all categories of a home page, else the one that the page is of."""
    is_home = place(found.url)[1:] == ("", ())
    title = found.titles.get(place(found.category)) or found.title
    classes = found.menu if is_home else {}
    return source_yaml(found.url, classes or {title: found.category}, found.allow_private)


if __name__ == "__main__":
    run(main)
