"""The whole pipeline in temporary clones, by the commands that README shows."""

import csv
import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet
import pytest
from PIL import Image
from repository import Repository
from ruamel.yaml import YAML

from pipeline.manifest import Manifest, Reason
from scraper.demo_shop.catalogue import expected as demo_shop_expected

ROOT = Path(__file__).parents[1]
CLASSES = {"backpack", "mug", "sneaker", "t-shirt"}
SMALL = {"image_size": 32, "epochs": 2, "batch_size": 64}
pytestmark = pytest.mark.timeout(1800)


class Clone(Repository):
    """A checkout of this tree with a repository and a DVC cache of its own."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, PYTHONPATH=str(root), COLUMNS="200")

    @classmethod
    def made(cls, root: Path) -> "Clone":
        """A new one, with one commit."""
        clone = cls(root)
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout
        for name in filter(None, listed.decode().split("\0")):
            if (ROOT / name).exists():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, root / name)
        (root / "dvc.lock").unlink(missing_ok=True)
        clone.run("git", "init", "-q", "-b", "main")
        clone.edit("train", SMALL)
        clone.commit("start")
        return clone

    def edit(self, section: str, values: dict) -> None:
        yaml = YAML()
        params = yaml.load(self.root / "params.yaml")
        params[section].update(values)
        yaml.dump(params, self.root / "params.yaml")

    def json(self, path: str) -> dict:
        return json.loads((self.root / path).read_text())

    def classes(self, split: str) -> set[str]:
        return {p.name for p in (self.root / "data/dataset" / split).iterdir() if p.is_dir()}

    def digests(self, folder: str) -> dict[str, str]:
        files = (p for p in (self.root / folder).rglob("*") if p.is_file())
        return {
            str(p.relative_to(self.root)): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in sorted(files)
        }


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    clone = Clone.made(tmp_path_factory.mktemp("clone"))
    clone.run("dvc", "repro")
    clone.commit("first run")
    return clone


@pytest.fixture
def demo_shop() -> Iterator[str]:
    """The demo shop served by hand, as in another terminal."""
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "scraper.demo_shop", "--port", "0"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        address = re.search(r"http://127\.0\.0\.1:\d+/", process.stdout.readline())
        assert address
        yield address.group()
        process.terminate()


def test_one_command_leads_to_a_model_and_metrics(clone: Clone) -> None:
    metrics = clone.json("results/evaluate/metrics.json")
    assert set(metrics) == {
        "accuracy",
        "accuracy_low",
        "accuracy_high",
        "balanced_accuracy",
        "macro_f1",
        "top_3_accuracy",
        "loss",
        "calibration_error",
    }
    assert metrics["accuracy_low"] < metrics["accuracy"] < metrics["accuracy_high"]
    for split in ("train", "validation", "test"):
        assert clone.classes(split) == CLASSES
    with (clone.root / "results/evaluate/predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    tested = [p for p in (clone.root / "data/dataset/test").glob("*/*") if p.is_file()]
    assert len(rows) == len(tested)
    right = sum(row["label"] == row["predicted"] for row in rows)
    assert metrics["accuracy"] == pytest.approx(right / len(rows))
    for page in ("results/clean/report.html", "results/evaluate/report.html"):
        assert (clone.root / page).read_text().startswith("<!doctype html>")


def test_what_was_planted_comes_out(clone: Clone) -> None:
    planted = demo_shop_expected()
    manifest = Manifest(clone.root / "data/raw/demo_shop/manifest.jsonl")
    verdicts = pyarrow.parquet.read_table(clone.root / "data/clean/verdicts.parquet").to_pylist()
    assert set(planted) == CLASSES
    for label, expected in planted.items():
        rows = [row for row in manifest.rows.values() if row.label == label]
        assert Counter(row.status for row in rows) == expected.statuses
        assert len(rows) == expected.candidates
        judged = [verdict for verdict in verdicts if verdict["label"] == label]
        dropped = Counter(Reason(v["reason"]) for v in judged if v["verdict"] == "drop")
        assert dropped == expected.reasons
        assert len(judged) - dropped.total() == expected.kept
        assert len(list((clone.root / "data/clean" / label).iterdir())) == expected.kept
    written = (clone.root / "data/raw/demo_shop/manifest.jsonl").read_text()
    assert "127.0.0.1" not in written
    assert "/private/" not in written


def test_what_is_up_to_date_does_not_run_again(clone: Clone) -> None:
    assert "Running stage" not in clone.run("dvc", "repro")
    clone.run("git", "diff", "--exit-code")


def test_an_image_is_classified(clone: Clone) -> None:
    image = next((clone.root / "data/dataset/test/mug").glob("*"))
    shutil.copy(image, clone.root / "unknown.jpg")
    out = clone.run("python", "-m", "model.predict", "unknown.jpg", "--json")
    (clone.root / "unknown.jpg").unlink()
    answer = json.loads(out.splitlines()[-1])
    assert {one["label"] for one in answer["top"]} <= CLASSES
    shares = [one["confidence"] for one in answer["top"]]
    assert shares == sorted(shares, reverse=True)
    assert answer["confidence"] == shares[0]


def test_metrics_plots_and_model_are_known_to_dvc(clone: Clone) -> None:
    assert "accuracy" in clone.run("dvc", "metrics", "show", "results/evaluate/metrics.json")
    page = clone.root / "dvc_plots" / "index.html"
    assert str(page) in clone.run("dvc", "plots", "show")
    text = page.read_text()
    assert all(title in text for title in ("Accuracy on", "Loss on", "Confusion on"))
    assert "confusion.png" in text
    shutil.rmtree(page.parent)


def test_two_clones_give_the_same_bytes(clone: Clone, tmp_path: Path) -> None:
    other = Clone.made(tmp_path)
    other.run("dvc", "repro")
    for folder in ("data/clean", "data/dataset"):
        assert other.digests(folder) == clone.digests(folder)
    metrics = "results/evaluate/metrics.json"
    assert other.json(metrics) == clone.json(metrics)


def test_a_parameter_is_compared(clone: Clone) -> None:
    clone.run("dvc", "exp", "run", "-S", "train.learning_rate=0.0005")
    out = clone.run("dvc", "metrics", "diff", "--all")
    row = next(line for line in out.splitlines() if " accuracy " in line)
    assert len(re.findall(r"\d\.\d+", row)) >= 2, out
    assert "0.0005" in clone.run("dvc", "params", "diff")
    clone.commit("higher rate")


def test_a_spider_and_a_person_extend_the_classes(clone: Clone, demo_shop: str) -> None:
    crawl = ["scrapy", "crawl", "shop", "-a", "source=own", "-a", "label=cap"]
    clone.run(*crawl, "-a", f"url={demo_shop}caps/")
    caps = list((clone.root / "data/own/cap").iterdir())
    assert len(caps) > 100
    by_hand = clone.root / "data/own/plate"
    by_hand.mkdir()
    for n in range(30):
        noise = Image.effect_noise((200, 200), 60 + n)
        Image.merge("RGB", [noise, noise.rotate(90), noise.rotate(n)]).save(
            by_hand / f"IMG {n}.jpg"
        )
    before = (clone.root / "data/raw/demo_shop/manifest.jsonl").read_bytes()
    out = clone.run("dvc", "repro")
    assert "Stage 'collect@demo_shop' didn't change, skipping" in out
    assert "to train on yours alone, take demo_shop out of params.yaml" in out
    assert (clone.root / "data/raw/demo_shop/manifest.jsonl").read_bytes() == before
    assert clone.classes("train") == CLASSES | {"cap", "plate"}
    assert {p.name for p in by_hand.iterdir()} == {f"IMG {n}.jpg" for n in range(30)}
    assert "Running stage" not in clone.run("dvc", "repro")
    clone.commit("two more classes")


def test_an_experiment_deletes_nobodys_images(clone: Clone) -> None:
    """README's loop after a crawl and images by hand: DVC checks outs out by force."""
    before = clone.digests("data/own")
    shutil.copy(
        next((clone.root / "data/own/plate").iterdir()), clone.root / "data/own/plate/x.jpg"
    )
    clone.run("dvc", "exp", "run", "-n", "faster", "-S", "train.learning_rate=0.001")
    clone.run("dvc", "exp", "apply", "faster")
    assert clone.digests("data/own").items() > before.items()
    assert clone.classes("train") == CLASSES | {"cap", "plate"}
    clone.commit("higher rate still")


