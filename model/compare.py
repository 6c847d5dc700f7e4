"""Tells whether run B is better than run A, or only lucky.

    python -m model.compare main
    python -m model.compare v1.0 my-experiment --html flipped.html

The test predictions of both runs come through DVC and are paired by image. An image can't be
paired if it is in only one of the test splits, or under another class in the other. Such images are
counted.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tabulate import tabulate

from model.outputs import HTML, file_name, may_replace
from model.revisions import WORKSPACE, PredictionRow, Revision, predictions
from model.statistics import interval, mcnemar, paired_difference
from pipeline.cli import UserError, run
from pipeline.files import json_text
from pipeline.paths import DATASET
from pipeline.report import thumbnail, write_page

SIGNIFICANT = 0.05
WORSE = 3
"""exit code"""
_MOST_SHOWN = 200  # images that flipped one way, on the page
_TEMPLATE = Path(__file__).parent / "templates" / "compare.html"


@dataclass(frozen=True)
class Comparison:
    """The images that both runs were tested on, in A's order; `b[i]` is the image of `a[i]`."""

    a: list[PredictionRow]
    b: list[PredictionRow]
    of_a: int
    """images in A's test split"""
    of_b: int
    relabelled: int
    """images in both splits, under different classes"""

    @classmethod
    def of(cls, a: Sequence[PredictionRow], b: Sequence[PredictionRow]) -> "Comparison":
        """Pair by what an image shows (its SHA-256) and its label."""
        by_key = {(p.sha256, p.label): p for p in b}
        pairs = [(p, by_key[p.sha256, p.label]) for p in a if (p.sha256, p.label) in by_key]
        paired = {p.sha256 for p, _ in pairs}
        moved = {p.sha256 for p in a} & {p.sha256 for p in b} - paired
        return cls([p for p, _ in pairs], [q for _, q in pairs], len(a), len(b), len(moved))

    @property
    def lost(self) -> list[tuple[PredictionRow, PredictionRow]]:
        """The images that only A has right."""
        return [(p, q) for p, q in zip(self.a, self.b, strict=True) if p.right and not q.right]

    @property
    def gained(self) -> list[tuple[PredictionRow, PredictionRow]]:
        """The images that only B has right."""
        return [(p, q) for p, q in zip(self.a, self.b, strict=True) if q.right and not p.right]

    @property
    def p_value(self) -> float:
        """McNemar's exact test."""
        return mcnemar(len(self.lost), len(self.gained))

    @property
    def verdict(self) -> str:
        """One of: better, worse, no significant difference (two-sided, at 5 %)."""
        if self.p_value >= SIGNIFICANT:
            return "no significant difference"
        return "better" if len(self.gained) > len(self.lost) else "worse"

    def summary(self) -> dict[str, Any]:
        """Return all figures, for `--json`. Shares and differences (B minus A) are from -1 to 1."""
        count, only_a, only_b = len(self.a), len(self.lost), len(self.gained)
        both = sum(p.right and q.right for p, q in zip(self.a, self.b, strict=True))
        low, high = paired_difference(both, only_a, only_b, count - both - only_a - only_b)
        return {
            "images": count,
            "images_a": self.of_a,
            "images_b": self.of_b,
            "relabelled": self.relabelled,
            "a": _accuracy(both + only_a, count),
            "b": _accuracy(both + only_b, count),
            "difference": {"value": (only_b - only_a) / count, "low": low, "high": high},
            "only_a_right": only_a,
            "only_b_right": only_b,
            "p_value": self.p_value,
            "verdict": self.verdict,
        }

    def classes(self) -> list[dict[str, Any]]:
        """For each class: images, recall of both, images gained and lost; most gained first."""
        gained, lost = [p.label for p, _ in self.gained], [p.label for p, _ in self.lost]
        rows = []
        for label in sorted({p.label for p in self.a}):
            count = sum(p.label == label for p in self.a)
            rows.append(
                {
                    "class": label,
                    "images": count,
                    "recall_a": sum(p.right for p in self.a if p.label == label) / count,
                    "recall_b": sum(p.right for p in self.b if p.label == label) / count,
                    "gained": gained.count(label),
                    "lost": lost.count(label),
                }
            )
        return sorted(rows, key=lambda row: row["lost"] - row["gained"])


def _accuracy(right: int, count: int) -> dict[str, float]:
    low, high = interval(right, count)
    return {"accuracy": right / count, "low": low, "high": high}


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    a, b = Revision(options.a), Revision(options.b)
    comparison = compare(a, b)
    if options.html:
        may_replace(options.html, HTML, "page")
        _write_page(options.html, a, b, comparison)
    if options.json:
        values = {"revision_a": a.name, "revision_b": b.name, **comparison.summary()}
        values["classes"] = comparison.classes()
        for name, pairs in (("gained", comparison.gained), ("lost", comparison.lost)):
            values[name] = [_flip(p, q) for p, q in pairs]
        print(json_text(values), end="")
    else:
        print(_table(a.name, b.name, comparison))
    return WORSE if options.fail_if_worse and comparison.verdict == "worse" else 0


