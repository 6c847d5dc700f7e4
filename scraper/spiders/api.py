"""What the spiders have in common that ask a web API for images."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from scrapy import Request
from scrapy.http import Response, TextResponse
from twisted.python.failure import Failure
from w3lib.url import add_or_replace_parameters

from scraper.crawling.failures import explain, may_pass
from scraper.spiders import SourceSpider

_PATIENCE = 5  # times a busy API is asked again


class ApiSpider(SourceSpider):
    """Asks for one page of results at a time, at the rate of DOWNLOAD_SLOTS in settings.py.

    An API is asked by its own terms, not by robots.txt, which is for pages; its images are
    fetched from wherever they are like all others.
    """

    takes = frozenset({"api"})
    default_api: ClassVar[str]

    @property
    def api(self) -> str:
        return self.config.api or self.default_api

    def ask(
        self, callback: Callable[..., Any], label: str, asked: Mapping[str, object], **state: Any
    ) -> Request:
        """A request to the API; `callback` gets the response, `label` and `state`."""
        return Request(
            add_or_replace_parameters(self.api, {k: str(v) for k, v in asked.items()}),
            callback=callback,
            errback=self.unanswered,
            cb_kwargs={"label": label, **state},
            meta={"api": self.name, "dont_obey_robotstxt": True, "max_retry_times": _PATIENCE},
            dont_filter=True,
        )

    def answer(self, response: Response, label: str) -> dict[str, Any]:
        """What the API says; empty where that can't be read, which is then noted."""
        try:
            content = response.json() if isinstance(response, TextResponse) else None
        except ValueError:
            content = None
        if not isinstance(content, dict):
            self._note(response.url, label, "no JSON object; is that an API's address?")
            return {}
        if error := content.get("error"):
            why = error.get("info") if isinstance(error, dict) else error
            self._note(response.url, label, str(why))
            return {}
        self._read[label] += 1
        return content

    def unanswered(self, failure: Failure) -> None:
        request, error = failure.request, failure.value
        self._note(request.url, request.cb_kwargs["label"], explain(error)[1], may_pass(error))

    def _note(self, url: str, label: str, why: str, cuts: bool = True) -> None:
        if self._read[label]:
            self._skip(url, label, why, cuts=cuts)
        else:
            self.unreadable[label] = f"{url}: {why}"
