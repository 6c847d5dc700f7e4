"""The real server in a process of its own, with a small trained model."""

import importlib.util
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from server import Server, served

from model import export

ROOT = Path(__file__).parents[3]

Serve = Callable[..., AbstractContextManager[Server]]


@pytest.fixture(scope="session")
def exported(trained: Path) -> Path:
    """`trained` with results/export: a server that starts in a second."""
    out = trained / "results/export"
    export.export(trained / "data/dataset", trained / "results/model", out)
    return trained


@pytest.fixture(scope="session")
def serve(exported: Path) -> Serve:
    """`with serve(*arguments) as address`: `python -m model.serve`, where results/ is."""
    return lambda *arguments, **given: served(exported, "--engine", "onnx", *arguments, **given)


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
