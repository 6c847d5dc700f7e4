"""Names the class of new images on the command line, and files them by it.

python -m model.predict photo.jpg folder/ 'more/*.png' https://shop.example/mug.jpg --top 3
find . -name '*.jpg' | python -m model.predict - --csv answers.csv
python -m model.predict unsorted/ --sort-into sorted/ --min-confidence 0.8
"""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeAlias

from tabulate import tabulate
from tqdm import tqdm

from model.classifier import Classifier, Prediction
from model.filing import NOT_SURE, TABLE, file_images, filed_earlier, own_name
from model.images import UnreadableImageError
from model.outputs import file_name, folder_name, may_replace
from model.sources import fetched, images_named, is_address, shown, with_name
from model.tables import Table
from pipeline.cli import UserError, run
from pipeline.listing import aside_lines, left_out, text
from pipeline.numbers import number_from
from pipeline.paths import EXPORT, MODEL

__all__ = ["Classifier", "Prediction", "main"]

_NONE = "none of these"
Answer: TypeAlias = tuple[str, Prediction | UnreadableImageError]


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    aside = left_out()
    names = images_named(options.images, aside)
    for line in aside_lines(dict(sorted(aside.items()))):
        print(line, file=sys.stderr)
    if options.sort_into and (addresses := [name for name in names if is_address(name)]):
        raise UserError(f"--sort-into files images on disk; download {addresses[0]} first")
    classifier = Classifier.load(EXPORT if options.engine == "onnx" else MODEL)
    labels, failed = classifier.model.labels, list[str]()
    top = min(options.top, len(labels))
    with ExitStack() as stack:
        table = _opened(options, top, stack)
        if options.sort_into:
            filed = filed_earlier(options.sort_into, labels)
            # the table has names as text, also those that are no UTF-8
            names = [name for name in names if Path(text(os.path.abspath(name))) not in filed]  # noqa: PTH100
        elif table:  # images that failed are tried again
            done = {name for name, row in table.rows.items() if not row.get("error")}
            names = [name for name in names if text(name) not in done]
        answers = _noting(failed, _answers(classifier, names, top))
        with tqdm(answers, total=len(names), unit=" images", disable=None, leave=False) as progress:
            failed += _put_out(options, progress, table, labels)
    for sentence in failed:
        print(f"error: {shown(sentence)}", file=sys.stderr)
    return 1 if failed else 0


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
        "'photos/*.jpg', an address, or - for a list of these on standard input, one a line or "
        "from `find -print0`",
    )
    parser.add_argument(
        "--top",
        type=number_from(1),
        default=3,
        metavar="N",
        help="show the N likeliest classes (3)",
    )
    parser.add_argument(
        "--engine",
        choices=("keras", "onnx"),
        default="keras",
        help="onnx: the export in results/export, which answers without TensorFlow (keras)",
    )
    _add_forms(parser)
    options = parser.parse_args(arguments)
    if (options.link or options.min_confidence) and not options.sort_into:
        parser.error("--link and --min-confidence are for --sort-into")
    if options.out and not options.json:
        parser.error("--out is for --json; --csv names its file itself")
    if options.resume and not (options.csv or options.out):
        parser.error(
            "--resume needs --csv FILE, or --json with --out FILE: it goes on in that file"
        )
    return options


def _add_forms(parser: argparse.ArgumentParser) -> None:
    """What can be done with the answers."""
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="a line of JSON for each image")
    form.add_argument("--csv", type=file_name, metavar="FILE", help="write a table to FILE")
    form.add_argument(
        "--sort-into",
        type=folder_name,
        metavar="DIR",
        help=f"copy each image into DIR/<class>, or DIR/{NOT_SURE}; DIR/{TABLE} lists them",
    )
    parser.add_argument(
        "--out", type=file_name, metavar="FILE", help="with --json: write the lines to FILE"
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="with --csv, or --json and --out: keep the answers in FILE, and add the missing ones",
    )
    parser.add_argument(
        "--link", action="store_true", help="with --sort-into: symbolic links instead of copies"
    )
    parser.add_argument(
        "--min-confidence",
        type=number_from(0.0, 1.0),
        default=0.0,
        metavar="P",
        help='with --sort-into: below this probability, 0 to 1, an image is "not sure" (0)',
    )


