"""Two commands never write one folder at the same time."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.clean.__main__ import clean
from pipeline.cli import UserError
from pipeline.files import alone
from pipeline.params import load_params
from scraper.collect import main as collect

ROOT = Path(__file__).parents[2]
HOLD = """
import sys
from pathlib import Path
from pipeline.files import alone
with alone(Path(sys.argv[1])):
    print("locked", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "presets/own.yaml").read_text(encoding="utf-8")
    Path("params.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def test_another_process_is_not_disturbed_and_a_killed_one_locks_nothing(project):
    folder, other = Path("data/raw/own"), Path("data/raw/other")
    command = [sys.executable, "-c", HOLD, str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={"PYTHONPATH": str(ROOT)}
    ) as holder:
        assert holder.stdout
        holder.stdout.readline()
        with alone(other):
            pass
        with pytest.raises(UserError, match=r"another command is writing data.raw.own now; wait"):
            collect(["own"])
        assert not folder.exists()
        holder.kill()
    with alone(folder):
        pass


@pytest.mark.parametrize(
    ("folder", "command"),
    [("data/clean", lambda: clean(load_params())), ("data/raw/own", lambda: collect(["own"]))],
)
def test_commands_that_write_a_folder(project, folder: str, command: Callable[[], object]):
    with (
        alone(Path(folder)),
        pytest.raises(UserError, match=r"another command is writing data.*run this again"),
    ):
        command()


def test_a_place_without_locks_is_used_without(project):
    Path(".cache").write_text("no folder")
    with alone(Path("data/clean")):
        pass
