"""On a cluster of Ray each command gives what it gives on one machine, whatever is killed."""

import contextlib
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from raylets import Cluster, ClusterStartError
from ruamel.yaml import YAML

from pipeline import cluster, paths
from pipeline.manifest import Manifest, Row, Status

ROOT = Path(__file__).parents[2]
# Every Python process imports it. An image of the class "deadly" kills the process that opens it;
# one of the class "gate" waits there until the test has killed something.
HOOK = """
import os, sys, time

def look(event, args):
    if event != "open" or not isinstance(args[0], str) or not args[0].endswith(".jpg"):
        return
    if "/deadly/" in args[0]:
        os.kill(os.getpid(), 9)
    if "/gate/" in args[0]:
        open(f"at-gate-{os.getppid()}", "w").close()
        while not os.path.exists("go"):
            time.sleep(0.02)

sys.addaudithook(look)
"""


@pytest.fixture(scope="session")
def hooked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("hook")
    (folder / "sitecustomize.py").write_text(HOOK)
    path = f"{folder}{os.pathsep}{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    return {"PYTHONPATH": path}


@pytest.fixture(scope="session")
def started(hooked: dict[str, str]) -> Iterator[Cluster]:
    pytest.importorskip("ray", reason="needs the extra ray")
    with contextlib.ExitStack() as stack:
        try:
            ours = stack.enter_context(Cluster(**hooked))
        except ClusterStartError as error:
            pytest.fail(f"Ray did not start, so nothing of ours was tried: {error}", pytrace=False)
        yield ours


@pytest.fixture
def two_nodes(started: Cluster) -> Cluster:
    try:
        started.complete()
    except ClusterStartError as error:
        pytest.fail(f"Ray did not start, so nothing of ours was tried: {error}", pytrace=False)
    return started


@pytest.fixture(scope="session")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with 300 images: most are kept as they are, some are encoded, copies go."""
    root = tmp_path_factory.mktemp("raw")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        values = YAML(typ="safe").load(ROOT / "params.yaml")
        values["sources"] = {"own": {"kind": "folder", "classes": None, "license": "CC0-1.0"}}
        YAML().dump(values, paths.PARAMS)
        paths.REVIEW.parent.mkdir(parents=True)
        paths.REVIEW.write_text("sha256,decision,label,note,decided_at\n")
        with Manifest(paths.RAW / "own" / paths.MANIFEST) as manifest:
            for number in range(300):
                label = {7: "deadly"}.get(number, "gate" if number % 20 == 0 else "mug")
                add(manifest, label, image(number), number)
            for number in range(1, 10):
                add(manifest, "mug", image(number, quality=50), 300 + number)
    return root


def image(seed: int, quality: int = 90) -> bytes:
    rng = np.random.default_rng(seed)
    squares = Image.fromarray(rng.integers(20, 236, (9, 12, 3), dtype=np.uint8))
    out = io.BytesIO()
    kind = "PNG" if seed % 3 == 0 else "JPEG"
    squares.resize((168, 126), Image.Resampling.NEAREST).save(out, kind, quality=quality)
    return out.getvalue()


def add(manifest: Manifest, label: str, content: bytes, number: int) -> None:
    sha256 = hashlib.sha256(content).hexdigest()
    row = Row(
        status=Status.SAVED,
        label=label,
        image_url=f"http://127.0.0.1/{number}.jpg",
        license="CC0-1.0",
        file=f"{label}/{sha256}.jpg",
        sha256=sha256,
        bytes=len(content),
    )
    path = paths.RAW / "own" / row.file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    manifest.append(row)


class Project:
    """A copy of the made project, and clean to run in it."""

    def __init__(self, raw: Path, root: Path, environment: dict[str, str]) -> None:
        shutil.copytree(raw, root)
        self.root = root
        self.environment = {**os.environ, **environment}

    def start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "pipeline.clean"]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, cwd=self.root, env=self.environment, stdout=pipe, stderr=pipe, text=True
        )

    def open_gate(self) -> None:
        (self.root / "go").touch()

    def clean(self) -> dict[str, bytes]:
        """Run it to its end; the files that it wrote."""
        self.open_gate()
        return self.finish(self.start())

    def finish(self, process: subprocess.Popen[str]) -> dict[str, bytes]:
        output, errors = process.communicate()
        assert process.returncode == 0, errors + output
        files = [*self.root.joinpath("data", "clean").rglob("*")]
        files += [*self.root.joinpath("results").rglob("*")]
        return {f"{f.relative_to(self.root)}": f.read_bytes() for f in files if f.is_file()}

    def at_gate(self, process: subprocess.Popen[str], count: int) -> list[int]:
        """Wait until so many processes are at an image of the gate; what has started these."""
        while len(found := sorted(self.root.glob("at-gate-*"))) < count:
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        return [int(file.name.rpartition("-")[2]) for file in found]


@pytest.fixture(scope="session")
def expected(raw: Path, hooked: dict[str, str], tmp_path_factory) -> dict[str, bytes]:
    """What one machine writes."""
    root = tmp_path_factory.mktemp("expected") / "project"
    written = Project(raw, root, {**hooked, "RAY_ADDRESS": ""}).clean()
    dropped = json.loads(written["results/clean/metrics.json"])["dropped"]
    assert dropped == {"near_duplicate": 5, "unreadable": 1}
    return written


@pytest.fixture
def project(raw, two_nodes: Cluster, hooked, tmp_path: Path) -> Iterator[Project]:
    made = Project(raw, tmp_path / "project", {**hooked, **two_nodes.environment})
    yield made
    made.open_gate()  # nobody waits there for ever


def test_an_image_or_a_kill_costs_itself_only(project: Project, expected) -> None:
    process = project.start()
    for task in project.at_gate(process, 2):
        os.kill(task, signal.SIGKILL)
    project.open_gate()
    assert project.finish(process) == expected
    assert not list(project.root.glob(".cache/cluster-*"))


def test_a_killed_run_goes_on_where_it_was(project: Project, expected) -> None:
    process = project.start()
    project.at_gate(process, 2)
    process.kill()
    process.communicate()
    assert project.clean() == expected


def test_a_node_that_differs_is_named(two_nodes: Cluster, hooked, tmp_path: Path) -> None:
    code = """
