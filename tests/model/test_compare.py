"""Comparisons of revisions of a small repository, whose predictions are a DVC out."""

import contextlib
import csv
import io
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from dvc.repo import Repo
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from model import compare
from model.compare import Comparison
from model.revisions import Prediction
from pipeline.cli import UserError

LABELS = ("cap", "mug")
COUNT = 40  # of each class
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
    """predictions.csv; image n of each class is wrong where n is in `wrong`."""
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
        """Take what lies here for what the stages made."""
        with contextlib.chdir(self.root), Repo() as repo:
            repo.commit(force=True)

    def tag(self, name: str, text: str) -> None:
        self.write(text)
        self.record()
        self.git("add", "-A")
        self.git("commit", "-q", "-m", name)
        self.git("tag", name)


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


def figures(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    assert compare.main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_two_tags(project: Path, capsys) -> None:
    """Of 80 images 8 and 20 are wrong; 3 is wrong in both, in each of the two classes."""
    found = figures(capsys, "good", "bad")
    assert (found["images"], found["images_a"], found["images_b"]) == (80, 80, 80)
    assert (found["a"]["accuracy"], found["b"]["accuracy"]) == (0.9, 0.75)
    assert found["difference"]["value"] == pytest.approx(-0.15)
    assert found["difference"]["low"] < -0.15 < found["difference"]["high"] < 0
    assert (found["only_a_right"], found["only_b_right"]) == (18, 6)
    tail = 1 + 24 + 276 + 2024 + 10626 + 42504 + 134596  # 24 over 0 to 6
    assert found["p_value"] == pytest.approx(2 * tail / 2**24)
    assert found["verdict"] == "worse"
    assert found["classes"][0] == {
        "class": "cap",
        "images": 40,
        "recall_a": 0.9,
        "recall_b": 0.75,
        "gained": 3,
        "lost": 9,
    }
    assert [flip["file"] for flip in found["gained"]][:2] == [
        f"cap/{0:064x}.jpg",
        f"cap/{1:064x}.jpg",
    ]
    assert found["lost"][0]["a"]["predicted"] == "cap"
    assert found["lost"][0]["b"]["predicted"] == "mug"


def test_the_workspace_is_the_default(project: Path, capsys) -> None:
    found = figures(capsys, "bad")
    assert found["revision_b"] == "workspace"
    assert (found["a"]["accuracy"], found["b"]["accuracy"]) == (0.75, 0.9)


def test_an_experiment_and_a_commit(project: Path, capsys) -> None:
    found = figures(capsys, "HEAD", "an-experiment")
    assert (found["a"]["accuracy"], found["b"]["accuracy"]) == (0.9, 0.95)
    assert found["verdict"] == "no significant difference"


def test_the_same_revision_twice(project: Path, capsys) -> None:
    found = figures(capsys, "good", "good")
    assert found["p_value"] == 1
    assert found["difference"]["value"] == 0
    assert found["difference"]["low"] < 0 < found["difference"]["high"]
    assert found["gained"] == found["lost"] == []


def test_test_sets_that_differ_are_compared_where_they_meet(project: Path, capsys) -> None:
    found = figures(capsys, "good", "larger")
    assert (found["images"], found["images_a"], found["images_b"]) == (40, 80, 80)
    assert found["a"]["accuracy"] == 1
    assert found["b"]["accuracy"] == 0.9
    compare.main(["good", "larger"])
    assert "on the 40 images that both have, of A's 80 and B's 80" in capsys.readouterr().out


def test_an_image_under_another_class_is_left_out_and_counted(own: Path, capsys) -> None:
    path = own / "results/evaluate/predictions.csv"
    path.write_text(path.read_text().replace(f"cap/{5:064x}.jpg,cap", f"mug/{5:064x}.jpg,mug"))
    found = figures(capsys, "good")
    assert (found["images"], found["relabelled"]) == (79, 1)
    compare.main(["good"])
    assert "1 are under another class" in capsys.readouterr().out


def test_the_table(project: Path, capsys) -> None:
    assert compare.main(["good", "bad"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for line in (
        "On the 80 test images of both.",
        "accuracy of A, good 90.0 %",
        "accuracy of B, bad 75.0 %",
        "B - A -15.0 %",
        "only A is right 18",
        "McNemar's exact test p = 0.023 B: worse",
        "mug 40 90.0 % 75.0 % 3 9",
    ):
        assert line in text


def test_only_what_is_significantly_worse_fails(project: Path) -> None:
    assert compare.main(["good", "bad", "--fail-if-worse"]) == 3
    assert compare.main(["bad", "good", "--fail-if-worse"]) == 0
    assert compare.main(["an-experiment", "good", "--fail-if-worse"]) == 0  # 4 against 0: p = 0.125


def test_the_page_shows_what_flipped(project: Path, tmp_path: Path) -> None:
    compare.main(["good", "bad", "--html", str(tmp_path / "page.html")])
    text = (tmp_path / "page.html").read_text()
    assert text.count('src="data:image/jpeg;base64,') == 24
    assert len(set(text.split('src="data:image/jpeg;base64,'))) == 25
    assert "http" not in text
    assert "<script" not in text


def test_images_come_from_the_cache_where_the_dataset_is_not_here(
    own: Path, tmp_path: Path
) -> None:
    shutil.rmtree(own / "data/dataset")
    compare.main(["good", "bad", "--html", str(tmp_path / "page.html")])
    assert (tmp_path / "page.html").read_text().count('src="data:image/jpeg;base64,') == 24
    shutil.rmtree(own / ".dvc/cache")
    (own / "results/evaluate/predictions.csv").write_text(table({9}))
    compare.main(["workspace", "workspace", "--html", str(tmp_path / "page.html")])
    text = (tmp_path / "page.html").read_text()
    assert "data:image" not in text


def test_predictions_are_fetched_from_a_remote(own: Path, tmp_path: Path, capsys) -> None:
    with Repo() as repo, repo.config.edit() as config:
        config["remote"] = {"store": {"url": str(tmp_path / "store")}}
        config["core"] = {"remote": "store"}
    shutil.copytree(own / ".dvc/cache/files", tmp_path / "store/files")
    shutil.rmtree(own / ".dvc/cache")
    assert figures(capsys, "good", "bad")["images"] == 80


def test_a_revision_without_results(project: Path) -> None:
    with pytest.raises(UserError, match=r"empty has no .*predictions.csv: `git checkout empty"):
        compare.main(["empty"])


def test_a_missing_cache(own: Path) -> None:
    shutil.rmtree(own / ".dvc/cache")
    with pytest.raises(UserError, match=r"of bad is neither in DVC's cache .*then `dvc repro`"):
        compare.main(["bad"])


def test_an_unknown_revision(project: Path) -> None:
    with pytest.raises(UserError, match=r"'nobody' can't be opened: .*dvc exp list"):
        compare.main(["nobody"])


def test_no_results_here(own: Path) -> None:
    (own / "results/evaluate/predictions.csv").unlink()
    with pytest.raises(UserError, match=r"predictions.csv is not there; `dvc repro` makes it"):
        compare.main(["good"])


def test_predictions_of_another_dataset(project: Path) -> None:
    with pytest.raises(UserError, match=r"80 images of cap, mug, .* cup, hat.* two datasets"):
        compare.main(["good", "other"])


@pytest.mark.parametrize("text", ["", "name,label\nx,y\n", table(set(), range(0))])
def test_a_file_that_holds_no_predictions(own: Path, text: str) -> None:
    (own / "results/evaluate/predictions.csv").write_text(text)
    with pytest.raises(UserError, match=r"of workspace (is no table|has no row)"):
        compare.main(["good"])


OURS = ("file", "label", "predicted", "confidence")


@pytest.mark.parametrize("prefix", ["p_", ""], ids=["now", "in older tables"])
def test_classes_that_are_called_like_columns_of_ours(
    own: Path, capsys: pytest.CaptureFixture[str], prefix: str
) -> None:
    labels = (*OURS, "p_file")
    text = table({0, 1}, labels=labels)
    header, _, rest = text.partition("\n")
    assert header.endswith("p_file,p_label,p_predicted,p_confidence,p_p_file")
    columns = ",".join([*OURS, *(prefix + label for label in labels)])
    (own / "results/evaluate/predictions.csv").write_text(f"{columns}\n{rest}")
    found = figures(capsys, "workspace", "workspace")
    assert found["a"]["accuracy"] == found["b"]["accuracy"] == 0.95
    assert {row["class"] for row in found["classes"]} == set(labels)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: text.rindex("mug/") + 70],
        lambda text: text.replace("mug/", "<<<<<<< HEAD\nmug/", 1),
        lambda text: text.replace("0.75", "", 1),
        lambda text: text.replace("0.75", "much", 1),
    ],
)
def test_a_damaged_table_is_named_with_its_row(own: Path, damage) -> None:
    path = own / "results/evaluate/predictions.csv"
    path.write_text(damage(path.read_text()))
    with pytest.raises(UserError, match=r"of workspace is damaged: row \d+ .*repro evaluate"):
        compare.main(["good"])