def test_a_colleague_pulls_it_all(clone: Clone, tmp_path: Path) -> None:
    """README: `git pull && dvc pull`. No audit was run, and the folder data/own isn't there."""
    clone.run("dvc", "remote", "add", "--default", "storage", str(tmp_path / "storage"))
    clone.commit("remote")
    clone.run("dvc", "push")
    clone.run("git", "clone", "-q", str(clone.root), str(tmp_path / "there"))
    there = Clone(tmp_path / "there")
    for command in (["dvc", "pull"], ["dvc", "checkout"]):
        out = there.run(*command)
        assert "WARNING" not in out
        assert "ERROR" not in out
    for folder in ("data/raw", "data/clean", "data/dataset", "results/model"):
        assert there.digests(folder) == clone.digests(folder)
    there.run("dvc", "repro")
    for folder in ("data/clean", "data/dataset"):
        assert there.digests(folder) == clone.digests(folder)


def test_an_old_commit_comes_back(clone: Clone) -> None:
    """`git checkout OLD && dvc checkout`, and back."""
    now = clone.digests("data/dataset")
    clone.run("git", "checkout", "-q", "HEAD~3")
    clone.run("dvc", "checkout")
    assert clone.classes("train") == CLASSES
    clone.run("git", "checkout", "-q", "main")
    clone.run("dvc", "checkout")
    assert clone.digests("data/dataset") == now


def test_an_unknown_source_is_refused_with_what_to_paste(clone: Clone) -> None:
    out = clone.run(
        "scrapy", "crawl", "shop", "-a", "source=nowhere", "-a", "label=x", "-a", "url=http://x/",
        code=1,
    )  # fmt: skip
    assert "nowhere:" in out
    assert "kind: folder" in out
    assert "Traceback" not in out
    assert not (clone.root / "data/raw/nowhere").exists()


def test_a_renamed_class_leaves_nothing_behind(clone: Clone) -> None:
    yaml = YAML()
    params = yaml.load(clone.root / "params.yaml")
    shop = params["sources"]["demo_shop"]
    shop["classes"] = {
        "cup" if label == "mug" else label: at for label, at in shop["classes"].items()
    }
    params["sources"]["own"]["classes"] = []
    yaml.dump(params, clone.root / "params.yaml")
    clone.run("dvc", "repro", "split")
    for split in ("train", "validation", "test"):
        assert clone.classes(split) == CLASSES - {"mug"} | {"cup"}
    assert (clone.root / "data/raw/demo_shop/mug").is_dir()
