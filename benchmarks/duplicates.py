"""Measures how many known copies are found, beside imagededup and CleanVision.

    python benchmarks/duplicates.py [--copies 120]

Copies of real images with one edit each lie among all the originals. Recall is the share of copies
that are paired with their original. Precision is the share of right pairs among all pairs of a copy
and an original. All tools have their defaults (imagededup: PHash). Mirror images are a search of
their own, with `mirrored: true`. The figures also go to benchmarks/results/duplicates.json.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from common import keep, machine, peer, real_images, workplace
from common import params as default_params
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps
from tabulate import tabulate

from pipeline.clean.measure import Measured, measure
from pipeline.clean.near_duplicates import HashedImage, find_pairs
from pipeline.cli import UserError, run
from pipeline.engine import map_images
from pipeline.numbers import number_from

Edit = Callable[[Image.Image], Image.Image]
Pairs = set[tuple[str, str]]

TRUE_DUPLICATES = (
    {
        "4f60024f809bac24d0eb8464b9df3086313da71bf9e6ffefdb89c86116c7ced1",
        "f1b29b3f0b2cc62d978ef6a8766ee1013cc942c752bb4c3f1778fcf24099d9de",
    },
)
"""SHA-256 of originals that are one image. A person saw that: one is in shorts, one in skirt."""

IMAGEDEDUP = """
import json, sys
from imagededup.methods import PHash
if __name__ == "__main__":
    found = PHash(verbose=False).find_duplicates(image_dir=sys.argv[1])
    print(json.dumps([[a, b] for a, others in found.items() for b in others]))
"""
CLEANVISION = """
import itertools, json, sys
from pathlib import Path
from cleanvision import Imagelab
if __name__ == "__main__":
    lab = Imagelab(data_path=sys.argv[1])
    kinds = ("near_duplicates", "exact_duplicates")
    lab.find_issues({kind: {} for kind in kinds}, n_jobs=2, verbose=False)
    sets = [s for kind in kinds for s in lab.info[kind]["sets"]]
    names = [[Path(file).name for file in s] for s in sets]
    print(json.dumps([pair for s in names for pair in itertools.combinations(s, 2)]))
