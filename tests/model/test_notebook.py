"""What a notebook shows, and tables of the evaluation."""

import io
import shutil
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.classifier import Classifier, Prediction
from model.evaluation import Evaluation
from model.images import UnreadableImageError
from model.notebook import AnswerList
from pipeline.cli import UserError

HOSTILE = '<img src=x onerror="alert(1)">&"\'.png'


class Elements(HTMLParser):
    """The elements of a page, with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def images(self) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.found if tag == "img"]


@pytest.fixture(scope="module")
def classifier(trained: Path) -> Classifier:
    return Classifier.load(trained / "results/model")


@pytest.fixture
def leaf(trained: Path) -> Path:
    return trained / "data/dataset/test/leaf/00.png"


def test_answers_are_a_list_that_shows_images_and_bars(
    classifier: Classifier, leaf: Path, tmp_path: Path
) -> None:
    hostile = tmp_path / HOSTILE.replace("/", "")
    shutil.copy(leaf, hostile)
    bad = tmp_path / "bad <b>.png"
    bad.write_bytes(b"no image")
    answers = classifier.classify([hostile, bad, leaf.read_bytes()], top=2)
    assert isinstance(answers, list)
    page = Elements(answers._repr_html_())
    first, last = page.images()
    assert first["alt"] == str(hostile)
    assert all("onerror" not in attributes for _, attributes in page.found)
    for image in (first, last):
        assert str(image["src"]).startswith("data:image/jpeg;base64,")
    assert "bad <b>.png can't be read" in page.text
    assert page.text.count("%") == 4


def test_classes_are_escaped_everywhere(classifier: Classifier, leaf: Path) -> None:
    model = replace(classifier.model, labels=[HOSTILE, "b", "c"])
    strange = replace(classifier, model=model)
    shown = [strange.classify(leaf), strange.classify(leaf)[0], strange.explain(leaf, HOSTILE)]
    for each in shown:
        page = Elements(each._repr_html_())
        assert HOSTILE in page.text
        assert all("onerror" not in attributes for _, attributes in page.found)


@pytest.mark.parametrize("form", ["path", "bytes", "open", "closed", "array", "once", "pillow"])
def test_every_form_of_an_image_can_be_shown(classifier: Classifier, leaf: Path, form: str) -> None:
    with Image.open(leaf) as image:
        array, pillow = np.asarray(image), image.copy()
    closed = io.BytesIO(leaf.read_bytes())
    forms = {
        "path": str(leaf),
        "bytes": leaf.read_bytes(),
        "open": io.BytesIO(leaf.read_bytes()),
        "closed": closed,
        "array": array,
        "pillow": pillow,
        "once": iter([leaf]),
    }
    answers = classifier.classify(forms[form])
    closed.close()
    page = Elements(answers._repr_html_())
    assert len(page.images()) == (form != "closed")
    assert "leaf" in page.text


def test_of_many_answers_the_first_are_shown(classifier: Classifier) -> None:
    images = (np.full((9, 9), n, np.uint8) for n in range(70))
    answers = classifier.classify(images, top=1)
    assert len(answers) == 70
    page = Elements(answers._repr_html_())
    assert len(page.images()) == 60
    assert "10 more answers are in the list" in page.text
    assert Elements(classifier.classify([])._repr_html_()).found == []
    assert Elements(AnswerList(answers)._repr_html_()).images() == []  # as of a copy


def test_none_of_the_classes_is_said(classifier: Classifier, leaf: Path) -> None:
    (answer,) = replace(classifier, threshold=1.1).classify(leaf)
    assert isinstance(answer, Prediction)
    assert "none of these" in answer._repr_html_()


def test_an_explanation_colours_what_decides(classifier: Classifier, leaf: Path) -> None:
    found = classifier.explain(leaf)
    assert found.label == "leaf"
    assert found.importance.shape == (8, 8)
    (answer,) = classifier.classify(leaf)
    assert found.confidence == pytest.approx(answer.confidence, abs=1e-5)
    page = Elements(found._repr_html_())
    assert len(page.images()) == 1
    assert sum(tag == "rect" for tag, _ in page.found) == 64
    other = classifier.explain(leaf, "sky")
    assert (other.label, other.confidence < 0.5) == ("sky", True)


def test_what_cannot_be_explained(classifier: Classifier, leaf: Path) -> None:
    with pytest.raises(UserError, match="no class 'fish'; the model knows apple, leaf, sky"):
        classifier.explain(leaf, "fish")
    with pytest.raises(UnreadableImageError, match=r"gone\.png is not there"):
        classifier.explain("gone.png")
    with pytest.raises(UnreadableImageError, match="list is none of a path"):
        classifier.explain([leaf])


def test_the_evaluation_in_tables(trained: Path) -> None:
    pytest.importorskip("pandas")
    found = Evaluation.load(trained / "results/evaluate")
    predictions = found.predictions
    assert list(predictions)[:4] == ["file", "label", "predicted", "confidence"]
    assert list(predictions)[4:] == ["p_apple", "p_leaf", "p_sky"]
    right = (predictions["label"] == predictions["predicted"]).mean()
    assert right == pytest.approx(found.metrics["accuracy"])
    assert len(found.mistakes) == (predictions["label"] != predictions["predicted"]).sum()
    assert list(found.mistakes) == list(predictions)
    assert found.confusion.to_numpy().sum() == len(predictions) == 15
    assert found.confusion.loc["leaf"].sum() == found.per_class.loc["leaf", "support"] == 5
    assert "macro_f1" in found._repr_html_()


def test_the_evaluation_without_pandas(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.warns(UserWarning, match="pip install pandas"):
        found = Evaluation.load(str(trained / "results/evaluate"))
    assert len(found.predictions) == 15
    assert found.predictions[0]["label"] == "apple"
    assert sum(found.confusion["leaf"].values()) == found.per_class["leaf"]["support"] == 5


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("metrics.json", None, r"metrics\.json is not there; `dvc repro evaluate`"),
        ("metrics.json", "{", r"metrics\.json can't be read as metrics: it is damaged in line 1"),
        ("metrics.json", "{}", "it has no 'accuracy'"),
        ("per_class.json", "", r"per_class\.json can't be read.*it is empty"),
        ("per_class.json", '{"apple": 1}', r"per_class\.json can't be read"),
        ("predictions.csv", "", "it is empty"),
        ("predictions.csv", "a,b\n", "it has not the columns file, label"),
        (
            "predictions.csv",
            "file,label,predicted,confidence,p_a\na.png,a,a\n",
            r"predictions\.csv can't be read as a table of predictions",
        ),
        (
            "predictions.csv",
            "file,label,predicted,confidence,p_a\na.png,a,a,high,1\n",
            "could not convert string to float: 'high'",
        ),
    ],
)
def test_damaged_results_are_named(
    trained: Path, tmp_path: Path, name: str, content: str | None, told: str
) -> None:
    folder = shutil.copytree(trained / "results/evaluate", tmp_path / "evaluate")
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_text(content)
    with pytest.raises(UserError, match=told):
        Evaluation.load(folder)


def test_classes_may_be_called_like_columns(tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text('{"accuracy": 0.5}')
    labels = ["confidence", "file", "label", "predicted", "p_"]
    classes = ", ".join(f'"{label}": {{"support": 1}}' for label in labels)
    (tmp_path / "per_class.json").write_text(f"{{{classes}}}")
    (tmp_path / "predictions.csv").write_text(
        f"file,label,predicted,confidence,{','.join(f'p_{label}' for label in labels)}\n"
        "confidence/1.jpg,confidence,label,0.6,0.1,0.1,0.6,0.1,0.1\n"
    )
    found = Evaluation.load(tmp_path)
    assert found.predictions.loc[0, "confidence"] == 0.6
    assert found.predictions.loc[0, "p_label"] == 0.6
    assert found.confusion.loc["confidence", "label"] == 1
