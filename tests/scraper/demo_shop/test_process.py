"""The shop as a process: it starts, says where it is, and stops."""

import os
import signal
import socket
import subprocess
import sys

import pytest
import requests

from pipeline.cli import UserError
from scraper.demo_shop import serve

SERVE = [sys.executable, "-m", "scraper.demo_shop"]


def _answers(address: str) -> bool:
    try:
        return requests.get(f"{address}robots.txt", timeout=10).ok
    except requests.ConnectionError:
        return False


def test_it_serves_for_the_length_of_the_block() -> None:
    with serve() as address:
        assert address.startswith("http://127.0.0.1:")
        assert _answers(address)
    assert not _answers(address)


def test_two_shops_serve_side_by_side() -> None:
    with serve() as one, serve() as other:
        assert one != other
        assert _answers(one)
        assert _answers(other)


def test_it_stops_with_what_it_was_drawing_when_the_block_fails() -> None:
    def fail(address: str) -> None:
        requests.get(f"{address}mugs/", timeout=10)  # starts the drawing processes
        raise ZeroDivisionError(address)

    with pytest.raises(ZeroDivisionError) as failure, serve() as address:
        fail(address)
    assert not _answers(failure.value.args[0])


def test_a_port_that_is_taken_is_a_clear_error(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match="could not be started"), serve(port):
            pass
    message = capfd.readouterr().err
    assert f"the demo shop can't use port {port}" in message
    assert "Traceback" not in message


def test_a_port_that_is_none_is_a_clear_error() -> None:
    done = subprocess.run([*SERVE, "--port", "70000"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "choose another --port" in done.stderr
    assert "Traceback" not in done.stderr


def test_it_stops_when_its_parent_is_killed() -> None:
    program = (
        "import time, requests\n"
        "from scraper.demo_shop import serve\n"
        "with serve() as address:\n"
        "    requests.get(address + 'mugs/', timeout=10)\n"
        "    print(address, flush=True)\n"
        "    time.sleep(600)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    assert parent.stderr is not None
    address = parent.stdout.readline().strip()
    assert _answers(address)
    parent.kill()
    parent.wait()
    # the shop and its drawing processes write there too: it ends when the last of them has
    assert parent.stderr.read() == ""
    assert not _answers(address)
    parent.stdout.close()
    parent.stderr.close()


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_by_hand_it_says_where_it_is_and_stops_when_asked(by: signal.Signals) -> None:
    shop = subprocess.Popen(
        SERVE, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert shop.stdout is not None
    assert shop.stderr is not None
    address = shop.stdout.readline().strip()
    assert _answers(address)
    os.kill(shop.pid, by)
    out, err = shop.stdout.read(), shop.stderr.read()
    assert shop.wait(30) == 0
    assert "Traceback" not in err
    assert f"{address}sneakers/" in out
    assert f"scrapy crawl shop -a source=own -a label=cap -a url={address}caps/" in out
