"""Classes of new pictures: the `Classifier`, and its command line.

python -m model.predict photo.jpg folder/ https://shop.example/mug.jpg --top 3
"""

import argparse
import csv
import io
import json
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from tabulate import tabulate
from tqdm import tqdm

from model import artifact
from model.artifact import Artifact
from model.calibration import Calibration, tempered
from model.images import Picture, PictureError, decode_many
from pipeline.cli import UserError, run
from pipeline.manifest import write_atomic
from pipeline.paths import EVALUATE, MODEL
from scraper.addresses import fetch, host_port

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".avif", ".gif", ".bmp", ".tif", ".tiff"}
_BATCH = 64
_MAX_BYTES = 20 * 2**20
_CONNECTIONS = 8
_TIMEOUT = 30  # seconds for one address


@dataclass(frozen=True, slots=True)
class Prediction:
    """An answer. `top` has the likeliest classes with their probabilities, likeliest first."""

    label: str | None  # None: none of the classes
    confidence: float  # of the likeliest class
    top: list[tuple[str, float]]


@dataclass(frozen=True)
class Classifier:
    """A trained model that takes pictures in any form."""

    model: Artifact
    calibration: Calibration | None

    @classmethod
    def load(cls, path: Path = MODEL) -> Self:
        """The model in `path`, with the calibration that its evaluation wrote beside it, if any.

        UserError where there is no model.
        """
        model = artifact.load(path)
        file = path.parent / EVALUATE.name / "calibration.json"
        calibration = Calibration.load(file) if file.is_file() else None
        ours = calibration is not None and calibration.model == model.sha256
        return cls(model, calibration if ours else None)

    def classify(
        self, pictures: Sequence[Picture], top: int = 3
    ) -> list[Prediction | PictureError]:
        """An answer for each picture, in order; one that can't be read has its error instead.

        Pictures are paths, bytes of files, Pillow pictures, or uint8 arrays (height, width, 3).
        """
        decoded = decode_many(pictures, self.model.image_size)
        images = [image for image in decoded if not isinstance(image, PictureError)]
        if not images:
            return [image for image in decoded if isinstance(image, PictureError)]
        probabilities = self.model.probabilities(np.stack(images))
        if self.calibration:
            probabilities = tempered(probabilities, self.calibration.temperature)
        answers = iter(probabilities)
        return [
            image if isinstance(image, PictureError) else self._prediction(next(answers), top)
            for image in decoded
        ]

    def _prediction(self, probabilities: Any, top: int) -> Prediction:
        order = np.argsort(-probabilities, kind="stable")
        best = [(self.model.labels[i], float(probabilities[i])) for i in order]
        label, confidence = best[0]
        refused = self.calibration is not None and confidence < self.calibration.threshold
        return Prediction(None if refused else label, confidence, best[:top])


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    sources = _sources(options.pictures)
    classifier = Classifier.load(MODEL)
    answers: list[tuple[str, Prediction | PictureError]] = []
    with tqdm(total=len(sources), unit=" pictures", disable=None, leave=False) as bar:
        for start in range(0, len(sources), _BATCH):
            names = sources[start : start + _BATCH]
            answers += zip(names, _classify(classifier, names, options.top), strict=True)
            bar.update(len(names))
    if options.csv:
        write_atomic(options.csv, _csv(answers, min(options.top, len(classifier.model.labels))))
    elif options.json:
        for name, answer in answers:
            print(json.dumps(_plain(name, answer), ensure_ascii=False))
    else:
        print(_table(answers))
    unread = [answer for _, answer in answers if isinstance(answer, PictureError)]
    for error in unread:
        print(f"error: {error}", file=sys.stderr)
    return 1 if unread else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m model.predict",
        description="Name the class of each picture, by the model in results/model. "
        "A picture that can't be read is reported, the rest is done, and the exit code is 1.",
    )
    parser.add_argument(
        "pictures",
        nargs="+",
        metavar="PATH_OR_URL",
        help="a picture, a folder (its pictures and those of its folders), or an address",
    )
    parser.add_argument(
        "--top", type=_positive, default=3, metavar="N", help="show the N likeliest classes (3)"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="a line of JSON for each picture")
    form.add_argument("--csv", type=Path, metavar="FILE", help="write a table to FILE")
    return parser.parse_args(arguments)


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise ValueError(text)
    return number


def _sources(given: Sequence[str]) -> list[str]:
    """Addresses and files; folders are walked in order of names; what is hidden is left out."""
    sources: list[str] = []
    for name in given:
        if not _is_address(name) and (folder := Path(name)).is_dir():
            inside = [str(path) for path in _pictures_in(folder)]
            if not inside:
                raise UserError(f"{folder} has no pictures ({', '.join(sorted(_SUFFIXES))})")
            sources += inside
        else:
            sources.append(name)
    return sources


def _pictures_in(root: Path) -> Iterator[Path]:
    for folder, inside, files in os.walk(root):
        inside[:] = sorted(name for name in inside if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and Path(name).suffix.lower() in _SUFFIXES:
                yield Path(folder, name)


def _is_address(name: str) -> bool:
    return name.lower().startswith(("http://", "https://"))


def _classify(
    classifier: Classifier, names: Sequence[str], top: int
) -> list[Prediction | PictureError]:
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        pictures = list(pool.map(_fetched, names))
    found = [picture for picture in pictures if not isinstance(picture, PictureError)]
    answers = iter(classifier.classify(found, top))
    return [
        picture if isinstance(picture, PictureError) else _named(name, next(answers))
        for name, picture in zip(names, pictures, strict=True)
    ]


def _fetched(name: str) -> bytes | str | PictureError:
    """A file's name as it is; of an address what is there."""
    if not _is_address(name):
        return name
    try:  # whoever types an address vouches for its host, redirects elsewhere are guarded
        return fetch(name, max_bytes=_MAX_BYTES, timeout=_TIMEOUT, allow_private=[host_port(name)])
    except UserError as error:
        return PictureError(str(error))


def _named(name: str, answer: Prediction | PictureError) -> Prediction | PictureError:
    if isinstance(answer, PictureError) and name not in str(answer):
        return PictureError(f"{name}: {answer}")
    return answer


def _table(answers: Sequence[tuple[str, Prediction | PictureError]]) -> str:
    rows = [
        [
            name,
            "none of these" if answer.label is None else answer.label,
            *(f"{label} {probability:.1%}" for label, probability in answer.top),
        ]
        for name, answer in answers
        if isinstance(answer, Prediction)
    ]
    ranks = range(1, max((len(row) for row in rows), default=2) - 1)
    return tabulate(rows, ["picture", "class", *(f"{rank}." for rank in ranks)])


def _plain(name: str, answer: Prediction | PictureError) -> dict[str, Any]:
    if isinstance(answer, PictureError):
        return {"file": name, "error": str(answer)}
    return {
        "file": name,
        "label": answer.label,
        "confidence": answer.confidence,
        "top": [{"label": label, "confidence": p} for label, p in answer.top],
    }


def _csv(answers: Sequence[tuple[str, Prediction | PictureError]], top: int) -> str:
    text = io.StringIO()
    ranks = [f"{column}_{rank}" for rank in range(1, top + 1) for column in ("label", "confidence")]
    columns = ["file", "label", "confidence", *ranks, "error"]
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    for name, answer in answers:
        row = _plain(name, answer)
        for rank, best in enumerate(row.pop("top", []), start=1):
            row |= {f"{column}_{rank}": value for column, value in best.items()}
        writer.writerow(row)
    return text.getvalue()


if __name__ == "__main__":
    run(main)
