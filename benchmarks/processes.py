"""Measures the time, processor and memory that a command and all its processes take."""

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from pipeline.cli import UserError


@dataclass(frozen=True)
class Cost:
    """What a command took: wall and processor seconds, peak bytes of all its processes."""

    seconds: float
    cpu: float
    peak: int


def measured(
    command: Sequence[str | Path], cwd: Path, environment: Mapping[str, str] | None = None
) -> Cost:
    """Run a command to its end. Raises UserError if it fails."""
    log = cwd / "output.log"
    usual = {"PYTHONDONTWRITEBYTECODE": ""}  # Python's default: modules are compiled only once
    with log.open("w") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=cwd, stdout=output, stderr=output,
            env={**os.environ, **usual, **(environment or {})},
        )  # fmt: skip
        peak, ended = [0], threading.Event()
        watch = threading.Thread(target=_watch, args=(process.pid, peak, ended))
        watch.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        ended.set()
        watch.join()
    if process.returncode:
        raise UserError(f"{Path(command[0]).name} failed:\n{log.read_text()[-2000:]}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, peak[0])


def _watch(pid: int, peak: list[int], ended: threading.Event) -> None:
    """Keep the peak memory of a process and its children. Shared pages count once.

    To look at a large process takes long and slows it, so looking takes 2 % of the time at most.
    """
    pause = 0.1
    while not ended.wait(pause):
        started = time.perf_counter()
        try:
            process = psutil.Process(pid)
            family = [process, *process.children(recursive=True)]
            peak[0] = max(peak[0], sum(each.memory_full_info().pss for each in family))
        except psutil.Error:
            continue  # one of them has just ended
        pause = max(0.1, 50 * (time.perf_counter() - started))
