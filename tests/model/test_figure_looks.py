"""What figures look like: on dark pages, with few images, and at the borders of the axes."""

import io
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from model import figures
from model.train.callbacks import EpochLine

NAMES = ["mug", "皮靴", "👟 shoe", "حذاء"]


def answers(count: int, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(count)
    true = np.arange(count) % classes
    logits = random.normal(size=(count, classes))
    logits[np.arange(count), true] += 1.5
    exponents = np.exp(2 * logits)
    return true, exponents / exponents.sum(axis=1, keepdims=True)


def drawings(folder: Path) -> dict[str, figures.Drawing | None]:
    true, probabilities = answers(40)
    for split in ("train", "eval"):
        for name in ("loss", "accuracy"):
            path = folder / "metrics" / split / f"{name}.tsv"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"step\t{name}\n0\t0.5\n1\t0.7\n")
    matrix = np.array([[9, 1, 0, 0], [0, 10, 0, 0], [2, 2, 6, 0], [0, 0, 0, 10]])
    return {
        "confusion": figures.confusion(matrix, NAMES),
        "reliability": figures.reliability(probabilities, probabilities, true),
        "precision_recall": figures.precision_recall(true, probabilities, NAMES),
        "curves": figures.learning_curves(folder),
        "loss": figures.learning_curves(folder, ["loss"]),
    }


def test_on_a_dark_page_the_ink_is_light_and_the_ground_dark(browser, tmp_path: Path) -> None:
    """As the report shows them: each an `<img>`, which knows the page's mode alone."""
    for name, drawing in drawings(tmp_path).items():
        assert drawing is not None
        (tmp_path / f"{name}.svg").write_bytes(drawing.svg)
        text = drawing.svg.decode()
        assert "#000000" not in text
        (tmp_path / "page.html").write_text(
            '<!doctype html><meta name="color-scheme" content="light dark">'
            f'<img src="{name}.svg" width="500">'
        )
        for scheme, ground in (("light", 255), ("dark", 18)):
            page = browser.new_page(color_scheme=scheme)
            page.goto((tmp_path / "page.html").as_uri())
            shown = Image.open(io.BytesIO(page.locator("img").screenshot())).convert("L")
            pixels = np.asarray(shown).ravel()
            assert abs(int(np.bincount(pixels).argmax()) - ground) < 3, (name, scheme)
            ink = pixels.min() if scheme == "light" else pixels.max()
            assert abs(int(ink) - ground) > 150, (name, scheme)
            page.close()


@pytest.mark.parametrize("count", [1, 2, 8, 39, 400, 5000])
def test_few_images_are_few_points_and_every_image_is_counted(count: int) -> None:
    true, probabilities = answers(count)
    points = figures._points(probabilities, true)
    assert sum(point.images for point in points) == count
    assert 1 <= len(points) <= min(10, max(1, round(count ** (1 / 3))))
    assert [p.confidence for p in points] == sorted(p.confidence for p in points)
    assert all(p.low <= p.accuracy <= p.high for p in points)
    svg = figures.reliability(probabilities, probabilities, true).svg.decode()
    assert all(f">{point.images}</text>" in svg for point in points)


def test_equal_confidences_are_one_point() -> None:
    sure = np.tile([1.0, 0.0], (39, 1))
    (point,) = figures._points(sure, np.array([0] * 30 + [1] * 9))
    assert (point.images, point.confidence) == (39, 1.0)


@pytest.mark.parametrize("values", [[1.0], [0.0], [0.3, 0.3], [0.5, 0.62, 1.0], [0.0, 1.0]])
@pytest.mark.parametrize("settings", [1, 2, 7])
def test_every_dot_of_a_sweep_lies_inside(values: list[float], settings: int) -> None:
    accuracies = {f"epochs={n}": {"validation": values, "test": values} for n in range(settings)}
    figure = figures._spread(accuracies, list(accuracies))
    figure.canvas.draw()
    (axes,) = figure.axes
    inside = axes.get_window_extent().padded(-5)  # a dot's radius, and some air
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    assert sum(len(line.get_xdata()) for line in dots) == 2 * settings * len(values)
    for line in dots:
        for x, y in axes.transData.transform(np.column_stack(line.get_data())):
            assert inside.contains(x, y)


@pytest.mark.parametrize("count", [6, 60])
def test_the_curve_of_a_perfect_class_does_not_lie_on_the_frame(count: int) -> None:
    true = np.arange(count) % 3
    (axes,) = figures._precision_recall(true, np.eye(3)[true], ["a", "b", "c"]).axes
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    for line in axes.lines:
        x, y = line.get_data()
        assert left < min(x) <= max(x) < right
        assert low < min(y) <= max(y) == 1 < high


def test_many_classes_have_colours_that_stand_out_on_white_and_on_black() -> None:
    colours = figures._hues(81)
    assert len({tuple(colour) for colour in colours.round(3)}) == 81
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    assert (1.05 / (luminance + 0.05) > 2.7).all()
    assert ((luminance + 0.05) / 0.06 > 4).all()


def test_a_hundred_classes_stay_a_figure_that_can_be_looked_at() -> None:
    figure = figures._confusion(np.eye(100, dtype=int), [f"class {n}" for n in range(100)])
    assert isinstance(figure, Figure)
    assert figure.get_size_inches().max() <= 25
    assert not figure.axes[0].texts


def test_an_epoch_is_a_line_of_at_most_110_characters(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    line = EpochLine(9999, 9_999_999)
    line.set_params({"epochs": 9999})
    monkeypatch.setattr(
        "model.train.callbacks.time", SimpleNamespace(perf_counter=lambda: line.trained + 99)
    )
    line.started -= 99_999
    worst = {"loss": 999.999, "accuracy": 1.0, "val_loss": 999.999, "val_accuracy": 1.0}
    line.trained = line.started + 99
    line.on_epoch_end(9998, worst | {"learning_rate": 2.5e-05})
    printed = capsys.readouterr().out
    assert printed.startswith("epoch 9999/9999  loss 999.999")
    assert len(printed.rstrip("\n")) <= 110
