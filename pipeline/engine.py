"""Map a function over images in processes that a bad image may kill.

Each worker is a Python process of its own that has the function and nothing else of the program:
it starts small, so that a cap on its memory means something, and what kills it (a decoder's crash,
the cap, the clock) costs the one image that it had in hand. It is asked by its standard input and
answers by its standard output, which every system has.
"""

import os
import pickle
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue
from typing import IO, Any, Protocol, TypeVar

from tqdm import tqdm

from pipeline.system import cap_memory, cap_time, took_too_long

Result = TypeVar("Result")

MEMORY = 3 << 30  # bytes of address space: an image of Pillow's limit, and what decoding adds
SECONDS = 60.0  # for one image
_CHUNK = 8  # images sent at once: fewer wake-ups, and a worker need not wait for its next one


class Items(Protocol):
    """The arguments of each call: a sequence, whose items may be made when they are asked for."""

    def __len__(self) -> int: ...

    def __getitem__(self, number: int, /) -> tuple[Any, ...]: ...


@dataclass(frozen=True, slots=True)
class Killed:
    """The result of an item that ended its worker process; `why` says how."""

    why: str


@dataclass(frozen=True, slots=True)
class _Raised:
    error: Exception


def usable_cores() -> int:
    """The cores that this process may use, which may be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def map_images(
    function: Callable[..., Result],
    items: Items,
    description: str,
    memory: int = MEMORY,
    seconds: float = SECONDS,
    unit: str = " images",
) -> Iterator[Result | Killed]:
    """`function(*item)` for each item, in their order, from one process a core.

    `function` is a module's own; items and results can be pickled. `memory` (bytes, where the
    system has such a cap) and `seconds` are caps for one item. An item that its worker did not
    survive gives `Killed`; an exception of the function is raised here.
    """
    count = min(usable_cores(), -(-len(items) // _CHUNK))
    todo = iter(range(len(items)))
    done: dict[int, Any] = {}
    task = pickle.dumps((function, memory, seconds))
    answers: _Answers = SimpleQueue()
    workers = {_Worker(task, answers) for _ in range(count)}
    try:
        for worker in workers:
            worker.feed(todo, items)
        for number in tqdm(range(len(items)), description, unit=unit, disable=None):
            while number not in done:
                worker, answer = answers.get()
                if answer is None:
                    workers.remove(worker)
                    dead, worker = worker, _Worker(task, answers)
                    workers.add(worker)
                    worker.inherit(dead, done)
                else:
                    worker.receive(answer, done)
                worker.feed(todo, items)
            result = done.pop(number)
            if isinstance(result, _Raised):
                raise result.error
            yield result
    finally:
        for worker in workers:
            worker.stop()


class _Worker:
    """A process and the items that it was sent and hasn't answered."""

    def __init__(self, task: bytes, answers: "_Answers") -> None:
        self._pending: deque[tuple[int, tuple[Any, ...]]] = deque()
        self._process = subprocess.Popen(  # noqa: S603 - our own command, no shell
            [sys.executable, "-c", _COMMAND, *sys.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # one thread each: the other cores have workers of their own
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        )
        assert self._process.stdin
        assert self._process.stdout
        self._to, self._from = self._process.stdin, self._process.stdout
        # a thread waits for it: no system call waits for many pipes on Windows
        self._listener = threading.Thread(target=self._listen, args=(answers,), daemon=True)
        self._listener.start()
        self._send(task)

    def _listen(self, answers: "_Answers") -> None:
        """Hand on what the process answers, and None at its end."""
        with suppress(EOFError):
            while True:
                answers.put((self, _read(self._from)))
        answers.put((self, None))

    def _send(self, message: bytes) -> None:
        with suppress(OSError):  # a dead worker is noticed when it doesn't answer
            _write(self._to, message)

    def feed(self, numbers: Iterator[int], items: Items) -> None:
        """Send more items when the worker is about to run out."""
        if len(self._pending) <= _CHUNK // 2:
            self._ask([(n, items[n]) for _, n in zip(range(_CHUNK), numbers, strict=False)])

    def _ask(self, chunk: Sequence[tuple[int, tuple[Any, ...]]]) -> None:
        if chunk:
            self._pending.extend(chunk)
            self._send(pickle.dumps([item for _, item in chunk]))

    def receive(self, answer: bytes, done: dict[int, Any]) -> None:
        """Take one answer."""
        number, _ = self._pending.popleft()
        done[number] = _unpickled(answer)

    def inherit(self, dead: "_Worker", done: dict[int, Any]) -> None:
        """Go on with what a dead worker left: the item in its hand is answered by its death."""
        code = dead._process.wait()
        dead.stop()
        if code == 1:
            raise RuntimeError("a worker process failed; its own message is above")
        if dead._pending:
            number, _ = dead._pending.popleft()
            done[number] = Killed(_why(code))
        self._ask(dead._pending)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._listener.join()
        for pipe in (self._to, self._from):
            with suppress(OSError):  # what a dead worker was not sent is lost
                pipe.close()


_Answers = SimpleQueue[tuple[_Worker, bytes | None]]


def _write(pipe: IO[bytes], message: bytes) -> None:
    pipe.write(len(message).to_bytes(8, "big") + message)
    pipe.flush()


def _read(pipe: IO[bytes]) -> bytes:
    """The next message. Raises EOFError where there is none, or only a part of it."""
    head = pipe.read(8)
    size = int.from_bytes(head, "big")
    message = pipe.read(size)
    if len(head) < 8 or len(message) < size:
        raise EOFError
    return message


def _unpickled(message: bytes) -> Any:
    return pickle.loads(message)  # noqa: S301 - a process of ours wrote it


def _why(code: int) -> str:
    if took_too_long(code):
        return "took too long to decode"
    if code < 0:
        return f"its decoder was killed by {signal.Signals(-code).name}"
    return f"its decoder ended with exit code {code}"


_COMMAND = """
import sys
sys.path[:] = sys.argv[1:]
from pipeline.engine import serve
serve()
"""


def serve() -> None:
    """What a worker process does: answer items until its parent closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's
    questions = sys.stdin.buffer
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)  # what a library prints is no answer
        function, memory, seconds = _unpickled(_read(questions))  # imports what it needs
        cap_memory(memory)
        with suppress(EOFError, OSError):
            while True:
                for item in _unpickled(_read(questions)):
                    with cap_time(seconds):
                        _write(answers, pickle.dumps(_answer(function, item)))


def _answer(function: Callable[..., Any], item: tuple[Any, ...]) -> Any:
    try:
        return function(*item)
    except MemoryError:
        return Killed("takes too much memory to decode")
    except Exception as error:  # noqa: BLE001 - raised by the parent, which knows what to do
        return _Raised(error)
