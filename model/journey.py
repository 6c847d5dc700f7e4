"""Shows what each stage did to some images, from the web page or folder to the answer.

journeys(Classifier.load())
"""

from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import chain, islice, zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.classifier import Classifier, Prediction
from model.images import decode
from model.notebook import small
from pipeline.cli import UserError
from pipeline.params import load_params
from pipeline.paths import DATASET, RAW, SPLITS, VERDICTS
from pipeline.raw import read_raw
from pipeline.report import render, thumbnail

_TEMPLATE = Path(__file__).parent / "templates" / "journeys.html"
_SIDE = 112  # pixels of an image that is shown


@dataclass(frozen=True, eq=False)
class Journey:
    """One collected image, and what became of it."""

    source: str
    label: str
    """its class, as people have decided"""
    raw: Path
    """the file as it was received"""
    reason: str
    """why clean dropped it; empty where it was kept"""
    flags: list[str]
    """what clean found without dropping it"""
    dataset: Path | None = None
    """the file in data/dataset; None if the image is in no split"""
    seen: NDArray[np.uint8] | None = None
    """what the network is given: (image_size, image_size, 3), 0 to 255"""
    answer: Prediction | None = None

    @property
    def split(self) -> str:
        """train, validation or test; "" if the image is in no split."""
        return self.dataset.relative_to(DATASET).parts[0] if self.dataset else ""


class Journeys(list[Journey]):
    """Some of them. A notebook shows a row for each."""

    def _repr_html_(self) -> str:
        rows = [
            {
                "of": one,
                "raw": small(one.raw, _SIDE),
                "bytes": one.raw.stat().st_size,
                "cleaned": small(one.dataset, _SIDE),
                "seen": one.seen is not None and thumbnail(Image.fromarray(one.seen), _SIDE),
            }
            for one in self
        ]
        return render(_TEMPLATE, rows=rows, side=_SIDE)


def journeys(classifier: Classifier, count: int = 10) -> Journeys:
    """`count` images of the project in the working directory, some of each outcome.

    They are the same ones each time. UserError where clean has not run.
    """
    files = {image.key: RAW / image.file for image in read_raw(load_params().sources, RAW).images}
    by_outcome = defaultdict(list)
    for row in _verdicts():
        raw = files.get((row["source"], row["raw_label"], row["sha256"]))
        if raw is not None and raw.is_file():
            one = Journey(row["source"], row["label"], raw, row["reason"], row["flags"], _file(row))
            by_outcome[one.reason or one.split].append(one)
    in_turn = chain.from_iterable(zip_longest(*(by_outcome[name] for name in sorted(by_outcome))))
    return Journeys(_answered(one, classifier) for one in islice(filter(None, in_turn), count))


def _verdicts() -> list[dict[str, Any]]:
    import pyarrow.parquet as pq  # the import takes a third of a second

    columns = ["source", "raw_label", "label", "sha256", "reason", "flags"]
    try:
        return list(pq.read_table(VERDICTS, columns=columns).to_pylist())
    except FileNotFoundError as error:
        raise UserError(f"{VERDICTS} is not there; make it with: dvc repro clean") from error


def _file(verdict: dict[str, Any]) -> Path | None:
    """The image's file in data/dataset, if there is one."""
    if verdict["reason"]:
        return None  # a copy of it, with the same name, may be there
    places = (DATASET / split / verdict["label"] / f"{verdict['sha256']}.jpg" for split in SPLITS)
    return next((place for place in places if place.is_file()), None)


def _answered(one: Journey, classifier: Classifier) -> Journey:
    if one.dataset is None:
        return one
    (answer,) = classifier.classify(one.dataset)
    return replace(
        one,
        seen=decode(one.dataset, classifier.model.image_size),
        answer=answer if isinstance(answer, Prediction) else None,
    )