def compare(a: Revision, b: Revision) -> Comparison:
    """Pair the test images of two revisions.

    Raises UserError if a revision has no predictions, or the two share no image.
    """
    of_a, of_b = predictions(a), predictions(b)
    found = Comparison.of(of_a, of_b)
    if not found.a:
        of = [", ".join(sorted({p.label for p in rows})) for rows in (of_a, of_b)]
        raise UserError(
            f"{a.name} was tested on {len(of_a)} images of {of[0]}, {b.name} on {len(of_b)} of "
            f"{of[1]}, and none is the same under the same class: these are two datasets; give "
            "both runs the same `sources` and `split` in params.yaml and `dvc repro`"
        )
    return found


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m model.compare",
        description="Say whether run B is better than run A: accuracy of both and its difference "
        "on the same test images, with 95 % intervals, McNemar's exact test, and the classes and "
        "images that changed.",
        epilog="A revision is a commit, tag, branch or experiment (see `dvc exp list`), or "
        f"`{WORKSPACE}`: the run that is in results/ now. Exit codes: 0, 1 (nothing to compare), "
        f"{WORSE} (with --fail-if-worse).",
    )
    parser.add_argument("a", metavar="REV_A", help="the run to compare with")
    parser.add_argument(
        "b", metavar="REV_B", nargs="?", default=WORKSPACE, help=f"the new run ({WORKSPACE})"
    )
    parser.add_argument(
        "--html", type=file_name, metavar="FILE", help="write a page with the images that flipped"
    )
    parser.add_argument("--json", action="store_true", help="all figures as JSON")
    parser.add_argument(
        "--fail-if-worse",
        action="store_true",
        help=f"exit with {WORSE} if B is worse and the test says that it's not by chance (p < "
        f"{SIGNIFICANT})",
    )
    return parser.parse_args(arguments)


def _table(a: str, b: str, comparison: Comparison) -> str:
    found = comparison.summary()
    rows = [
        (f"accuracy of A, {a}", _percent(found["a"]["accuracy"]), _interval(found["a"])),
        (f"accuracy of B, {b}", _percent(found["b"]["accuracy"]), _interval(found["b"])),
        ("B - A, points", *_points(found["difference"])),
        ("only A is right", found["only_a_right"], ""),
        ("only B is right", found["only_b_right"], ""),
        ("McNemar's exact test", f"p = {found['p_value']:.2g}", f"B: {found['verdict']}"),
    ]
    classes = [
        (
            row["class"],
            row["images"],
            _percent(row["recall_a"]),
            _percent(row["recall_b"]),
            row["gained"],
            row["lost"],
        )
        for row in comparison.classes()
    ]
    return "\n\n".join(
        [
            _compared(comparison),
            tabulate(rows, headers=["", "", "95 % interval"], colalign=("left", "right", "left")),
            tabulate(
                classes,
                headers=["class", "images", "recall of A", "of B", "gained", "lost"],
                colalign=("left", *["right"] * 5),
                disable_numparse=True,  # a class may be called 007 or 1e3
            ),
        ]
    )


def _compared(comparison: Comparison) -> str:
    """A sentence that says which images are compared."""
    count = len(comparison.a)
    if count == comparison.of_a == comparison.of_b:
        return f"On the {count} test images of both."
    return (
        f"The test sets differ: on the {count} images that both have, of A's {comparison.of_a} "
        f"and B's {comparison.of_b}"
        + (f"; {comparison.relabelled} are under another class." if comparison.relabelled else ".")
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _interval(bounds: Mapping[str, float]) -> str:
    return f"{_percent(bounds['low'])} to {_percent(bounds['high'])}"


def _points(difference: Mapping[str, float]) -> tuple[str, str]:
    """A difference of shares and its interval, in percentage points."""
    value, low, high = (f"{100 * difference[key]:+.1f}" for key in ("value", "low", "high"))
    return value, f"{low} to {high}"


def _flip(p: PredictionRow, q: PredictionRow) -> dict[str, Any]:
    return {
        "sha256": q.sha256,
        "file": q.file,
        "label": q.label,
        "a": {"predicted": p.predicted, "confidence": p.confidence},
        "b": {"predicted": q.predicted, "confidence": q.confidence},
    }


def _write_page(path: Path, a: Revision, b: Revision, comparison: Comparison) -> None:
    def shown(pairs: list[tuple[PredictionRow, PredictionRow]]) -> list[dict[str, Any]]:
        return [_flip(p, q) | {"image": _image(b, q.file)} for p, q in pairs[:_MOST_SHOWN]]

    write_page(
        path,
        _TEMPLATE,
        a=a.name,
        b=b.name,
        found=comparison.summary(),
        compared=_compared(comparison),
        classes=comparison.classes(),
        gained=shown(comparison.gained),
        lost=shown(comparison.lost),
    )


def _image(revision: Revision, file: str) -> str | None:
    """Return its thumbnail from the dataset here or the revision's; None if neither has it."""
    path = DATASET / "test" / file
    try:
        # a file is named by its content, so the one in the dataset here is the same
        return thumbnail(path if path.is_file() else revision.read(path))
    except UserError:
        return None


if __name__ == "__main__":
    run(main)
