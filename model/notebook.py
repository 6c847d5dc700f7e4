"""Shows answers in a notebook: small images with bars, or with coloured areas.

Jupyter asks an object for its `_repr_html_`. Names of files and classes are escaped in it.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from model.images import AnyImage, UnreadableImageError, upright
from pipeline.report import render, thumbnail

if TYPE_CHECKING:
    from model.classifier import Prediction

Answer: TypeAlias = "Prediction | UnreadableImageError"

_TEMPLATE = Path(__file__).parent / "templates" / "notebook.html"
_MOST_SHOWN = 60  # answers: a page with thousands of images is slow, and nobody looks at them all
_SIDE = 144  # pixels of an image


class AnswerList(list[Answer]):
    """The answer to each image, in order. A notebook shows the first ones beside their images."""

    shown: tuple[AnyImage | UnreadableImageError, ...] = ()
    """the images of the first answers"""

    @classmethod
    def to(
        cls,
        images: Iterable[AnyImage | UnreadableImageError],
        answer: Callable[[Iterable[AnyImage | UnreadableImageError]], Iterable[Answer]],
    ) -> Self:
        """The answers of `answer` to the images. Only the images that are shown are kept."""
        first: list[AnyImage | UnreadableImageError] = []

        def noted() -> Iterator[AnyImage | UnreadableImageError]:
            for image in images:
                if len(first) < _MOST_SHOWN:
                    first.append(image)
                yield image

        answers = cls(answer(noted()))
        answers.shown = tuple(first)
        return answers

    def _repr_html_(self) -> str:
        cards = [_card(answer, image) for answer, image in zip(self, self.shown, strict=False)]
        return render(_TEMPLATE, cards=cards, more=len(self) - len(cards), explanation=None)


@dataclass(frozen=True, eq=False)
class Explanation:
    """The areas of an image that make a class more likely. A notebook shows them on the image."""

    label: str
    confidence: float
    """probability of the class, 0 to 1"""
    importance: NDArray[np.float64]
    """(8, 8), rows and columns: how far the probability falls when that area is covered; below 0
    where it rises"""
    image: AnyImage

    def _repr_html_(self) -> str:
        strongest = float(np.abs(self.importance).max()) or 1.0
        cells = [
            {"row": row, "column": column, "share": value / strongest}
            for (row, column), value in np.ndenumerate(self.importance)
        ]
        return render(
            _TEMPLATE,
            cards=[],
            more=0,
            explanation=self,
            name=_name(self.image),
            uri=small(self.image, 2 * _SIDE),
            cells=cells,
            side=len(self.importance),
            strongest=strongest,
        )


def html_of(prediction: "Prediction") -> str:
    """One answer without its image, as a notebook shows it."""
    return render(_TEMPLATE, cards=[_card(prediction, None)], more=0, explanation=None)


def _card(answer: Answer, image: AnyImage | UnreadableImageError | None) -> dict[str, object]:
    failed = isinstance(answer, UnreadableImageError)
    return {
        "name": _name(image),
        "uri": None if failed else small(image, _SIDE),
        "answer": None if failed else answer,
        "error": str(answer) if failed else "",
    }


def _name(image: object) -> str:
    """The path of an image that has one."""
    return os.fspath(image) if isinstance(image, str | os.PathLike) else ""


def small(image: AnyImage | UnreadableImageError | None, side: int) -> str | None:
    """An image as a data URI, `side` pixels at most.

    None if there is nothing to show: the file is closed or gone, or was no image.
    """
    if image is None or isinstance(image, UnreadableImageError):
        return None
    try:
        return thumbnail(upright(image, side), side)
    except UnreadableImageError:
        return None
