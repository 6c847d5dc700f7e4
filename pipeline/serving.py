"""How a page is served: its command line, its address, and how it ends.

Needs the extra `web`: import it within `pipeline.cli.needs_extra`.
"""

import argparse
import ipaddress
import os
import socket
from contextlib import suppress

import uvicorn
from starlette.types import ASGIApp

from pipeline.cli import UserError
from pipeline.web import TOKEN, Guard

_SHORTEST_TOKEN = 16


def add_address_arguments(parser: argparse.ArgumentParser, port: int) -> None:
    """What a page's command line has in common: where it is served, and how it ends."""
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on (default: %(default)s, this machine alone); any other needs a "
        f"token of at least {_SHORTEST_TOKEN} characters in the environment variable {TOKEN}",
    )
    parser.add_argument(
        "--port", type=_port, default=port, help="default: %(default)s; 0 takes a free one"
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
        help="what a proxy has in front of every address, and takes away",
    )
    parser.add_argument(
        "--trust-proxy",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="a proxy whose X-Forwarded-Proto and X-Forwarded-For are believed",
    )
    parser.add_argument(
        "--grace",
        type=int,
        default=10,
        metavar="SECONDS",
        help="how long requests may go on after SIGTERM or Ctrl-C (default: %(default)s)",
    )


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port < 2**16:
        raise ValueError
    return port


def serve(app: ASGIApp, name: str, options: argparse.Namespace, *, max_body: int) -> None:
    """Serve a page until Ctrl-C or SIGTERM. Its address is printed when connections are taken.

    `options` are those of `add_address_arguments`; `max_body` is in bytes of one request. Raises
    UserError where there is nothing to listen on, or others could come in without a token.
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
        config = uvicorn.Config(
            Guard(
                app,
                host=options.host,
                allow_hosts=options.allow_host,
                token=token,
                max_body=max_body,
            ),
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=bool(options.trust_proxy),
            forwarded_allow_ips=options.trust_proxy,
            root_path=root,
            ws="none",
            timeout_graceful_shutdown=options.grace,
        )
        _Server(config, f"{name}: http://{shown}:{port}/ (Ctrl-C stops it)").run([listener])


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
    """Says where it is once it takes connections, and Ctrl-C no longer meets it half made."""

    def __init__(self, config: uvicorn.Config, welcome: str) -> None:
        super().__init__(config)
        self.welcome = welcome

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print(self.welcome, flush=True)
