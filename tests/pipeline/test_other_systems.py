"""The project on other systems, each of which is simulated by what it lacks."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from model.train.image_cache import available_memory
from pipeline.manifest import Reason

MACOS = """
import resource
before = resource.setrlimit
def setrlimit(what, limits):
    if what == resource.RLIMIT_AS:
        raise ValueError("current limit exceeds maximum limit")
    before(what, limits)
resource.setrlimit = setrlimit
"""
WINDOWS = """
import os, signal, sys
for name in ("resource", "fcntl", "pwd", "grp", "termios"):
    sys.modules[name] = None
for name in ("setitimer", "SIGALRM"):
    delattr(signal, name)
del os.sched_getaffinity
"""


@pytest.fixture
def on(tmp_path_factory: pytest.TempPathFactory, monkeypatch) -> Callable[[str], None]:
    """Lets each Python process that is started now, and its workers, start by a program."""

    def on(system: str) -> None:
        folder = tmp_path_factory.mktemp("system")
        (folder / "sitecustomize.py").write_text(system)
        monkeypatch.setenv("PYTHONPATH", str(folder))

    return on


@pytest.mark.parametrize(
    "module",
    [
        "pipeline.clean",
        "pipeline.review.app",
        "pipeline.split.__main__",
        "scraper.collect",
        "scraper.preview",
        "model.images",
        "model.predict",
        "model.serve.app",
        "model.sources",
        "model.train",
    ],
)
def test_a_module_is_imported_on_windows(on, module: str) -> None:
    on(WINDOWS)
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True)


@pytest.mark.parametrize("system", [MACOS, WINDOWS], ids=["macos", "windows"])
def test_clean_does_all_that_it_does_elsewhere(on, work, make, system: str) -> None:
    if sys.platform == "win32":
        pytest.skip("its own lack is tested by all others")
    on(system)
    for kind in ("JPEG", "PNG"):
        for _ in range(10):
            work.add(make.encoded(make.next(), kind))
    work.add(make.truncated(), reason=Reason.TRUNCATED)
    YAML(typ="safe").dump(work.values, Path("params.yaml"))
    subprocess.run([sys.executable, "-m", "pipeline.clean"], check=True)
    work.assert_expected()


def test_memory_that_no_file_tells_of(monkeypatch) -> None:
    monkeypatch.setattr(Path, "read_text", _missing)  # only Linux has /proc and /sys
    assert available_memory() == float("inf")


def _missing(self: Path, encoding: str) -> str:
    raise FileNotFoundError(self)
