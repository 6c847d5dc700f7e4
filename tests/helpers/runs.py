"""A small repository of Git and DVC with predictions in several revisions."""

import contextlib
import csv
import io
import json
import subprocess
from pathlib import Path

import pytest
from dvc.repo import Repo
from PIL import Image

from model import compare

LABELS = ("cap", "mug")
COUNT = 40  # images of each class
STAGES = """
stages:
  evaluate:
    cmd: echo
    outs:
      - results/evaluate/predictions.csv
  split:
    cmd: echo
    outs:
      - data/dataset
"""


def other(label: str) -> str:
    return {"cap": "mug", "mug": "cap"}.get(label, "cap")


def table(wrong: set[int], numbers: range = range(COUNT), labels: tuple[str, ...] = LABELS) -> str:
    """A predictions.csv. The answer for image n of each class is wrong if n is in `wrong`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = [f"p_{label}" for label in labels]
    writer.writerow(["file", "label", "predicted", "confidence", *columns])
    for c, label in enumerate(labels):
        for n in numbers:
            predicted = other(label) if n in wrong else label
            shares = [0.75 if name == predicted else 0.25 for name in labels]
            writer.writerow([f"{label}/{c * 1000 + n:064x}.jpg", label, predicted, 0.75, *shares])
    return text.getvalue()


def write_dataset(dataset: Path) -> None:
    for c, label in enumerate(LABELS):
        folder = dataset / "test" / label
        folder.mkdir(parents=True)
        for n in range(COUNT):
            image = Image.new("RGB", (30, 20), (6 * n, 100 * c, 50))
            image.save(folder / f"{c * 1000 + n:064x}.jpg")


class Project:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.predictions = root / "results/evaluate/predictions.csv"
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.name", "Tester")
        self.git("config", "user.email", "tester@localhost")
        Repo.init(str(root)).close()
        (root / "dvc.yaml").write_text(STAGES)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "nothing run yet")
        self.git("tag", "empty")

    def git(self, *command: str) -> None:
        subprocess.run(["git", *command], cwd=self.root, check=True, capture_output=True)

    def write(self, text: str) -> None:
        self.predictions.parent.mkdir(parents=True, exist_ok=True)
        self.predictions.write_text(text)

    def record(self) -> None:
        """Let DVC take the present files for the results of the stages."""
        with contextlib.chdir(self.root), Repo() as repo:
            repo.commit(force=True)

    def tag(self, name: str, text: str) -> None:
        self.write(text)
        self.record()
        self.git("add", "-A")
        self.git("commit", "-q", "-m", name)
        self.git("tag", name)


def figures(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    assert compare.main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)