from pipeline import cluster
from pipeline.engine import map_images
from pipeline.cli import run
own = cluster._versions()
cluster._versions = lambda: {**own, "pillow": "0.1"}
run(lambda: print(*map_images(pow, [(2, 3)], "raising")))
"""
    environment = {**os.environ, **hooked, **two_nodes.environment}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "error: the Ray cluster at" in done.stderr
    assert "not 0.1; give all nodes the same folder and the same versions" in done.stderr
    assert "Traceback" not in done.stderr


# the last but one with a cluster, as the next one would have to start the node again
def test_what_a_lost_node_did_is_done_again(project: Project, two_nodes: Cluster, expected) -> None:
    process = project.start()
    project.at_gate(process, 2)
    two_nodes.kill_second_node()
    project.open_gate()
    assert project.finish(process) == expected


# the last one with a cluster, as nothing can be done on it any more
def test_a_lost_head_ends_the_run(raw, started: Cluster, hooked, expected, tmp_path: Path) -> None:
    project = Project(raw, tmp_path / "project", {**hooked, **started.environment})
    process = project.start()
    project.at_gate(process, 1)
    started.kill_head()
    project.open_gate()
    _, errors = process.communicate()
    assert process.returncode == 1
    assert "its head does not answer any more" in errors
    assert "run this again" in errors
    assert "Traceback" not in errors
    assert not list(project.root.glob(".cache/cluster-*"))
    project.environment["RAY_ADDRESS"] = ""
    assert project.clean() == expected


def on_node(*arguments) -> tuple[str, bytes]:
    """What a task of Ray does, in this process."""
    return cluster._task(SimpleNamespace(remote=lambda **_: lambda function: function))(*arguments)


def test_a_node_without_the_folder_is_named(tmp_path: Path) -> None:
    wrong, result = on_node(str(ROOT), str(tmp_path), str(tmp_path / "none"), {}, b"")
    assert "not this folder" in wrong
    assert str(tmp_path) in wrong
    assert result == b""
