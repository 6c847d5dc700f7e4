"""dvc.yaml knows what the stages are made of, and the stages start quickly."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
PACKAGES = ("pipeline", "model", "scraper")
STAGES = {
    "clean": ("dvc.yaml", "pipeline/clean/__main__.py"),
    "split": ("dvc.yaml", "pipeline/split/__main__.py"),
    "train": ("dvc.yaml", "model/train/__main__.py"),
    "evaluate": ("dvc.yaml", "model/evaluate/__main__.py"),
    "audit": ("audit/dvc.yaml", "model/audit.py"),
}


def module(name: str) -> Path | None:
    """The file of one of our modules."""
    path = ROOT / name.replace(".", "/")
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if file.exists():
            return file
    return None


def imported(path: Path) -> set[Path]:
    """Our modules that a module imports, and the templates that it names."""
    found: set[Path] = set()
    source = path.read_text()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGES):
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            found.update(filter(None, map(module, names)))
    for name in re.findall(r'"([\w.]+\.(?:html|md|MD|yaml))"', source):
        found.update(
            p for p in (path.parent / name, path.parent / "templates" / name) if p.exists()
        )
    if path.name == "report.py":
        found.add(ROOT / "pipeline/templates/page.html")  # which templates extend
    return {file for file in found if file.suffix != ".py" or does_something(file)}


def does_something(path: Path) -> bool:
    """Not so the `__init__.py` of most packages, which only say what the package is."""
    return len(ast.parse(path.read_text()).body) > 1


def closure(path: Path) -> set[Path]:
    found: set[Path] = set()
    todo = {path}
    while todo:
        found.add(one := todo.pop())
        if one.suffix == ".py":
            todo |= imported(one) - found
    return found


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_all_that_it_uses_and_on_nothing_else(stage: str) -> None:
    pipeline, command = STAGES[stage]
    deps = YAML(typ="safe").load(ROOT / pipeline)["stages"][stage]["deps"]
    ours = {dep for dep in deps if dep.startswith(PACKAGES)}
    used = {p.relative_to(ROOT).as_posix() for p in closure(ROOT / command)}
    uncovered = {u for u in used if not any(u == dep or u.startswith(f"{dep}/") for dep in ours)}
    idle = {d for d in ours if not any(u == d or u.startswith(f"{d}/") for u in used)}
    assert (uncovered, idle) == (set(), set())


@pytest.mark.parametrize("stage", ["pipeline.clean.__main__", "pipeline.split.__main__"])
def test_what_is_slow_to_import_waits_for_its_use(stage: str) -> None:
    code = f"import {stage}, sys; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    modules = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    slow = {"tensorflow", "keras", "scipy", "pyarrow", "faiss", "imagehash", "scrapy", "matplotlib"}
    assert not slow & set(modules)
    assert not [m for m in modules if m.startswith(("scraper", "model."))]
