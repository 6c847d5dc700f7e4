"""Comparisons of revisions of a small repository, whose predictions are a DVC out."""

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from runs import figures, table

from model import compare
from model.compare import Comparison
from model.revisions import PredictionRow


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
        "B - A, points -15.0",
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


@pytest.mark.parametrize("width", [390, 1400])
def test_the_page_fits_the_window(own: Path, browser, tmp_path: Path, width: int) -> None:
    """Also with a long name, and where an image is neither in the dataset nor in the cache."""
    name = "a-tag-" + "x" * 80
    subprocess.run(["git", "tag", name, "bad"], check=True)
    shutil.rmtree(own / "data/dataset")
    files = [path for path in sorted((own / ".dvc/cache").rglob("*")) if path.is_file()]
    for path in [path for path in files if path.read_bytes()[:2] == b"\xff\xd8"][::2]:
        path.unlink()
    compare.main(["good", name, "--html", str(tmp_path / "page.html")])
    page = browser.new_page(viewport={"width": width, "height": 844})
    page.goto((tmp_path / "page.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    table_fits = "(one => one.scrollWidth <= one.clientWidth)(document.querySelector('table'))"
    assert page.evaluate(table_fits)
    boxes = "[...document.querySelectorAll('.gallery figure > :first-child')]"
    sides = page.evaluate(f"{boxes}.map(one => [one.offsetWidth, one.offsetHeight])")
    assert 0 < page.locator(".gallery img").count() < len(sides) == 24
    assert len({side for size in sides for side in size}) == 1  # squares of one size
    page.close()


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


@st.composite
def two_runs(draw: st.DrawFn) -> tuple[list[PredictionRow], list[PredictionRow]]:
    """Two runs over test splits that overlap in some images at least."""
    size = draw(st.integers(1, 30))
    runs = []
    for _ in range(2):
        numbers = {0} | draw(st.sets(st.integers(0, size - 1)))
        runs.append(
            [
                PredictionRow(f"{n % 3}/{n}.jpg", str(n % 3), draw(st.sampled_from("012")), 0.5)
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
