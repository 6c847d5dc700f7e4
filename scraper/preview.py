"""`python -m scraper.preview URL`: what would the shop spider take from that page, and why not?"""

import argparse
import mimetypes
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from bs4 import BeautifulSoup
from scrapy.http import Headers, TextResponse
from scrapy.responsetypes import responsetypes

from pipeline.addresses import ask, check_url, host_port
from pipeline.cli import UserError, run
from pipeline.formats import BY_SUFFIX
from pipeline.params import load_params
from pipeline.paths import PARAMS
from pipeline.sources import SpiderSource, as_list
from scraper.crawling.failures import http_message
from scraper.crawling.page_failures import (
    PageFailure,
    is_sent_to,
    listing_failure,
    no_web_page,
    not_followed,
    product_failure,
    response_failure,
)
from scraper.crawling.redirects import is_elsewhere, is_home_page
from scraper.crawling.robots import HostRobots
from scraper.crawling.run import own_network
from scraper.crawling.selection import Candidate, check
from scraper.examine import RejectedError
from scraper.feeds.kinds import kind_of
from scraper.feeds.opening import HEAD
from scraper.ledger import ListingState, Outcome
from scraper.preview_text import Preview, ShownImage, line, render
from scraper.reading.canonical import Place, is_view, place
from scraper.reading.img import page_images
from scraper.reading.links import breadcrumb, link_texts, menu, source_yaml
from scraper.reading.markup import Listing, PageImage, Product, read_listing, read_product
from scraper.reading.optout import page_opt_out
from scraper.reading.pages import Page
from scraper.settings import DOWNLOAD_MAXSIZE, DOWNLOAD_TIMEOUT
from scraper.spiders.products import classes_of


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m scraper.preview",
        description="Fetch one page and show what the shop spider would take from it: products, "
        "images with their declared size, categories, next page, and what robots.txt and the "
        "page itself say to robots. Nothing is stored. Where params.yaml has a source at the same "
        "host, its rules (min_side, formats, licenses) judge the images.",
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


def preview(url: str) -> Preview:
    """Fetch `url`, with the address guard and robots.txt as in the spiders, and read it.

    Raises UserError if it may not be fetched, can't be fetched, or is no web page.
    """
    check_url(url)
    own = own_network(url)
    name, source = _source(url)
    robots = HostRobots([*own, *source.allow_private], source)
    robots.require(url)
    response = _page(url, robots.allow_private)
    robots.require(response.url)
    said = response.text, response.url, response.encoding
    page, soup = Page(*said), BeautifulSoup(response.text, "lxml")
    listing = read_listing(*said)
    product = read_product(*said)
    as_listing = _as_listing(url, response, listing)
    if product and not product.is_guess and listing.is_guess:
        listing = Listing((), listing.next_page, is_guess=True)
    opt_out = page_opt_out(response)
    refused = {x: why for x in listing.products if (why := robots.refusal(x))}
    categories = menu(page, soup, () if listing.is_guess else listing.products)
    within = breadcrumb(page) if product else None
    same = (x for x in categories.values() if is_view(place(response.url), place(x)))
    return Preview(
        asked=url,
        url=response.url,
        answered=http_message(response) + (f", at {response.url}" if response.url != url else ""),
        markup=_markup(page),
        as_product=_words(product_failure(response, product)),
        as_listing=as_listing,
        title=line(soup.title.get_text() if soup.title else None),
        judged_by=f"sources.{name} in params.yaml" if name else "the defaults of a source",
        robots=robots.summary(response.url),
        opt_out=opt_out,
        product=product,
        listing=listing,
        images=_images(page, product, source, robots, opt_out),
        refused=refused,
        titles=link_texts(page, soup),
        menu=categories,
        category=within or next(same, response.url),
        labels=_labels(product, response.url, source),
        allow_private=own,
    )


def _markup(page: Page) -> str:
    counts = [len(found) for found in (*page.markup, page.open_graph.values)]
    named = zip(("JSON-LD", "microdata", "RDFa", "OpenGraph"), counts, strict=True)
    return ", ".join(f"{name} {count}" for name, count in named)


def _words(failure: PageFailure | None) -> str:
    return f"{failure.outcome.words}: {failure.why}" if failure else Outcome.READ.words


