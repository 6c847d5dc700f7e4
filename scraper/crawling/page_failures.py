"""Says why a page of a shop can't be read, and whether it fails for now or for good."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scrapy.http import Response, TextResponse
from scrapy.spidermiddlewares.httperror import HttpError

from scraper.crawling.failures import (
    ForbiddenByRobotsError,
    http_message,
    may_pass,
    status_and_reason,
    status_may_pass,
)
from scraper.ledger import Outcome

if TYPE_CHECKING:  # this module is slow to import, and spiders of APIs don't need it
    from scraper.reading.markup import Listing, Product

_GONE: Final = {404, 410}
_SURE: Final = {200, 203}  # 203: a proxy has changed something
_CHALLENGES: Final = ("x-amzn-waf-action", "cf-mitigated")  # a firewall wants a browser to answer
_CONTENT: Final = (
    "//a[@href] | //img | //*[@itemscope] | //*[@typeof] | //meta[@property]"
    " | //script[contains(@type, 'json')] | //body//text()[normalize-space() and not("
    "ancestor::script or ancestor::style or ancestor::noscript or ancestor::iframe)]"
)


@dataclass(frozen=True, slots=True)
class PageFailure:
    """Why a page could not be read."""

    outcome: Outcome
    why: str
    is_gone: bool = False
    """whether there is no such page: the site says so, or the address is not valid"""
    is_empty: bool = False
    """whether it is an HTTP success without a byte. Some sites answer so after the last page."""
    is_overload: bool = False
    """whether the server failed. Some servers do if we ask for several pages at once."""


def failure_of(error: BaseException) -> PageFailure:
    """The failure of a page whose request raised this error."""
    if isinstance(error, ForbiddenByRobotsError):
        return PageFailure(Outcome.FORBIDDEN, "robots.txt forbids it")
    if isinstance(error, HttpError) and (failure := response_failure(error.response)):
        return failure
    outcome = Outcome.FAILED_FOR_NOW if may_pass(error) else Outcome.FAILED_FOR_GOOD
    return PageFailure(outcome, status_and_reason(error)[1], is_gone=isinstance(error, ValueError))


def response_failure(response: Response) -> PageFailure | None:
    """Why a response is no page, by its status, headers and length; None if it may be one."""
    said, status = http_message(response), response.status
    if any(name in response.headers for name in _CHALLENGES):
        said = f"{said}, a firewall's challenge in the place of the page"
        return PageFailure(Outcome.FAILED_FOR_NOW, said)
    if not 200 <= status < 300:
        outcome = Outcome.FAILED_FOR_NOW if status_may_pass(status) else Outcome.FAILED_FOR_GOOD
        overload = status >= 500 and status != 503  # after 503 we have waited already
        return PageFailure(outcome, said, is_gone=status in _GONE, is_overload=overload)
    if not response.body.strip():
        why = f"{said} and an empty page"
        return PageFailure(Outcome.FAILED_FOR_NOW, why, is_empty=True)
    return None


def product_failure(page: TextResponse, product: "Product | None") -> PageFailure | None:
    """Why a product's page gives no image; None if it gives one."""
    is_sure = page.status in _SURE
    if product is None or (product.is_guess and not (is_sure and product.images)):
        return _doubt(page) or PageFailure(Outcome.NO_PRODUCT, "nothing says what it sells")
    if not product.images:
        return PageFailure(Outcome.NO_IMAGE, "it names no image of its product")
    return None


def listing_failure(page: TextResponse, listing: "Listing", number: int) -> PageFailure | None:
    """Why page `number` of a listing gives nothing; an empty page after the last is no failure."""
    if listing.products and not (listing.is_guess and page.status not in _SURE):
        return None
    if number > 1:
        return _doubt(page)
    why = "shows no products; if a browser shows some, set browser: true"
    return _doubt(page) or PageFailure(Outcome.NO_PRODUCT, why)


def is_sent_to(url: str) -> str:
    """The reason for a listing that is redirected to another page."""
    return f"is sent to {url}; if that is the category, give its address"


def not_followed(pager: str) -> str:
    """The reason for a listing that says, in the words of `pager`, that more pages follow."""
    return f"it shows {pager}, and no address of the next page was found"


def no_web_page(response: Response) -> PageFailure:
    """The failure of a response that is no text."""
    kind = (response.headers.get("Content-Type") or b"unknown").decode("latin-1")
    return PageFailure(Outcome.NO_PRODUCT, f"no web page ({kind})")


def _doubt(page: TextResponse) -> PageFailure | None:
    """The failure of a page that may be no real page, but may be one later; None if it is real."""
    if page.status not in _SURE:
        said = f"{http_message(page)} with a body that is no page"
        return PageFailure(Outcome.FAILED_FOR_NOW, said)
    if not page.xpath(_CONTENT):
        said = "a page without content; if a browser shows some, set browser: true"
        return PageFailure(Outcome.FAILED_FOR_NOW, said)
    return None
