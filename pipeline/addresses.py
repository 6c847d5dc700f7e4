"""The address guard. It decides which addresses may be asked, when the connection is made.

A page can name `http://169.254.169.254/…` as its image. A host name can resolve to a public address
when it is checked, and to a private one when the connection is made. So the address is checked
after the name is resolved, and the connection goes to exactly the checked address.
"""

import functools
import ipaddress
import socket
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError

from pipeline.cli import UserError

MAX_REDIRECTS = 10
_CHUNK = 1 << 16
_AGENT = "product-classification"
_MOST_SHOWN = 200  # characters of an address
_DEFAULT_PORTS = {"http": 80, "https": 443}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_METADATA = {ipaddress.ip_address("168.63.129.16")}  # the others are in private or local ranges


class RefusedAddressError(UserError):
    """An address that may not be asked: not http(s), or not of the public network."""


class FetchError(UserError):
    """A host may be asked, but didn't give the wanted answer."""


def check_url(url: str) -> None:
    """Raise RefusedAddressError unless `url` is http(s) and has a host and a valid port."""
    _split(url)


def host_port(url: str) -> str:
    """The host and port of an address; an IPv6 address keeps its brackets.

    >>> host_port("http://Shop.intranet/mugs")
    'shop.intranet:80'
    """
    return _join(*_split(url))


def check_address(host: str, port: int, ip: str, allow_private: Collection[str]) -> None:
    """Raise RefusedAddressError unless `ip`, which `host` resolved to, is a public address.

    An address that has an IPv4 address inside (IPv4-mapped, 6to4, NAT64) is judged by that one.
    `allow_private` lists private hosts that are allowed, as `host:port`.
    """
    address = _embedded(ipaddress.ip_address(ip.partition("%")[0]))
    if _is_public(address):
        return
    asked = _join(host, port)
    if asked not in {_normal(entry) for entry in allow_private}:
        raise RefusedAddressError(
            f"{asked} is at {ip}, which is no public address; if it is yours, allow {asked!r}: in "
            "allow_private of the source, or by --allow-private of the server"
        )


def session(allow_private: Collection[str] = ()) -> requests.Session:
    """A requests session whose every connection, those of redirects too, is checked when it opens.

    Proxies and .netrc of the environment are not used: a proxy resolves names by itself, out of
    the guard's sight, and no one's passwords belong to an image's host.
    """
    return _session(allow_private, lambda _: None)


def reason(error: Exception) -> str:
    """The reason why a request failed, without the text that the libraries put around it."""
    inner = error.args[0] if error.args else None
    if cause := getattr(inner, "reason", None):
        return str(cause).rpartition(": ")[2]
    if isinstance(inner, Exception):
        return reason(inner)
    return inner if isinstance(inner, str) else str(error)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """The answer of a host, after redirects. It has a body only if the status is a success."""

    url: str
    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes


def fetch(
    url: str, *, max_bytes: int, timeout: float, allow_private: Collection[str] = ()
) -> bytes:
    """The body at `url`: at most `max_bytes` long, here within `timeout` seconds altogether.

    Raises RefusedAddressError, or FetchError with what went wrong.
    """
    answer = ask(url, max_bytes=max_bytes, timeout=timeout, allow_private=allow_private)
    if answer.status >= 400:
        raise FetchError(f"{url} answers {answer.status} {answer.reason}")
    return answer.body


def ask(
    url: str,
    *,
    max_bytes: int,
    timeout: float,
    allow_private: Collection[str] = (),
    user_agent: str = _AGENT,
) -> HttpAnswer:
    """The answer of the host at `url`, with status and headers, even if the status is a failure.

    `user_agent` is how the request presents itself. The limits, and the errors raised, are those
    of `fetch`.
    """
    check_url(url)
    opened: list[socket.socket] = []
    expired = threading.Event()

    def note(connection: socket.socket) -> None:
        opened.append(connection.dup())  # a copy, since TLS takes over the original
        if expired.is_set():
            _shut_down(connection)

    def hang_up() -> None:  # a server that sends a byte now and then never runs into a read timeout
        expired.set()
        for connection in opened:
            _shut_down(connection)

    watch = threading.Timer(timeout, hang_up)
    watch.daemon = True
    watch.start()
    try:
        with _session(allow_private, note) as http:
            http.headers["User-Agent"] = user_agent
            answer = _get(http, url, max_bytes, timeout)
    except (requests.RequestException, HTTPError, OSError) as error:
        if not expired.is_set() and not isinstance(error, requests.Timeout):
            raise FetchError(f"{url} can't be fetched: {reason(error)}") from error
        expired.set()
    finally:
        watch.cancel()
        for connection in opened:
            connection.close()
    if expired.is_set():  # a cut connection can look like the end of the body
        raise FetchError(f"{url} took more than {timeout:g} s")
    return answer


