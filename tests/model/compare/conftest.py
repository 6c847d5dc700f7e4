import contextlib
import shutil
from pathlib import Path

import pytest
from dvc.repo import Repo
from runs import COUNT, Project, table, write_dataset


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tags good, bad (12 of 80 more wrong) and larger (half of good's images), and images."""
    project = Project(tmp_path_factory.mktemp("compare"))
    write_dataset(project.root / "data/dataset")
    project.tag("good", table({0, 1, 2, 3}))
    project.tag("larger", table({20, 21}, range(20, 20 + COUNT)))
    project.tag("other", table(set(), labels=("cup", "hat")).replace("0.jpg", "f.jpg"))
    project.tag("bad", table({3, *range(10, 19)}))
    project.write(table({0, 1}))
    project.record()
    with contextlib.chdir(project.root), Repo() as repo:
        repo.experiments.save(name="an-experiment")
    project.git("checkout", "-q", "-f", "good")
    project.write(table({0, 1, 2, 3}))
    return project.root


@pytest.fixture
def project(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(made)
    return made


@pytest.fixture
def own(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy to damage."""
    shutil.copytree(made, tmp_path / "own", symlinks=True)
    monkeypatch.chdir(tmp_path / "own")
    return tmp_path / "own"
