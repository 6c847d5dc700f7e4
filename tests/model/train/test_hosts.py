"""What TF_CONFIG may say, and how the hosts of one training wait for each other."""

import socket
import subprocess
import sys
import threading
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loopback import free_addresses

from model.train.hosts import hosts_of, wait_for
from pipeline.cli import UserError

TWO = '"cluster": {"worker": ["a:1", "b:1"]}'
ONE = '"cluster": {"worker": ["a:1"]}'


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ("{", "can't be read"),
        ("[]", "can't be read"),
        ("null", "can't be read"),
        ("[" * 9999, "can't be read"),
        ('{"cluster": ["a:1", "b:1"]}', "can't be read .cluster: "),
        ('{"cluster": {"worker": "a:1"}}', "can't be read .cluster.worker: "),
        ('{"cluster": {"worker": null}}', "can't be read .cluster.worker: "),
        ('{"cluster": {"worker": [1, 2]}}', "can't be read .cluster.worker.0: "),
        ('{"cluster": {"worker": {"0": "a:1", "1": "b:1"}}}', "can't be read .cluster.worker: "),
        ('{"cluster": {"worker": ["a:1", "b"]}}', "'b' is not host:port"),
        ('{"cluster": {"worker": ["http://a:1", "b:1"]}}', "'http://a:1' is not host:port"),
        ('{"cluster": {"worker": ["a:0", "b:1"]}}', "'a:0' is not host:port"),
        ('{"cluster": {"worker": ["a:99999", "b:1"]}}', "'a:99999' is not host:port"),
        ('{"cluster": {"worker": ["a:1", "a:1"]}}', "each address once"),
        ('{"cluster": {"chief": ["a:1", "b:1"]}, "task": {"type": "chief"}}', "at most one chief"),
        (f'{{{TWO}, "task": {{"type": "worker", "index": "x"}}}}', "can't be read .task.index: "),
        (f'{{{TWO}, "task": {{"type": "worker", "index": 1e999}}}}', "can't be read"),
        (f'{{{TWO}, "task": {{"type": ["worker"], "index": 0}}}}', "can't be read .task.type: "),
        (f'{{{TWO}, "task": {{"type": "worker", "index": 2}}}}', "worker 2 of"),
        (f'{{{TWO}, "task": {{"type": "worker", "index": -1}}}}', "worker -1 of"),
        (f'{{{ONE}, "task": {{"type": "worker", "index": 1}}}}', "worker 1 of"),
        (f'{{{TWO}, "task": {{"type": "ps", "index": 0}}}}', "ps 0 of"),
        (f'{{{TWO}, "task": {{"type": "evaluator", "index": 0}}}}', "evaluator 0 of"),
        (f'{{{TWO}, "task": {{"type": "chief", "index": 0}}}}', "chief 0 of"),
        (f'{{{TWO[:-1]}, "ps": ["c:1"]}}, "task": {{"index": 0}}}}', "worker 0 of"),
        (f'{{{ONE[:-1]}, "ps": ["c:1"]}}, "task": {{"index": 0}}}}', "worker 0 of"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_told(config: str, told: str) -> None:
    with pytest.raises(UserError, match=told):
        hosts_of(config)


@given(st.text(st.sampled_from('{}[]:,"0a ')) | st.text())
def test_any_text_is_read_or_told(config: str) -> None:
    with suppress(UserError):
        assert hosts_of(config) == ([], 0)


@pytest.mark.parametrize(
    ("task", "expected"), [(("chief", 0), 0), (("worker", 0), 1), (("worker", "1"), 2)]
)
def test_the_chief_is_the_first_host(task: tuple[str, object], expected: int) -> None:
    cluster = '{"worker": ["b:1", "[::1]:1"], "chief": ["a:1"], "evaluator": ["e:1"]}'
    kind, index = task
    config = f'{{"cluster": {cluster}, "task": {{"type": "{kind}", "index": {index}}}, "rpc": 1}}'
    assert hosts_of(config) == (["a:1", "b:1", "[::1]:1"], expected)


def test_who_is_missing_is_said_until_all_are_there(capsys: pytest.CaptureFixture[str]) -> None:
    first, _, third = hosts = free_addresses(3)
    waiting = threading.Thread(target=wait_for, args=(hosts, 1, 0.0), daemon=True)
    waiting.start()

    def wait_until_said(who: str) -> None:
        while f"still waits for {who}: " not in capsys.readouterr().out:
            waiting.join(0.05)
            assert waiting.is_alive()

    def come(address: str) -> socket.socket:
        return socket.create_server(("127.0.0.1", int(address.rpartition(":")[2])))

    wait_until_said(f"{first}, {third}")
    with come(first):
        wait_until_said(third)
    with come(third):
        wait_until_said(first)  # it was there, and has gone
        with come(first):
            waiting.join(60)
    assert not waiting.is_alive()


def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(UserError, match="end the program that has this port"):
            wait_for([address, "127.0.0.1:1"], 0)


@pytest.mark.skipif(sys.platform == "win32", reason="needs the C library of POSIX")
def test_a_block_that_nothing_in_python_can_end_ends() -> None:
    """TensorFlow holds the lock of the interpreter while it waits."""
    blocked = (
        "import ctypes\nfrom model.train.hosts import ends_in_time\n"
        "with ends_in_time(1):\n    ctypes.PyDLL(None).sleep(100)"
    )
    done = subprocess.run([sys.executable, "-c", blocked], capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (1, b"")
