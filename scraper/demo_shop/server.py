"""The shop's HTTP server. It serves pages and images, and makes the planned errors."""

import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from concurrent.futures import Future, ProcessPoolExecutor
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from scraper.demo_shop import catalogue
from scraper.demo_shop.content import content, media_type
from scraper.demo_shop.defects import Defect
from scraper.demo_shop.pages import Pages

SLOW_SECONDS = 1.0


def _live_with_parent() -> None:
    """In a process that draws: ignore Ctrl-C, and end when the server ends, for any reason."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


class ShopServer(ThreadingHTTPServer):
    """The shop at 127.0.0.1 on a port; 0 takes a free one. It is a context manager.

    Raises OSError or OverflowError if the port can't be used.
    """

    request_queue_size = 128

    def __init__(self, port: int = 0) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(2, spawn, initializer=_live_with_parent)
        self._drawn: dict[str, Future[bytes]] = {}
        super().__init__(("127.0.0.1", port), _Handler)
        self.address = f"http://127.0.0.1:{self.server_port}/"
        self.pages = Pages(self.address)

    def draw_ahead(self, name: str) -> None:
        """Let one of two processes draw an image before a client asks for it."""
        if name not in self._drawn:
            self._drawn[name] = self._pool.submit(content, name)

    def draw(self, name: str) -> bytes:
        """An image's bytes. This process draws the image if no other has begun to."""
        ahead = self._drawn.get(name)
        return content(name) if not ahead or ahead.cancel() else ahead.result()

    def server_close(self) -> None:
        super().server_close()
        self._pool.shutdown(cancel_futures=True)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # clients may close the connection
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: ShopServer
    protocol_version = "HTTP/1.1"
    server_version = "demo-shop"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1  # one packet for headers and a small body

    def do_GET(self) -> None:
        url, pages = urlsplit(self.path), self.server.pages
        folder, _, name = url.path.rpartition("/")
        image = catalogue.images().get(name)
        if image and url.path == image.path:
            self._image(image)
        elif image and folder == "/media" and image.defect is Defect.REDIRECT:
            self._answer(self.server.draw(name), media_type(name))
        elif page := pages.get(url.path, url.query):
            for name in page.images:
                self.server.draw_ahead(name)
            self._answer(page.body, page.media_type)
        elif pages.get(url.path + "/", ""):
            self._answer(b"", status=HTTPStatus.MOVED_PERMANENTLY, location=url.path + "/")
        else:
            self._answer(pages.not_found(), status=HTTPStatus.NOT_FOUND)

    def do_HEAD(self) -> None:
        self.do_GET()

    def _image(self, image: catalogue.ShopImage) -> None:
        if image.defect is Defect.MISSING:
            self._answer(self.server.pages.not_found(), status=HTTPStatus.NOT_FOUND)
        elif image.defect is Defect.REDIRECT:
            self._answer(b"", status=HTTPStatus.FOUND, location=f"/media/{image.name}")
        elif image.defect is Defect.HTML:
            self._answer(self.server.pages.not_found(), "image/jpeg")
        else:
            time.sleep(SLOW_SECONDS if image.defect is Defect.SLOW else 0)
            body = self.server.draw(image.name)
            cut = len(body) * 6 // 10 if image.defect is Defect.SHORT_BODY else None
            self._answer(body, media_type(image.name), cut=cut)

    def _answer(
        self,
        body: bytes,
        kind: str = "text/html; charset=utf-8",
        status: HTTPStatus = HTTPStatus.OK,
        location: str = "",
        cut: int | None = None,
    ) -> None:
        """Answer with a body. After `cut` bytes of it the connection breaks."""
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[:cut])
        if cut is not None:
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_WR)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        pass
