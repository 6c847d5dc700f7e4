"""Starts the model's server in its own process, and reads its numbers for Prometheus."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeAlias

import requests
from prometheus_client.parser import text_string_to_metric_families
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]

Sources: TypeAlias = dict[str, dict[str, Any]]


def project(exported: Path, root: Path, sources: Sources) -> Path:
    """Make a folder with an exported model and a params.yaml, and return it."""
    shutil.copytree(exported / "results/export", root / "results/export")
    values = YAML().load(ROOT / "params.yaml")
    values["sources"] = sources
    YAML().dump(values, root / "params.yaml")
    return root


class Server(str):
    """The address of a running server. It also has the server's process."""

    __slots__ = ("process", "said")
    process: "subprocess.Popen[str]"
    said: IO[str]

    def complained(self) -> str:
        """The server's output on stderr."""
        self.said.seek(0)
        return self.said.read()


@contextmanager
def served(
    folder: Path, *arguments: str, token: str = "", path: Path | None = None
) -> Iterator[Server]:
    """Run `python -m model.serve` in `folder`. It imports modules in `path` before all others."""
    paths = os.pathsep.join(str(each) for each in (path, ROOT) if each)
    with (
        tempfile.TemporaryFile("w+") as said,
        subprocess.Popen(
            [sys.executable, "-m", "model.serve", "--port", "0", *arguments],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": paths, "PRODUCT_CLASSIFICATION_TOKEN": token},
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        ) as process,
    ):
        try:
            line = process.stdout.readline()
            said.seek(0)
            assert line.startswith("serve: http://"), said.read()
            server = Server(line.split()[1].rstrip("/"))
            server.process, server.said = process, said
            yield server
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                assert process.wait(30) == 0
            assert "Traceback" not in server.complained()
        finally:
            process.kill()


def metrics(server: str, **headers: str) -> dict[tuple[str, ...], float]:
    """The server's numbers for Prometheus, by name and values of labels."""
    text = requests.get(f"{server}/metrics", headers=headers, timeout=60).text
    return {
        (sample.name, *(sample.labels[key] for key in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
