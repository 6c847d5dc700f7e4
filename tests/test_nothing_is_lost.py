"""Whatever is typed, in whatever order: no image that a person or a crawl brought is lost.

A small project has DVC's own commands run on it, and ours: its images come from a person's folder,
from a shop on the loopback address, and from a folder that comes and goes. After each step every
image is on disk, or in DVC's cache where a `dvc checkout` of some commit finds it.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import (
    run_state_machine_as_test,
)
from lasting_project import ROOT, Project, Running
from PIL import Image
from ruamel.yaml import YAML
from sequences import Sequences

EXAMPLES = int(os.environ.get("SEQUENCES", "6"))
"""Random sequences. 500 take an hour or two: SEQUENCES=500 pytest tests/test_nothing_is_lost.py"""
pytestmark = pytest.mark.timeout(0 if "SEQUENCES" in os.environ else 1800)


LIST_STAGE = """
import json, pathlib
from ruamel.yaml import YAML
from pipeline.manifest import Manifest
params = YAML(typ="safe").load(pathlib.Path("params.yaml"))
found = sorted({
    (name, row.label, row.sha256)
    for name in params["sources"]
    for row in Manifest(pathlib.Path("data/raw", name, "manifest.jsonl")).rows.values()
    if row.status.has_file
})
lines = [" ".join(one) for one in found]
for _, label, sha256 in found:
    assert any(pathlib.Path("data/raw").glob(f"*/{label}/{sha256}.*")), (label, sha256)
for name, values in (
    ("list", lines), ("train", {"best": {"accuracy": 0.5}}), ("evaluate", {"accuracy": 0.5})
):
    path = pathlib.Path("results", name, "metrics.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values))
"""


@pytest.fixture(scope="module", autouse=True)
def server() -> Iterator[None]:
    command = [sys.executable, str(Path(__file__).with_name("forked.py")), "dvc"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as Running.server:
        yield
        Running.server.stdin.close()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that was never run."""
    project = Project(tmp_path_factory.mktemp("template") / "project")
    for name in (".dvc/config", ".dvcignore", ".gitignore", "params.yaml", "scrapy.cfg"):
        (project.root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, project.root / name)
    (project.root / "data").mkdir()
    shutil.copy(ROOT / "data/review.csv", project.root / "data")
    yaml = YAML()
    pipeline = yaml.load(ROOT / "dvc.yaml")
    stages = {name: pipeline["stages"][name] for name in ("folders", "collect")}
    stages["list"] = {
        "cmd": "python list.py",
        "params": ["sources", "train"],
        "deps": ["data/raw", "list.py"],
        "metrics": [
            {f"results/{name}/metrics.json": {"cache": False}}
            for name in ("list", "train", "evaluate")
        ],
    }
    yaml.dump({"stages": stages}, project.root / "dvc.yaml")
    (project.root / "list.py").write_text(LIST_STAGE)
    project.run("git", "init", "-q", "-b", "main")
    return project


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A shop of files: two categories with three products each."""
    root = tmp_path_factory.mktemp("shop")
    for category in ("caps", "mugs"):
        links = []
        for number in range(3):
            name = f"{category}-{number}"
            colour = (80 * number, 40 if category == "caps" else 200, 99)
            Image.new("RGB", (30, 20), colour).save(root / f"{name}.jpg")
            product = {"@type": "Product", "name": name, "sku": name, "image": f"/{name}.jpg"}
            _page(root / f"{name}.html", product)
            links.append({"@type": "ListItem", "position": number, "url": f"/{name}.html"})
        _page(root / f"{category}.html", {"@type": "ItemList", "itemListElement": links})
    command = [sys.executable, "-u", "-m", "http.server", "--bind", "127.0.0.1", "0"]
    with subprocess.Popen(
        command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        port = server.stdout.readline().split("port ")[1].split()[0]
        yield f"127.0.0.1:{port}"
        server.terminate()


def _page(path: Path, data: dict) -> None:
    text = json.dumps({"@context": "https://schema.org", **data})
    path.write_text(f'<html><script type="application/ld+json">{text}</script></html>')


def test_nothing_is_lost(template: Project, shop: str, tmp_path: Path) -> None:
    Sequences.template, Sequences.shop, Sequences.folder = template, shop, tmp_path
    run_state_machine_as_test(
        Sequences,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=8,
            deadline=None,
            derandomize="SEQUENCES" not in os.environ,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],  # to shorten a sequence that fails takes too long
        ),
    )


DOCUMENTED = {
    "README, add a class, then change a parameter": (
        "crawl_into_the_folder caps", "put hat", "repro", "experiment 3",
    ),
    "images by hand, and an experiment at once": ("put hat", "put shoe", "experiment 3"),
    "a crawl by hand, and an experiment at once": ("crawl_into_the_folder mugs", "experiment 3"),
    "the daily loop": (
        "repro", "commit", "experiment 3", "commit", "put hat", "experiment 4",
        "apply_an_experiment", "commit",
    ),
    "a sweep": ("repro", "commit", "put shoe", "sweep", "repro", "commit", "sweep"),
    "a class of a shop": ("repro", "commit", "crawl_into_the_shop mugs", "experiment 3"),
    "an old commit, and back": ("repro", "commit", "put hat", "repro", "look_at_an_old_commit 1"),
    "git pull and dvc pull": ("repro", "commit", "push_and_pull", "delete 0", "repro"),
    "a source that comes and goes": (
        "add_or_remove_a_source 1", "repro", "commit", "add_or_remove_a_source", "experiment 3",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DOCUMENTED)
def test_what_the_docs_show(name: str, template: Project, shop: str, tmp_path: Path) -> None:
    Sequences.template, Sequences.shop, Sequences.folder = template, shop, tmp_path
    state = Sequences()
    state.begin(outside=False)
    for step in DOCUMENTED[name]:
        method, *argument = step.split()
        values = [int(a) if a.isdigit() else a for a in argument]
        if method == "add_or_remove_a_source":
            values = [bool(argument)]
        getattr(state, method)(*values)
        state.what_a_person_has_is_as_it_was()
        state.what_a_crawl_brought_is_here_or_comes_back()
    state.teardown()
