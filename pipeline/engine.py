"""Map a function over images in processes that a bad image may kill.

Each worker process has the function and nothing else of the program. It starts small, so that a
cap on its memory means something. If a decoder's crash, the cap or the clock kills it, only the
image that it was working on is lost. It reads its items from its standard input and writes results
to its standard output, which every system has.

The processes run on this machine, one for each core. If `RAY_ADDRESS` names a Ray cluster, they run
on its nodes (cluster.py), one for each processor. The results are the same.
"""

import os
import pickle
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import IO, Any, TypeVar

from tqdm import tqdm

from pipeline import cluster
from pipeline.cluster import Items
from pipeline.system import cap_memory, cap_time, took_too_long, usable_cores

Result = TypeVar("Result")

MEMORY = 3 << 30  # bytes of address space: an image of Pillow's limit, and what decoding adds
SECONDS = 60.0  # for one image
PART = 1000  # images for a node of a cluster at once: if it is killed, seconds of work are lost
_CHUNKS = 125  # chunks of a part; a process gets a chunk at once, so it seldom waits


@dataclass(frozen=True, slots=True)
class Killed:
    """The result of an item that ended its worker process; `why` says how."""

    why: str


@dataclass(frozen=True, slots=True)
class _Raised:
    error: Exception


def map_images(
    function: Callable[..., Result],
    items: Items,
    description: str,
    memory: int = MEMORY,
    seconds: float = SECONDS,
    unit: str = " images",
    part: int = PART,
) -> Iterator[Result | Killed]:
    """`function(*item)` for each item, in their order, in many processes.

    `function` belongs to a module. Items and results can be pickled. `memory` (bytes, where the
    system has such a cap) and `seconds` are caps for one item. If an item ends its process, its
    result is `Killed`. An exception of the function is raised here. `part` is how many items take
    some seconds: a node of a cluster gets so many at once. Its working directory is this one's
    path. Raises UserError if the environment names a cluster that can't be used.

    >>> list(map_images(pow, [(2, 3), (3, 2)], "raising"))
    [8, 9]
    """
    task = pickle.dumps((function, memory, seconds))
    chunk = max(1, part // _CHUNKS)
    if cluster.is_asked_for() and len(items):
        found = cluster.map_parts(partial(_map_part, task, chunk), items, part)
    else:
        found = _map_here(task, chunk, items, usable_cores())
    with closing(found):
        for result in tqdm(found, description, len(items), unit=unit, disable=None):
            if isinstance(result, _Raised):
                raise result.error
            yield result


def _map_part(task: bytes, chunk: int, items: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Compute a part of the items on a node of a cluster, with one of its processors."""
    return list(_map_here(task, chunk, items, 1))


def _map_here(task: bytes, chunk: int, items: Items, most: int) -> Generator[Any]:
    """The results of all items, in their order, from at most so many processes of this machine."""
    count = min(most, -(-len(items) // chunk))
    todo = iter(range(len(items)))
    done: dict[int, Any] = {}
    answers: _Answers = SimpleQueue()
    workers = {_Worker(task, answers) for _ in range(count)}
    try:
        for worker in workers:
            worker.feed(todo, items, chunk)
        for number in range(len(items)):
            while number not in done:
                worker, answer = answers.get()
                if answer is None:
                    workers.remove(worker)
                    dead, worker = worker, _Worker(task, answers)
                    workers.add(worker)
                    worker.inherit(dead, done)
                else:
                    worker.receive(answer, done)
                worker.feed(todo, items, chunk)
            yield done.pop(number)
    finally:
        for worker in workers:
            worker.stop()


class _Worker:
    """A process, and the items that it has got and not yet answered."""

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
        """Pass on the answers of the process, and None at its end."""
        with suppress(EOFError):
            while True:
                answers.put((self, _read(self._from)))
        answers.put((self, None))

    def _send(self, message: bytes) -> None:
        with suppress(OSError):  # a dead worker is noticed when it doesn't answer
            _write(self._to, message)

    def feed(self, numbers: Iterator[int], items: Items, chunk: int) -> None:
        """Send more items when the worker is about to run out."""
        if len(self._pending) <= chunk // 2:
            self._ask([(n, items[n]) for _, n in zip(range(chunk), numbers, strict=False)])

    def _ask(self, chunk: Sequence[tuple[int, tuple[Any, ...]]]) -> None:
        if chunk:
            self._pending.extend(chunk)
            self._send(pickle.dumps([item for _, item in chunk]))

    def receive(self, answer: bytes, done: dict[int, Any]) -> None:
        """Take one answer."""
        number, _ = self._pending.popleft()
        done[number] = _unpickled(answer)

    def inherit(self, dead: "_Worker", done: dict[int, Any]) -> None:
        """Take over the items of a dead worker. The item that it worked on gets `Killed`."""
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
            with suppress(OSError):  # a dead worker can't take the rest
                pipe.close()


_Answers = SimpleQueue[tuple[_Worker, bytes | None]]


def _write(pipe: IO[bytes], message: bytes) -> None:
    pipe.write(len(message).to_bytes(8, "big") + message)
    pipe.flush()


def _read(pipe: IO[bytes]) -> bytes:
    """The next message. Raises EOFError if there is none, or only a part of it."""
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
    """Answer items until the parent closes the pipe. This is the program of a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's
    questions = sys.stdin.buffer
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)  # text that a library prints must not mix with the answers
        function, memory, seconds = _unpickled(_read(questions))  # imports its module
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
    except Exception as error:  # noqa: BLE001 - the parent raises it
        return _Raised(error)
