"""Finds the areas of an image that decided: it covers an area and looks how the answer changes.

This works for every network and engine (Zeiler and Fergus, Visualizing and Understanding
Convolutional Networks, 2014). A blurred copy of the image covers an area. It shows the network
less that is new than a flat colour does (Fong and Vedaldi, Interpretable Explanations of Black
Boxes, 2017).
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_CELLS = 8  # the image is divided into so many rows and columns
_COVER = 3  # cells covered at a time, both ways
_BLUR = 3  # pixels of a side that are left


def occluded(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image (size, size, 3), then covered in each place: (1 + places, size, size, 3)."""
    small = Image.fromarray(image).resize((_BLUR, _BLUR), Image.Resampling.BOX)
    blurred = np.asarray(small.resize(image.shape[1::-1], Image.Resampling.BICUBIC))
    edges = np.linspace(0, len(image), _CELLS + 1).round().astype(int)
    copies = [image]
    for rows, columns in _places():
        covered = image.copy()
        area = (
            slice(edges[rows.start], edges[rows.stop]),
            slice(edges[columns.start], edges[columns.stop]),
        )
        covered[area] = blurred[area]
        copies.append(covered)
    return np.stack(copies)


def importance(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far the probability falls for each cell (rows, columns) when that cell is covered.

    `probabilities` has those of one class for the images of `occluded`, in its order. A cell has
    the average over all places that cover it. It is below 0 if the probability rises.
    """
    fallen = np.zeros((_CELLS, _CELLS))
    falls = probabilities[0] - probabilities[1:]
    for area, fall in zip(_places(), falls, strict=True):
        fallen[area] += fall
    return fallen / _COVER**2


def _places() -> Iterator[tuple[slice, slice]]:
    """Rows and columns of cells; some reach over the border, so that all cells are in as many."""
    spans = [
        slice(max(0, last + 1 - _COVER), min(last + 1, _CELLS))
        for last in range(_CELLS + _COVER - 1)
    ]
    return ((rows, columns) for rows in spans for columns in spans)
