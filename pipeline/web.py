"""What the pages have in common: who may talk to them, and how they start and stop.

Needs the extra `web`: import it within `pipeline.cli.needs_extra`.
"""

import argparse
import hmac
import ipaddress
import os
import secrets
import socket
from contextlib import suppress
from pathlib import Path
from string import Template
from typing import Final
from urllib.parse import parse_qs, urlsplit

import uvicorn
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.cli import UserError

TOKEN: Final = "PRODUCT_CLASSIFICATION_TOKEN"  # noqa: S105 - the variable's name
"""The environment variable that holds what a page asks for; needed beyond this machine."""

_SHORTEST_TOKEN = 16
_LOGIN = Path(__file__).parent / "templates" / "login.html"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob: data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
"""Of every response that does not say otherwise itself."""


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    """What went wrong, as RFC 9457 has it."""
    content = {"status": status, "detail": detail}
    return JSONResponse(content, status, headers, media_type="application/problem+json")


class Guard:
    """ASGI middleware that lets only this machine's own pages, or who has the token, through.

    A request for another host is refused: the name of some web site may lead to this machine.
    What changes something must come from our own page, and say how long it is. `token` None asks
    for none; else it is sent as a Bearer, or entered once for a cookie.
    """

    def __init__(
        self, app: ASGIApp, *, host: str, port: int, token: str | None, max_body: int
    ) -> None:
        self._app = app
        self._host = host.lower()
        self._port = port
        self._token = token
        self._max_body = max_body
        self._login = Template(_LOGIN.read_text(encoding="utf-8"))
        self._cookie = f"session_{port}"  # a browser shares cookies between ports
        self._session = secrets.token_urlsafe()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        request = Request(scope, receive)
        respond = self._refusal(request) or await self._to_log_in(request) or self._app
        await respond(scope, receive, send_with_headers)

    def _refusal(self, request: Request) -> Response | None:
        """Why this request goes no further, whoever sends it."""
        headers = request.headers
        host = headers.get("host", "")
        if not self._is_ours(host):
            return problem(403, f"{host!r} is not where this page is served")
        if request.method in _SAFE:
            return None
        origin = headers.get("origin")  # browsers always tell; a program need not
        if origin is not None and origin.partition("://")[2] != host:
            return problem(403, "another site may not do this")
        if "transfer-encoding" in headers:
            return problem(411, "say how long it is (Content-Length)")
        if int(headers.get("content-length", 0)) > self._max_body:
            return problem(413, f"at most {self._max_body:,} bytes in one request")
        return None

    def _is_ours(self, host: str) -> bool:
        try:
            parts = urlsplit(f"//{host}")
            name, port = parts.hostname or "", parts.port or 80
        except ValueError:
            return False
        if port != self._port:
            return False
        if name in {"localhost", "127.0.0.1", "::1", self._host}:
            return True
        everywhere = self._host in {"0.0.0.0", "::"}  # noqa: S104 - asked, not bound
        return everywhere and (_is_address(name) or name == socket.gethostname().lower())

    async def _to_log_in(self, request: Request) -> Response | None:
        """The answer to someone who has not shown the token; None to who has, or needs none."""
        if self._token is None:
            return None
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and _same(given, self._token):
            return None
        if _same(request.cookies.get(self._cookie, ""), self._session):
            return None
        if (request.method, request.url.path) == ("POST", "/login"):
            form = parse_qs((await request.body()).decode(errors="replace"))
            if not _same(form.get("token", [""])[0], self._token):
                return HTMLResponse(self._login.substitute(message="That is not the token."), 401)
            answer = RedirectResponse("/", 303)
            answer.set_cookie(self._cookie, self._session, httponly=True, samesite="strict")
            return answer
        if "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(self._login.substitute(message=""), 401)
        return problem(401, "send the token", {"WWW-Authenticate": "Bearer"})


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode(), right.encode())


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def add_address_arguments(parser: argparse.ArgumentParser, port: int) -> None:
    """`--host` and `--port` of a page's command line."""
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on (default: %(default)s, this machine alone); any other needs a "
        f"token of at least {_SHORTEST_TOKEN} characters in the environment variable {TOKEN}",
    )
    parser.add_argument(
        "--port", type=_port, default=port, help="default: %(default)s; 0 takes a free one"
    )


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port < 2**16:
        raise ValueError
    return port


def serve(app: ASGIApp, name: str, host: str, port: int, *, max_body: int) -> None:
    """Serve a page until Ctrl-C. Its address is printed when connections are taken.

    `max_body` is in bytes of one request. Raises UserError where there is nothing to listen on, or
    others could come in without a token.
    """
    token = os.environ.get(TOKEN) or None
    if token is not None and len(token) < _SHORTEST_TOKEN:
        raise UserError(f"the token in {TOKEN} is shorter than {_SHORTEST_TOKEN} characters")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, _, _, _, address = found[0]
        if token is None and not ipaddress.ip_address(address[0]).is_loopback:
            raise UserError(
                f"others can reach {host}: set {TOKEN} to a secret of at least "
                f"{_SHORTEST_TOKEN} characters, which the page then asks for"
            )
        listener = socket.create_server(address, family=family)
    except OSError as error:
        raise UserError(
            f"can't listen on {host}, port {port} ({error.strerror}); choose with --host and --port"
        ) from error
    with listener, suppress(KeyboardInterrupt):
        port = listener.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        config = uvicorn.Config(
            Guard(app, host=host, port=port, token=token, max_body=max_body),
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
            timeout_graceful_shutdown=3,
        )
        _Server(config, f"{name}: http://{shown}:{port}/ (Ctrl-C stops it)").run([listener])


class _Server(uvicorn.Server):
    """Says where it is once it takes connections, and Ctrl-C no longer meets it half made."""

    def __init__(self, config: uvicorn.Config, welcome: str) -> None:
        super().__init__(config)
        self.welcome = welcome

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print(self.welcome, flush=True)
