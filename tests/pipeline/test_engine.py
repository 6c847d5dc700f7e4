"""An image may kill its worker; it costs that image only."""

import operator
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from pipeline.engine import Killed, map_images
from pipeline.system import usable_cores


def test_results_come_in_order() -> None:
    numbers = [(n, 2) for n in range(300)]
    assert list(map_images(pow, numbers, "squaring")) == [n**2 for n in range(300)]


def test_nothing_to_do_starts_nothing() -> None:
    assert list(map_images(pow, [], "nothing")) == []


def test_what_a_worker_prints_is_no_answer(capfd: pytest.CaptureFixture) -> None:
    assert list(map_images(print, [("said",)] * 20, "printing")) == [None] * 20
    assert capfd.readouterr().err.count("said") == 20


def test_large_items_and_results_block_nobody() -> None:
    items = [(bytes([n]) * 300_000,) for n in range(40)]  # several times what a pipe holds
    assert list(map_images(bytes, items, "copying", seconds=10)) == [item for (item,) in items]


@pytest.mark.parametrize(
    ("function", "item", "why"),
    [
        pytest.param(
            signal.raise_signal,
            signal.SIGSEGV,
            "killed by SIGSEGV",
            marks=pytest.mark.skipif(sys.platform == "win32", reason="has no such exit codes"),
        ),
        (os._exit, 7, "exit code 7"),
        (time.sleep, 100, "too long"),
        pytest.param(
            bytearray,
            1 << 40,
            "too much memory",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="has no cap on memory"),
        ),
    ],
)
def test_a_killed_worker_costs_one_item(function, item, why: str) -> None:
    items = [(int, n) for n in range(40)]
    items.insert(5, (function, item))
    results = list(map_images(operator.call, items, "mixed", seconds=1))
    killed = results.pop(5)
    assert isinstance(killed, Killed)
    assert why in killed.why
    assert results == list(range(40))


def test_a_system_without_alarms_and_caps(tmp_path: Path, monkeypatch) -> None:
    lacking = 'import signal, sys\ndel signal.setitimer\nsys.modules["resource"] = None\n'
    (tmp_path / "sitecustomize.py").write_text(lacking)  # each worker imports it as it starts
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    items = [(time.sleep, 0), (time.sleep, 100), (int, 7), (bytearray, 1 << 60)]
    slept, slow, seven, large = map_images(operator.call, items, "mixed", seconds=1)
    assert (slept, seven) == (None, 7)
    assert slow == Killed("took too long to decode")
    assert large == Killed("takes too much memory to decode")


def test_an_error_of_the_function_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        list(map_images(divmod, [(1, 1), (1, 0)], "dividing"))


def test_a_worker_that_cannot_start_is_no_image(capfd: pytest.CaptureFixture) -> None:
    with pytest.raises(RuntimeError, match="worker process failed"):
        list(map_images(_Unloadable(), [(1,)], "failing"))
    assert "cannot be loaded" in capfd.readouterr().err


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="can't say which cores to use")
def test_cores_are_those_that_may_be_used() -> None:
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert usable_cores() == 1
    finally:
        os.sched_setaffinity(0, before)


class _Unloadable:
    def __reduce__(self):
        return exec, ("raise ImportError('cannot be loaded')",)
