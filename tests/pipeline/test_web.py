"""Who may talk to a page, asked of a real server over real connections."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from page import TOKEN, ask, start


@contextmanager
def served(*arguments: str, token: str = "") -> Iterator[str]:
    """The host and port of a page that runs in a process of its own."""
    process = start(arguments, token)
    try:
        line = process.stdout.readline()
        assert line.startswith("page: http://"), process.stderr.read()
        yield urlsplit(line.split()[1]).netloc
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served() as address:
        yield address


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "[::1]", "LocalHost", "192.0.2.7"])
@pytest.mark.parametrize("port", ["", ":9000"])  # of a container, or of `ssh -L`
def test_its_own_names_are_answered_at_any_port(address: str, name: str, port: str) -> None:
    assert ask(address, Host=f"{name}{port}")[0] == 200


@pytest.mark.parametrize(
    "host",
    ["shop.example:PORT", "127.0.0.1.shop.example", "localhost.shop.example:PORT", "[", ""],
)
def test_a_name_that_was_led_here_is_refused(address: str, host: str) -> None:
    status, headers, text = ask(address, Host=host.replace("PORT", address.split(":")[1]))
    assert (status, headers["content-type"]) == (403, "application/problem+json")
    assert "is not where this page is served; if it is, start it with --allow-host" in text


def test_a_name_that_is_allowed_is_answered_and_may_change_something() -> None:
    with served("--allow-host", "Shop.example") as address:
        assert ask(address, Host="shop.example:443")[0] == 200
        for host in ("shop.example", "127.0.0.1:1"):  # some proxies hand on a host of their own
            status, *_ = ask(address, "POST", body="x", Host=host, Origin="https://shop.example")
            assert status == 200
        assert ask(address, "POST", body="x", Origin="https://other.example")[0] == 403
        assert ask(address, Host="other.example")[0] == 403


def test_a_load_balancer_needs_neither_name_nor_token() -> None:
    with served("--host", "0.0.0.0", token=TOKEN) as address:
        assert ask(address, path="/healthz", Host="pod.cluster.local:8080")[2] == "hello 0"
        assert ask(address, "HEAD", "/healthz", Host="pod.cluster.local")[0] == 200
        assert ask(address, "POST", "/healthz", Host="pod.cluster.local")[0] == 403
        assert ask(address, "POST", "/healthz", Host=address)[0] == 401


def test_who_has_the_token_may_use_any_name() -> None:
    with served("--host", "0.0.0.0", token=TOKEN) as address:
        right = {"Host": "classifier:8020", "Authorization": f"Bearer {TOKEN}"}
        assert ask(address, **right)[2] == "hello 0"
        assert ask(address, "POST", body="x", **right, Origin="http://elsewhere")[2] == "hello 1"
        assert ask(address, **(right | {"Authorization": "Bearer wrong"}))[0] == 403


def test_behind_a_proxy_with_a_prefix() -> None:
    proxy = ("--root-path", "/shop/", "--trust-proxy", "127.0.0.1", "--allow-host", "shop.example")
    with served(*proxy, token=TOKEN) as address:
        status, _, form = ask(address, Host="shop.example", Accept="text/html")
        assert (status, 'action="/shop/login"' in form) == (401, True)
        right = "token=" + TOKEN.replace(" ", "+")
        https = {"Host": "127.0.0.1:8020", "X_Forwarded_Proto": "https"}
        status, headers, _ = ask(
            address, "POST", "/login", right, **https, Origin="https://shop.example"
        )
        assert (status, headers["location"]) == (303, "/shop/")
        cookie, *attributes = headers["set-cookie"].split("; ")
        assert {"Secure", "Path=/shop/"} <= set(attributes)
        assert ask(address, **https, Cookie=cookie)[2] == "hello 0"


def test_a_prefix_starts_with_a_slash() -> None:
    process = start(("--root-path", "shop"))
    assert "--root-path is 'shop'; it starts with /" in process.communicate(timeout=60)[1]


def test_only_its_own_page_may_change_something(address: str) -> None:
    assert ask(address, "POST", body="x" * 100, Origin=f"http://{address}")[2] == "hello 100"
    assert ask(address, "POST", body="x")[2] == "hello 1"  # no browser
    for origin in (
        "http://shop.example",
        "null",
        "http://127.0.0.1:1",
        f"http://{address}.example",
    ):
        status, _, text = ask(address, "POST", body="x", Origin=origin)
        assert status == 403
        assert "another site may not do this" in text


def test_a_body_has_a_limit_and_a_length(address: str) -> None:
    assert ask(address, "POST", body="x" * 101)[0] == 413
    status, _, text = ask(address, "POST", Transfer_Encoding="chunked")
    assert status == 411
    assert "Content-Length" in text


def test_every_answer_says_what_a_browser_may_do_with_it(address: str) -> None:
    for path, host in (("/", address), ("/nothing", address), ("/", "shop.example")):
        _, headers, _ = ask(address, path=path, Host=host)
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self';")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


def test_with_a_token_only_who_has_it_comes_in() -> None:
    with served("--host", "0.0.0.0", token=TOKEN) as address:
        status, headers, _ = ask(address, Host=address)
        assert (status, headers["www-authenticate"]) == (401, "Bearer")
        assert ask(address, Host=address, Authorization=f"Bearer {TOKEN}")[2] == "hello 0"
        assert ask(address, Host=address, Authorization="Bearer wrong")[0] == 401
        status, _, form = ask(address, Host=address, Accept="text/html")
        assert status == 401
        assert '<input id="token" name="token" type="password"' in form
        status, _, text = ask(address, "POST", "/login", "token=wrong", Host=address)
        assert status == 401
        assert "That is not the token" in text
        right = "token=" + TOKEN.replace(" ", "+")
        status, headers, _ = ask(address, "POST", "/login", right, Host=address)
        assert (status, headers["location"]) == (303, "/")
        cookie, *attributes = headers["set-cookie"].split("; ")
        assert {"HttpOnly", "SameSite=strict"} <= set(attributes)
        assert TOKEN not in cookie
        assert ask(address, Host=address, Cookie=cookie)[2] == "hello 0"
        assert ask(address, Host="shop.example", Cookie="session=wrong")[0] == 403


@pytest.mark.parametrize(
    ("arguments", "token", "message"),
    [
        (("--host", "0.0.0.0"), "", "others can reach 0.0.0.0: set PRODUCT_CLASSIFICATION_TOKEN"),
        ((), "short", "shorter than 16 characters"),
        (("--host", "192.0.2.1"), TOKEN, "can't listen on 192.0.2.1, port 0"),
    ],
)
def test_what_can_not_be_served_is_said(
    arguments: tuple[str, ...], token: str, message: str
) -> None:
    process = start(arguments, token)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (1, "")
    assert stderr.startswith("error: ")
    assert message in stderr


def test_a_port_that_is_taken_is_said(address: str) -> None:
    process = start(("--port", address.split(":")[1]))
    assert "choose with --host and --port" in process.communicate(timeout=60)[1]
    assert process.returncode == 1
