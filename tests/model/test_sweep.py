"""Sweeps of a pipeline whose only stage computes its metrics from params.yaml at once."""

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image
from repository import Repository, begin

from model import sweep
from pipeline.cli import UserError

ROOT = Path(__file__).parents[2]
STAGES = """
stages:
  evaluate:
    cmd: python step.py
    params: [train]
    deps: [step.py]
    metrics:
      - results/train/metrics.json: {cache: false}
      - results/evaluate/metrics.json: {cache: false}
"""
STEP = """
import json, pathlib, time
from ruamel.yaml import YAML
train = YAML(typ="safe").load(pathlib.Path("params.yaml"))["train"]
with open("ran.txt", "a") as log:
    print(train["batch_size"], train["seed"], file=log)
while pathlib.Path(f"hold-{train['seed']}").exists():
    time.sleep(0.1)
assert train["batch_size"] != 13
accuracy = train["batch_size"] / 100 + train["seed"] / 1000
for name, values in (("train", {"best": {"accuracy": accuracy}}), ("evaluate", {"accuracy": 0.5})):
    path = pathlib.Path("results", name, "metrics.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values))
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.chdir(root)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    shutil.copy(ROOT / "params.yaml", root)
    (root / "dvc.yaml").write_text(STAGES)
    (root / "step.py").write_text(STEP)
    (root / ".gitignore").write_text("ran.txt\nhold-*\n/results/sweep/\n")
    begin(root)
    Repository(root).commit("start")
    return root


def ran(root: Path) -> list[str]:
    path = root / "ran.txt"
    return path.read_text().splitlines() if path.exists() else []


def test_a_grid_with_seeds(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Then a larger grid runs only what is new; a run that fails stops nothing."""
    before = (project / "params.yaml").read_bytes()
    assert sweep.main(["-S", "train.batch_size=8,16", "--seeds", "1", "3"]) == 0
    assert ran(project) == ["8 1", "8 3", "16 1", "16 3"]
    text = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    best, other = (text.index(f"batch_size={n} 2 0.{n:02}2 ± 0.001 0.500 ± 0.000") for n in (16, 8))
    assert best < other
    with Image.open(project / "results/sweep/sweep.png") as plot:
        assert plot.width > 400
    assert (project / "params.yaml").read_bytes() == before

    assert sweep.main(["-S", "train.batch_size=13,16", "--seeds", "1", "3"]) == 1
    assert ran(project)[4:] == ["13 1", "13 3"]
    shown = capsys.readouterr()
    assert "2 of 4 runs are finished already" in shown.out
    assert (project / "params.yaml").read_bytes() == before
    assert shown.err.count("failed; the same command tries it again") == 2
    with (project / "results/sweep/runs.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["setting"], row["seed"], row["validation"]) for row in rows] == [
        ("train.batch_size=16", "1", "0.161"),
        ("train.batch_size=16", "3", "0.163"),
    ]


