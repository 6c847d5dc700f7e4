"""The report and the model card of an evaluation."""

import io
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from evaluation import again
from PIL import Image
from playwright.sync_api import Browser

from model.evaluate import model_card
from pipeline.manifest import Manifest, Row, Status
from pipeline.params import Train


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append((tag, dict(attrs)))


def test_the_report_needs_nothing_from_elsewhere(trained: Path) -> None:
    text = (trained / "results/evaluate/report.html").read_text()
    tags = Page(text).tags
    images = [attributes["src"] for tag, attributes in tags if tag == "img"]
    assert len(images) >= 4
    assert all(re.match(r"data:image/(png|jpeg|svg\+xml);base64,", source) for source in images)
    assert not {"script", "link", "iframe"} & {tag for tag, _ in tags}
    for label in ("apple", "leaf", "sky"):
        assert label in text


def test_the_report_shows_the_worst_mistakes_with_their_source(
    trained: Path, tmp_path: Path
) -> None:
    """Images of one class filed under another are the surest mistakes."""
    shutil.copytree(trained, tmp_path / "run")
    dataset = tmp_path / "run/data/dataset"
    shutil.copy(dataset / "train/apple/00.png", dataset / "test/sky/an <apple>.png")
    (dataset / "test/metadata.csv").write_text(
        "file_name,label,source\nsky/an <apple>.png,sky,that shop\n", encoding="utf-8"
    )
    out = tmp_path / "out"
    again(trained, dataset, out)
    text = (out / "report.html").read_text()
    assert "sky/an &lt;apple&gt;.png" in text
    assert "that shop" in text
    assert "truly sky" in text


def test_an_image_has_the_name_that_people_know(trained: Path, tmp_path: Path) -> None:
    """Its title, or its name in a person's folder; its file where the manifest has neither."""
    shutil.copytree(trained / "data", tmp_path / "data")
    dataset, raw = tmp_path / "data/dataset", tmp_path / "data/raw"
    known = [
        ("Red <apple>", "https://shop.example/1.jpg", "Red &lt;apple&gt;"),
        (None, "apple/IMG 7.heic", "apple/IMG 7.heic"),
        (None, "https://shop.example/3.jpg", None),
    ]
    lines = ["file_name,source,sha256"]
    files = sorted((dataset / "test/apple").iterdir())
    for n, (file, (title, address, _)) in enumerate(zip(files, known, strict=False)):
        lines.append(f"apple/{file.name},shop,{n:064}")
        row = Row(
            status=Status.SAVED,
            label="apple",
            image_url=address,
            file=f"apple/{n}.jpg",
            sha256=f"{n:064}",
            title=title,
        )
        with Manifest(raw / "shop/manifest.jsonl") as manifest:
            manifest.append(row)
    (dataset / "test/metadata.csv").write_text("\n".join(lines) + "\n")
    again(trained, dataset, tmp_path / "out", raw)
    text = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    for file, (_, _, name) in zip(files, known, strict=False):
        assert f'<span class="file">{name or f"apple/{file.name}"}</span>' in text
        assert f'title="data/dataset/test/apple/{file.name}"' in text


def test_the_card_says_what_the_run_knows(trained: Path) -> None:
    card = (trained / "results/evaluate/MODEL_CARD.md").read_text()
    scores = json.loads((trained / "results/evaluate/metrics.json").read_text())
    about = json.loads((trained / "results/model/classifier.json").read_text())
    assert "| train | 36 | 12 | 12 | 12 |" in card
    assert f"{100 * scores['accuracy']:.1f} %" in card
    assert about["dataset"] in card
    assert "| `train.learning_rate` | 0.002 |" in card
    for heading in ("What it is for", "Where it is weak", "Data", "Recipe"):
        assert f"## {heading}" in card


def test_what_the_metadata_tells_is_in_the_card_and_the_report(
    trained: Path, tmp_path: Path
) -> None:
    """Two sources, of which the model knows one: images of another class are filed there."""
    shutil.copytree(trained / "data", tmp_path / "data")
    dataset = tmp_path / "data/dataset"
    for image in (dataset / "test/sky").iterdir():
        shutil.copy(trained / "data/dataset/test/apple/00.png", image)
    rows = [
        f"{file.relative_to(dataset / 'test').as_posix()},{source},{terms},48,40,99.5"
        for file in sorted((dataset / "test").glob("*/*"))
        for source, terms in [("phone", "") if file.parent.name == "sky" else ("shop", "cc0")]
    ]
    header = "file_name,source,license,width,height,brightness"
    (dataset / "test/metadata.csv").write_text("\n".join([header, *rows]) + "\n")
    again(trained, dataset, tmp_path / "out")
    card = (tmp_path / "out/MODEL_CARD.md").read_text()
    assert "- By source: 0.0 % for phone (5 images)." in card
    assert "| phone | not stated | 5 |" in card
    assert "| shop | cc0 | 10 |" in card
    assert "source: phone" in (tmp_path / "out/report.html").read_text()
    found = json.loads((tmp_path / "out/slices.json").read_text())
    assert [(row["value"], row["count"]) for row in found] == [("phone", 5), ("shop", 10)]


