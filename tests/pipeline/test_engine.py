"""A picture may kill its worker; it costs that picture only."""

import operator
import os
import signal
import time

import pytest

from pipeline.engine import Killed, map_pictures, usable_cores


def test_results_come_in_order() -> None:
    numbers = [(n, 2) for n in range(300)]
    assert list(map_pictures(pow, numbers, "squaring")) == [n**2 for n in range(300)]


def test_nothing_to_do_starts_nothing() -> None:
    assert list(map_pictures(pow, [], "nothing")) == []


@pytest.mark.parametrize(
    ("function", "item", "why"),
    [
        (signal.raise_signal, signal.SIGSEGV, "killed by SIGSEGV"),
        (os._exit, 7, "exit code 7"),
        (time.sleep, 100, "too long"),
        (bytearray, 1 << 40, "too much memory"),
    ],
)
def test_a_killed_worker_costs_one_item(function, item, why: str) -> None:
    items = [(int, n) for n in range(40)]
    items.insert(5, (function, item))
    results = list(map_pictures(operator.call, items, "mixed", seconds=1))
    killed = results.pop(5)
    assert isinstance(killed, Killed)
    assert why in killed.why
    assert results == list(range(40))


def test_an_error_of_the_function_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        list(map_pictures(divmod, [(1, 1), (1, 0)], "dividing"))


def test_a_worker_that_cannot_start_is_no_picture(capfd: pytest.CaptureFixture) -> None:
    with pytest.raises(RuntimeError, match="worker process failed"):
        list(map_pictures(_Unloadable(), [(1,)], "failing"))
    assert "cannot be loaded" in capfd.readouterr().err


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
