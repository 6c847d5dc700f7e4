"""The limits of the house: short files, short functions."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MOST_LINES, MOST_OF_A_FUNCTION = 300, 50
CODE = (".py", ".js", ".css", ".html")


def tracked() -> list[Path]:
    """The files of code that Git knows, where this is a clone."""
    command = ["git", "ls-files", "-z", *(f"*{suffix}" for suffix in CODE)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("needs a clone with Git")
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).exists()]


def long_parts(path: Path) -> Iterator[str]:
    text, name = path.read_text(encoding="utf-8"), path.relative_to(ROOT)
    if (count := len(text.splitlines())) > MOST_LINES:
        yield f"{name} has {count} lines; split it by subject"
    if path.suffix != ".py":
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            count = (node.end_lineno or 0) - node.lineno + 1
            if count > MOST_OF_A_FUNCTION:
                yield f"{name}: {node.name} has {count} lines; take a part of it out"


def test_no_file_and_no_function_is_long() -> None:
    assert [sentence for path in tracked() for sentence in long_parts(path)] == []
