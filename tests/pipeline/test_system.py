"""What a system hasn't is done without. The other systems are simulated by what they lack."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import BinaryIO

import pytest

from pipeline import system

ROOT = Path(__file__).parents[2]


def code_of(program: str) -> int:
    """The exit code of a process that runs this."""
    program = f"import os, signal, sys, time\nfrom pipeline import system\n{program}"
    return subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode


def lacks(monkeypatch: pytest.MonkeyPatch, *modules: str) -> None:
    for module in modules:
        monkeypatch.setitem(sys.modules, module, None)


@pytest.mark.skipif(sys.platform != "linux", reason="the other systems have no such cap")
def test_memory_has_a_cap() -> None:
    program = """
assert system.cap_memory(1 << 30)
assert system.cap_memory(1 << 40)  # more than before: nothing of what was allowed is taken away
try:
    bytearray(1 << 41)
except MemoryError:
    os._exit(7)
"""
    assert code_of(program) == 7


def test_memory_without_a_cap(monkeypatch) -> None:
    refuses = SimpleNamespace(RLIMIT_AS=9, RLIM_INFINITY=-1)
    refuses.getrlimit = lambda what: (-1, -1)
    refuses.setrlimit = _refuse_limit  # as macOS does
    monkeypatch.setitem(sys.modules, "resource", refuses)
    assert not system.cap_memory(1 << 30)
    lacks(monkeypatch, "resource")
    assert not system.cap_memory(1 << 30)


def _refuse_limit(what: int, limits: tuple[int, int]) -> None:
    raise ValueError("current limit exceeds maximum limit")


@pytest.mark.parametrize("before", ["", "del signal.setitimer"])
def test_time_has_a_cap_everywhere(before: str) -> None:
    assert code_of(f"{before}\nwith system.cap_time(60): pass\nsys.exit(5)") == 5
    code = code_of(f"{before}\nwith system.cap_time(0.1): time.sleep(60)")
    assert system.took_too_long(code)
    code = code_of(f"{before}\nwith system.cap_time(1): pass\ntime.sleep(1.5); sys.exit(5)")
    assert code == 5


def test_other_ends_are_not_of_the_clock(monkeypatch) -> None:
    ends = [0, 1, 7, -signal.SIGSEGV, -signal.SIGTERM, 3221225477]
    assert not any(map(system.took_too_long, ends))
    monkeypatch.delattr(signal, "SIGALRM", raising=False)
    assert not any(map(system.took_too_long, [*ends, -14]))


@pytest.fixture
def file(tmp_path: Path) -> Iterator[BinaryIO]:
    (tmp_path / "x").write_bytes(b"content")
    with (tmp_path / "x").open("rb+", buffering=0) as file:
        yield file


WAITS = """
with open(sys.argv[1], "rb+", buffering=0) as file:
    print("asks", flush=True)
    assert system.lock(file)
    assert (file.tell(), file.read()) == (0, b"content")
    print("has it", flush=True)
"""
AS_ON_WINDOWS = """
import fcntl
from types import SimpleNamespace
def locking(descriptor, mode, size):  # of the bytes where the file is
    assert os.lseek(descriptor, 0, os.SEEK_CUR) > 1 << 30
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise PermissionError(13, "Permission denied") from error
sys.modules["fcntl"] = None
sys.modules["msvcrt"] = SimpleNamespace(locking=locking, LK_NBLCK=2)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="its locks are simulated by others'")
@pytest.mark.parametrize("before", ["", AS_ON_WINDOWS])
def test_who_comes_second_waits_until_the_file_is_closed(file: BinaryIO, before: str) -> None:
    assert system.lock(file)
    program = f"import os, sys\nfrom pipeline import system\n{before}{WAITS}"
    with subprocess.Popen(
        [sys.executable, "-c", program, file.name], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as second:
        assert second.stdout
        assert second.stdout.readline() == "asks\n"
        assert select.select([second.stdout], [], [], 0.1)[0] == []
        file.close()
        assert second.stdout.readline() == "has it\n"
    assert second.returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="its locks are simulated by others'")
@pytest.mark.parametrize("before", ["", AS_ON_WINDOWS])
def test_who_does_not_want_to_wait_is_told(file: BinaryIO, before: str) -> None:
    asks = f"""
import os, sys
from pipeline import system
{before}
with open({file.name!r}, "rb+", buffering=0) as file:
    try:
        system.lock(file, wait=False)
    except BlockingIOError:
        sys.exit(7)
"""
    assert code_of(asks) == 0
    assert system.lock(file)
    assert code_of(asks) == 7


def test_without_locks_nobody_waits(file: BinaryIO, monkeypatch) -> None:
    lacks(monkeypatch, "msvcrt")
    share = SimpleNamespace(flock=_refuse, LOCK_EX=2)
    monkeypatch.setitem(sys.modules, "fcntl", share)
    assert not system.lock(file)
    lacks(monkeypatch, "fcntl")
    assert not system.lock(file)
    monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(locking=_refuse, LK_NBLCK=2))
    assert not system.lock(file)
    assert file.tell() == 0


def _refuse(*args: object, **options: object) -> None:
    raise OSError(95, "Operation not supported")


def test_a_folder_is_linked(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.mkdir()
    assert system.link_folder(target, link)
    (target / "x").write_text("seen")
    assert (link / "x").read_text() == "seen"
    with pytest.raises(FileExistsError):
        system.link_folder(target, link)
    with pytest.raises(FileNotFoundError):
        system.link_folder(target, tmp_path / "nowhere" / "link")


def test_a_folder_is_linked_otherwise_or_not(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(Path, "symlink_to", _refuse)
    target, link = tmp_path / "target", tmp_path / "link"
    target.mkdir()
    lacks(monkeypatch, "_winapi")
    assert not system.link_folder(target, link)
    windows = SimpleNamespace(CreateJunction=_refuse)
    monkeypatch.setitem(sys.modules, "_winapi", windows)
    assert not system.link_folder(target, link)
    windows.CreateJunction = os.symlink
    assert system.link_folder(target, link)
    assert link.samefile(target)
