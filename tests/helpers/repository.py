"""A repository of Git and DVC, and the commands that people type in it."""

import os
import subprocess
import sys
from pathlib import Path

from dvc.repo import Repo


def environment(**more: str) -> dict[str, str]:
    """The environment of this process, with its own programs first and a person for commits."""
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": "user.name",
        "GIT_CONFIG_VALUE_0": "Tester",
        "GIT_CONFIG_KEY_1": "user.email",
        "GIT_CONFIG_VALUE_1": "tester@localhost",
        **more,
    }


def begin(root: Path) -> None:
    """Start Git and DVC in a folder, and tell Git who commits there."""
    for command in (
        ["init", "-q", "-b", "main"],
        ["config", "user.name", "Tester"],
        ["config", "user.email", "tester@localhost"],
    ):
        subprocess.run(["git", *command], cwd=root, check=True)
    Repo.init(str(root)).close()


class Repository:
    def __init__(self, root: Path, **variables: str) -> None:
        self.root = root
        self.variables = variables

    def run(self, *command: str, code: int = 0) -> str:
        """Run a command, and return its output. Asserts that its exit code is `code`."""
        done = subprocess.run(
            command,
            cwd=self.root,
            env=environment(**self.variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
        )
        assert done.returncode == code, f"{command} gave {done.returncode}:\n{done.stdout}"
        return done.stdout

    def commit(self, message: str) -> None:
        self.run("git", "add", "-A")
        self.run("git", "commit", "-q", "-m", message)
