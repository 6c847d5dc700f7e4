"""The shop's HTTP server: pages, photos, and answers that go wrong as planned."""

import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterable
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


class PhotoStore:
    """Photos by name, drawn once: ahead in two processes, or here when one is asked for first."""

    def __init__(self) -> None:
        self._futures: dict[str, Future[bytes]] = {}
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None

    def draw_ahead(self, names: Iterable[str]) -> None:
        with self._lock:
            if self._pool is None:
                self._pool = ProcessPoolExecutor(
                    2, multiprocessing.get_context("spawn"), initializer=_live_with_parent
                )
            for name in names:
                if name not in self._futures:
                    self._futures[name] = self._pool.submit(content, name)

    def get(self, name: str) -> bytes:
        with self._lock:
            future = self._futures.get(name)
            mine = future is None or future.cancel()
            if mine:
                future = self._futures[name] = Future()
                future.set_running_or_notify_cancel()
        assert future is not None
        if mine:
            try:
                future.set_result(content(name))
            except BaseException as error:
                future.set_exception(error)
                raise
        return future.result()

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


def _live_with_parent() -> None:
    """In a drawing process: leave Ctrl-C to the server, and end when it ends, however it does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


class Shop(ThreadingHTTPServer):
    """The shop at 127.0.0.1 on a port; 0 takes a free one. A context manager.

    Raises OSError or OverflowError where the port can't be had.
    """

    request_queue_size = 128

    def __init__(self, port: int = 0) -> None:
        self.store = PhotoStore()
        super().__init__(("127.0.0.1", port), _Handler)
        self.address = f"http://127.0.0.1:{self.server_port}/"
        self.pages = Pages(self.address)

    def server_close(self) -> None:
        super().server_close()
        self.store.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # a client may hang up
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: Shop
    protocol_version = "HTTP/1.1"
    server_version = "demo-shop"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1  # one packet for headers and a small body

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        folder, _, name = url.path.rpartition("/")
        photo = catalogue.photos().get(name)
        if photo is not None and url.path == photo.path:
            self._photo(photo)
        elif photo is not None and folder == "/media" and photo.defect is Defect.REDIRECT:
            self._answer(self.server.store.get(name), media_type(name))
        elif (page := self.server.pages.get(url.path, url.query)) is not None:
            self.server.store.draw_ahead(page.photos)
            self._answer(page.body, page.media_type)
        elif self.server.pages.get(url.path + "/", "") is not None:
            self._redirect(url.path + "/")
        else:
            self._answer(
                self.server.pages.not_found(), "text/html; charset=utf-8", HTTPStatus.NOT_FOUND
            )

    def do_HEAD(self) -> None:
        self.do_GET()

    def _photo(self, photo: catalogue.Photo) -> None:
        match photo.defect:
            case Defect.MISSING:
                self._answer(
                    self.server.pages.not_found(), "text/html; charset=utf-8", HTTPStatus.NOT_FOUND
                )
                return
            case Defect.REDIRECT:
                self._redirect(f"/media/{photo.name}", HTTPStatus.FOUND)
                return
            case Defect.HTML:
                self._answer(self.server.pages.not_found(), "image/jpeg")
                return
            case Defect.SLOW:
                time.sleep(SLOW_SECONDS)
        body = self.server.store.get(photo.name)
        cut = len(body) * 6 // 10 if photo.defect is Defect.SHORT_BODY else None
        self._answer(body, media_type(photo.name), cut=cut)

    def _redirect(self, path: str, status: HTTPStatus = HTTPStatus.MOVED_PERMANENTLY) -> None:
        self.send_response(status)
        self.send_header("Location", path)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _answer(
        self,
        body: bytes,
        kind: str,
        status: HTTPStatus = HTTPStatus.OK,
        cut: int | None = None,
    ) -> None:
        self.send_response(status)
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
