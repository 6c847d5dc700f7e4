"""How a page ends: what is under way is finished, and everybody else is told."""

import http.client
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from page import ask, start


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


def test_ctrl_c_ends_it_well() -> None:
    process = start(())
    assert process.stdout.readline().startswith("page: http://127.0.0.1:")
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 0
