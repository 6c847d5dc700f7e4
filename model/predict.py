"""Names the class of new images on the command line, and files them by it.

python -m model.predict photo.jpg folder/ 'more/*.png' https://shop.example/mug.jpg --top 3
find . -name '*.jpg' | python -m model.predict - --csv answers.csv
python -m model.predict unsorted/ --sort-into sorted/ --min-confidence 0.8
"""

import argparse
import csv
import io
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from tabulate import tabulate
from tqdm import tqdm

from model.classifier import Classifier, Prediction
from model.filing import TABLE, file_images
from model.images import UnreadableImageError
from model.sources import fetched, images_named, is_address
from pipeline.cli import UserError, run
from pipeline.manifest import write_atomic
from pipeline.paths import EXPORT, MODEL

__all__ = ["Classifier", "Prediction", "main"]

Answer: TypeAlias = tuple[str, Prediction | UnreadableImageError]


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    names = images_named(options.images)
    if options.sort_into:
        names = _to_sort(names, options.sort_into)
    classifier = Classifier.load(EXPORT if options.engine == "onnx" else MODEL)
    unread: list[UnreadableImageError] = []
    answers = _noting(unread, _answers(classifier, names, options.top))
    with tqdm(answers, total=len(names), unit=" images", disable=None, leave=False) as progress:
        _put_out(options, progress, min(options.top, len(classifier.model.labels)))
    for error in unread:
        print(f"error: {error}", file=sys.stderr)
    return 1 if unread else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m model.predict",
        description="Name the class of each image, by the model in results/model. "
        "An image that can't be read is reported, the rest is done, and the exit code is 1.",
    )
    parser.add_argument(
        "images",
        nargs="+",
        metavar="PATH_OR_URL",
        help="an image, a folder (its images and those of its folders), a pattern such as "
        "'photos/*.jpg', an address, or - for a list of these on standard input, one a line",
    )
    parser.add_argument(
        "--top", type=_positive, default=3, metavar="N", help="show the N likeliest classes (3)"
    )
    parser.add_argument(
        "--engine",
        choices=("keras", "onnx"),
        default="keras",
        help="onnx: the export in results/export, which answers without TensorFlow (keras)",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="a line of JSON for each image")
    form.add_argument("--csv", type=Path, metavar="FILE", help="write a table to FILE")
    form.add_argument(
        "--sort-into",
        type=Path,
        metavar="DIR",
        help=f"copy each image into DIR/<class>, or DIR/not sure; DIR/{TABLE} tells which",
    )
    parser.add_argument(
        "--link", action="store_true", help="with --sort-into: symbolic links instead of copies"
    )
    parser.add_argument(
        "--min-confidence",
        type=_share,
        default=0.0,
        metavar="P",
        help='with --sort-into: below this probability, 0 to 1, an image is "not sure" (0)',
    )
    options = parser.parse_args(arguments)
    if (options.link or options.min_confidence) and not options.sort_into:
        parser.error("--link and --min-confidence are for --sort-into")
    return options


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise ValueError(text)
    return number


def _share(text: str) -> float:
    if not 0 <= (number := float(text)) <= 1:
        raise ValueError(text)
    return number


def _to_sort(names: Sequence[str], into: Path) -> list[str]:
    """Without what an earlier run has sorted, where `into` is in one of the folders."""
    if addresses := [name for name in names if is_address(name)]:
        raise UserError(f"--sort-into files images on disk; download {addresses[0]} first")
    inside = into.absolute()
    return [name for name in names if inside not in Path(name).absolute().parents]


def _answers(classifier: Classifier, names: Sequence[str], top: int) -> Iterator[Answer]:
    for name, answer in zip(names, classifier.answers(fetched(names), top), strict=True):
        if isinstance(answer, UnreadableImageError) and name not in str(answer):
            yield name, UnreadableImageError(f"{name}: {answer}")
        else:
            yield name, answer


def _noting(unread: list[UnreadableImageError], answers: Iterable[Answer]) -> Iterator[Answer]:
    for name, answer in answers:
        if isinstance(answer, UnreadableImageError):
            unread.append(answer)
        yield name, answer


def _put_out(options: argparse.Namespace, answers: Iterable[Answer], top: int) -> None:
    if options.csv:
        write_atomic(options.csv, _csv(answers, top))
    elif options.json:
        for name, answer in answers:
            tqdm.write(json.dumps(_plain(name, answer), ensure_ascii=False))
    elif options.sort_into:
        counts = file_images(
            answers, options.sort_into, link=options.link, min_confidence=options.min_confidence
        )
        tqdm.write(tabulate(sorted(counts.items()), ["folder", "images"]))
    else:
        tqdm.write(_table(answers))


def _table(answers: Iterable[Answer]) -> str:
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
    return tabulate(rows, ["image", "class", *(f"{rank}." for rank in ranks)])


def _plain(name: str, answer: Prediction | UnreadableImageError) -> dict[str, Any]:
    if isinstance(answer, UnreadableImageError):
        return {"file": name, "error": str(answer)}
    return {
        "file": name,
        "label": answer.label,
        "confidence": answer.confidence,
        "top": [{"label": label, "confidence": p} for label, p in answer.top],
    }


def _csv(answers: Iterable[Answer], top: int) -> str:
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
