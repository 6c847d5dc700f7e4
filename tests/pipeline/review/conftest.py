"""The review page, served from a process of its own, and a browser."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[3]


@pytest.fixture
def start() -> Iterator:
    """Start `python -m pipeline.review` in the working directory, on a free port."""
    processes = []

    def start_now(*arguments: str) -> subprocess.Popen[str]:
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "pipeline.review", "--port", "0", *arguments]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment)
        processes.append(process)
        return process

    yield start_now
    for process in processes:
        process.kill()
        process.wait()


@pytest.fixture
def serve(work, start) -> Iterator:
    """Run clean, then serve what it found; gives the page's address. The server says no more."""
    processes = []

    def serve_now(*arguments: str) -> str:
        YAML().dump(work.values, work.root / "params.yaml")
        work.clean()
        processes.append(process := start(*arguments))
        line = process.stdout.readline()
        assert line.startswith("review: http://127.0.0.1:"), process.stderr.read()
        return line.split()[1]

    yield serve_now
    for process in processes:
        process.kill()
        assert process.communicate() == ("", "")


@pytest.fixture
def open_page(browser, serve) -> Iterator:
    """Open tabs of one browser window; none may complain or ask anybody else for anything."""
    contexts, complaints, asked = [], [], set()

    def open_now(address: str, view: str = "all", **options):
        if options or not contexts:
            contexts.append(
                browser.new_context(**{"viewport": {"width": 1280, "height": 800}} | options)
            )
        page = contexts[-1].new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: asked.add(request.url.split("/")[2]))
        page.goto(f"{address}#view={view}")
        page.wait_for_selector("#changes:not(:empty)")
        page.wait_for_selector("#grid[aria-activedescendant], #nothing:not([hidden])")
        return page

    yield open_now
    for context in contexts:
        context.close()
    assert [text for text in complaints if "status of 409" not in text] == []  # a test's own
    assert len(asked - {""}) <= 1
