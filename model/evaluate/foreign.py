"""Images that are none of the classes, to see how many of them a model refuses."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from sklearn.metrics import roc_auc_score

from model.artifact import Artifact
from model.calibration import Array, tempered
from model.images import AnyImage, UnreadableImageError, decode_many
from pipeline.cli import UserError

_DRAWN = 200  # of each kind
_SIDE = 160  # pixels
_BATCH = 256


def refusals(
    model: Artifact, threshold: float, own: Array, folders: Sequence[str]
) -> dict[str, Any]:
    """How "none of these" does: share of own images kept, shares of foreign ones refused.

    `own` are calibrated probabilities (n, classes) of images of the classes. Foreign ones are
    flat and drawn images, and the files of each folder in `folders`; `separation` is the area
    under the ROC curve of confidence. UserError where a folder has no image.
    """
    confidence = own.max(axis=1)
    foreign = {}
    kinds: dict[str, Iterator[AnyImage]] = {"flat": flat(), "drawn": drawn()}
    for name, images in {**kinds, **{folder: _files(folder) for folder in folders}}.items():
        theirs = _confidence(model, list(images))
        if not len(theirs):
            raise UserError(f"evaluate.foreign: {name} has no image that can be read")
        foreign[name] = {
            "images": len(theirs),
            "refused": float((theirs < threshold).mean()),
            "separation": float(
                roc_auc_score(
                    np.repeat([1, 0], [len(confidence), len(theirs)]),
                    np.concatenate([confidence, theirs]),
                )
            ),
        }
    return {"own_kept": float((confidence >= threshold).mean()), "foreign": foreign}


def flat() -> Iterator[Image.Image]:
    """One colour, or one fading into another."""
    random = np.random.default_rng(1)
    for number in range(_DRAWN):
        first, second = random.integers(0, 256, (2, 3))
        fade = np.linspace(0, 1, _SIDE)[:, None, None] * (number % 2)
        pixels = np.broadcast_to(first * (1 - fade) + second * fade, (_SIDE, _SIDE, 3))
        yield Image.fromarray(pixels.astype(np.uint8)).rotate(90 * (number % 4))


def drawn() -> Iterator[Image.Image]:
    """Some coloured shapes and lines, a little blurred."""
    random = np.random.default_rng(2)
    for _ in range(_DRAWN):
        image = Image.new("RGB", (_SIDE, _SIDE), tuple(random.integers(0, 256, 3)))
        pen = ImageDraw.Draw(image)
        for _ in range(random.integers(3, 12)):
            colour = tuple(random.integers(0, 256, 3))
            points = [tuple(point) for point in random.integers(0, _SIDE, (5, 2)).tolist()]
            match random.integers(3):
                case 0:
                    pen.polygon(points, fill=colour)
                case 1:
                    pen.line(points, fill=colour, width=int(random.integers(1, 12)))
                case 2:
                    pen.circle(points[0], int(random.integers(5, 50)), fill=colour)
        yield image.filter(ImageFilter.GaussianBlur(1))


def _files(folder: str) -> Iterator[Path]:
    if not Path(folder).is_dir():
        raise UserError(f"evaluate.foreign: {folder} is no folder")
    yield from sorted(path for path in Path(folder).rglob("*") if path.is_file())


def _confidence(model: Artifact, images: Sequence[AnyImage]) -> NDArray[np.float64]:
    """Of each image that can be read."""
    parts = [np.empty(0)]
    for start in range(0, len(images), _BATCH):
        decoded = decode_many(images[start : start + _BATCH], model.image_size)
        readable = [image for image in decoded if not isinstance(image, UnreadableImageError)]
        if readable:
            raw = model.probabilities(np.stack(readable))
            parts.append(tempered(raw, model.calibration.temperature).max(axis=1))
    return np.concatenate(parts)
