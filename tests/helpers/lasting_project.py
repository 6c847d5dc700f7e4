"""A small project with a repository, a DVC cache and a remote, and commands that run in it."""

import hashlib
import json
import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from repository import environment
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]


class Project:
    """A small project with a repository, a DVC cache and a remote of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.env = environment(PYTHONPATH=str(ROOT))

    def start(self, *command: str) -> "Running":
        return Running(self, command)

    def run(self, *command: str, codes: tuple[int, ...] = (0,)) -> str:
        """Run a command, and return its output. Asserts that its exit code is one of `codes`."""
        code, out = self.start(*command).wait()
        assert code in codes, f"{command} gave {code}:\n{out}"
        assert "Traceback" not in out, out
        return out

    def kill(self, seconds: float, *command: str) -> None:
        """Run a command for a while. Then kill it and all processes that it started."""
        running = self.start(*command)
        time.sleep(seconds)
        with suppress(ProcessLookupError):  # it has ended already
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()

    def edit(self, **sources: dict | None) -> None:
        """Set sources in params.yaml; None removes a source."""
        yaml = YAML()
        params = yaml.load(self.root / "params.yaml")
        for name, source in sources.items():
            if source is None:
                params["sources"].pop(name, None)
            else:
                params["sources"][name] = source
        yaml.dump(params, self.root / "params.yaml")

    def commit(self) -> None:
        self.run("git", "add", "-A")
        self.run("git", "commit", "-q", "--allow-empty", "-m", "step")

    def listed(self) -> list[str]:
        return json.loads((self.root / "results/list/metrics.json").read_text())


class Running:
    """A command that runs. DVC's commands are forks of a process that has imported DVC already.

    See forked.py.
    """

    server: subprocess.Popen

    def __init__(self, project: Project, command: tuple[str, ...]) -> None:
        self._out = project.root.parent / "out.txt"
        self._process = None
        if command[0] == "dvc":
            asked = {
                "arguments": command[1:],
                "folder": str(project.root),
                "environment": project.env,
                "out": str(self._out),
            }
            self.server.stdin.write(json.dumps(asked) + "\n")
            self.server.stdin.flush()
            self.pid = int(self.server.stdout.readline())
            return
        with self._out.open("w") as out:
            self._process = subprocess.Popen(
                command, cwd=project.root, env=project.env, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self.pid = self._process.pid

    def wait(self) -> tuple[int, str]:
        """Wait for the end of the command. Returns its exit code and its output."""
        code = self._process.wait() if self._process else int(self.server.stdout.readline())
        return code, self._out.read_text(errors="replace")


def digests(*folders: Path) -> dict[str, Path]:
    """SHA-256 → path, for each JPEG file in these folders."""
    return {
        hashlib.sha256(path.read_bytes()).hexdigest(): path
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and path.suffix == ".jpg"
    }