def _get(http: requests.Session, url: str, max_bytes: int, timeout: float) -> HttpAnswer:
    with http.get(url, stream=True, timeout=timeout) as response:
        body = bytearray()
        while response.ok and (chunk := response.raw.read1(_CHUNK, decode_content=True)):
            body += chunk
            if len(body) > max_bytes:
                raise FetchError(f"{url} is larger than the {max_bytes:,} bytes that are allowed")
        headers = list(response.raw.headers.items())  # several headers can have the same name
        return HttpAnswer(response.url, response.status_code, response.reason, headers, bytes(body))


def _shut_down(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it was closed already


def _split(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise RefusedAddressError(f"{_shown(url)} is no address: {error}") from error
    if parts.scheme not in _DEFAULT_PORTS:
        raise RefusedAddressError(
            f"{_shown(url)} is no address that starts with http:// or https://"
        )
    if not host:
        raise RefusedAddressError(f"{_shown(url)} names no host")
    return host, port if port is not None else _DEFAULT_PORTS[parts.scheme]


def _shown(url: str) -> str:
    """An address in a message: those that begin with `data:` have a whole file in them."""
    return repr(url) if len(url) <= _MOST_SHOWN else f"{url[:_MOST_SHOWN]!r}…"


@functools.lru_cache(maxsize=1024)
def _join(host: str, port: int) -> str:
    host = host.strip("[]").rstrip(".").lower()
    try:
        host = str(ipaddress.ip_address(host))
    except ValueError:
        host = _ascii(host)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _ascii(host: str) -> str:
    """A host name as DNS is asked for it: `bücher.example` → `xn--bcher-kva.example`."""
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return host  # not a name that can be resolved


def _normal(entry: str) -> str:
    host, _, port = entry.rpartition(":")
    return _join(host, int(port)) if port.isascii() and port.isdigit() else entry


def _embedded(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(address, IPv6Address):
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFF_FFFF)
        return address.ipv4_mapped or address.sixtofour or address
    return address


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    return (
        address.is_global  # not private, loopback, link-local, shared, unspecified
        and not address.is_multicast
        and not address.is_reserved
        and not (isinstance(address, IPv6Address) and address.is_site_local)
        and address not in _METADATA
    )


class _GuardedConnection(HTTPConnection):
    allow_private: Collection[str] = ()
    on_connect: Callable[[socket.socket], None]

    def _new_conn(self) -> socket.socket:
        name = self.host
        try:
            found = socket.getaddrinfo(name, self.port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            raise NameResolutionError(name, self, socket.gaierror(str(error))) from error
        refusal: Exception = NewConnectionError(self, f"{name} has no address")
        for *_, (ip, *_) in found:
            check_address(name, self.port, str(ip), self.allow_private)
            self.host = str(ip)
            try:
                connected = super()._new_conn()
            except NewConnectionError as error:
                refusal = error
            else:
                self.on_connect(connected)
                return connected
            finally:
                self.host = name  # the Host header and the certificate need it
        raise refusal


class _GuardedTlsConnection(_GuardedConnection, HTTPSConnection):
    pass


class _GuardedAdapter(HTTPAdapter):
    def __init__(
        self, allow_private: Collection[str], on_connect: Callable[[socket.socket], None]
    ) -> None:
        super().__init__()
        settings = {"allow_private": allow_private, "on_connect": staticmethod(on_connect)}
        plain = type("_Connection", (_GuardedConnection,), settings)
        tls = type("_TlsConnection", (_GuardedTlsConnection,), settings)
        self.poolmanager.pool_classes_by_scheme = {
            "http": type("_Pool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
            "https": type("_TlsPool", (HTTPSConnectionPool,), {"ConnectionCls": tls}),
        }


def _session(
    allow_private: Collection[str], on_connect: Callable[[socket.socket], None]
) -> requests.Session:
    made = requests.Session()
    made.trust_env = False
    made.max_redirects = MAX_REDIRECTS
    made.headers["User-Agent"] = _AGENT
    adapter = _GuardedAdapter(allow_private, on_connect)
    for scheme in _DEFAULT_PORTS:
        made.mount(f"{scheme}://", adapter)
    return made
