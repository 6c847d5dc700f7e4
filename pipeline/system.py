"""Things that some systems lack, one function for each. If a thing is missing, we do without it."""

import errno
import importlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

_TOO_LONG = 124  # the same exit code as that of the command `timeout`
_BEHIND_ALL = (1 << 31) - 2  # a position behind any content; Windows can lock no later one


def _module(name: str) -> Any:
    """A module of the standard library; None if this system has no such module."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        return None


def usable_cores() -> int:
    """The cores that this process may use, which may be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cap_memory(size: int) -> bool:
    """Let this process have at most `size` bytes of address space.

    Returns False if there is no cap: Windows has none, and macOS refuses to set it.
    """
    if (resource := _module("resource")) is None:
        return False
    try:
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        size = size if most == resource.RLIM_INFINITY else min(size, most)
        resource.setrlimit(resource.RLIMIT_AS, (size, most))
    except (OSError, ValueError):
        return False
    return True


@contextmanager
def cap_time(seconds: float) -> Iterator[None]:
    """End this process if the block takes longer. `took_too_long` recognises its exit code.

    The default action of a signal ends the process, because a handler in Python would have to wait
    for the decoder. Windows has no such signal. There a thread ends the process, as soon as the
    decoder lets other threads run.
    """
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    else:
        timer = threading.Timer(seconds, os._exit, [_TOO_LONG])
        timer.daemon = True  # the process need not wait for it
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def took_too_long(code: int) -> bool:
    """Whether `cap_time` ended the process that has this exit code."""
    return code in (_TOO_LONG, -getattr(signal, "SIGALRM", -_TOO_LONG))


def lock(file: BinaryIO, *, wait: bool = True) -> bool:
    """Lock this unbuffered file until it is closed. A lock of another process is waited for.

    Raises BlockingIOError if another process has locked it and `wait` is false. A process that
    doesn't ask for the lock can still read the file. Returns False if there are no locks, as on
    some network shares; then the file stays unlocked.
    """
    if (fcntl := _module("fcntl")) is not None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise
        except OSError:
            return False
        return True
    msvcrt = _module("msvcrt")
    return msvcrt is not None and _lock_byte(file, msvcrt, wait)


def _lock_byte(file: BinaryIO, msvcrt: Any, wait: bool) -> bool:
    """Lock one byte behind the content: on Windows nobody else can read a locked byte."""
    before = file.tell()
    file.seek(_BEHIND_ALL)
    try:
        while True:
            try:
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            except PermissionError as error:  # another process has the lock
                if not wait:
                    raise BlockingIOError(errno.EAGAIN, "another process has the lock") from error
                time.sleep(0.02)
            except OSError:
                return False
            else:
                return True
    finally:
        file.seek(before)


def link_folder(target: Path, link: Path) -> bool:
    """Make `link` lead to the folder `target` (absolute). False if the system has no such links.

    On Windows only some users may make symbolic links, but all may make a junction.
    """
    try:
        link.symlink_to(target, target_is_directory=True)
    except (FileExistsError, FileNotFoundError):
        raise
    except OSError:
        if (windows := _module("_winapi")) is None:
            return False
        try:
            windows.CreateJunction(str(target), str(link))
        except OSError:  # this disk has no junctions, or it is a network share
            return False
    return True
