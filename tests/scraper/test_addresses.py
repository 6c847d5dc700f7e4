"""The address guard: which addresses may be asked."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.addresses import (
    RefusedAddressError,
    check_address,
    check_url,
    host_port,
)

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
