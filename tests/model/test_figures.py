import io
import warnings
from collections.abc import Iterator

import numpy as np
import pytest
from matplotlib import font_manager
from PIL import Image

from model import figures, lettering

NAMES = ["皮靴", "кроссовки", "حذاء", "👟 shoe", "ברווז", "_hidden", "$5 and $10", "a_b^{c", "mug"]
COUNT = len(NAMES)


@pytest.fixture(autouse=True)
def no_warning() -> Iterator[None]:
    """A letter without a font is a warning of matplotlib's."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def draw_all(names: list[str]) -> list[figures.Drawing]:
    random = np.random.default_rng(1)
    classes = np.arange(5 * len(names)) % len(names)
    probabilities = random.dirichlet(np.ones(len(names)), len(classes))
    matrix = random.integers(0, 9, (len(names), len(names)))
    return [
        figures.confusion(matrix, names),
        figures.precision_recall(classes, probabilities, names),
    ]


def test_every_name_stands_in_every_figure_for_a_browser() -> None:
    for drawing in draw_all(NAMES):
        svg = drawing.svg.decode()
        for name in NAMES:
            assert f">{name}" in svg or f"> {name}" in svg
        with Image.open(io.BytesIO(drawing.png)) as image:
            assert image.width > 300


def test_the_same_figure_is_the_same_bytes() -> None:
    assert draw_all(NAMES) == draw_all(NAMES)


def test_a_png_has_letters_where_the_machine_has_a_font_and_else_numbers() -> None:
    """The Private Use Area is in no font that people write with."""
    names = ["mug", "\ue123\U0010fff0", "кружка", "كوب"]
    fonts = lettering.families(names)
    assert fonts[0] == "DejaVu Sans"
    assert lettering.legible(names, fonts) == ["mug", "№ 2 (no font)", "кружка", "كوب"]


def test_a_font_is_asked_where_the_usual_one_lacks_a_letter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A font for CJK, of which this machine need not have one."""
    usual = font_manager.findfont("DejaVu Sans")
    other = font_manager.FontEntry(fname="/fonts/cjk.ttc", name="A CJK font")
    monkeypatch.setattr(lettering, "_installed", lambda: [other])
    monkeypatch.setattr(font_manager, "findfont", lambda name: usual if "Deja" in name else name)
    real = lettering._has

    def has(path: str) -> frozenset[int]:
        return frozenset(map(ord, "皮靴")) if path != usual else real(usual)

    monkeypatch.setattr(lettering, "_has", has)
    assert lettering.families(["皮靴", "mug"]) == ["DejaVu Sans", "A CJK font"]
    assert lettering.families(["mug"]) == ["DejaVu Sans"]
    names = ["皮靴", "帽"]
    assert lettering.legible(names, lettering.families(names)) == ["皮靴", "№ 2 (no font)"]


def test_settings_of_a_sweep() -> None:
    png = figures.spread({"path=$a$ 皮": {"validation": [0.5, 0.6], "test": [0.4, 0.5]}})
    with Image.open(io.BytesIO(png)) as image:
        assert image.width > 400
