"""Asking one place after the other; a place that fails says why and stops no other."""

import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from w3lib.url import add_or_replace_parameters

from pipeline.addresses import HttpAnswer, ask
from pipeline.cli import UserError
from scraper.crawling.retry import BUSY, busy_wait
from scraper.crawling.robots import user_agent
from scraper.crawling.run import own_network
from scraper.settings import (
    DOWNLOAD_MAXSIZE,
    DOWNLOAD_SLOTS,
    DOWNLOAD_TIMEOUT,
    RETRY_AFTER_MAX,
    RETRY_BACKOFF,
    RETRY_TIMES,
)
from scraper.spiders.api import complaint
from scraper.spiders.records import parse

_PATIENCE: Final = 2  # failures one after the other until a place is left alone


class NotFoundError(Exception):
    """A place has nothing for a category; the message says why."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The name of a category at a place, with what is known of it: counts, licenses, in words."""

    value: str | list[str]
    about: str


def ask_patiently(
    url: str,
    *,
    max_bytes: int,
    allow_private: Collection[str],
    contact: str | None,
    sleep: Callable[[float], object] = time.sleep,
) -> HttpAnswer:
    """What a host answers. One that is busy is asked again, by the rule of a crawl.

    Where it asks for more time than a crawl waits, its refusal is the answer. Raises what
    `pipeline.addresses.ask` raises.
    """
    for retries in range(RETRY_TIMES + 1):
        answer = ask(
            url,
            max_bytes=max_bytes,
            timeout=DOWNLOAD_TIMEOUT,
            allow_private=allow_private,
            user_agent=user_agent(contact),
        )
        said = next((x for name, x in answer.headers if name.lower() == "retry-after"), "")
        wait = busy_wait(said, retries, RETRY_BACKOFF, is_own=bool(allow_private))
        if answer.status not in BUSY or wait > RETRY_AFTER_MAX:
            break
        if retries < RETRY_TIMES:
            sleep(wait)
    return answer


class ApiClient:
    """A web API. It is asked at the rate of its terms.

    `name` is the name of its spider. An address of your own network is allowed, because you typed
    it. Raises UserError if the address is not valid.
    """

    def __init__(
        self, name: str, address: str, *, is_own: bool, contact: str | None = None
    ) -> None:
        self.name = name
        self.address = address
        self.is_own = is_own
        """whether it is another address than that of the place itself"""
        self.contact = contact
        self._is_left = threading.Event()
        self.allow_private = own_network(address) if is_own else []
        slot = "own network" if self.allow_private else name
        self._pause = float(DOWNLOAD_SLOTS[slot]["delay"])
        self._next = 0.0
        self._failures = 0

    def get(self, **asked: object) -> dict[str, Any]:
        """The object that it answers. Raises NotFoundError where there is none, saying why."""
        if self._failures >= _PATIENCE or self._is_left.is_set():
            raise NotFoundError(f"not asked, since it failed {_PATIENCE} times before")
        self._is_left.wait(max(0.0, self._next - time.monotonic()))
        try:
            answer = self._answer({key: str(value) for key, value in asked.items()})
        except NotFoundError:
            self._failures += 1
            raise
        finally:
            self._next = time.monotonic() + self._pause
        self._failures = 0
        return answer

    def leave_alone(self) -> None:
        """Ask nothing more, and end what waits for its turn."""
        self._is_left.set()

    def _answer(self, asked: dict[str, str]) -> dict[str, Any]:
        url = add_or_replace_parameters(self.address, asked)
        try:
            found = ask_patiently(
                url,
                max_bytes=DOWNLOAD_MAXSIZE,
                allow_private=self.allow_private,
                contact=self.contact,
                sleep=self._is_left.wait,
            )
        except UserError as error:
            raise NotFoundError(str(error).replace(url, self.address)) from error
        host = urlsplit(self.address).netloc
        if found.status >= 400:
            raise NotFoundError(f"{host} answers {found.status} {found.reason}".strip())
        content = parse(found.body)
        if content is None:
            raise NotFoundError(f"{host} answers with no JSON object; is that an API's address?")
        if content.get("error"):
            raise NotFoundError(f"{host} says: {complaint(content) or 'an error without words'}")
        return content
