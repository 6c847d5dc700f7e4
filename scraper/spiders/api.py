"""The base of the spiders that ask a web API for images."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from urllib.parse import urljoin

from scrapy import Request
from scrapy.http import Response
from scrapy.spidermiddlewares.httperror import HttpError
from twisted.python.failure import Failure
from w3lib.url import add_or_replace_parameters

from scraper.crawling.failures import may_pass, status_and_reason
from scraper.spiders import SourceSpider
from scraper.spiders.records import listed, mapping, parse, text

_PATIENCE = 5  # how often a busy API is asked again


class ApiSpider(SourceSpider):
    """Asks for one page of results at a time, at the rate of DOWNLOAD_SLOTS in settings.py.

    Requests to the API follow its own terms. They do not obey robots.txt, which is for pages. The
    images are fetched as in all other spiders, and obey it.
    """

    takes = frozenset({"api"})
    default_api: ClassVar[str]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._page_before: dict[str, list[dict[str, Any]]] = {}

    @property
    def api(self) -> str:
        """The address of the API: the source's own, or the one of the public service."""
        return self.config.api or self.default_api

    def ask(
        self, callback: Callable[..., Any], label: str, asked: Mapping[str, object], **state: Any
    ) -> Request:
        """A request to the API. `asked` are its parameters.

        `callback` gets the response, `label` and `state`.
        """
        return Request(
            add_or_replace_parameters(self.api, {k: str(v) for k, v in asked.items()}),
            callback=callback,
            errback=self.unanswered,
            cb_kwargs={"label": label, **state},
            meta={"api": self.name, "dont_obey_robotstxt": True, "max_retry_times": _PATIENCE},
            dont_filter=True,
        )

    def answer(self, response: Response, label: str) -> dict[str, Any]:
        """The JSON object in the answer. If there is none, it is empty, and the fault is noted."""
        content = parse(response.body)
        if not content:
            self._note(response.url, label, "no JSON object; is that an API's address?")
            return {}
        if content.get("error"):
            self._note(response.url, label, complaint(content) or "the API refuses this")
            return {}
        self.ledger.listing_pages[label] += 1
        return content

    def results(
        self, response: Response, label: str, listing: object, page: int, pages: float | None
    ) -> tuple[list[dict[str, Any]], bool]:
        """The records of an answer's `listing`, and whether there is a page after this one.

        `pages` is the number of pages, or None if the API doesn't tell it. A listing that ends too
        early is noted: by an answer without a list, an empty page before the last one, or the same
        page again.
        """
        found = listed(listing)
        if found is None:
            self._note(response.url, label, "the answer has no list of results")
            return [], False
        if not found and page == 1:
            self.unreadable[label] = f"{response.url}: nothing is found for that"
        elif not found and pages is not None and page - 1 < pages:
            self._note(response.url, label, "an empty page, and there should be more")
        elif found and found == self._page_before.get(label):
            self._note(response.url, label, "the same page again, though another was asked for")
            return [], False
        self._page_before[label] = found
        return found, bool(found) and (pages is None or page < pages)

    def address(self, value: str | None) -> str | None:
        """The absolute address for a record's value, which may begin with `//` or `/`."""
        try:
            return urljoin(self.api, value) if value else None
        except ValueError:
            return value  # its row will say that it is no address

    def unanswered(self, failure: Failure) -> None:
        """Note that a request to the API failed, with the error that the API reports."""
        request, error = failure.request, failure.value
        why = status_and_reason(error)[1]
        if isinstance(error, HttpError):
            said = complaint(parse(error.response.body) or {})
            why = f"{why}: {said}" if said else why
        self._note(request.url, request.cb_kwargs["label"], why, may_pass(error))

    def _note(self, url: str, label: str, why: str, cuts: bool = True) -> None:
        if self.ledger.listing_pages[label]:
            self._skip(url, label, why, cuts=cuts)
        else:
            self.unreadable[label] = f"{url}: {why}"


def complaint(content: dict[str, Any]) -> str | None:
    """The error that an API reports, or None."""
    return text(mapping(content.get("error")), "info", "message", "code") or text(
        content, "error", "detail", "message"
    )
