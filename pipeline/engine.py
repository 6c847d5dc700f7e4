"""Map a function over pictures in processes that a bad picture may kill.

Each worker is a Python process of its own that has the function and nothing else of the program:
it starts small, so that a cap on its memory means something, and what kills it (a decoder's crash,
the cap, the clock) costs the one picture that it had in hand.
"""

import os
import resource
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe, wait
from typing import Any, Generic, TypeVar

from tqdm import tqdm

Result = TypeVar("Result")

MEMORY = 3 << 30  # bytes of address space: a picture of Pillow's limit, and what decoding adds
SECONDS = 60.0  # for one picture
_CHUNK = 8  # pictures sent at once: fewer wake-ups, and a worker need not wait for its next one


@dataclass(frozen=True, slots=True)
class Killed:
    """Comes in the place of a result: the worker did not survive this item, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class _Raised:
    error: Exception


def usable_cores() -> int:
    """The cores that this process may use, which may be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def map_pictures(
    function: Callable[..., Result],
    items: Sequence[tuple[Any, ...]],
    description: str,
    memory: int = MEMORY,
    seconds: float = SECONDS,
) -> Iterator[Result | Killed]:
    """`function(*item)` for each item, in their order, from one process a core.

    `function` is a module's own; items and results can be pickled. `memory` (bytes) and `seconds`
    are caps for one item. An item that its worker did not survive gives `Killed`; an exception of
    the function is raised here.
    """
    count = min(usable_cores(), -(-len(items) // _CHUNK))
    todo = iter(range(len(items)))
    done: dict[int, Any] = {}
    workers = [_Worker(function, memory, seconds) for _ in range(count)]
    try:
        for number in tqdm(range(len(items)), description, unit=" pictures", disable=None):
            while number not in done:
                for worker in workers:
                    worker.feed(todo, items)
                for ready in wait([worker.connection for worker in workers]):
                    at = next(n for n, w in enumerate(workers) if w.connection is ready)
                    try:
                        workers[at].receive(done)
                    except (EOFError, ConnectionError):
                        dead = workers[at]
                        workers[at] = _Worker(function, memory, seconds)
                        workers[at].inherit(dead, done)
            result = done.pop(number)
            if isinstance(result, _Raised):
                raise result.error
            yield result
    finally:
        for worker in workers:
            worker.stop()


class _Worker(Generic[Result]):
    """A process and the items that it was sent and hasn't answered."""

    def __init__(self, function: Callable[..., Result], memory: int, seconds: float) -> None:
        self.connection, theirs = Pipe()
        self._pending: deque[tuple[int, tuple[Any, ...]]] = deque()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own command, no shell
                [sys.executable, "-c", _COMMAND, str(theirs.fileno()), *sys.path],
                pass_fds=[theirs.fileno()],
                # one thread each: the other cores have workers of their own
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            )
        self.connection.send((function, memory, seconds))

    def feed(self, numbers: Iterator[int], items: Sequence[tuple[Any, ...]]) -> None:
        """Send more items when the worker is about to run out."""
        if len(self._pending) <= _CHUNK // 2:
            chunk = [(n, items[n]) for _, n in zip(range(_CHUNK), numbers, strict=False)]
            self._send(chunk)

    def _send(self, chunk: Sequence[tuple[int, tuple[Any, ...]]]) -> None:
        if chunk:
            self._pending.extend(chunk)
            with suppress(ConnectionError):  # a dead worker is noticed when it doesn't answer
                self.connection.send(list(chunk))

    def receive(self, done: dict[int, Any]) -> None:
        """Take one answer. Raises EOFError or ConnectionError where the process has ended."""
        result = self.connection.recv()
        number, _ = self._pending.popleft()
        done[number] = result

    def inherit(self, dead: "_Worker[Result]", done: dict[int, Any]) -> None:
        """Go on with what a dead worker left: the item in its hand is answered by its death."""
        code = dead._process.wait()
        dead.stop()
        if code == 1:
            raise RuntimeError("a worker process failed; its own message is above")
        number, _ = dead._pending.popleft()
        done[number] = Killed(_why(code))
        self._send(dead._pending)

    def stop(self) -> None:
        self.connection.close()
        self._process.kill()
        self._process.wait()


def _why(code: int) -> str:
    if code == -signal.SIGALRM:
        return "took too long to decode"
    if code < 0:
        return f"its decoder was killed by {signal.Signals(-code).name}"
    return f"its decoder ended with exit code {code}"


_COMMAND = """
import sys
sys.path[:] = sys.argv[2:]
from pipeline.engine import serve
serve(int(sys.argv[1]))
"""


def serve(descriptor: int) -> None:
    """What a worker process does: answer items until its parent closes the connection."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's
    connection = Connection(descriptor)
    function, memory, seconds = connection.recv()  # imports what the function needs
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    memory = memory if most == resource.RLIM_INFINITY else min(memory, most)
    resource.setrlimit(resource.RLIMIT_AS, (memory, most))
    try:
        while True:
            for _, item in connection.recv():
                signal.setitimer(signal.ITIMER_REAL, seconds)  # its signal ends the process
                connection.send(_answer(function, item))
                signal.setitimer(signal.ITIMER_REAL, 0)
    except (EOFError, ConnectionError):
        pass


def _answer(function: Callable[..., Any], item: tuple[Any, ...]) -> Any:
    try:
        return function(*item)
    except MemoryError:
        return Killed("takes too much memory to decode")
    except Exception as error:  # noqa: BLE001 - raised by the parent, which knows what to do
        return _Raised(error)
