"""The Dockerfile's own commands, in a fresh environment of this machine instead of an image."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests
from ruamel.yaml import YAML
from server import ROOT

BASE = 130  # MB of python:3.13-slim, unpacked
MOST = 400
TOKEN = "a secret of some length"


def instructions() -> list[tuple[str, str]]:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    found = [tuple(line.split(" ", 1)) for line in lines]
    assert {name for name, _ in found} <= {
        *("FROM", "WORKDIR", "RUN", "COPY", "ENV", "USER", "EXPOSE"),
        *("HEALTHCHECK", "ENTRYPOINT", "CMD"),
    }
    return found


def the(name: str) -> str:
    (rest,) = [rest for each, rest in instructions() if each == name]
    return rest


def megabytes(folder: Path) -> float:
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return sum(path.stat().st_size for path in files) / 1e6


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """/venv of the image, as its first part builds it from what .dockerignore lets through."""
    root = tmp_path_factory.mktemp("docker")
    source, venv, base = root / "src", root / "venv", root / "base"
    source.mkdir()
    subprocess.run([sys.executable, "-m", "venv", base], check=True)  # stands for the base image
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
        "PATH": f"{base / 'bin'}{os.pathsep}{os.environ['PATH']}",
    }
    let_through = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    steps = instructions()
    second = [n for n, (name, _) in enumerate(steps) if name == "FROM"][1]
    for name, rest in steps[:second]:
        if name == "COPY":
            *names, target = rest.split()
            assert let_through >= set(names)
            for each in names:
                skip = shutil.ignore_patterns("__pycache__")
                if (ROOT / each).is_dir():
                    shutil.copytree(ROOT / each, source / target, ignore=skip)
                else:
                    shutil.copy(ROOT / each, source / target)
        elif name == "RUN":
            command = rest.replace("/venv", str(venv))
            done = subprocess.run(["sh", "-ec", command], cwd=source, env=environment, check=False)
            if done.returncode and command.startswith("pip install"):  # the first step
                pytest.skip("needs a package registry")
            assert done.returncode == 0, command
    return venv


@pytest.mark.skipif(sys.platform == "win32", reason="the image is one of Linux")
@pytest.mark.timeout(600)  # installs some packages from the registry
def test_the_image_serves_without_tensorflow(built: Path, exported: Path, tmp_path: Path) -> None:
    shutil.copytree(exported / "results/export", tmp_path / "results/export")
    installed = {path.name.partition("-")[0] for path in built.rglob("*.dist-info")}
    assert "product_classification" in installed
    assert not {"tensorflow", "keras", "scrapy", "dvc", "pyarrow", "scipy"} & installed
    assert megabytes(built) + BASE < MOST

    said = (tmp_path / "said").open("w+")
    with subprocess.Popen(
        [*json.loads(the("ENTRYPOINT")), *json.loads(the("CMD")), "--port", "0"],
        cwd=tmp_path,
        env={"PATH": str(built / "bin"), "PRODUCT_CLASSIFICATION_TOKEN": TOKEN},
        stdout=subprocess.PIPE,
        stderr=said,
        text=True,
    ) as process:
        try:
            line = process.stdout.readline()
            said.seek(0)
            assert line.startswith("serve: http://0.0.0.0:"), said.read()
            port = re.findall(r":(\d+)/", line)[0]
            image = (exported / "data/dataset/test/leaf/00.png").read_bytes()
            response = requests.post(
                f"http://127.0.0.1:{port}/v1/predict",
                files={"files": image},
                headers={"Authorization": f"Bearer {TOKEN}", "Host": "classifier:8020"},
                timeout=60,
            )
            assert response.json()["predictions"][0]["top"][0]["label"] == "leaf"
            _, command = the("HEALTHCHECK").split("CMD ", 1)
            check = [part.replace(":8020/", f":{port}/") for part in json.loads(command)]
            environment = {"PATH": str(built / "bin")}
            assert subprocess.run(check, env=environment, check=False).returncode == 0
        finally:
            process.terminate()
    assert subprocess.run(check, env=environment, check=False, capture_output=True).returncode == 1
    said.close()


def test_the_image_runs_as_nobody_and_the_example_is_of_it() -> None:
    user = the("USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    service: dict[str, Any] = YAML(typ="safe").load(ROOT / "compose.yaml")["services"]["classifier"]
    assert service["ports"] == [f"{the('EXPOSE')}:{the('EXPOSE')}"]
    assert (
        service["volumes"][0].split(":")[1]
        == f"{[r for n, r in instructions() if n == 'WORKDIR'][-1]}/results"
    )
    help_text = subprocess.run(
        [sys.executable, "-m", "model.serve", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for option in re.findall(r"--[a-z-]+", f"{service['command']} {the('ENTRYPOINT')}"):
        assert option in help_text
