"""Collects several sources side by side, each in a process of its own, never two from one host.

The processes share no queue of addresses. We tried one in Redis. A spider that was killed had taken
requests from it, and no other spider could see these any more: images were lost.
"""

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from tabulate import tabulate

from pipeline.sources import (
    AddressesSource,
    ArchiveSource,
    DatasetSource,
    HuggingFaceSource,
    Source,
    SpiderSource,
    as_list,
)
from scraper.division import Part, host_of
from scraper.reading.canonical import place
from scraper.reading.sitemaps import is_file, read_addresses

_SECONDS_TO_END = 60  # an interrupted crawl has this time to write what has arrived
_HUB = "https://huggingface.co"


@dataclass
class _Run:
    """The process that collects one source. It may have ended."""

    name: str
    process: subprocess.Popen[str]
    hosts: frozenset[str]
    started: float = field(default_factory=time.monotonic)
    said: str = ""
    """the last line that begins with `error: `, and what follows it"""


def collect_all(
    sources: Mapping[str, Source], jobs: int, options: Mapping[str, Sequence[str]]
) -> bool:
    """Collect these sources, at most `jobs` at once. True if all were finished.

    A source that fails stops no other. Each line that a source prints begins with its name, and a
    table comes at the end. `options` are those of `python -m scraper.collect` for each source.
    Ctrl-C, SIGTERM and a closed terminal end all of them.
    """
    waiting = {name: hosts(source) for name, source in sources.items()}
    running: dict[str, _Run] = {}
    ended: queue.Queue[str] = queue.Queue()
    rows = dict.fromkeys(sources, ("not started", "", ""))
    with _terminated_as_interrupted():
        try:
            while waiting or running:
                while (name := _next(waiting, running, jobs)) is not None:
                    running[name] = _start(name, waiting.pop(name), options[name], ended)
                one = running.pop(ended.get())
                rows[one.name] = _row(one)
        except KeyboardInterrupt:
            _end(running.values())
            rows |= {one.name: ("interrupted", _took(one), "") for one in running.values()}
            _print(rows)
            raise
    _print(rows)
    return all(result == "finished" for result, *_ in rows.values())


def hosts(source: Source) -> frozenset[str]:
    """The hosts that a source's entry names. Two sources that share one never run side by side.

    `www.` and the port do not count. An API without an address has the name of its spider.
    A path of this machine is no host. The entry of a table does not tell the hosts of its images,
    so two tables share hosts, unless they are parts by host.
    """
    if isinstance(source, DatasetSource):
        return frozenset({"datasets"})  # their archives lie on few hosts, and mirrors share them
    if isinstance(source, HuggingFaceSource):
        return _named([os.environ.get("HF_ENDPOINT") or _HUB])
    if isinstance(source, ArchiveSource):
        return _named([source.url])
    if isinstance(source, AddressesSource):
        return _named(as_list(source.url)) | set(Part.parsed(source.part).heaps())
    if not isinstance(source, SpiderSource):
        return frozenset()
    urls = as_list(source.url)
    given = [*urls, source.api or ""]
    given += [value for values in source.classes.values() for value in as_list(values)]
    for url in filter(is_file, urls):
        with suppress(OSError, ValueError):  # collecting it says what is wrong
            listed = read_addresses(Path(url).read_bytes())
            given += [x for x in listed if Part.parsed(source.part).has(str(place(x)), x)]
    if source.url is None and source.api is None:
        return _named(given) | {f"the API of {source.spider}"}
    return _named(given)


def _named(given: Sequence[str]) -> frozenset[str]:
    return frozenset(map(host_of, given)) - {""}


def _next(
    waiting: Mapping[str, frozenset[str]], running: Mapping[str, _Run], jobs: int
) -> str | None:
    """The first source that may start now."""
    if len(running) >= jobs:
        return None
    busy = frozenset[str]().union(*(one.hosts for one in running.values()))
    return next((name for name, asked in waiting.items() if not asked & busy), None)


def _start(
    name: str, asked: frozenset[str], options: Sequence[str], ended: "queue.Queue[str]"
) -> _Run:
    process = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "scraper.collect", *options, "--", name],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="backslashreplace",
        # a crawl that is interrupted once ends well, but not one that is interrupted twice: so
        # Ctrl-C comes to this process alone, which passes it on
        process_group=0 if os.name == "posix" else None,
    )
    one = _Run(name, process, asked)
    threading.Thread(target=_follow, args=(one, ended), daemon=True).start()
    return one


def _follow(one: _Run, ended: "queue.Queue[str]") -> None:
    assert one.process.stdout is not None
    for line in one.process.stdout:
        text = line.rstrip()
        print(f"{one.name}: {text}", flush=True)
        if text.startswith("error: "):
            one.said = text.removeprefix("error: ")
    one.process.wait()
    ended.put(one.name)


def _row(one: _Run) -> tuple[str, str, str]:
    code = one.process.returncode
    if code == 0:
        return "finished", _took(one), ""
    return "failed", _took(one), one.said or f"it ended with exit code {code}"


def _took(one: _Run) -> str:
    return str(timedelta(seconds=round(time.monotonic() - one.started)))


def _print(rows: Mapping[str, tuple[str, str, str]]) -> None:
    table = [(name, *row) for name, row in rows.items()]
    headers = ["source", "result", "took", "reason"]
    print(tabulate(table, headers, disable_numparse=True, maxcolwidths=[None, None, None, 60]))


def _end(running: Collection[_Run]) -> None:
    """Interrupt these runs, and wait until they have written what arrived.

    A run that takes too long is killed. If a person presses Ctrl-C again, all runs are killed.
    """
    try:
        for one in running:
            one.process.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)
        until = time.monotonic() + _SECONDS_TO_END
        for one in running:
            with suppress(subprocess.TimeoutExpired):
                one.process.wait(max(0.0, until - time.monotonic()))
    finally:
        for one in running:
            one.process.kill()


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """SIGTERM, and SIGHUP of a closed terminal, do what Ctrl-C does: no child is left alone.

    A signal that is ignored, as SIGHUP is after `nohup`, stays ignored.
    """
    before = {
        number: signal.signal(number, signal.default_int_handler)
        for number in {signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
