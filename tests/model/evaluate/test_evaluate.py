"""The evaluate stage on a tiny model."""

import csv
import html
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from evaluation import again
from PIL import Image

from model import data
from model.artifact import load
from model.evaluate import __main__ as evaluate
from pipeline.cli import UserError
from pipeline.files import file_digest

KEYS = [
    "accuracy",
    "accuracy_low",
    "accuracy_high",
    "balanced_accuracy",
    "macro_f1",
    "top_3_accuracy",
    "loss",
    "calibration_error",
]


ROOT = Path(__file__).parents[3]


def read_predictions(root: Path) -> list[dict[str, str]]:
    with (root / "results/evaluate/predictions.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_test_image_has_its_prediction(trained: Path) -> None:
    rows = read_predictions(trained)
    assert list(rows[0]) == [
        "file",
        "label",
        "predicted",
        "confidence",
        "p_apple",
        "p_leaf",
        "p_sky",
    ]
    test = trained / "data/dataset/test"
    assert [row["file"] for row in rows] == [
        p.relative_to(test).as_posix() for p in sorted(test.glob("*/*"))
    ]
    for row in rows:
        shares = {label: float(row[f"p_{label}"]) for label in ("apple", "leaf", "sky")}
        assert row["file"].startswith(row["label"] + "/")
        assert row["predicted"] == max(shares, key=shares.__getitem__)
        assert float(row["confidence"]) == max(shares.values())
        assert sum(shares.values()) == pytest.approx(1)


def test_metrics_follow_from_the_predictions(trained: Path) -> None:
    rows = read_predictions(trained)
    scores = json.loads((trained / "results/evaluate/metrics.json").read_text())
    assert list(scores) == KEYS
    assert scores["accuracy"] == np.mean([row["label"] == row["predicted"] for row in rows])
    assert scores["loss"] == pytest.approx(
        -np.mean([np.log(float(row["p_" + row["label"]])) for row in rows])
    )


def test_the_confusion_plot_has_a_row_for_each_image(trained: Path) -> None:
    path = trained / "results/evaluate/confusion.csv"
    with path.open(encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["actual", "predicted"]
    assert rows[1:] == [[row["label"], row["predicted"]] for row in read_predictions(trained)]
    with Image.open(path.with_suffix(".png")) as image:
        assert min(image.size) > 300
        assert len(image.convert("L").getcolors()) > 10


def test_it_ends_with_what_would_help_most(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A network from scratch that has not learned: every apple is an image of the sky, and so on.

    The report says the same near its top, whether an audit has run or not.
    """
    shutil.copytree(trained / "data", tmp_path / "data")
    dataset = tmp_path / "data/dataset"
    for label, other in (("apple", "sky"), ("sky", "apple")):
        for image in sorted((dataset / "test" / label).iterdir()):
            shutil.copy(trained / "data/dataset/test" / other / image.name, image)
    scores = again(trained, dataset, tmp_path / "out")
    assert scores["accuracy"] < 0.5
    *_, more, first, second = capsys.readouterr().out.splitlines()
    assert more == f"more in {tmp_path / 'out/report.html'}"
    assert first.startswith("The network learned from scratch, from 12 images of a class (median)")
    assert f"gets {100 * scores['accuracy']:.1f} % of the test images right" in first
    low, high = (f"{100 * scores[f'accuracy_{side}']:.1f} %" for side in ("low", "high"))
    assert f"uncertain, {low} to {high} from 15 test images" in second
    text = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    top = text[: text.index("<h2>Classes</h2>")]
    words = html.unescape(re.sub("<[^>]*>", "", top)).replace("\xa0", " ")
    for sentence in (first, second):
        assert sentence.replace("`", "") in words
    assert "<code>dvc repro</code>" in top
    assert "`" not in top


@pytest.mark.parametrize(
    ("sources", "preset"), [(("own",), "own"), (("own", "shop"), "demo-pretrained")]
)
def test_what_it_advises_depends_on_whose_images_they_are(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], sources, preset: str
) -> None:
    shutil.copytree(trained / "data", tmp_path / "data")
    dataset = tmp_path / "data/dataset"
    shutil.rmtree(dataset / "test/sky")
    shutil.copytree(dataset / "test/apple", dataset / "test/sky")
    files = sorted((dataset / "test").glob("*/*.png"))
    rows = [
        f"{file.relative_to(dataset / 'test').as_posix()},{sources[n % len(sources)]}"
        for n, file in enumerate(files)
    ]
    (dataset / "test/metadata.csv").write_text("\n".join(["file_name,source", *rows]) + "\n")
    again(trained, dataset, tmp_path / "out")
    assert f"presets/{preset}.yaml" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("kept", "epochs", "known"), [(2, 3, 0.5), (4, 3, None), (0, 0, 0.25), (0, 3, None)]
)
def test_accuracy_in_training_is_that_of_the_epoch_that_was_kept(
    kept: int, epochs: int, known: float | None, tmp_path: Path
) -> None:
    """0 of 0 is a classifier that was fitted in one go, which DVCLive has as its first step."""
    (tmp_path / "metrics/train").mkdir(parents=True)
    table = "step\taccuracy\n0\t0.25\n1\t0.5\n2\t0.75\n"
    (tmp_path / "metrics/train/accuracy.tsv").write_text(table)
    assert evaluate._training_accuracy(tmp_path, kept, epochs) == known
    assert evaluate._training_accuracy(tmp_path / "none", kept, epochs) is None


def test_calibration_comes_from_validation_alone(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained / "data", tmp_path / "data")
    for image in (tmp_path / "data/dataset/test/leaf").iterdir():
        shutil.copy(trained / "data/dataset/test/sky/00.png", image)
    again(trained, tmp_path / "data/dataset", tmp_path / "out")
    now = json.loads((tmp_path / "out/calibration.json").read_text())
    before = json.loads((trained / "results/evaluate/calibration.json").read_text())
    for key in ("temperature", "threshold"):
        assert now[key] == before[key]
    assert now["calibration_error"]["test"] != before["calibration_error"]["test"]


def test_a_dataset_with_other_classes_is_refused(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained / "data", tmp_path / "data")
    dataset = tmp_path / "data/dataset"
    for split in ("train", "validation", "test"):
        (dataset / split / "sky").rename(dataset / split / "sea")
    with pytest.raises(UserError, match=r"knows apple, leaf, sky, and .* has apple, leaf, sea"):
        again(trained, dataset, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_test_split_that_lacks_a_class_is_refused(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained / "data", tmp_path / "data")
    shutil.rmtree(tmp_path / "data/dataset/test/sky")
    with pytest.raises(UserError, match="test has no images of sky"):
        again(trained, tmp_path / "data/dataset", tmp_path / "out")


def test_without_a_model_it_says_what_makes_one(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="`dvc repro` trains"):
        again(tmp_path, dataset, tmp_path / "out")


def test_the_artifact_predicts_in_any_batch(trained: Path) -> None:
    model = load(trained / "results/model")
    images = data.load_split(trained / "data/dataset", "train", model.labels, model.image_size)
    images = np.concatenate([images.images] * 3)
    together = model.probabilities(images)
    assert together.shape == (108, 3)
    one_by_one = np.concatenate([model.probabilities(images[i : i + 1]) for i in range(36)])
    np.testing.assert_allclose(together[:36], one_by_one, atol=1e-5)
    assert model.probabilities(images[:0]).shape == (0, 3)


def test_foreign_images_are_refused_by_kind(trained: Path, tmp_path: Path) -> None:
    """Images of the classes, called foreign, are refused as rarely as the classes' own."""
    folder = tmp_path / "others"
    shutil.copytree(trained / "data/dataset/test/apple", folder / "deep")
    (folder / "no image.txt").write_text("words")
    again(trained, trained / "data/dataset", tmp_path / "out", foreign=[str(folder)])
    found = json.loads((tmp_path / "out/calibration.json").read_text())["none_of_these"]
    assert list(found["foreign"]) == ["flat", "drawn", str(folder)]
    assert found["foreign"][str(folder)]["images"] == 5
    assert found["foreign"]["flat"]["images"] == 200
    ways = {way["by"]: way for way in (found, found["other"])}
    threshold = ways["probability"]["threshold"]
    assert ways["probability"]["own_kept"] == pytest.approx(
        np.mean([float(row["confidence"]) >= threshold for row in kept(tmp_path)])
    )


def test_what_is_no_foreign_image_is_left_out_and_counted(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    """The folder has the name of images that are made: those are still measured."""
    shutil.copytree(trained / "data", tmp_path / "data")
    dataset = tmp_path / "data/dataset"
    own = dataset / "test/apple/00.png"
    digest, named = file_digest(own), "ab" * 32
    lines = ["file_name,label,sha256", f"apple/00.png,apple,{digest}", f"leaf/00.png,leaf,{named}"]
    (dataset / "test/metadata.csv").write_text("\n".join(lines) + "\n")
    folder = tmp_path / "drawn"
    shutil.copytree(dataset / "test/sky", folder / "deep")
    shutil.copy(own, folder / "copy.png")
    shutil.copy(dataset / "test/leaf/01.png", folder / f"{named}.png")
    (folder / "broken.jpg").write_bytes(b"no image")
    monkeypatch.chdir(tmp_path)
    again(trained, dataset, tmp_path / "out", foreign=["drawn", "drawn"])
    found = json.loads((tmp_path / "out/calibration.json").read_text())["none_of_these"]
    counts = {name: row["images"] for name, row in found["foreign"].items()}
    assert counts == {"flat": 200, "drawn": 200, "drawn/": 5}
    told = [
        "evaluate.foreign: drawn: 2 of 8 files are images of the dataset, and left out",
        "evaluate.foreign: drawn: 1 of 8 files can't be read, and are left out; the first: drawn/b",
    ]
    printed, report = capsys.readouterr().out, (tmp_path / "out/report.html").read_text()
    for sentence, line in zip(told, found["left_out"], strict=True):
        assert line.startswith(sentence)
        assert sentence in printed
        assert sentence in html.unescape(report)


def kept(root: Path) -> list[dict[str, str]]:
    with (root / "out/predictions.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch, None])
def test_a_folder_without_foreign_images_is_refused(trained, tmp_path: Path, make) -> None:
    folder = tmp_path / "others"
    if make:
        make(folder)
    with pytest.raises(UserError, match=r"evaluate\.foreign: .*others"):
        again(trained, trained / "data/dataset", tmp_path / "out", foreign=[str(folder)])


def test_images_of_one_product_widen_the_interval(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained / "data", tmp_path / "data")
    dataset = tmp_path / "data/dataset"
    sky = dataset / "test/sky"
    for n, image in enumerate(sorted(sky.iterdir())):  # a whole class wrong, in one group
        shutil.copy(trained / f"data/dataset/test/apple/{n:02}.png", image)
    apart = again(trained, dataset, tmp_path / "apart")
    files = sorted((dataset / "test").glob("*/*"))
    rows = [f"{f.relative_to(dataset / 'test').as_posix()},{f.parent.name}" for f in files]
    (dataset / "test/metadata.csv").write_text("\n".join(["file_name,group", *rows]) + "\n")
    together = again(trained, dataset, tmp_path / "together")
    assert together["accuracy"] == apart["accuracy"]
    assert together["accuracy_low"] < apart["accuracy_low"]
    assert together["accuracy_high"] > apart["accuracy_high"]
