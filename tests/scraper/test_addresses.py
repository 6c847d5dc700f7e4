"""The address guard: what may be asked, and that the connection goes where it was checked."""

import ipaddress
import socket
import ssl
import time
from contextlib import ExitStack

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from pipeline.addresses import (
    MAX_REDIRECTS,
    FetchError,
    RefusedAddressError,
    check_address,
    check_url,
    fetch,
    host_port,
    session,
)
from pipeline.cli import UserError

PRIVATE = {
    "loopback": "127.0.0.1 127.8.8.8 ::1",
    "private": "10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 fc00::1 fd00:ec2::254",
    "link-local": "169.254.169.254 169.254.0.1 fe80::1 fe80::1%eth0",
    "multicast": "224.0.0.1 239.255.255.250 ff02::1 ff0e::1",
    "unspecified": "0.0.0.0 ::",
    "reserved": "240.0.0.1 255.255.255.255 192.0.2.1 198.51.100.1 2001:db8::1 fec0::1",
    "shared": "100.64.0.1 100.100.100.200",
    "IPv4-mapped": "::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254",
    "IPv4-compatible": "::127.0.0.1",
    "6to4": "2002:7f00:1:: 2002:a9fe:a9fe::",
    "NAT64": "64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::1",
    "Teredo": "2001::1",
    "metadata": "168.63.129.16",
}
PUBLIC = "8.8.8.8 100.128.0.1 2606:4700::1111 ::ffff:8.8.8.8 64:ff9b::808:808 2002:808:808::"


@pytest.mark.parametrize(
    ("kind", "ip"), [(k, ip) for k, ips in PRIVATE.items() for ip in ips.split()]
)
def test_an_address_that_is_not_public_is_refused(kind: str, ip: str) -> None:
    with pytest.raises(RefusedAddressError, match=r"shop\.example:80"):
        check_address("shop.example", 80, ip, ())
    check_address("shop.example", 80, ip, ["shop.example:80"])


@pytest.mark.parametrize("ip", PUBLIC.split())
def test_a_public_address_is_allowed(ip: str) -> None:
    check_address("shop.example", 80, ip, ())


NETWORKS = [ipaddress.ip_network(n) for n in ("10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16")]


@given(st.sampled_from(NETWORKS), st.integers(min_value=0), st.data())
def test_no_spelling_of_a_private_address_passes(network, number, data) -> None:
    ip = network[number % network.num_addresses]
    value = int(ip)
    spelling = data.draw(
        st.sampled_from(
            [
                ip,
                ipaddress.IPv6Address((0xFFFF << 32) | value),
                ipaddress.IPv6Address((0x2002 << 112) | (value << 80) | 1),
                ipaddress.IPv6Address((0x64FF9B << 96) | value),
            ]
        )
    )
    with pytest.raises(RefusedAddressError):
        check_address("shop.example", 443, str(spelling), ())


@pytest.mark.parametrize(
    ("allowed", "host", "port"),
    [
        ("shop.intranet:8080", "SHOP.intranet", 8080),
        ("Shop.Intranet.:8080", "shop.intranet", 8080),
        ("[::1]:8080", "0:0:0:0:0:0:0:1", 8080),
        ("bücher.example:80", "xn--bcher-kva.example", 80),
    ],
)
def test_allow_private_names_host_and_port_however_spelt(
    allowed: str, host: str, port: int
) -> None:
    check_address(host, port, "10.1.2.3", [allowed])
    with pytest.raises(RefusedAddressError):
        check_address(host, port + 1, "10.1.2.3", [allowed])


@pytest.mark.parametrize("entry", ["", "shop", ":", "shop:http", "shop:8080:x", "[::1]"])
def test_an_entry_that_is_no_host_and_port_allows_nothing(entry: str) -> None:
    with pytest.raises(RefusedAddressError):
        check_address("shop", 8080, "10.1.2.3", [entry])


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://Shop.Intranet:8080/mugs?x=1#y", "shop.intranet:8080"),
        ("https://shop.example", "shop.example:443"),
        ("HTTP://shop.example/", "shop.example:80"),
        ("http://user:secret@shop.example/", "shop.example:80"),
        ("http://[0:0::1]:81/", "[::1]:81"),
        ("http://shop.example:0/", "shop.example:0"),
        ("https://bücher.example/", "xn--bcher-kva.example:443"),
    ],
)
def test_host_port(url: str, expected: str) -> None:
    assert host_port(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://shop.example/x",
        "data:image/png;base64,xx",
        "//shop.example/",
        "shop.example",
        "http:///x",
        "http://",
        "http://shop.example:99999/",
        "http://[::1/",
        "",
    ],
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(RefusedAddressError):
        check_url(url)


@given(st.text())
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        check_url(text)
    except RefusedAddressError:
        return
    assert host_port(text).rpartition(":")[2].isdigit()


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


def redirect(to: str):
    return lambda request: request.answer(b"", 302, Location=to)


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
    with pytest.raises(FetchError, match="/cut can't be had"):
        fetch(f"{server.url}/cut", max_bytes=999, timeout=5, allow_private=[server.host])
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(FetchError, match=f"http://{nobody}/ can't be had: .*refused"):
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
