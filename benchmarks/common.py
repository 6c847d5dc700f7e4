"""Helpers that the benchmarks share: real images, peers, and files of results."""

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from pipeline import paths
from pipeline.cli import UserError
from pipeline.manifest import Manifest, Row, Status
from pipeline.params import Params, load_params
from pipeline.system import usable_cores

ROOT = Path(__file__).resolve().parents[1]
ARCHIVES = Path(os.environ.get("DATASETS_MIRROR", ROOT.parent / "shared" / "datasets"))
RESULTS = ROOT / "benchmarks" / "results"
PEERS = {
    "cleanvision": "cleanvision==0.3.7",
    "imagededup": "imagededup==0.3.3.post2",
    "img2dataset": "img2dataset==1.47.0",
}


@contextmanager
def real_images() -> Iterator[list[Path]]:
    """Unpack the images of clothing-dataset-small: <split>/<class>/<name>.jpg."""
    archives = sorted(ARCHIVES.glob("clothing-dataset-small-*.tar.gz"))
    if not archives:
        raise UserError(
            f"needs clothing-dataset-small-*.tar.gz in {ARCHIVES}; "
            "DATASETS_MIRROR may name another folder"
        )
    with tempfile.TemporaryDirectory(prefix="images-") as folder:
        with tarfile.open(archives[0]) as tar:
            tar.extractall(folder, filter="data")
        yield sorted(Path(folder).rglob("*.jpg"))


@contextmanager
def workplace() -> Iterator[Path]:
    """Make a new folder with params.yaml and data/, and make it the working directory."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="workplace-") as folder:
        os.chdir(folder)
        try:
            values = YAML(typ="safe").load(ROOT / "params.yaml")
            values["sources"] = {"own": {"kind": "folder", "classes": None, "license": "CC0-1.0"}}
            YAML().dump(values, paths.PARAMS)
            paths.REVIEW.parent.mkdir(parents=True)
            paths.REVIEW.write_text("sha256,decision,label,note,decided_at\n", encoding="utf-8")
            yield Path(folder)
        finally:
            os.chdir(before)


def params() -> Params:
    return load_params(paths.PARAMS)


def add_raw(images: Iterable[Path]) -> list[str]:
    """Put images into the working directory's data/raw, as collect would. Returns their SHA-256."""
    added = []
    with Manifest(paths.RAW / "own" / paths.MANIFEST) as manifest:
        for image in images:
            content = image.read_bytes()
            sha256, label = hashlib.sha256(content).hexdigest(), image.parent.name
            path = paths.RAW / "own" / label / f"{sha256}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            manifest.append(
                Row(
                    status=Status.SAVED,
                    label=label,
                    image_url=f"file:{image.name}",
                    file=f"{label}/{sha256}.jpg",
                    sha256=sha256,
                    bytes=len(content),
                )
            )
            added.append(sha256)
    return added


def peer(name: str) -> Path:
    """The Python of a peer's own virtual environment. The environment is made if it is missing."""
    venv = ROOT / ".cache" / "peers" / name
    python = venv / "bin" / "python"
    ready = venv / "ready"
    if ready.exists() and ready.read_text() == PEERS[name]:
        return python
    print(f"installing {PEERS[name]} into {venv.relative_to(ROOT)} …", file=sys.stderr)
    shutil.rmtree(venv, ignore_errors=True)
    if shutil.which("uv"):
        commands = [
            ["uv", "venv", "--quiet", "--python", sys.executable, venv],
            [
                "uv",
                "pip",
                "install",
                "--quiet",
                "--compile-bytecode",
                "--python",
                python,
                PEERS[name],
            ],
        ]
    else:
        commands = [
            [sys.executable, "-m", "venv", venv],
            [python, "-m", "pip", "install", "--quiet", PEERS[name]],
        ]
    for command in commands:
        if subprocess.run(command, check=False).returncode:
            raise UserError(f"{name} can't be installed; its installer's message is above")
    ready.write_text(PEERS[name])
    return python


def machine() -> dict[str, Any]:
    """The commit and the machine of a result."""
    return {"commit": commit(), "processor": processor(), "cores": usable_cores()}


def commit() -> str:
    git = ["git", "rev-parse", "--short", "HEAD"]
    done = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def write_between(page: Path, command: str, text: str) -> None:
    """Put `text` into a page, between the mark that names `command` and the next end mark."""
    begin, end = f"<!-- {command} -->", "<!-- end -->"
    head, found, rest = page.read_text(encoding="utf-8").partition(begin)
    _, closed, tail = rest.partition(end)
    if not found or not closed:
        raise UserError(f"{page} has no place for it: {begin} … {end}")
    page.write_text(f"{head}{begin}\n{text}\n{end}{tail}", encoding="utf-8")


def keep(name: str, results: Mapping[str, Any]) -> Path:
    """Put results into benchmarks/results/<name>.json, beside those of other rows."""
    path = RESULTS / f"{name}.json"
    there = json.loads(path.read_text()) if path.exists() else {}
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(there | dict(results), indent=2) + "\n", encoding="utf-8")
    return path
