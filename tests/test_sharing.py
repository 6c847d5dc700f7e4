"""README: `git pull && dvc pull`, from a folder and from S3; `git checkout OLD && dvc checkout`.

The project is small and trains nothing; the pipeline's own files say what is stored. No audit was
ever run in it.
"""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from bucket import KEYS, NAME, bucket
from PIL import Image
from repository import Repository
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
STORED = ("data/raw", "data/clean", "data/dataset", "results/clean")


class Project(Repository):
    def __init__(self, root: Path) -> None:
        super().__init__(root, **KEYS)

    def edit(self, **split: object) -> None:
        yaml = YAML()
        values = yaml.load(self.root / "params.yaml")
        values["sources"].pop("demo_shop", None)
        values["split"] |= split
        yaml.dump(values, self.root / "params.yaml")

    def stored_outs(self) -> list[dict[str, object]]:
        """What dvc.lock says of all outs but the links to folders, which the colleague lacks."""
        stages = YAML(typ="safe").load(self.root / "dvc.lock")["stages"]
        return [out for name, stage in stages.items() if name != "folders" for out in stage["outs"]]

    def digests(self) -> dict[str, str]:
        """Of all stored files, by path; not of what Git itself keeps."""
        files = (p for folder in STORED for p in (self.root / folder).rglob("*") if p.is_file())
        return {
            p.relative_to(self.root).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in files
            if p.name != ".gitignore"
        }


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("project"))
    for name in ("pipeline", "scraper", "audit"):
        shutil.copytree(ROOT / name, project.root / name, ignore=shutil.ignore_patterns("__py*"))
    for name in ("params.yaml", ".dvcignore", ".gitignore", ".gitattributes", "data/review.csv"):
        (project.root / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, project.root / name)
    yaml = YAML()
    stages = yaml.load(ROOT / "dvc.yaml")["stages"]
    yaml.dump(
        {"stages": {k: v for k, v in stages.items() if k not in ("train", "evaluate")}},
        project.root / "dvc.yaml",
    )
    rng = np.random.default_rng(1)
    for n in range(16):
        soft = Image.fromarray(rng.integers(20, 236, (5, 6, 3), dtype=np.uint8))
        path = project.root / "data/own" / ("mug", "hat")[n % 2] / f"{n}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        soft.resize((120, 90), Image.Resampling.NEAREST).save(path)
    project.run("git", "init", "-q", "-b", "main")
    project.run("dvc", "init", "-q")
    project.edit()
    project.run("dvc", "repro")
    project.commit("first")
    return project


@pytest.fixture
def s3() -> Iterator[str]:
    """The address of a server that speaks S3, with a bucket."""
    pytest.importorskip("dvc_s3", reason="needs dvc-s3")
    pytest.importorskip("moto.server", reason="needs moto")
    with bucket() as address:
        yield address


@pytest.mark.parametrize("kind", ["folder", "s3"])
def test_a_colleague_pulls_it_all(
    project: Project, kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    there = Project(tmp_path / "there")
    project.run("git", "clone", "-q", str(project.root), str(there.root))
    if kind == "s3":
        address = request.getfixturevalue("s3")
        project.run("dvc", "remote", "add", "--default", "--force", "storage", f"s3://{NAME}/x")
        project.run("dvc", "remote", "modify", "storage", "endpointurl", address)
    else:
        storage = str(tmp_path / "storage")
        project.run("dvc", "remote", "add", "--default", "--force", "storage", storage)
    project.commit(f"a {kind} for all")
    project.run("dvc", "push")
    there.run("git", "pull", "-q")
    for command in (["dvc", "pull"], ["dvc", "checkout"]):
        out = there.run(*command)
        assert "WARNING" not in out
        assert "ERROR" not in out
    assert there.digests() == project.digests()
    assert "data/dataset/train/metadata.csv" in there.digests()
    assert there.run("git", "status", "--porcelain") == ""


def test_a_colleague_pulls_shards_alone(project: Project, tmp_path: Path) -> None:
    """The commands of docs/scale.md: few large files are stored, and all is made of them anew."""
    there, storage = Project(tmp_path / "there"), tmp_path / "storage"
    shards = "data/shards.dvc"
    project.run("dvc", "remote", "add", "--default", "--force", "storage", str(storage))
    project.run("python", "-m", "pipeline.shards", "pack")
    project.run("dvc", "add", "data/shards")
    project.commit("shards")
    project.run("dvc", "push", shards)
    # two shards, their index, and DVC's list of the three
    assert len([path for path in storage.rglob("*") if path.is_file()]) == 4
    project.run("git", "clone", "-q", str(project.root), str(there.root))
    there.run("dvc", "pull", shards)
    there.run("python", "-m", "pipeline.shards", "unpack")
    there.run("dvc", "repro")
    assert there.digests() == project.digests()
    assert there.stored_outs() == project.stored_outs()


def test_an_old_commit_comes_back(project: Project) -> None:
    before = project.digests()
    project.edit(seed=7, validation=0.3)
    project.run("dvc", "repro")
    project.commit("another split")
    now = project.digests()
    assert now != before
    project.run("git", "checkout", "-q", "HEAD~1")
    project.run("dvc", "checkout")
    assert project.digests() == before
    project.run("git", "checkout", "-q", "main")
    project.run("dvc", "checkout")
    assert project.digests() == now


def test_git_sees_nothing_of_what_a_killed_command_leaves(project: Project) -> None:
    for name in (
        "data/.clean.part/mug/x.jpg",
        "data/.dataset.part/train/mug/x.jpg",
        "data/.review.csv.123.part",
        "results/.export.part/x",
        "results/collect/.own.json.123.part",
        "results/evaluate/.metrics.json.7.part",
        ".params.yaml.7.part",
        ".cache/clean/x",
    ):
        (project.root / name).parent.mkdir(parents=True, exist_ok=True)
        (project.root / name).write_text("x")
    assert project.run("git", "status", "--porcelain") == ""
