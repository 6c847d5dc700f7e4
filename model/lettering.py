"""Writes the names that people give into figures: with fonts that have the letters, unchanged."""

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

_BASE = "DejaVu Sans"  # comes with matplotlib: Latin, Cyrillic, Greek, Arabic, Hebrew and more
_UNFIT = ("last resort", "color emoji", "cm", "stix")  # boxes, bitmaps, fonts of formulas


def families(texts: Iterable[str]) -> list[str]:
    """The fonts of this machine that have the letters of these texts, the usual font first."""
    missing = _letters(texts) - _has(font_manager.findfont(_BASE))
    found = [_BASE]
    for font in _installed() if missing else ():
        if own := missing & _has(font.fname):
            found.append(font.name)
            missing -= own
    return found


def plain(text: str) -> str:
    """The text, written so that matplotlib shows it as it is.

    Between two `$` it would read a formula. What begins with `_` it would leave out of a legend.

    >>> plain("$5"), plain("_hidden")
    ('\\\\$5', ' _hidden')
    """
    escaped = text.replace("$", r"\$")
    return f" {escaped}" if escaped.startswith("_") else escaped


def legible(labels: Sequence[str], fonts: Sequence[str]) -> list[str]:
    """The labels. If no font has a letter of a label, its number stands for it."""
    has = frozenset[int]().union(*(_has(font_manager.findfont(font)) for font in fonts))
    return [
        label if _letters([label]) <= has else f"№ {number} (no font)"
        for number, label in enumerate(labels, start=1)
    ]


def _letters(texts: Iterable[str]) -> frozenset[int]:
    return frozenset(ord(letter) for text in texts for letter in text if not letter.isspace())


def _installed() -> list[font_manager.FontEntry]:
    fit = (f for f in font_manager.fontManager.ttflist if not f.name.lower().startswith(_UNFIT))
    regular = (f for f in fit if "emoji" not in f.name.lower() or "color" not in f.name.lower())
    return sorted(regular, key=lambda font: (font.style != "normal", font.name, font.fname))


@cache
def _has(path: str) -> frozenset[int]:
    """The letters of a font; none if it can't be read."""
    try:
        return frozenset(FT2Font(Path(path)).get_charmap())
    except (RuntimeError, OSError):
        return frozenset()
