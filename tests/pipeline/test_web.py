"""Who may talk to a page, asked of a real server over real connections."""

import http.client
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).parents[2]
TOKEN = "a secret of some length"
PAGE = """
import argparse
import asyncio
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from pipeline.cli import run
from pipeline.serving import add_address_arguments, serve


async def hello(request: Request) -> PlainTextResponse:
    if request.url.path.endswith("/slow"):
        print("slow", flush=True)
        while not Path(request.query_params["until"]).exists():
            await asyncio.sleep(0.01)
    return PlainTextResponse(f"hello {len(await request.body())}")


def main() -> None:
    parser = argparse.ArgumentParser()
    add_address_arguments(parser, 0)
    arguments = parser.parse_args()
    paths = ("/", "/healthz", "/readyz", "/slow")
    routes = [Route(path, hello, methods=["GET", "POST"]) for path in paths]
    app = Starlette(routes=routes)
    serve(app, "page", arguments, max_body=100)


run(main)
"""


def start(arguments: tuple[str, ...], token: str = "") -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PRODUCT_CLASSIFICATION_TOKEN": token}
    command = [sys.executable, "-c", PAGE, *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment)


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


def ask(
    address: str, method: str = "GET", path: str = "/", body: str | None = None, **headers: str
) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection(address.replace("0.0.0.0", "127.0.0.1"), timeout=60)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, named)
    response = connection.getresponse()
    found = {name.lower(): value for name, value in response.getheaders()}
    text = response.read().decode()
    connection.close()
    return response.status, found, text


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


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_what_is_under_way_is_finished_and_what_is_new_is_refused(
    by: signal.Signals, tmp_path: Path
) -> None:
    process = start(())
    address = urlsplit(process.stdout.readline().split()[1]).netloc
    with ThreadPoolExecutor() as threads:
        answer = threads.submit(ask, address, "GET", f"/slow?until={tmp_path}/now")
        assert process.stdout.readline() == "slow\n"
        process.send_signal(by)
        while (refused := ask(address))[0] == 200:
            pass  # until it has heard the signal
        status, headers, text = refused
        assert (status, headers["retry-after"]) == (503, "1")
        assert "the server is stopping; come again" in text
        assert ask(address, "POST", body="x" * 100)[0] == 503
        assert ask(address, path="/readyz")[0] == 503  # a load balancer sends no more
        assert ask(address, path="/healthz")[0] == 200  # but the process is alive
        (tmp_path / "now").touch()
        assert answer.result()[2] == "hello 0"
    process.communicate(timeout=60)
    with pytest.raises(ConnectionRefusedError):
        ask(address)


def test_nobody_who_stays_connected_is_cut_off_untold() -> None:
    process = start(())
    address = urlsplit(process.stdout.readline().split()[1]).netloc
    has_asked = threading.Semaphore(0)

    def ask_on() -> set[int]:
        connection, statuses = http.client.HTTPConnection(address, timeout=60), set()
        with suppress(ConnectionRefusedError):  # nobody is there any more
            while True:
                connection.request("GET", "/")
                response = connection.getresponse()
                response.read()
                statuses.add(response.status)
                has_asked.release()
        return statuses

    with ThreadPoolExecutor() as threads:
        clients = [threads.submit(ask_on) for _ in range(4)]
        for _ in range(40):
            has_asked.acquire()
        process.send_signal(signal.SIGTERM)
        assert all(client.result() == {200, 503} for client in clients)
    process.communicate(timeout=60)


def test_what_takes_longer_than_the_grace_time_is_told(tmp_path: Path) -> None:
    process = start(("--grace", "0"))
    address = urlsplit(process.stdout.readline().split()[1]).netloc
    with ThreadPoolExecutor() as threads:
        answer = threads.submit(ask, address, "GET", f"/slow?until={tmp_path}/never")
        assert process.stdout.readline() == "slow\n"
        process.send_signal(signal.SIGTERM)
        assert answer.result()[0] == 503
    assert "Traceback" not in process.communicate(timeout=60)[1]


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


def test_ctrl_c_ends_it_well() -> None:
    process = start(())
    assert process.stdout.readline().startswith("page: http://127.0.0.1:")
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 0