@st.composite
def two_runs(draw: st.DrawFn) -> tuple[list[Prediction], list[Prediction]]:
    """Two runs over test splits that overlap in some images at least."""
    size = draw(st.integers(1, 30))
    runs = []
    for _ in range(2):
        numbers = {0} | draw(st.sets(st.integers(0, size - 1)))
        runs.append(
            [
                Prediction(f"{n % 3}/{n}.jpg", str(n % 3), draw(st.sampled_from("012")), 0.5)
                for n in sorted(numbers)
            ]
        )
    return runs[0], runs[1]


@given(two_runs())
def test_swapping_the_runs_mirrors_the_figures(runs) -> None:
    a, b = runs
    there, back = Comparison.of(a, b).summary(), Comparison.of(b, a).summary()
    assert there["difference"]["value"] == -back["difference"]["value"]
    assert there["difference"]["low"] == pytest.approx(-back["difference"]["high"])
    assert there["p_value"] == back["p_value"]
    assert there["only_a_right"] == back["only_b_right"]
    assert {there["verdict"], back["verdict"]} in (
        {"no significant difference"},
        {"better", "worse"},
    )


@given(two_runs())
def test_a_run_is_like_itself(runs) -> None:
    found = Comparison.of(runs[0], runs[0]).summary()
    assert found["p_value"] == 1
    assert found["difference"]["value"] == 0
