"""Renders pages that need JavaScript, with scrapy-playwright and the Chromium that is installed.

The browser resolves no name and opens no connection. All its requests, also those of redirects and
scripts, go through a proxy in this process, which refuses what the address guard refuses.
"""

import asyncio
import shutil
import socket
from collections.abc import Collection
from contextlib import suppress
from typing import Any

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Page
from playwright.async_api import Request as PageRequest
from playwright.async_api import TimeoutError as PlaywrightTimeoutError
from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import DownloadCancelledError, DownloadFailedError, DownloadTimeoutError
from scrapy.http import Response
from scrapy_playwright.handler import ScrapyPlaywrightDownloadHandler
from scrapy_playwright.page import PageMethod

from pipeline.addresses import RefusedAddressError, check_address, host_port
from pipeline.cli import UserError

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_UNUSED = {"image", "media", "font"}  # Scrapy fetches images, as always
_SETTLED = 5  # seconds in which a page's scripts must fetch what they show
_PAGES = 4  # open at the same time
_CHUNK = 1 << 16
_ARGUMENTS = [
    # the browser itself looks up no name, also not ahead of a click; see "SOCKS proxy
    # configuration" at https://chromium.org
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
]


def browser_settings() -> dict[str, Any]:
    """Scrapy's settings for a crawl with a browser. Raises UserError if none is installed."""
    executable = next(filter(None, map(shutil.which, _NAMES)), None)
    if executable is None:
        raise UserError(
            f"browser: true needs one of {', '.join(_NAMES)} on the PATH; install Chromium"
        )
    handler = "scraper.crawling.browser.BrowserHandler"
    return {
        "DOWNLOAD_HANDLERS": {"http": handler, "https": handler},
        "PLAYWRIGHT_LAUNCH_OPTIONS": {"executable_path": executable, "args": _ARGUMENTS},
        "PLAYWRIGHT_MAX_PAGES_PER_CONTEXT": _PAGES,
        "PLAYWRIGHT_ABORT_REQUEST": is_unused,
    }


def is_unused(request: PageRequest) -> bool:
    """Whether a page asks for something that this project does not use, such as a font."""
    return request.resource_type in _UNUSED


class BrowserHandler(ScrapyPlaywrightDownloadHandler):
    """Sends requests whose meta has `playwright` to the browser, and all others to Scrapy."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._longest = crawler.settings.getfloat("DOWNLOAD_TIMEOUT")
        self._largest = crawler.settings.getint("DOWNLOAD_MAXSIZE")
        self._proxy = GuardedProxy(crawler.spider.allow_private)
        self.config.launch_options["proxy"] = {"server": self._proxy.url, "bypass": "<-loopback>"}

    async def download_request(self, request: Request) -> Response:
        """Fetch a page. Raises RefusedAddressError and what Scrapy's own handlers raise."""
        if not request.meta.get("playwright"):
            return await super().download_request(request)
        await self._proxy.open()
        opened: list[Page] = []
        asked = [request.url]

        async def note(page: Page, _: Request) -> None:
            opened.append(page)
            page.on("request", lambda x: asked.append(x.url) if _is_of(page, x) else None)

        request.meta.update(
            playwright_page_init_callback=note,
            playwright_page_methods=[PageMethod(_settle)],
            playwright_context_kwargs={"accept_downloads": False, "service_workers": "block"},
        )
        try:
            async with asyncio.timeout(self._longest):
                response = await super().download_request(request)
        except (TimeoutError, PlaywrightTimeoutError) as error:
            for page in opened:
                await page.close()
            raise DownloadTimeoutError(f"took more than {self._longest:g} s") from error
        except PlaywrightError as error:
            if refused := self._proxy.refused.get(host_port(asked[-1])):
                raise RefusedAddressError(refused) from error
            raise DownloadFailedError(error.message.partition("\n")[0]) from error
        if len(response.body) > self._largest:
            raise DownloadCancelledError(f"{request.url} is larger than {self._largest} bytes")
        return response

    async def close(self) -> None:
        await super().close()
        self._proxy.close()


def _is_of(page: Page, request: PageRequest) -> bool:
    """Whether the request is for the page itself, perhaps after a redirect."""
    return request.is_navigation_request() and request.frame == page.main_frame


async def _settle(page: Page) -> None:
    """Wait until the page fetches nothing more, but not forever: some pages never stop."""
    with suppress(PlaywrightTimeoutError):
        await page.wait_for_load_state("networkidle", timeout=_SETTLED * 1000)


class GuardedProxy:
    """A SOCKS5 proxy (RFC 1928) on the loopback address. It connects to allowed addresses only."""

    def __init__(self, allowed: Collection[str]) -> None:
        self._allowed = allowed
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._server: asyncio.Server | None = None
        self.url = f"socks5://127.0.0.1:{self._socket.getsockname()[1]}"
        self.refused: dict[str, str] = {}
        """host:port: why it was refused"""

    async def open(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, sock=self._socket)

    def close(self) -> None:
        self._socket.close() if self._server is None else self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            host, port = await _asked_address(reader, writer)
            try:
                there, back = await self._connect(host, port)
            except (RefusedAddressError, OSError) as error:
                refused = isinstance(error, RefusedAddressError)
                writer.write(_answer(_NOT_ALLOWED if refused else _UNREACHABLE))
                await writer.drain()
                return
            writer.write(_answer(_SUCCEEDED))
            await asyncio.gather(_pipe(reader, back), _pipe(there, writer))
        except (OSError, EOFError, ValueError):
            return  # the browser closed the connection, or the client is no browser
        finally:
            writer.close()

    async def _connect(
        self, host: str, port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        failure = OSError(f"{host} has no address")
        for *_, (ip, *_) in found:
            try:
                check_address(host, port, str(ip), self._allowed)
            except RefusedAddressError as error:
                name = f"[{host}]" if ":" in host else host
                self.refused[host_port(f"http://{name}:{port}")] = str(error)
                raise
            try:
                return await asyncio.open_connection(str(ip), port)
            except OSError as error:
                failure = error
        raise failure


_SUCCEEDED, _NOT_ALLOWED, _UNREACHABLE = 0, 2, 4
_VERSION, _CONNECT, _IPV4, _NAME = 5, 1, 1, 3


def _answer(code: int) -> bytes:
    return bytes([_VERSION, code, 0, _IPV4]) + bytes(6)


async def _asked_address(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> tuple[str, int]:
    """The host and port that a client asks for."""
    version, methods = await reader.readexactly(2)
    await reader.readexactly(methods)
    writer.write(bytes([_VERSION, 0]))  # clients need no password
    again, command, _, kind = await reader.readexactly(4)
    if (version, again, command) != (_VERSION, _VERSION, _CONNECT):
        raise ValueError("not SOCKS5, or no connection")
    if kind == _NAME:
        (length,) = await reader.readexactly(1)
        host = (await reader.readexactly(length)).decode("ascii")
    else:
        family, size = (socket.AF_INET, 4) if kind == _IPV4 else (socket.AF_INET6, 16)
        host = socket.inet_ntop(family, await reader.readexactly(size))
    return host, int.from_bytes(await reader.readexactly(2), "big")


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
    finally:
        writer.close()
