"""Says why a request failed, in the words of the manifest."""

import zlib

from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    NotSupported,
    ResponseDataLossError,
)
from scrapy.http import Response
from scrapy.spidermiddlewares.httperror import HttpError
from twisted.internet.error import ConnectError, ConnectionClosed

from pipeline.addresses import RefusedAddressError
from pipeline.manifest import Status
from scraper.crawling.retry import BusyHostError

DOWNLOAD_ERRORS = (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    NotSupported,
    ResponseDataLossError,
    RefusedAddressError,
    ConnectError,
    ConnectionClosed,
    OSError,
    ValueError,  # the address is not valid
    zlib.error,  # the body is not what its Content-Encoding says
)
"""The errors that `engine.download_async` raises because of a server or an address."""


class ForbiddenByRobotsError(IgnoreRequest):
    """robots.txt asks us not to fetch this."""


class RobotsUnavailableError(IgnoreRequest):
    """robots.txt can't be read, so nothing of its host is fetched."""


def status_and_reason(error: BaseException) -> tuple[Status, str]:
    """The status and the message of a candidate whose download raised this error."""
    message = " ".join(str(error).split()) or type(error).__name__
    match error:
        case RefusedAddressError() | ValueError():
            return Status.REJECTED_ADDRESS, message
        case ForbiddenByRobotsError():
            return Status.REJECTED_ROBOTS, message
        case RobotsUnavailableError():
            return Status.FAILED_CONNECTION, message
        case DownloadTimeoutError():
            return Status.FAILED_TIMEOUT, message
        case ResponseDataLossError():
            return Status.FAILED_TRUNCATED, "the connection closed before the body was complete"
        case DownloadCancelledError():
            return Status.REJECTED_TOO_LARGE, "larger than DOWNLOAD_MAXSIZE"
        case IgnoreRequest() if "DOWNLOAD_MAXSIZE" in message:
            return Status.REJECTED_TOO_LARGE, "larger than DOWNLOAD_MAXSIZE once decompressed"
        case HttpError():
            return Status.FAILED_HTTP, http_message(error.response)
        case IgnoreRequest():
            return Status.FAILED_HTTP, message  # too many redirects
    return Status.FAILED_CONNECTION, message


def may_pass(error: BaseException) -> bool:
    """Whether the same request may succeed later: after no answer, 408, 425, 429 or 5xx."""
    if isinstance(error, HttpError):
        return status_may_pass(error.response.status)
    return isinstance(error, BusyHostError) or status_and_reason(error)[0] in _PASSING


_PASSING = {Status.FAILED_CONNECTION, Status.FAILED_TIMEOUT, Status.FAILED_TRUNCATED}


def status_may_pass(status: int) -> bool:
    """Whether a request that was answered with this HTTP status may succeed later.

    >>> [status_may_pass(status) for status in (404, 429, 503)]
    [False, True, True]
    """
    return status in _LATER or status >= 500


def http_message(response: Response) -> str:
    """The words by which messages and rows name a response's HTTP status."""
    return f"HTTP status {response.status}"


_LATER = {408, 425, 429}  # too slow, too early, too many requests
