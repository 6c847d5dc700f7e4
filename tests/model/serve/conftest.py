"""The real server in a process of its own, with a small trained model."""

import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from model import export

ROOT = Path(__file__).parents[3]

Serve = Callable[..., AbstractContextManager[str]]


@contextmanager
def served(folder: Path, *arguments: str) -> Iterator[str]:
    with (
        tempfile.TemporaryFile("w+") as said,
        subprocess.Popen(
            [sys.executable, "-m", "model.serve", "--port", "0", *arguments],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PRODUCT_CLASSIFICATION_TOKEN": ""},
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        ) as process,
    ):
        try:
            line = process.stdout.readline()
            said.seek(0)
            assert line.startswith("serve: http://"), said.read()
            yield line.split()[1].rstrip("/")
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
            said.seek(0)
            assert "Traceback" not in said.read()
        finally:
            process.kill()


@pytest.fixture(scope="session")
def exported(trained: Path) -> Path:
    """`trained` with results/export: a server that starts in a second."""
    out = trained / "results/export"
    export.export(trained / "data/dataset", trained / "results/model", out)
    return trained


@pytest.fixture(scope="session")
def serve(exported: Path) -> Serve:
    """`with serve(*arguments) as address`: `python -m model.serve`, where results/ is."""
    return lambda *arguments: served(exported, "--engine", "onnx", *arguments)


@pytest.fixture(scope="session")
def server(serve: Serve) -> Iterator[str]:
    with serve() as address:
        yield address


@pytest.fixture
def image(trained: Path) -> Path:
    return trained / "data/dataset/test/leaf/00.png"


@pytest.fixture
def make() -> Any:
    """The factory of images and defects that the tests of clean use."""
    file = ROOT / "tests/pipeline/conftest.py"
    spec = importlib.util.spec_from_file_location("conftest_of_pipeline", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Factory()