def _as_listing(asked: str, page: TextResponse, listing: Listing) -> str:
    if is_elsewhere(asked, page.url):
        return f"{ListingState.UNREADABLE}: {is_sent_to(page.url)}"
    if failure := listing_failure(page, listing, 1):
        return f"{ListingState.UNREADABLE}: {failure.why}"
    if listing.next_page:
        return f"its next page is {listing.next_page}"
    if listing.more:
        return f"{ListingState.MAY_HAVE_MORE}: {not_followed(listing.more)}"
    return ListingState.COMPLETE


def _source(url: str) -> tuple[str | None, SpiderSource]:
    """The source of params.yaml that crawls this host; one without rules if there is none."""
    sources = load_params().sources if PARAMS.exists() else {}
    for name, source in sources.items():
        if not isinstance(source, SpiderSource) or "://" not in source.home:
            continue
        if host_port(source.home) == host_port(url):
            return name, source
    return None, SpiderSource(kind="spider", spider="shop", url=url, classes={})


def _labels(product: Product | None, url: str, source: SpiderSource) -> str:
    """The classes of the page, by the product's categories or by the category's own address."""
    if not source.classes:
        return "params.yaml names none here"
    product = product or Product(None, None, ())
    filed = replace(product, categories=(*product.categories, url))
    classes = {label: as_list(several)[0] for label, several in source.classes.items()}
    found = classes_of(filed, url, classes, source.home)
    return ", ".join(found) or "none, as far as this page says"


def _page(url: str, allow_private: Collection[str]) -> TextResponse:
    answer = ask(
        url, max_bytes=DOWNLOAD_MAXSIZE, timeout=DOWNLOAD_TIMEOUT, allow_private=allow_private
    )
    headers = Headers()
    for key, value in answer.headers:
        if key.lower() != "content-encoding":  # the body is decoded
            headers.appendlist(key, value)
    kind = responsetypes.from_args(headers=headers, url=answer.url, body=answer.body)
    response = kind(answer.url, status=answer.status, headers=headers, body=answer.body)
    if failure := response_failure(response):
        raise UserError(f"{answer.url}: {_words(failure)}; nothing is shown")
    if feed := kind_of(answer.body[:HEAD]):
        raise UserError(
            f"{answer.url} is no page but a {feed}. Take it into `sources` of params.yaml with "
            f"spider: feed and url: {answer.url}"
        )
    if not isinstance(response, TextResponse):
        what = no_web_page(response).why
        raise UserError(f"{answer.url} is {what}; give a page that shows products")
    return response


def _images(
    page: Page,
    product: Product | None,
    source: SpiderSource,
    robots: HostRobots,
    opt_out: str | None,
) -> list[ShownImage]:
    """The images of the product, as they would be taken, then the others that the page shows."""
    sizes = page_images(page.tree, page.absolute)
    found = []
    for image in product.images if product else ():
        size = sizes.pop(image.url, (None, None))
        if image.width or image.height:  # this size counts; the size on the page is only shown
            size = image.width, image.height
        refusal = _refusal(image, source, opt_out) or robots.refusal(image.url)
        found.append(ShownImage(image.url, *size, refusal))
    why = "not of this product" if product else "on no product's page"
    return [*found, *(ShownImage(url, *size, why) for url, size in sizes.items())]


def _refusal(image: PageImage, source: SpiderSource, opt_out: str | None) -> str | None:
    path = urlsplit(image.url).path
    known = BY_SUFFIX.get(PurePosixPath(path).suffix.lower())
    kind = (mimetypes.guess_type(path)[0] or "").removeprefix("image/").partition("+")[0]
    named = image.license or image.license_url
    candidate = Candidate(
        license=image.license if named else source.license,
        license_url=image.license_url,
        format=known.name if known else kind or None,
        width=image.width,
        height=image.height,
        opt_out=opt_out,
    )
    try:
        check(candidate, source)
    except RejectedError as error:
        return f"{error.status.replace('_', ' ')}: {error}"
    return None


def entry(found: Preview) -> str:
    """An entry for `sources`: the categories of a home page or below a category, else the page's.

    Some shops redirect requests for their home page to the folder that has all categories.
    """
    title = found.titles.get(place(found.category)) or found.title
    here = place(found.url)
    site, path = here.site, here.path
    below = {x: y for x, y in found.menu.items() if _is_below(place(y), site, path)}
    if found.product and path:
        below = {}
    is_home = not path or is_home_page(found.asked)
    classes = below if len(below) > 1 else found.menu if is_home else {}
    return source_yaml(found.url, classes or {title: found.category}, found.allow_private)


def _is_below(at: Place, site: str, path: str) -> bool:
    return at.site == site and at.path.startswith(f"{path}/")


if __name__ == "__main__":
    run(main)
