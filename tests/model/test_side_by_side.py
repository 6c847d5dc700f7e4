"""A sweep with several runs at once, in the quick pipeline of test_sweep."""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from repository import Repository, begin
from ruamel.yaml import YAML

from model import sweep
from pipeline.cli import UserError

ROOT = Path(__file__).parents[2]
STAGES = """
stages:
  prepare:
    cmd: mkdir -p data/raw/x && echo made > data/raw/x/a && echo prepared >> $LOG
    outs: [data/raw]
  first:
    cmd: echo $RANDOM > first.txt
    params: [train]
    outs: [first.txt: {cache: false}]
  evaluate:
    cmd: python step.py
    params: [train]
    deps: [step.py, extra.txt, first.txt, data/raw, data/own]
    metrics:
      - results/train/metrics.json: {cache: false}
      - results/evaluate/metrics.json: {cache: false}
"""
STEP = """
import json, os, pathlib, time
from ruamel.yaml import YAML
train = YAML(typ="safe").load(pathlib.Path("params.yaml"))["train"]
together = pathlib.Path(os.environ["LOG"] + ".d", str(train["batch_size"]))
together.touch()
wait = 60 if train["epochs"] == 3 else 0  # until two of them run
while wait > 0 and len(list(together.parent.iterdir())) < 2:
    wait -= 0.1
    time.sleep(0.1)
while pathlib.Path(os.environ["LOG"] + ".hold").exists():
    time.sleep(0.1)
assert train["batch_size"] != 13, "unlucky"
extra = float(pathlib.Path("extra.txt").read_text())
assert pathlib.Path("data/raw/x/a").exists() and pathlib.Path("data/own/mug").is_dir()
for name, values in (("train", {"best": {"accuracy": train["batch_size"] / 100}}),
                     ("evaluate", {"accuracy": extra})):
    path = pathlib.Path("results", name, "metrics.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values))
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With data in DVC's cache, a folder of one's own, and a file that is not committed."""
    root = tmp_path / "project"
    (root / "data/own/mug").mkdir(parents=True)
    (root / "data/own/mug/a.jpg").write_text("mine")
    (tmp_path / "log.d").mkdir()
    monkeypatch.chdir(root)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("LOG", str(tmp_path / "log"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    yaml = YAML()
    params = yaml.load(ROOT / "params.yaml")
    params["train"]["epochs"] = 3
    yaml.dump(params, root / "params.yaml")
    (root / "dvc.yaml").write_text(STAGES)
    (root / "step.py").write_text(STEP)
    (root / "extra.txt").write_text("0.25")
    (root / ".gitignore").write_text("/results/sweep/\n/data/*\n/.cache/\n")
    begin(root)
    subprocess.run(["dvc", "repro", "-q", "prepare"], check=True)
    Repository(root).commit("start")
    return root


def test_two_runs_at_once(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what is changed and not committed; the workspace stays as it is, one failure alone."""
    (project / "extra.txt").write_text("0.75")
    before = (project / "params.yaml").read_bytes()
    assert sweep.main(["-S", "train.batch_size=8,13", "--jobs", "2"]) == 1
    shown = capsys.readouterr()
    assert "batch_size=13" in shown.err
    assert "failed to run: python step.py" in shown.err
    (output,) = (project / ".cache/sweep/output").glob("batch_size=13*")
    assert "unlucky" in output.read_text()
    lines = [" ".join(line.split()) for line in shown.out.splitlines()]
    assert "batch_size=8 1 0.080 0.750" in lines
    assert (project / "params.yaml").read_bytes() == before
    assert not (project / "results/train").exists()
    assert not (project / ".cache/sweep/clones").exists()
    assert (tmp_path / "log").read_text() == "prepared\n"  # it came from the cache
    status = subprocess.run(["git", "status", "--short"], capture_output=True, text=True).stdout
    assert status.split() == ["M", "extra.txt"]
    assert sweep.main(["-S", "train.batch_size=8"]) == 0  # one after another it is the same run
    assert "1 of 1 runs are finished already" in capsys.readouterr().out


def test_a_killed_one_goes_on(project: Path, tmp_path: Path) -> None:
    hold = tmp_path / "log.hold"
    hold.touch()
    arguments = ["-S", "train.batch_size=8,16", "--jobs", "2"]
    killed = subprocess.Popen(
        [sys.executable, "-m", "model.sweep", *arguments], start_new_session=True
    )
    while len(list((tmp_path / "log.d").iterdir())) < 2 and killed.poll() is None:
        time.sleep(0.1)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    hold.unlink()  # its runs go on, and the next sweep waits for them
    assert sweep.main(arguments) == 0
    assert not (project / ".cache/sweep/clones").exists()


def test_a_run_that_was_killed_between_its_stages(project: Path, tmp_path: Path) -> None:
    """DVC puts what a finished stage wrote into Git's index, and later refuses its own leavings."""
    hold = tmp_path / "log.hold"
    hold.touch()
    arguments = ["-S", "train.batch_size=8", "-S", "train.epochs=2"]
    killed = subprocess.Popen(
        [sys.executable, "-m", "model.sweep", *arguments], start_new_session=True
    )
    while not list((tmp_path / "log.d").iterdir()) and killed.poll() is None:
        time.sleep(0.1)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    with suppress(ProcessLookupError):  # while any of them is still dying, DVC sees its lock held
        while True:
            os.killpg(killed.pid, 0)
            time.sleep(0.05)
    hold.unlink()
    assert sweep.main(arguments) == 0


def test_data_that_is_not_stored(project: Path) -> None:
    shutil.rmtree(project / ".dvc/cache")
    with pytest.raises(UserError, match=r"DVC can't give a clone its data: .*`dvc repro` first"):
        sweep.main(["-S", "train.batch_size=8,16", "--jobs", "2"])
    assert (project / "data/raw/x/a").exists()
