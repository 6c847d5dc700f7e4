"""Decides who may talk to the pages (`model.serve` and `pipeline.review`).

Needs the extra `web`: import it within `pipeline.cli.needs_extra`.
"""

import asyncio
import base64
import hashlib
import hmac
import ipaddress
import re
import secrets
import socket
from collections.abc import Collection
from pathlib import Path
from string import Template
from typing import Final
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN: Final = "PRODUCT_CLASSIFICATION_TOKEN"  # noqa: S105 - the variable's name
"""The environment variable that holds the token. A page that other machines can reach needs one."""

_LOGIN = Path(__file__).parent / "templates" / "login.html"
ALIVE: Final = "/healthz"
HEALTH = frozenset({ALIVE, "/readyz"})
"""Paths that a load balancer asks. They need no token, and any host name is accepted."""
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
"""These headers go into every response that does not set them itself."""


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    """A response that says what went wrong, in the format of RFC 9457."""
    content = {"status": status, "detail": detail}
    return JSONResponse(content, status, headers, media_type="application/problem+json")


class RequestCounter:
    """ASGI middleware that counts the requests under way. After it is closed it lets no new one in.

    A refused request gets status 503. `/healthz` is still answered, because the process is alive.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.is_closed = False
        self.closes_connections = False
        """Whether a refusal closes the connection too. Then the server takes no new connections."""
        self.under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self.is_closed and path_of(scope) != ALIVE:
            while (await receive()).get("more_body"):
                pass  # a client that is still sending would not read an answer
            await self._refusal()(scope, receive, send)
            return
        answered = False

        async def noting(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        self.under_way += 1
        try:
            await self._app(scope, receive, noting)
        except asyncio.CancelledError:  # the grace time is over
            if answered or not self.is_closed:
                raise
            await self._refusal()(scope, receive, send)
        finally:
            self.under_way -= 1

    def _refusal(self) -> Response:
        hang_up = {"Connection": "close"} if self.closes_connections else {}
        return problem(503, "the server is stopping; come again", {"Retry-After": "1", **hang_up})


class Guard:
    """ASGI middleware that lets a request through if it is from our own page or has the token.

    A page of another site can't read our answers. But the name of that site may lead to this
    machine, and then the browser takes our answers for that site's own (DNS rebinding). So a
    request must name this server by an IP address or by one of its names (`allow_hosts` adds some).
    A request with the token needs no such check. The paths in HEALTH need no token.

    A request that changes something must come from our own page and have a Content-Length.
    If `token` is None, none is asked for. Else a program sends it as a Bearer token, and a person
    enters it once and gets a cookie.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        host: str,
        allow_hosts: Collection[str],
        token: str | None,
        max_body: int,
    ) -> None:
        self._app = app
        self._allowed = {name.lower() for name in allow_hosts}
        self._names = {"localhost", host.lower(), socket.gethostname().lower(), *self._allowed}
        self._token = token
        self._max_body = max_body
        login = _LOGIN.read_text(encoding="utf-8")
        self._login = Template(login)
        self._login_policy = _with_style(_HEADERS["Content-Security-Policy"], login)
        # a browser shares cookies between the ports of a host
        self._cookie = f"session_{secrets.token_hex(4)}"
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
        """The answer to a request that is refused whoever sends it; None for any other."""
        host = request.headers.get("host", "")
        if path_of(request.scope) in HEALTH and request.method in _SAFE:
            return None
        proven = self._has_token(request)
        if not proven and not self._has_session(request) and not self._is_ours(host):
            return problem(
                403,
                f"{host!r} is not where this page is served; if it is, start it with "
                f"--allow-host {_name(host) or 'NAME'}",
            )
        if request.method in _SAFE:
            return None
        origin = request.headers.get("origin")  # browsers always send it; programs need not
        if origin is not None and not proven and not self._is_own_page(origin, host):
            return problem(
                403, f"another site may not do this; if {origin} is this page: --allow-host NAME"
            )
        if "transfer-encoding" in request.headers:
            return problem(411, "say how long it is (Content-Length)")
        if int(request.headers.get("content-length", 0)) > self._max_body:
            return problem(413, f"at most {self._max_body:,} bytes in one request")
        return None

    def _is_ours(self, host: str) -> bool:
        """Whether the host is this server. An IP address is: another site always has a name."""
        name = _name(host)
        return name in self._names or _is_address(name)

    def _is_own_page(self, origin: str, host: str) -> bool:
        """Whether the origin is this page: our host and port or, as a proxy hides them, a name."""
        sender = origin.partition("://")[2]
        return sender == host or _name(sender) in self._allowed

    def _has_token(self, request: Request) -> bool:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        return self._token is not None and scheme.lower() == "bearer" and _same(given, self._token)

    def _has_session(self, request: Request) -> bool:
        return _same(request.cookies.get(self._cookie, ""), self._session)

    async def _to_log_in(self, request: Request) -> Response | None:
        """The answer to a request that needs the token and lacks it; None for any other."""
        if self._token is None or self._has_token(request) or self._has_session(request):
            return None
        if path_of(request.scope) in HEALTH and request.method in _SAFE:
            return None
        root = request.scope.get("root_path", "")
        if (request.method, path_of(request.scope)) == ("POST", "/login"):
            form = parse_qs((await request.body()).decode(errors="replace"))
            if not _same(form.get("token", [""])[0], self._token):
                return self._ask(root, "That is not the token.")
            answer = RedirectResponse(f"{root}/", 303)
            answer.set_cookie(
                self._cookie,
                self._session,
                path=f"{root}/",
                secure=request.url.scheme == "https",
                httponly=True,
                samesite="strict",
            )
            return answer
        if "text/html" in request.headers.get("accept", ""):
            return self._ask(root, "")
        return problem(401, "send the token", {"WWW-Authenticate": "Bearer"})

    def _ask(self, root: str, message: str) -> Response:
        page = self._login.substitute(root=root, message=message)
        headers = {
            "Content-Security-Policy": self._login_policy,
            # with `no-referrer` a browser would send the form with the origin `null`
            "Referrer-Policy": "same-origin",
        }
        return HTMLResponse(page, 401, headers)


def path_of(scope: Scope) -> str:
    """A request's path without the prefix that a proxy puts before it."""
    root: str = scope.get("root_path", "")
    path: str = scope["path"]
    return path.removeprefix(root) if root else path


def _with_style(policy: str, page: str) -> str:
    """The policy, with this page's own style allowed: a style sheet would need the token."""
    style = re.findall("<style>(.*?)</style>", page, re.DOTALL)[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return policy.replace("style-src 'self'", f"style-src 'self' 'sha256-{digest}'")


def _name(host: str) -> str:
    """The name in `name:port`, in lower case; empty if there is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode(), right.encode())


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
