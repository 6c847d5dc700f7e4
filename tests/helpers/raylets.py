"""A Ray cluster of two raylets on this machine, for tests and for benchmarks/scale.py."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TRIES = 4  # on a busy machine, Ray may start too slowly
_READY = "Ray runtime started"
_SETTINGS = {
    "RAY_agent_register_timeout_ms": "120000",  # else a raylet ends itself if its agent is late
    "RAY_health_check_initial_delay_ms": "1000",  # so a killed raylet is noticed in seconds
    "RAY_health_check_period_ms": "1000",
    "RAY_DISABLE_IMPORT_WARNING": "1",
}


class ClusterStartError(Exception):
    """Ray did not start on this machine, so no code of this project was tested."""


class Cluster:
    """Two nodes with one processor each, as a context manager.

    Raises ClusterStartError with Ray's output if it does not start in a few tries.
    """

    def __init__(self, memory: int = 100_000_000, **environment: str) -> None:
        self._memory = memory
        # short, because it is a part of the names of sockets, which have at most 107 bytes
        self._folder = Path(tempfile.mkdtemp(prefix="ray", dir="/tmp"))
        self._nodes: list[subprocess.Popen[bytes]] = []
        self.address = ""
        self.token = secrets.token_hex(16)
        self._environment = environment

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables of a command that runs on this cluster."""
        return {
            "RAY_ADDRESS": self.address,
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": self.token,
            "RAY_USAGE_STATS_ENABLED": "0",
        }

    def __enter__(self) -> "Cluster":
        try:
            self._start_head()
            self.complete()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start_head(self) -> None:
        for _ in range(TRIES):
            port = _free_port()
            if self._start("--head", f"--port={port}", "--include-dashboard=false"):
                self.address = f"{_own_address()}:{port}"
                return
        raise ClusterStartError(self._said())

    def complete(self) -> None:
        """Start the second node if it was not started before, or has ended."""
        if self._nodes[0].poll() is not None:
            raise ClusterStartError(f"the head has ended: {self._said()}")
        self._nodes = [node for node in self._nodes if node.poll() is None]
        for _ in range(TRIES):
            if len(self._nodes) == 2 or self._start(f"--address={self.address}"):
                return
        raise ClusterStartError(self._said())

    def kill_second_node(self) -> None:
        """Kill the second node and all its processes at once, as a power failure does."""
        self._nodes[1].kill()  # its children end with it
        self._nodes[1].wait()

    def kill_head(self) -> None:
        """Kill the first node in the same way. The cluster can't work after that."""
        self._nodes[0].kill()
        self._nodes[0].wait()

    def stop(self) -> None:
        for node in reversed(self._nodes):
            node.send_signal(signal.SIGTERM)
        for node in self._nodes:
            try:
                node.wait(10)
            except subprocess.TimeoutExpired:
                node.kill()
                node.wait()
        self._nodes = []
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self, *options: str) -> bool:
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", *options]
        if "--head" in options:
            command += [f"--temp-dir={self._folder}", f"--ray-client-server-port={_free_port()}"]
        command += ["--num-cpus=1", f"--object-store-memory={self._memory}"]
        with self._log.open("wb") as log:
            environment = {**os.environ, **_SETTINGS, **self._environment, **self.environment}
            del environment["RAY_ADDRESS"]  # the options have the address
            node = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        until = time.monotonic() + 120
        while node.poll() is None and time.monotonic() < until:
            if _READY in self._said():
                self._nodes.append(node)
                return True
            time.sleep(0.1)
        node.kill()
        node.wait()
        return False

    @property
    def _log(self) -> Path:
        return self._folder / "start.log"

    def _said(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("", 0))
        port: int = one.getsockname()[1]
    return port


def _own_address() -> str:
    import ray

    address: str = ray.util.get_node_ip_address()
    return address
