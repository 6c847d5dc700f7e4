"""`make install` takes a Python that fits. Stand-ins for Python and uv install nothing."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[1]
TOOLS = ["bash", "rm", "mkdir", "cp", "touch", "make"]

pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or shutil.which("make") is None, reason="needs make"
)

# It says which version it is, makes a `.venv` with itself in it, and notes all else.
PYTHON = """#!{bash}
if [ "$1" = -c ]; then
  exec {python} -c "import sys; sys.version_info = ({version}, 0); $2"
elif [ "$*" = "-m venv .venv" ]; then
  mkdir -p .venv/bin
  touch .venv/pyvenv.cfg
  cp "$0" .venv/bin/python
fi
echo "{version}: $*" >> calls
"""
UV = """#!{bash}
if [ "$1" = venv ] && [ "$5" != 3.13 ]; then
  "$5" -m venv .venv
fi
echo "uv $*" >> calls
[ "$5" != 3.13 ]  # it can't fetch one
"""


class Machine:
    """A folder to make in, and the commands that are there."""

    def __init__(self, root: Path) -> None:
        self._commands = root / "commands"
        self.root = root / "clone"
        self._commands.mkdir()
        self.root.mkdir()
        for tool in TOOLS:
            (self._commands / tool).symlink_to(shutil.which(tool))
        shutil.copy(ROOT / "Makefile", self.root)
        (self.root / "pyproject.toml").touch()
        (self.root / "requirements.txt").touch()

    def add(self, name: str, version: str) -> Path:
        """A Python, e.g. 3.12, under this name."""
        return self._command(name, PYTHON, version=version.replace(".", ", "))

    def add_uv(self) -> None:
        self._command("uv", UV)

    def _command(self, name: str, text: str, **values: str) -> Path:
        path = self._commands / name
        path.write_text(text.format(bash=shutil.which("bash"), python=sys.executable, **values))
        path.chmod(0o755)
        return path

    def install(self, *arguments: str) -> tuple[int, str, list[str]]:
        """The exit code, what was said to the person, and what was called."""
        calls = self.root / "calls"
        calls.unlink(missing_ok=True)
        done = subprocess.run(
            [shutil.which("make"), "install", *arguments],
            cwd=self.root,
            env={"PATH": str(self._commands)},
            capture_output=True,
            text=True,
            check=False,
        )
        called = calls.read_text().splitlines() if calls.exists() else []
        return done.returncode, done.stderr, called


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize("version", ["3.10", "3.11", "3.12", "3.13", "3.14", "2.7", "4.0"])
def test_what_fits_is_what_pyproject_says(machine: Machine, version: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    fits = version in SpecifierSet(project["requires-python"])
    machine.add("python3", version)
    code, said, called = machine.install()
    assert (code == 0) is fits
    if fits:
        assert called[0].endswith(": -m venv .venv")
        assert machine.install() == (0, "", [])  # all is there
    else:
        assert "Python 3.11, 3.12 or 3.13 is needed" in said
        assert "make PYTHON=/path/to/python3.12" in said
        assert called == []
        assert not (machine.root / ".venv").exists()


def test_the_usual_name_comes_first_then_the_newest(machine: Machine) -> None:
    machine.add("python3", "3.14")
    for name, version in (("python3.11", "3.11"), ("python3.12", "3.12"), ("python3", "3.11")):
        machine.add(name, version)
        called = machine.install()[2]
        assert called[0] == f"{version.replace('.', ', ')}: -m venv .venv"
        shutil.rmtree(machine.root / ".venv")


def test_the_one_that_is_named_is_taken_or_refused(machine: Machine) -> None:
    machine.add("python3", "3.13")
    mine, old = machine.add("mine", "3.12"), machine.add("old", "3.9")
    code, said, called = machine.install(f"PYTHON={old}")
    assert (code, called) == (2, [])
    assert f"none of these is one: {old}." in said
    assert machine.install(f"PYTHON={mine}")[2][0] == "3, 12: -m venv .venv"


@pytest.mark.parametrize("uv", [False, True])
@pytest.mark.parametrize("broken", ["3.10", "3.14", "gone"])
def test_an_environment_of_another_python_is_made_anew(
    machine: Machine, uv: bool, broken: str
) -> None:
    good = machine.add("python3", "3.12")
    if uv:
        machine.add_uv()
    assert machine.install()[0] == 0
    python = machine.root / ".venv" / "bin" / "python"
    python.unlink()
    if broken == "gone":
        python.symlink_to(machine.root / "nothing")
    else:
        shutil.copy(machine.add("other", broken), python)
    (machine.root / ".venv" / "old").touch()
    code, said, called = machine.install()
    assert (code, said) == (0, "")
    assert any("-m venv .venv" in call for call in called)
    assert not (machine.root / ".venv" / "old").exists()
    assert python.read_bytes() == good.read_bytes()


def test_a_folder_that_is_no_environment_is_not_removed(machine: Machine) -> None:
    machine.add("python3", "3.12")
    (machine.root / ".venv").mkdir()
    (machine.root / ".venv" / "mine").touch()
    assert machine.install()[0] == 0
    assert (machine.root / ".venv" / "mine").exists()


def test_an_environment_that_fits_is_kept(machine: Machine) -> None:
    machine.add("python3", "3.11")
    machine.install()
    machine.add("python3", "3.13")
    os.utime(machine.root / "requirements.txt", (2**32, 2**32))  # as after `git pull`
    code, _, called = machine.install()
    assert code == 0
    assert [call for call in called if not call.startswith("3, 11: -m ")] == []
    assert "3, 11: -m venv .venv" not in called


def test_uv_fetches_a_python_where_none_fits(machine: Machine) -> None:
    machine.add_uv()
    machine.add("python3", "3.9")
    code, said, called = machine.install()
    assert called == ["uv venv --quiet --allow-existing --python 3.13 --seed .venv"]
    assert code == 2
    assert "Python 3.11, 3.12 or 3.13 is needed" in said
