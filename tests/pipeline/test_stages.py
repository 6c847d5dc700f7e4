"""dvc.yaml knows what the stages are made of, and the stages start quickly."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]


def imported(path: Path) -> set[Path]:
    """The modules of pipeline/ that a module imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("pipeline"):
            names = [f"{node.module}.{alias.name}" for alias in node.names] + [node.module]
            files = [ROOT / f"{name.replace('.', '/')}.py" for name in names]
            found.update(file for file in files if file.exists())
    return found


def closure(path: Path) -> set[Path]:
    found, todo = set(), {path}
    while todo:
        found.add(module := todo.pop())
        todo |= imported(module) - found
    return found


@pytest.mark.parametrize("stage", ["clean", "split"])
def test_deps_are_the_modules_that_the_stage_uses(stage: str) -> None:
    deps = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"][stage]["deps"]
    used = {p.relative_to(ROOT).as_posix() for p in closure(ROOT / f"pipeline/{stage}.py")}
    if stage == "clean":
        used |= {f"pipeline/templates/{name}.html" for name in ("clean", "page")}
    assert {dep for dep in deps if dep.startswith("pipeline")} == used


@pytest.mark.parametrize("stage", ["clean", "split"])
def test_what_is_slow_to_import_waits_for_its_use(stage: str) -> None:
    code = f"import pipeline.{stage}, sys; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    modules = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    slow = {"tensorflow", "keras", "scipy", "pyarrow", "faiss", "imagehash", "scrapy", "matplotlib"}
    assert not slow & set(modules)
    assert not [m for m in modules if m.startswith(("scraper", "model."))]