def test_a_sweep_that_was_killed_goes_on(project: Path) -> None:
    path = project / "params.yaml"
    path.write_text(path.read_text().replace("zoom_range: 0.1", "zoom_range: 0.15  # mine"))
    before = path.read_bytes()
    (project / "hold-2").touch()
    arguments = ["-S", "train.batch_size=8", "--seeds", "1", "2", "3"]
    killed = subprocess.Popen(
        [sys.executable, "-m", "model.sweep", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )
    while "8 2" not in ran(project) and killed.poll() is None:
        time.sleep(0.1)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    with suppress(ProcessLookupError):  # while any of them is still dying, DVC sees its lock held
        while True:
            os.killpg(killed.pid, 0)
            time.sleep(0.05)
    (project / "hold-2").unlink()
    assert path.read_bytes() != before
    assert sweep.main(arguments) == 0
    assert ran(project) == ["8 1", "8 2", "8 2", "8 3"]
    assert path.read_bytes() == before
    assert git("symbolic-ref", "HEAD") == "refs/heads/main"

    assert sweep.main(["--setting", "train.epochs=2"]) == 0  # nothing of the killed sweep is in it
    with (project / "results/sweep/runs.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert ran(project)[4:] == ["8 1"]
    recorded = git(
        "show", f"{git('rev-parse', 'refs/exps/' + stored(row['experiment']))}:params.yaml"
    )
    assert "zoom_range: 0.15" in recorded
    assert "epochs: 2 " in recorded
    assert path.read_bytes() == before


def git(*command: str) -> str:
    return subprocess.run(
        ["git", *command], check=True, capture_output=True, text=True
    ).stdout.strip()


def stored(name: str) -> str:
    """The end of the experiment's reference."""
    head = git("rev-parse", "HEAD")
    return f"{head[:2]}/{head[2:]}/{name}"


def test_what_a_person_changes_while_a_sweep_runs_is_kept_and_stops_it(project: Path) -> None:
    path = project / "params.yaml"
    before = path.read_bytes()
    (project / "step.py").write_text(
        STEP + 'pathlib.Path("params.yaml").write_text(pathlib.Path("mine").read_text())\n'
    )
    (project / "mine").write_text(path.read_text().replace("zoom_range: 0.1", "zoom_range: 0.3"))
    with pytest.raises(UserError, match=r"params.yaml was changed while a sweep was running"):
        sweep.main(["-S", "train.batch_size=8,16"])
    assert path.read_text() == (project / "mine").read_text()
    assert ran(project) == ["8 1"]
    with pytest.raises(UserError, match=r"from before the sweep is .cache/sweep/params.yaml"):
        sweep.main(["-S", "train.batch_size=8,16"])
    kept = project / ".cache/sweep/params.yaml"
    assert kept.read_bytes() == before
    kept.unlink()


def test_an_experiment_with_other_parameters_than_its_name_says_does_not_count(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (one,) = sweep.plan([("train.batch_size=8",)], [1])
    subprocess.run(
        [sys.executable, "-m", "dvc", "exp", "run", "-q", "-n", one.name, "-S", "train.epochs=7"],
        check=True,
    )
    subprocess.run(["git", "checkout", "-q", "params.yaml"], check=True)
    assert sweep.main(["-S", "train.batch_size=8", "--seeds", "1"]) == 1
    shown = capsys.readouterr()
    assert f"{one.name} was run with other parameters" in shown.err
    assert "dvc exp remove" in shown.err
    assert "accuracy" not in shown.out


@pytest.mark.parametrize("damage", ["{", "<<<<<<< HEAD"])
def test_a_damaged_lock_stops_the_sweep_with_the_remedy(project: Path, damage: str) -> None:
    before = (project / "params.yaml").read_bytes()
    lock = project / ".dvc/tmp/rwlock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text(damage)
    with pytest.raises(UserError, match=r"rwlock.*delete .dvc/tmp/lock and .dvc/tmp/rwlock"):
        sweep.main(["-S", "train.batch_size=8,16"])
    assert not ran(project)
    assert (project / "params.yaml").read_bytes() == before


def test_the_reason_of_a_failure_is_told(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    stages = STAGES.replace("python step.py", "python step.py && rm results/train/metrics.json")
    (project / "dvc.yaml").write_text(stages)
    assert sweep.main(["-S", "train.batch_size=13,8"]) == 1
    first, second = capfd.readouterr().err.splitlines()[-2:]
    assert "batch_size=13" in first
    assert "failed to run: python step.py" in first
    assert "batch_size=8" in second
    assert "results/train/metrics.json" in second


def test_a_list_of_settings_times_a_grid(project: Path) -> None:
    listed = [["train.network=squeezenet", "train.epochs=3"], ["train.network=residual_cnn"]]
    settings = sweep._settings(["augment.brightness_range=[0.8,1.2],[1,1]"], listed)
    assert settings == [
        ("augment.brightness_range=[0.8,1.2]", "train.network=squeezenet", "train.epochs=3"),
        ("augment.brightness_range=[0.8,1.2]", "train.network=residual_cnn"),
        ("augment.brightness_range=[1,1]", "train.network=squeezenet", "train.epochs=3"),
        ("augment.brightness_range=[1,1]", "train.network=residual_cnn"),
    ]
    names = {run.name for run in sweep.plan(settings, [1, 2])}
    assert len(names) == 8
    for name in names:
        subprocess.run(["git", "check-ref-format", f"refs/exps/{name}"], check=True)


def test_a_name_follows_from_all_parameters(project: Path) -> None:
    (before,) = sweep.plan([("train.batch_size=8",)], [1])
    path = project / "params.yaml"
    path.write_text(path.read_text().replace("zoom_range: 0.1", "zoom_range: 0.2"))
    (after,) = sweep.plan([("train.batch_size=8",)], [1])
    assert before.name.startswith("batch_size=8,seed=1-")
    assert after.name.startswith("batch_size=8,seed=1-")
    assert before.name != after.name


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-S", "train.batch_sise=8"], "train.batch_sise=8 can't be set: .*batch_sise"),
        (["-S", "train.batch_size=8,0"], "train.batch_size is 0"),
        (["-S", "train.batch_size"], "-S takes KEY=VALUE"),
        (["--setting", "train.epochs=-1"], "train.epochs is -1"),
    ],
)
def test_what_cannot_be_set_is_refused_before_anything_runs(
    project: Path, arguments: list[str], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        sweep.main(arguments)
    assert not ran(project)


@pytest.mark.parametrize("values", ["range(1,1)", "range(5,2)"])
def test_a_sweep_without_a_run_says_so(project: Path, values: str) -> None:
    with pytest.raises(UserError, match="nothing to run; give KEY=VALUE"):
        sweep.main(["-S", f"train.batch_size={values}"])


def test_a_seed_that_is_given_twice_is_one_run(project: Path) -> None:
    assert [one.seed for one in sweep.plan([("train.epochs=1",)], [1, 2, 1])] == [1, 2]


@pytest.mark.parametrize(
    "override", ["train.epochs=-1", "train.batch_size=few", "split.test=2", "+train.more=1"]
)
def test_a_wrong_value_is_told_without_the_name_of_a_copy(project: Path, override: str) -> None:
    with pytest.raises(UserError) as caught:
        sweep.main(["-S", override])
    assert f"params.yaml with {override} has 1 wrong value" in str(caught.value)


@pytest.mark.parametrize("override", ["train.mean=1", "nothing=1", "=1"])
def test_a_key_that_is_not_there_is_told_in_one_line(project: Path, override: str) -> None:
    with pytest.raises(UserError) as caught:
        sweep.main(["-S", override])
    assert "can't be set" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "+" not in str(caught.value)
