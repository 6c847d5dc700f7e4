import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from ruamel.yaml import YAML

from model import predict
from model.artifact import Artifact
from model.calibration import Calibration
from model.data import load_split
from model.images import UnreadableImageError, decode
from model.predict import Classifier, Prediction
from pipeline.cli import UserError

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def classifier(trained: Path) -> Classifier:
    return Classifier.load(trained / "results/model")


@pytest.fixture
def here(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The command runs where results/ is."""
    monkeypatch.chdir(trained)
    return trained


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    """Two images in folders, and what is to be left out."""
    root = tmp_path / "photos"
    (root / "more" / ".cache").mkdir(parents=True)
    test = trained / "data/dataset/test"
    shutil.copy(test / "leaf/00.png", root / "b.PNG")
    shutil.copy(test / "sky/00.png", root / "more" / "a.png")
    shutil.copy(test / "sky/01.png", root / "more" / ".cache" / "c.png")
    shutil.copy(test / "sky/01.png", root / ".hidden.png")
    (root / "notes.txt").write_text("not an image, and not called one")
    return root


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server(folder: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()


def assert_same(one: object, other: object) -> None:
    """To rounding: sums may be ordered differently at another place in a batch."""
    assert isinstance(one, Prediction)
    assert isinstance(other, Prediction)
    assert one.label == other.label
    assert [label for label, _ in one.top] == [label for label, _ in other.top]
    assert [p for _, p in one.top] == pytest.approx([p for _, p in other.top], abs=1e-5)


def test_every_form_of_an_image_gets_one_answer(classifier: Classifier, trained: Path) -> None:
    path = trained / "data/dataset/test/leaf/00.png"
    with Image.open(path) as image:
        forms = [path, str(path), path.read_bytes(), image.copy(), np.asarray(image)]
    answers = classifier.classify(forms)
    for answer in answers:
        assert_same(answer, answers[0])
    assert answers[0].confidence == answers[0].top[0][1]
    assert [p for _, p in answers[0].top] == sorted((p for _, p in answers[0].top), reverse=True)


def test_one_image_gets_one_answer(classifier: Classifier, trained: Path) -> None:
    path = trained / "data/dataset/test/leaf/00.png"
    with Image.open(path) as image:
        array = np.asarray(image.convert("RGB"))
    forms = [str(path), path, path.read_bytes(), io.BytesIO(path.read_bytes()), array]
    (first,) = classifier.classify([path])
    for one in forms:
        (answer,) = classifier.classify(one)
        assert_same(answer, first)
    assert len(classifier.classify(np.stack([array, array]))) == 2
    (refused,) = classifier.classify(np.empty((0, 5, 3), np.uint8))
    assert isinstance(refused, UnreadableImageError)
    with pytest.raises(UserError, match="top is 0"):
        classifier.classify(path, top=0)


def test_answers_are_those_of_evaluation(classifier: Classifier, trained: Path) -> None:
    with (trained / "results/evaluate/predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    test = trained / "data/dataset/test"
    for row, answer in zip(
        rows, classifier.classify([test / r["file"] for r in rows]), strict=True
    ):
        assert isinstance(answer, Prediction)
        assert answer.top[0][0] == row["predicted"]
        for label, probability in answer.top:
            assert probability == pytest.approx(float(row[f"p_{label}"]), abs=1e-5)


def test_top_is_as_long_as_asked(classifier: Classifier) -> None:
    grey = Image.new("L", (9, 9), 128)
    for top, length in ((1, 1), (2, 2), (9, 3)):
        (answer,) = classifier.classify([grey], top=top)
        assert isinstance(answer, Prediction)
        assert len(answer.top) == length


def test_a_bad_image_of_a_batch_fails_alone(classifier: Classifier, trained: Path) -> None:
    good = trained / "data/dataset/test/leaf/00.png"
    first, bad, last = classifier.classify([good, b"<html>", good])
    assert isinstance(bad, UnreadableImageError)
    (alone,) = classifier.classify([good])
    assert_same(first, alone)
    assert_same(last, alone)
    assert isinstance(classifier.classify([b""])[0], UnreadableImageError)
    assert classifier.classify([]) == []


def test_what_the_model_is_unsure_of_is_none_of_the_classes(classifier: Classifier) -> None:
    grey = Image.new("L", (9, 9), 128)
    sure = replace(classifier, threshold=1.1)
    (answer,) = sure.classify([grey])
    assert isinstance(answer, Prediction)
    assert answer.label is None
    assert answer.confidence == answer.top[0][1] > 0
    never = replace(classifier, threshold=0)
    assert never.classify([grey])[0].label is not None


def test_a_copy_of_the_model_folder_is_all_there_is_to_carry(
    classifier: Classifier, trained: Path, tmp_path: Path
) -> None:
    shutil.copytree(trained / "results/model", tmp_path / "elsewhere")
    copy = Classifier.load(tmp_path / "elsewhere")
    assert copy.model.calibration == classifier.model.calibration
    assert copy.model.calibration.images == 12
    grey = Image.new("L", (9, 9), 128)
    assert_same(copy.classify([grey])[0], classifier.classify([grey])[0])


def test_confidence_is_calibrated(classifier: Classifier) -> None:
    model = classifier.model
    assert isinstance(model, Artifact)
    hot = replace(classifier, model=replace(model, calibration=Calibration(temperature=50)))
    grey = Image.new("L", (9, 9), 128)
    assert hot.classify([grey])[0].confidence == pytest.approx(1 / 3, abs=0.05)
    (answer,) = replace(classifier, model=replace(model, calibration=Calibration())).classify(
        [grey]
    )
    raw = model.probabilities(decode(grey, 32)[None])
    assert answer.confidence == pytest.approx(raw.max())


def test_a_model_of_an_earlier_version_is_as_sure_as_it_is(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained / "results/model", tmp_path / "model")
    about = json.loads((tmp_path / "model/classifier.json").read_text())
    del about["calibration"]
    (tmp_path / "model/classifier.json").write_text(json.dumps(about))
    old = Classifier.load(tmp_path / "model")
    assert (old.model.calibration, old.threshold) == (Calibration(), 0)


@pytest.mark.parametrize("quantile", [0.0, 0.5])
def test_the_threshold_follows_the_project_without_a_training(
    trained: Path, tmp_path: Path, quantile: float
) -> None:
    shutil.copytree(trained / "results/model", tmp_path / "results/model")
    yaml = YAML()
    params = yaml.load(Path(__file__).parents[2] / "params.yaml")
    params["evaluate"]["reject_quantile"] = quantile
    yaml.dump(params, tmp_path / "params.yaml")
    loaded = Classifier.load(tmp_path / "results/model")
    confidences = loaded.model.calibration.confidences
    assert loaded.threshold == confidences[int(quantile * (len(confidences) - 1))]


def test_no_model(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"classifier\.keras is not there; `dvc repro`"):
        Classifier.load(tmp_path)


def test_folders_are_walked_and_answers_are_a_table(here: Path, folder: Path, capsys) -> None:
    assert predict.main([str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["image", "class", "1.", "2.", "3."]
    assert [line.split()[0] for line in lines[2:]] == [
        str(folder / "b.PNG"),
        str(folder / "more/a.png"),
    ]
    assert lines[2].split()[2] == "leaf"


def test_json_lines(here: Path, folder: Path, capsys) -> None:
    assert predict.main([str(folder), "--json", "--top", "2"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["file"] for row in rows] == [str(folder / "b.PNG"), str(folder / "more/a.png")]
    assert rows[0]["top"][0]["label"] == "leaf"
    assert rows[0]["top"][0]["confidence"] == rows[0]["confidence"]
    assert [len(row["top"]) for row in rows] == [2, 2]


def test_csv_file(here: Path, folder: Path, tmp_path: Path, capsys) -> None:
    bad = folder / "bad.png"
    bad.write_bytes(b"<html>")
    out = tmp_path / "answers.csv"
    assert predict.main([str(folder), "--csv", str(out), "--top", "9"]) == 1
    with out.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:5] == ["file", "label", "confidence", "label_1", "confidence_1"]
    assert "label_3" in rows[0]
    assert "label_4" not in rows[0]
    assert [bool(row["error"]) for row in rows] == [False, True, False]
    assert capsys.readouterr().out == ""


def test_the_rest_is_done_when_some_are_unreadable(here: Path, folder: Path, capsys) -> None:
    (folder / "broken.jpg").write_bytes((folder / "b.PNG").read_bytes()[:200])
    assert predict.main([str(folder / "gone.jpg"), str(folder)]) == 1
    shown = capsys.readouterr()
    assert "b.PNG" in shown.out
    assert "a.png" in shown.out
    errors = [line for line in shown.err.splitlines() if not line.startswith("left out: ")]
    assert len(errors) == 2
    assert errors[0].endswith("gone.jpg is not there")
    assert "broken.jpg can't be read" in errors[1]


def test_a_folder_without_images(here: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(UserError, match=r"has no images \(\.avif, "):
        predict.main([str(tmp_path)])


def test_addresses_are_fetched(here: Path, server: str, capsys) -> None:
    addresses = [f"{server}/b.PNG", f"{server}/gone.png", f"{server}/notes.txt"]
    assert predict.main([*addresses, "--json"]) == 1
    shown = capsys.readouterr()
    rows = [json.loads(line) for line in shown.out.splitlines()]
    assert [row["file"] for row in rows] == addresses
    assert rows[0]["top"][0]["label"] == "leaf"
    assert "404" in rows[1]["error"]
    assert f"{server}/notes.txt" in rows[2]["error"]
    assert shown.err.count("error: ") == 2


def test_help_teaches_and_a_wrong_top_is_refused(capsys) -> None:
    with pytest.raises(SystemExit) as done:
        predict.main(["--help"])
    assert done.value.code == 0
    assert "PATH_OR_URL" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        predict.main(["x.png", "--top", "0"])


def test_a_missing_model_is_said_in_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "model.predict", "x.jpg"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: results/model/classifier.keras is not there")
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_a_list_on_standard_input(here: Path, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "model.predict", "-", "--json"],
        input=f"{folder}/b.PNG\n{folder}/gone.png\n{folder}/more\n",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["file"] for row in rows] == [
        f"{folder}/{n}" for n in ("b.PNG", "gone.png", "more/a.png")
    ]
    assert done.stderr.endswith(f"\nerror: {folder}/gone.png is not there\n")


def test_a_folder_is_sorted(
    here: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    (folder / "broken.png").write_bytes(b"<html>")
    into = folder / "sorted"
    for _ in range(2):  # the second run leaves out what the first one filed
        assert predict.main([str(folder), "--sort-into", str(into)]) == 1
        shown = capsys.readouterr()
        assert shown.out.splitlines()[0].split() == ["folder", "images"]
        assert "broken.png can't be read" in shown.err
        with (into / "sorted.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert [row["filed_as"] for row in rows] == ["leaf/b.PNG", "", "sky/a.png"]
    assert (into / "leaf/b.PNG").read_bytes() == (folder / "b.PNG").read_bytes()
    for path in into.rglob("*.png"):
        path.unlink()
    shutil.copytree(here / "results", tmp_path / "results")
    monkeypatch.chdir(tmp_path)
    about = Path("results/model/classifier.json")  # of a model that is never quite sure
    unsure = {"temperature": 9.0, "images": 1, "confidences": [0.0]}
    about.write_text(json.dumps(json.loads(about.read_text()) | {"calibration": unsure}))
    assert (
        predict.main([str(folder / "b.PNG"), "--sort-into", str(into), "--min-confidence", "1"])
        == 0
    )
    assert (into / "not sure/b.PNG").is_file()


def test_only_files_are_sorted_and_options_for_it_need_it(here: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"download https://shop\.example/mug\.jpg first"):
        predict.main(["https://shop.example/mug.jpg", "--sort-into", str(tmp_path)])
    for option in (["--link"], ["--min-confidence", "0.5"]):
        with pytest.raises(SystemExit):
            predict.main(["x.png", *option])


def test_images_are_decoded_as_in_training(classifier: Classifier, trained: Path) -> None:
    seen = []

    class Recorder:
        labels, image_size, sha256 = classifier.model.labels, classifier.model.image_size, ""
        calibration = Calibration()

        def probabilities(self, images: np.ndarray) -> np.ndarray:
            seen.append(images)
            return np.full((len(images), 3), 1 / 3)

    split = load_split(trained / "data/dataset", "test", Recorder.labels, Recorder.image_size)
    files = [trained / "data/dataset/test" / file for file in split.files]
    Classifier(Recorder(), 0).classify(files)
    np.testing.assert_array_equal(np.concatenate(seen), split.images)


def test_more_images_than_a_batch_keep_their_order(classifier: Classifier, trained: Path) -> None:
    test = trained / "data/dataset/test"
    images = [test / label / "00.png" for label in ("leaf", "sky")] * 100
    images.insert(77, test / "gone.png")
    answers = classifier.classify(images)
    assert isinstance(answers.pop(77), UnreadableImageError)
    assert [answer.top[0][0] for answer in answers] == ["leaf", "sky"] * 100


def test_what_a_folder_leaves_out_is_told(here: Path, folder: Path, capsys) -> None:
    shutil.copy(folder / "b.PNG", folder / "no suffix")
    assert predict.main([str(folder), "--json"]) == 0
    shown = capsys.readouterr()
    names = [Path(json.loads(line)["file"]).name for line in shown.out.splitlines()]
    assert names == ["b.PNG", "a.png", "no suffix"]
    assert shown.err.splitlines()[:2] == [
        f"left out: files of the system: 2 ({folder}/.hidden.png, …)",
        f"left out: files that are no images: 1 ({folder}/notes.txt)",
    ]


@pytest.mark.parametrize("options", [["--csv", "OUT"], ["--json", "--out", "OUT"]])
def test_an_interrupted_run_goes_on(
    here: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    out = tmp_path / "answers"
    arguments = [str(folder), *(str(out) if one == "OUT" else one for one in options)]
    assert predict.main(arguments) == 0
    whole = out.read_text()
    lines = whole.splitlines(keepends=True)
    asked: list[str] = []
    real = predict._answers

    def watched(classifier, names, top):
        asked.extend(names)
        for name, answer in real(classifier, names, top):
            yield name, answer
            if interrupts:
                raise KeyboardInterrupt

    monkeypatch.setattr(predict, "_answers", watched)
    interrupts = True
    with pytest.raises(KeyboardInterrupt):
        predict.main(arguments)
    assert out.read_text() == "".join(lines[:-1])
    interrupts = False
    asked.clear()
    assert predict.main([*arguments, "--resume"]) == 0
    assert [Path(name).name for name in asked] == ["a.png"]
    assert list(map(stem, out.read_text().splitlines())) == list(map(stem, lines))
    asked.clear()
    (folder / "bad.png").write_bytes(b"<html>")
    assert predict.main([*arguments, "--resume"]) == 1
    assert predict.main([*arguments, "--resume"]) == 1  # what failed is tried again
    assert [Path(name).name for name in asked] == ["bad.png"] * 2
    assert len(out.read_text().splitlines()) == len(lines) + 1


def stem(line: str) -> str:
    """A line as far as it has no probability: these depend on the batch, in the last places."""
    return re.split(r"0\.\d", line)[0].strip()


def test_a_folder_is_sorted_into_itself(here: Path, folder: Path, capsys) -> None:
    arguments = [str(folder), "--sort-into", str(folder)]
    assert predict.main(arguments) == 0
    first = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))
    assert {"leaf/b.PNG", "sky/a.png", "b.PNG", "more/a.png", "sorted.csv"} <= set(first)
    (folder / "mug").mkdir()
    shutil.copy(folder / "b.PNG", folder / "mug/mine.png")
    assert predict.main(arguments) == 0
    after = {path.relative_to(folder).as_posix() for path in folder.rglob("*.*")}
    assert after - set(first) == {"mug/mine.png", "leaf/mine.png"}


def test_names_that_are_no_utf8(here: Path, folder: Path, tmp_path: Path, capfd) -> None:
    odd = folder / os.fsdecode(b"caf\xe9.png")
    shutil.copy(folder / "b.PNG", odd)
    gone = str(folder / os.fsdecode(b"gone\xff.png"))
    for options in ([], ["--json"], ["--csv", str(tmp_path / "out.csv")]):
        assert predict.main([str(odd), gone, *options]) == 1
    shown = capfd.readouterr()
    assert shown.out.count("xe9.png") == 2
    assert shown.err.count("gone\\xff.png is not there") == 3
    assert "caf\\xe9.png" in (tmp_path / "out.csv").read_text(encoding="utf-8")


def test_a_reader_that_goes_away_is_no_traceback(here: Path, folder: Path) -> None:
    many = [str(folder / "b.PNG")] * 2000
    with subprocess.Popen(
        [sys.executable, "-m", "model.predict", "-", "--json"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdin.write("\n".join(many).encode())
        process.stdin.close()
        assert b'"label": "leaf"' in process.stdout.readline()
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()
    assert process.returncode == 141


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--min-confidence", "80"], "80 is no probability, 0 to 1; did you mean 0.8?"),
        (["--min-confidence", "80%"], "80% is no probability, 0 to 1; did you mean 0.8?"),
        (["--min-confidence", "1.5"], "1.5 is no probability, 0 to 1; did you mean 0.015?"),
        (["--min-confidence", "-1"], "-1 is no probability, 0 to 1"),
        (["--min-confidence", "high"], "high is no probability, 0 to 1"),
        (["--min-confidence", "nan"], "nan is no probability, 0 to 1"),
        (["--top", "0"], "0 is no whole number from 1 on"),
        (["--top", "2.5"], "2.5 is no whole number from 1 on"),
        (["--resume"], "--resume needs --csv FILE, or --json with --out FILE"),
        (["--out", "a.jsonl"], "--out is for --json"),
    ],
)
def test_an_option_error_says_what_is_allowed(capsys, options: list[str], message: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        predict.main(["a.jpg", *options])
    assert message in capsys.readouterr().err
