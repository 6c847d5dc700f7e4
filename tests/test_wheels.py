"""Each tested version comes as a wheel for each system: nobody needs a compiler."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REQUIREMENTS = Path(__file__).parents[1] / "requirements.txt"

SYSTEMS = [
    "x86_64-manylinux_2_28",
    "aarch64-manylinux_2_28",
    "aarch64-apple-darwin",
    "x86_64-pc-windows-msvc",
]
PYTHONS = ["3.11", "3.12", "3.13"]

WITHOUT_WHEELS = {
    "antlr4-python3-runtime": "pure Python; DVC's hydra-core needs this old release",
    "jstyleson": "pure Python; extruct needs it",
}
"""Published as source only, which pip and uv build anywhere without a compiler."""


def _required() -> list[str]:
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if re.match(r"[a-z0-9]", line)]


def _resolve(requirements: list[str], *options: str) -> subprocess.CompletedProcess[str]:
    """Ask the registry for these versions as wheels; nothing is downloaded but metadata."""
    folder = Path(sys.executable).parent
    uv = shutil.which("uv", path=f"{folder}{os.pathsep}{os.environ.get('PATH', '')}")
    if uv is None:
        pytest.skip("needs uv")
    return subprocess.run(
        [
            *(uv, "pip", "compile", "-", "--quiet", "--no-deps", "--only-binary", ":all:"),
            *("--no-python-downloads", "--python", sys.executable, *options),
        ],
        input="\n".join(requirements),
        env={**os.environ, "MACOSX_DEPLOYMENT_TARGET": "14.0"},  # faiss-cpu has no older wheel
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def registry() -> None:
    asked = _resolve([next(line for line in _required() if line.startswith("pytest=="))])
    if asked.returncode:
        pytest.skip(f"needs the package registry: {asked.stderr.strip()}")


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("system", SYSTEMS)
def test_wheels_are_there(system: str, python: str) -> None:
    wheels = [line for line in _required() if line.split("==")[0] not in WITHOUT_WHEELS]
    asked = _resolve(wheels, "--python-platform", system, "--python-version", python)
    assert asked.returncode == 0, asked.stderr


def test_what_has_no_wheels_is_still_required() -> None:
    assert WITHOUT_WHEELS.keys() <= {line.split("==")[0] for line in _required()}