"""


def resized(share: float) -> Edit:
    return lambda i: i.resize((round(i.width * share), round(i.height * share)), Image.LANCZOS)


def cropped(share: float) -> Edit:
    """The middle of the image, without `share` of its width and height."""

    def crop(i: Image.Image) -> Image.Image:
        x, y = i.width * share / 2, i.height * share / 2
        return i.crop((round(x), round(y), round(i.width - x), round(i.height - y)))

    return crop


def brightened(factor: float) -> Edit:
    return lambda i: ImageEnhance.Brightness(i).enhance(factor)


def marked(anchor: str, at: tuple[float, float], size: float, alpha: int) -> Edit:
    """Half-transparent white text."""

    def mark(i: Image.Image) -> Image.Image:
        layer = Image.new("RGBA", i.size)
        position = (i.width * at[0], i.height * at[1])
        pen = ImageDraw.Draw(layer)
        white, height = (255, 255, 255, alpha), i.width * size
        pen.text(position, "SAMPLE", white, anchor=anchor, font_size=height)
        return Image.alpha_composite(i.convert("RGBA"), layer).convert("RGB")

    return mark


EDITS: dict[str, tuple[Edit, int]] = {  # the edit, and the JPEG quality of the copy
    **{f"JPEG quality {q}": (lambda i: i, q) for q in (90, 70, 50, 30)},
    **{f"resize to {s} %": (resized(s / 100), 90) for s in (25, 50, 75, 150, 200)},
    **{f"brightness {b:+} %": (brightened(1 + b / 100), 90) for b in (-20, -10, 10, 20)},
    "watermark in the middle": (marked("mm", (0.5, 0.5), 0.2, 110), 90),
    "watermark in a corner": (marked("rd", (0.97, 0.97), 0.1, 160), 90),
    **{f"crop by {c} %": (cropped(c / 100), 90) for c in (2, 5)},
    "crop by 10 %": (cropped(0.1), 90),
    "border of 5 %": (lambda i: ImageOps.expand(i, i.width // 20, "white"), 90),
    "mirror": (ImageOps.mirror, 90),
    "grey": (lambda i: ImageOps.grayscale(i).convert("RGB"), 90),
    "blur of 2 pixels": (lambda i: i.filter(ImageFilter.GaussianBlur(2)), 90),
}
REACH = [name for name in EDITS if name.startswith(("JPEG", "resize", "bright", "water"))]
REACH += ["crop by 2 %", "crop by 5 %"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--copies", type=number_from(1), default=120, help="of each edit (120)")
    count = parser.parse_args().copies
    with tempfile.TemporaryDirectory(prefix="copies-") as scratch:
        folder = Path(scratch)
        originals = fill(folder, count)
        tools = {
            "here": project(folder),
            "imagededup": other("imagededup", IMAGEDEDUP, folder),
            "CleanVision": other("cleanvision", CLEANVISION, folder),
        }
    results = {tool: judge(pairs, originals, count) for tool, pairs in tools.items()}
    keep("duplicates", machine() | {"copies of each edit": count, "tools": results})
    show(results)


def fill(folder: Path, count: int) -> dict[str, str]:
    """Write originals as `<number>.jpg` and copies as `<number> <edit>.jpg`.

    Returns the image that each original shows, by its name: two originals are one image.
    """
    shows = {}
    with real_images() as images:
        if not 0 < count <= len(images):
            raise UserError(f"copies: 1 to {len(images)}")
        for number, path in enumerate(images):
            content = path.read_bytes()
            sha256 = hashlib.sha256(content).hexdigest()
            same = next((min(names) for names in TRUE_DUPLICATES if sha256 in names), sha256)
            shows[f"{number}"] = same
            (folder / f"{number}.jpg").write_bytes(content)
        for n in range(count):
            number = n * len(images) // count
            with Image.open(images[number]) as image:
                rgb = image.convert("RGB")
            for name, (edit, quality) in EDITS.items():
                edit(rgb).save(folder / f"{number} {name}.jpg", quality=quality)
    return shows


def project(folder: Path) -> Pairs:
    """The pairs that the stage would confirm. Mirror images count only for the edit "mirror"."""
    files = sorted(folder.iterdir())
    tasks = [(file, hashlib.sha256(file.read_bytes()).hexdigest()) for file in files]
    levels, candidates = {}, []
    for file, result in zip(files, map_images(measure, tasks, "measuring"), strict=True):
        if not isinstance(result, Measured):
            raise TypeError(f"{file.name}: {result}")
        m = result.measurement
        candidates.append(HashedImage(file.stem, m.phash, m.mirrored_phash, m.tiny))
        levels[file.stem] = result.levels
    with workplace():
        rule = default_params().clean.near_duplicate
    pairs = find_pairs([], candidates, levels.__getitem__, rule.radius, mirrored=True)
    return {
        (pair.a, pair.b)
        for pair in pairs
        if pair.difference <= rule.max_difference
        and pair.mirrored == ("mirror" in (edit_of(pair.a), edit_of(pair.b)))
    }


def other(name: str, code: str, folder: Path) -> Pairs:
    print(f"{name} …", file=sys.stderr)
    command = [peer(name), "-c", code, folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"{name} failed:\n{done.stderr[-2000:]}")
    return {(Path(a).stem, Path(b).stem) for a, b in json.loads(done.stdout.splitlines()[-1])}


def edit_of(name: str) -> str:
    return name.partition(" ")[2]


def judge(pairs: Iterable[tuple[str, str]], shows: dict[str, str], count: int) -> dict[str, Any]:
    """Precision and recall by edit, and the pairs among the originals."""
    found: dict[str, Pairs] = defaultdict(set)  # by edit: (original, number of the copy's original)
    for a, b in pairs:
        first, second = sorted((a, b), key=edit_of)
        if not edit_of(first):
            found[edit_of(second)].add((first, second.partition(" ")[0]))
    among = {tuple(sorted(pair, key=int)) for pair in found.pop("", set())}
    wrong = [pair for pair in among if shows[pair[0]] != shows[pair[1]]]
    edits = {}
    for name in EDITS:
        right = {pair for pair in found[name] if shows[pair[0]] == shows[pair[1]]}
        copies = {b for a, b in right if a == b}
        edits[name] = {
            "recall": len(copies) / count,
            "pairs": len(found[name]),
            "precision": len(right) / len(found[name]) if found[name] else None,
        }
    untouched = {"pairs": len(among), "false pairs": len(wrong)}
    return {"edits": edits, "untouched originals": untouched}


def show(results: dict[str, Any]) -> None:
    lines = []
    for name in EDITS:
        line: list[Any] = [name, "≥ 0.99, ≥ 0.95" if name in REACH else ""]
        for of_tool in results.values():
            figures = of_tool["edits"][name]
            line += [figures["precision"], figures["recall"]]
        lines.append(line)
    heads = [f"{tool}: {figure}" for tool in results for figure in ("precision", "recall")]
    print(tabulate(lines, ["edit", "reach", *heads], floatfmt=".3f", missingval="-"))
    for tool, of_tool in results.items():
        untouched = of_tool["untouched originals"]
        print(
            f"{tool}: {untouched['false pairs']} false pairs among the untouched originals, "
            f"{untouched['pairs'] - untouched['false pairs']} true"
        )


if __name__ == "__main__":
    run(main)
