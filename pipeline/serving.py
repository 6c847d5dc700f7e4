"""Serves a page: its command line, its address, and its end.

Needs the extra `web`: import it within `pipeline.cli.needs_extra`.
"""

import argparse
import asyncio
import ipaddress
import math
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress

import uvicorn
from starlette.types import ASGIApp

from pipeline.cli import UserError
from pipeline.numbers import number_from
from pipeline.web import TOKEN, Guard, RequestCounter

_SHORTEST_TOKEN = 16
_TICK = 0.05  # seconds
_FAREWELL = 1.0


def add_address_arguments(parser: argparse.ArgumentParser, port: int) -> None:
    """Add the options that all pages have: where the page is served, and how it ends."""
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on (default: %(default)s, this machine alone); any other needs a "
        f"token of at least {_SHORTEST_TOKEN} characters in the environment variable {TOKEN}",
    )
    parser.add_argument(
        "--port",
        type=number_from(0, 65535),
        default=port,
        help="default: %(default)s; 0 takes a free one",
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a name that browsers have for this page, behind a proxy or in your network",
    )
    parser.add_argument(
        "--root-path",
        default="",
        metavar="/PREFIX",
        help="the prefix that a proxy puts before every address, and removes again",
    )
    parser.add_argument(
        "--trust-proxy",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="the address of a proxy; its X-Forwarded-Proto and X-Forwarded-For are trusted",
    )
    parser.add_argument(
        "--grace",
        type=number_from(0),
        default=10,
        metavar="SECONDS",
        help="how long requests may go on after SIGTERM or Ctrl-C, while new ones get status 503 "
        "(default: %(default)s)",
    )


def serve(
    app: ASGIApp,
    name: str,
    options: argparse.Namespace,
    *,
    max_body: int,
    around: Callable[[ASGIApp], ASGIApp] = lambda whole: whole,
    on_hangup: Callable[[], None] | None = None,
) -> None:
    """Serve a page until Ctrl-C or SIGTERM. Its address is printed when it takes connections.

    Args:
        options: those of `add_address_arguments`.
        max_body: the most bytes of one request.
        around: wraps the whole app, with the guard and its refusals.
        on_hangup: is called in a thread at each SIGHUP, if the system has this signal.

    Raises UserError if it can't listen there, or if others could use it without a token.
    """
    token = os.environ.get(TOKEN) or None
    if token is not None and len(token) < _SHORTEST_TOKEN:
        raise UserError(f"the token in {TOKEN} is shorter than {_SHORTEST_TOKEN} characters")
    root = options.root_path.rstrip("/")
    if root and not root.startswith("/"):
        raise UserError(f"--root-path is {root!r}; it starts with /")
    with _listener(options.host, options.port, token) as listener, suppress(KeyboardInterrupt):
        port = listener.getsockname()[1]
        shown = f"[{options.host}]" if ":" in options.host else options.host
        counter = RequestCounter(app)
        guard = Guard(
            counter,
            host=options.host,
            allow_hosts=options.allow_host,
            token=token,
            max_body=max_body,
        )
        config = uvicorn.Config(
            around(guard),
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=bool(options.trust_proxy),
            forwarded_allow_ips=options.trust_proxy,
            root_path=root,
            ws="none",
        )
        welcome = f"{name}: http://{shown}:{port}/ (Ctrl-C stops it)"
        _Server(config, welcome, counter, options.grace, on_hangup).run([listener])


def _listener(host: str, port: int, token: str | None) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, _, _, _, address = found[0]
        if token is None and not ipaddress.ip_address(address[0]).is_loopback:
            raise UserError(
                f"others can reach {host}: set {TOKEN} to a secret of at least "
                f"{_SHORTEST_TOKEN} characters, which the page then asks for"
            )
        return socket.create_server(address, family=family)
    except OSError as error:
        raise UserError(
            f"can't listen on {host}, port {port} ({error.strerror}); choose with --host and --port"
        ) from error


class _Server(uvicorn.Server):
    """A server that prints its address when it is ready, and lets requests end before it ends."""

    def __init__(
        self,
        config: uvicorn.Config,
        welcome: str,
        counter: RequestCounter,
        grace: float,
        on_hangup: Callable[[], None] | None,
    ) -> None:
        super().__init__(config)
        self._welcome = welcome
        self._counter = counter
        self._grace = grace
        self._on_hangup = on_hangup

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and only then print the address: from now on Ctrl-C ends a whole server."""
        await super().startup(sockets)
        if self._on_hangup and hasattr(signal, "SIGHUP"):
            on_hangup, has_terminal = self._on_hangup, sys.stdout.isatty()

            def hang_up() -> None:
                if has_terminal and not sys.stdout.isatty():  # its window was closed
                    self.handle_exit(signal.SIGTERM, None)
                else:
                    loop.run_in_executor(None, on_hangup)

            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGHUP, hang_up)
        print(self._welcome, flush=True)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Refuse new requests, and end when none is under way or the grace time is over.

        Open connections stay open a moment longer: the next request on them still gets a refusal.
        """
        now = asyncio.get_running_loop().time
        ends = now() + self._grace
        self._counter.is_closed = True
        await self._wait(ends, lambda: self._counter.under_way > 0)
        for server in self.servers:
            server.close()
        self._counter.closes_connections = True
        farewell = min(ends, now() + _FAREWELL)
        await self._wait(farewell, lambda: bool(self.server_state.connections))
        self.config.timeout_graceful_shutdown = max(0, math.ceil(ends - now()))
        await super().shutdown(sockets)

    async def _wait(self, until: float, has_reason: Callable[[], bool]) -> None:
        now = asyncio.get_running_loop().time
        while has_reason() and now() < until and not self.force_exit:
            await asyncio.sleep(_TICK)
