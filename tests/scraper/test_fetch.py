"""What is fetched is bounded in size and time, and comes from the address that was checked."""

import socket
import ssl
import time
from contextlib import ExitStack

import pytest
import requests
from answers import redirect

from pipeline.addresses import (
    MAX_REDIRECTS,
    FetchError,
    RefusedAddressError,
    fetch,
    host_port,
    session,
)
from pipeline.cli import UserError


@pytest.fixture
def serve(web):
    """A function that serves {path: what answers} until the test ends, by TLS if `wrap` says so."""
    with ExitStack() as running:

        def start(routes, wrap=None):
            server = type(web)()
            server.routes |= routes
            if wrap:
                server.socket = wrap(server.socket)
            return running.enter_context(server)

        yield start


def test_fetch_gives_the_body_and_refuses_what_is_not_allowed(serve) -> None:
    server = serve({"/x": b"image"})
    url = f"http://localhost:{server.server_port}/x"
    with pytest.raises(RefusedAddressError, match=f"localhost:{server.server_port}.*allow_private"):
        fetch(url, max_bytes=10, timeout=5)
    assert not server.asked
    assert fetch(url, max_bytes=7, timeout=5, allow_private=[host_port(url)]) == b"image"


def test_a_number_that_is_a_loopback_address_is_refused(serve) -> None:
    server = serve({"/x": b"image"})
    with pytest.raises(UserError, match="no public address"):
        fetch(f"http://2130706433:{server.server_port}/x", max_bytes=10, timeout=5)
    assert not server.asked


def test_each_hop_of_a_redirect_is_checked(serve) -> None:
    secret = serve({"/": b"secret"})
    shop = serve({"/x": redirect(secret.url + "/"), "/y": redirect("file:///etc/passwd")})
    with pytest.raises(RefusedAddressError, match=secret.host):
        fetch(f"{shop.url}/x", max_bytes=10, timeout=5, allow_private=[shop.host])
    assert not secret.asked
    with pytest.raises(UserError, match="passwd"):
        fetch(f"{shop.url}/y", max_bytes=10, timeout=5, allow_private=[shop.host])
    both = [shop.host, secret.host]
    assert fetch(f"{shop.url}/x", max_bytes=10, timeout=5, allow_private=both) == b"secret"


def test_redirects_end(serve) -> None:
    server = serve({"/x": redirect("/x")})
    with pytest.raises(FetchError, match="redirects"):
        fetch(f"{server.url}/x", max_bytes=10, timeout=5, allow_private=[server.host])
    assert server.asked["/x"] == MAX_REDIRECTS + 1


def test_size_is_capped_while_it_streams(serve) -> None:
    endless = 0

    def answer(request) -> None:
        nonlocal endless
        request.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n")
        while endless < 1 << 30:
            request.wfile.write(b"x" * 65536)
            endless += 65536

    server = serve({"/x": answer})
    with pytest.raises(FetchError, match="larger than the 100,000 bytes"):
        fetch(f"{server.url}/x", max_bytes=100_000, timeout=60, allow_private=[server.host])
    assert endless < 1 << 30


def drip(head: bytes):
    def answer(request) -> None:
        request.wfile.write(head)
        for _ in range(600):
            request.wfile.write(b"x")
            time.sleep(0.05)

    return answer


@pytest.mark.parametrize(
    "head", [b"HTTP/1.0 200 OK\r\nX-Slow: ", b"HTTP/1.0 200 OK\r\n\r\n"], ids=["headers", "body"]
)
def test_time_is_capped_in_all(serve, head: bytes) -> None:
    """Each byte comes soon enough for a read timeout; all of them would take half a minute."""
    server = serve({"/x": drip(head)})
    with pytest.raises(FetchError, match=r"more than 0.3 s"):
        fetch(f"{server.url}/x", max_bytes=1000, timeout=0.3, allow_private=[server.host])


def test_what_goes_wrong_is_said(serve) -> None:
    def cut(request) -> None:
        request.answer(b"only this", Content_Length="100")
        request.close_connection = True

    server = serve({"/cut": cut})
    with pytest.raises(FetchError, match="404"):
        fetch(f"{server.url}/none", max_bytes=99, timeout=5, allow_private=[server.host])
    with pytest.raises(FetchError, match="/cut can't be fetched"):
        fetch(f"{server.url}/cut", max_bytes=999, timeout=5, allow_private=[server.host])
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(FetchError, match=f"http://{nobody}/ can't be fetched: .*refused"):
        fetch(f"http://{nobody}/", max_bytes=99, timeout=5, allow_private=[nobody])


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch):
    """Names of this test's own: a function that says what each one resolves to, in turn."""
    real, answers, asked = socket.getaddrinfo, {}, []

    def resolve(host, *args, **kwargs):
        if host in answers:
            asked.append(host)
            turn = answers[host]
            host = turn.pop(0) if len(turn) > 1 else turn[0]
        return real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    answers["asked"] = asked
    return answers


def test_the_connection_goes_to_the_address_that_was_checked(serve, names) -> None:
    """The name resolves to another address as soon as it was looked up."""
    hosts = []

    def answer(request) -> None:
        hosts.append(request.headers["Host"])
        request.answer(b"the checked one")

    server = serve({"/": answer})
    names["shop.test"] = ["127.0.0.1", "169.254.169.254"]
    url = f"http://shop.test:{server.server_port}/"
    assert fetch(url, max_bytes=99, timeout=5, allow_private=[host_port(url)]) == b"the checked one"
    assert names["asked"] == ["shop.test"]
    assert hosts == [host_port(url)]


def test_a_name_that_turns_private_is_refused(serve, names) -> None:
    server = serve({"/": b"secret"})
    names["rebind.test"] = ["127.0.0.1"]
    with pytest.raises(RefusedAddressError, match=r"rebind\.test"):
        fetch(f"http://rebind.test:{server.server_port}/", max_bytes=99, timeout=5)
    assert not server.asked


def test_tls_is_verified_for_the_name(serve, names, certificate) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = serve({"/": b"safe"}, wrap=lambda s: context.wrap_socket(s, server_side=True))
    names |= {"shop.test": ["127.0.0.1"], "other.test": ["127.0.0.1"]}
    allowed = [f"shop.test:{server.server_port}", f"other.test:{server.server_port}"]
    with session(allowed) as http:
        with pytest.raises(requests.exceptions.SSLError):
            http.get(f"https://shop.test:{server.server_port}/", timeout=5)
        http.verify = certificate
        assert http.get(f"https://shop.test:{server.server_port}/", timeout=5).content == b"safe"
        with pytest.raises(requests.exceptions.SSLError, match=r"other\.test"):
            http.get(f"https://other.test:{server.server_port}/", timeout=5)


def test_proxies_of_the_environment_are_not_asked(serve, monkeypatch) -> None:
    proxy, server = serve({}), serve({"/": b"itself"})
    monkeypatch.setenv("http_proxy", proxy.url)
    assert fetch(f"{server.url}/", max_bytes=9, timeout=5, allow_private=[server.host])
    assert not proxy.asked