def test_every_figure_of_the_report_shows_something(trained: Path, browser: Browser) -> None:
    """In a real browser, without a network."""
    context = browser.new_context(offline=True)
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("requestfailed", lambda request: problems.append(request.url))
    page.goto((trained / "results/evaluate/report.html").as_uri())
    for summary in page.locator("summary").all():
        if summary.locator("xpath=..").get_attribute("open") is None:
            summary.click()
    figures = page.locator("figure img")
    assert figures.count() >= 4 + 15
    for figure in figures.all():
        figure.scroll_into_view_if_needed()
        assert figure.evaluate("image => image.complete && image.naturalWidth") >= 30
        shown = Image.open(io.BytesIO(figure.screenshot()))
        assert len(shown.convert("RGB").getcolors(1 << 20)) > 10
    context.close()
    assert problems == []


def described(
    trained: Path, root: Path, sources: list[str], temperature: float | None = None
) -> str:
    """The report of an evaluation whose test images are from these sources, in plain words."""
    shutil.copytree(trained, root)
    dataset = root / "data/dataset"
    files = sorted((dataset / "test").glob("*/*"))
    rows = [
        f"{file.relative_to(dataset / 'test').as_posix()},{source},{n:064}"
        for n, (file, source) in enumerate(zip(files, sources, strict=True))
    ]
    (dataset / "test/metadata.csv").write_text("\n".join(["file_name,source,sha256", *rows]) + "\n")
    about = root / "results/model/classifier.json"
    values = json.loads(about.read_text())
    if temperature:
        values["calibration"]["temperature"] = temperature
        about.write_text(json.dumps(values))
    again(root, dataset, root / "out")
    text = (root / "out/report.html").read_text(encoding="utf-8")
    return " ".join(re.sub("<[^>]*>", " ", text.split("</style>")[1]).split())


def test_parts_with_few_images_are_counted_and_not_shown(trained: Path, tmp_path: Path) -> None:
    text = described(trained, tmp_path / "some", ["a"] * 8 + ["b"] * 5 + ["c"] + ["d"])
    assert "source: a 8" in text
    assert "source: b 5" in text
    assert "source: c" not in text
    assert "source: d" not in text
    assert "2 parts have fewer than 5 images" in text
    text = described(trained, tmp_path / "none", [f"shop {n // 3}" for n in range(15)])
    assert "shop 1" not in text
    assert "5 parts have fewer than 5 images" in text
    assert "95 % interval accuracy" not in text


def test_an_error_that_calibration_makes_larger_is_explained(trained: Path, tmp_path: Path) -> None:
    """And only such a one. At 20 an accurate model is hardly surer than by chance."""
    worse = described(trained, tmp_path / "worse", ["a"] * 15, 20.0)
    assert "On the validation and the test images the error is larger after calibration." in worse
    same = described(trained, tmp_path / "same", ["a"] * 15, 1.0)
    assert "larger after calibration" not in same


def test_every_line_of_the_unused_measure_says_so(trained: Path) -> None:
    text = (trained / "results/evaluate/report.html").read_text(encoding="utf-8")
    lines = re.findall(r"<tr><td>((?:features|probability)[^<]*)<td>", text)
    found = json.loads((trained / "results/evaluate/calibration.json").read_text())
    used, other = (found["none_of_these"][key] for key in ("by", "other"))
    assert lines == [used] * 2 + [f"{other['by']} (not used)"] * 2


def test_plots_fit_a_phone_and_their_letters_can_be_read(trained: Path, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto((trained / "results/evaluate/report.html").as_uri())
    plots = page.locator("figure.plot img")
    assert plots.count() == 5
    for plot in plots.all():
        plot.scroll_into_view_if_needed()
        left, right, scale = plot.evaluate(
            "one => [one.getBoundingClientRect().left, one.getBoundingClientRect().right,"
            " one.clientWidth / one.naturalWidth]"
        )
        assert left >= 0
        assert right <= 390
        assert scale > 0.8  # of letters of 9 to 10 points
    page.close()


@pytest.mark.parametrize(
    ("recipe", "told"),
    [
        ({"network": "residual_cnn"}, "random weights"),
        ({"network": "squeezenet", "weights": "none"}, "random weights"),
        ({"network": "efficientnet_lite0"}, "by Google"),
        ({"network": "efficientnet_lite0", "weights": "a.h5"}, "`a.h5`. Their license is not kno"),
        ({"network": "squeezenet", "weights": "https://x.example/s.h5"}, "x.example/s.h5`. Their"),
        ({"network": "ResNet50"}, "that Keras downloads for ResNet50. Their license is not known"),
    ],
)
def test_the_card_says_whose_weights_the_training_started_from(recipe: dict, told: str) -> None:
    whole = {"weights": None, "fine_tune_from": None, "epochs": 1, **recipe}
    assert told in model_card._start(Train.model_construct(**whole))