def _answers(classifier: Classifier, names: Sequence[str], top: int) -> Iterator[Answer]:
    for name, answer in zip(names, classifier.answers(fetched(names), top), strict=True):
        if isinstance(answer, UnreadableImageError):
            yield name, UnreadableImageError(with_name(name, answer))
        else:
            yield name, answer


def _noting(failed: list[str], answers: Iterable[Answer]) -> Iterator[Answer]:
    for name, answer in answers:
        if isinstance(answer, UnreadableImageError):
            failed.append(text(str(answer)))
        yield name, answer


def _opened(options: argparse.Namespace, top: int, stack: ExitStack) -> Table | None:
    """The file that the answers are written to."""
    if options.csv:
        ranks = [f"{name}_{rank}" for rank in range(1, top + 1) for name in ("label", "confidence")]
        columns = ["file", "label", "confidence", *ranks, "error"]
        may_replace(options.csv, b"file,label,confidence,", "table of this command")
        return stack.enter_context(Table(options.csv, columns, keep=options.resume))
    if options.out:
        may_replace(options.out, b'{"file": ', "answer of this command in JSON")
        return stack.enter_context(Table(options.out, (), keep=options.resume, as_json=True))
    return None


def _put_out(
    options: argparse.Namespace,
    answers: Iterable[Answer],
    table: Table | None,
    labels: Sequence[str],
) -> list[str]:
    """Why some could be answered, but not filed."""
    if table:
        for name, answer in answers:
            row = _plain(name, answer)
            table.write(_ranked(row) if options.csv else row)
    elif options.json:
        for name, answer in answers:
            tqdm.write(json.dumps(_plain(name, answer), ensure_ascii=False))
    elif options.sort_into:
        counts, failed = file_images(
            answers,
            options.sort_into,
            labels,
            link=options.link,
            min_confidence=options.min_confidence,
        )
        rows = [(folder, str(count)) for folder, count in sorted(counts.items())]
        columns = ("left", "right") if rows else None
        tqdm.write(tabulate(rows, ["folder", "images"], disable_numparse=True, colalign=columns))
        return failed
    else:
        tqdm.write(_table(answers, own_name(_NONE, labels)))
    return []


def _table(answers: Iterable[Answer], none: str) -> str:
    """The answers as a table; `none` stands for an image that is none of the classes."""
    rows = [
        [
            shown(name),
            none if answer.label is None else answer.label,
            *(f"{label} {probability:.1%}" for label, probability in answer.top),
        ]
        for name, answer in answers
        if isinstance(answer, Prediction)
    ]
    ranks = range(1, max((len(row) for row in rows), default=2) - 1)
    # a class may be called 007 or 1e3, which must not become 7 and 1000
    headers = ["image", "class", *(f"{rank}." for rank in ranks)]
    return tabulate(rows, headers, disable_numparse=True)


def _plain(name: str, answer: Prediction | UnreadableImageError) -> dict[str, Any]:
    if isinstance(answer, UnreadableImageError):
        return {"file": text(name), "error": text(str(answer))}
    return {
        "file": text(name),
        "label": answer.label,
        "confidence": answer.confidence,
        "top": [{"label": label, "confidence": p} for label, p in answer.top],
    }


def _ranked(row: dict[str, Any]) -> dict[str, Any]:
    """The likeliest classes as columns."""
    for rank, best in enumerate(row.pop("top", []), start=1):
        row |= {f"{column}_{rank}": value for column, value in best.items()}
    return {key: "" if value is None else value for key, value in row.items()}


if __name__ == "__main__":
    run(main)
