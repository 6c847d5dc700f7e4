"""The clean stage: data/raw → data/clean, verdicts and a report.

Measure every image once, judge it, act. What was measured before is not decoded again.
"""

import argparse
import gc
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

from pipeline import paths
from pipeline.classes import empty_classes, spellings, warn_of_empty
from pipeline.clean.cache import Cache
from pipeline.clean.duplicates import JudgedImage, resolve
from pipeline.clean.findings import Findings, metrics, outcomes
from pipeline.clean.measure import Measured, Measurement, NoMeasurement, measure
from pipeline.clean.near_duplicates import Pair, find_pairs
from pipeline.clean.report import write_report
from pipeline.clean.rules import judge_each
from pipeline.clean.verdicts import write_verdicts
from pipeline.clean.write import write_images
from pipeline.cli import UserError, run
from pipeline.decisions import doubts, read_decisions, spelt_alike
from pipeline.decode import too_many
from pipeline.engine import Killed, map_images
from pipeline.files import alone, fresh_folder, json_text, write_atomic
from pipeline.formats import MOST_PIXELS
from pipeline.incoming import drop_stored
from pipeline.manifest import Reason
from pipeline.params import NearDuplicate, Params, load_params
from pipeline.raw import RawImage, read_raw

_BATCH = 1000  # measurements are written to the cache together; a kill loses one batch at most


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.clean",
        description="Measure every image in data/raw once, judge it by the rules in params.yaml "
        "and the decisions in data/review.csv, and write the good ones to data/clean. What was "
        "found, and why, is in results/clean/report.html.",
    )
    parser.parse_args(argv)
    params = load_params()
    findings = clean(params)
    numbers = metrics(findings)
    counts = {"images": numbers["images"], "kept": numbers["kept"]}
    for verdict in ("dropped", "flagged"):
        counts |= {f"{verdict}: {reason}": count for reason, count in numbers[verdict].items()}
    for (source, why), files in findings.raw.left_out.items():
        counts[f"left out, in {paths.RAW / source}: {why}"] = len(files)
    for name, count in counts.items():
        print(f"{count:9,}  {name}")
    if mixed := _demo_beside_own(params, findings):
        print(mixed)
    print("the images, and why, are in results/clean/report.html")
    for sentence in doubts(paths.REVIEW, {image.sha256 for image in findings.raw.images}):
        print(sentence)
    empty = list(empty_classes(params.sources, outcomes(findings), findings.raw.lost))
    if not numbers["kept"]:
        raise UserError("\n  ".join(["no image was kept", *empty]))
    warn_of_empty(empty)


def _demo_beside_own(params: Params, findings: Findings) -> str | None:
    """Advice if a person's own images are trained beside those of the demo shop; else None."""
    found = Counter(image.source for image in findings.raw.images)
    demo = [name for name in found if getattr(params.sources[name], "url", None) == "demo"]
    own = [name for name in found if params.sources[name].kind == "folder"]
    if not (demo and own):
        return None
    return (
        f"{sum(found[name] for name in demo)} images are drawings of the demo shop, beside "
        f"{sum(found[name] for name in own)} of your own; to train on yours alone, take "
        f"{', '.join(demo)} out of params.yaml, or start from presets/own.yaml"
    )


def clean(params: Params) -> Findings:
    """Run the stage in the repository that is the working directory.

    Raises UserError if there is no image, or if data/review.csv is ill-formed.
    """
    drop_stored()  # DVC has these images now: they need not take their room twice
    with alone(paths.CLEAN), Cache(paths.CLEAN_CACHE / "findings.sqlite") as cache:
        findings = examine(params, cache)
        with fresh_folder(paths.CLEAN) as folder:
            write_images(findings, folder, params.clean.max_side)
            write_verdicts(findings, folder / paths.VERDICTS.name)
        write_report(findings, paths.RESULTS / "clean" / "report.html", cache.thumbnail)
    write_atomic(paths.RESULTS / "clean" / "metrics.json", json_text(metrics(findings)))
    return findings


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Switch Python's garbage collector off in the block.

    All rows are needed to the end, so there is no garbage. To look for it took a third of the time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@_no_garbage_collection()
def examine(params: Params, cache: Cache) -> Findings:
    """Measure what is new in data/raw, and judge all. Only the cache is written."""
    raw = read_raw(params.sources, paths.RAW)
    spelt = spellings(params.sources, (image.label for image in raw.images))
    decisions = spelt_alike(read_decisions(paths.REVIEW), spelt)
    measurements = _measure_all(raw.images, cache, params.clean.max_pixels)
    verdicts = judge_each(raw.images, measurements, decisions, params.clean)
    judged = [
        JudgedImage(image, verdict, result)
        for image, verdict in zip(raw.images, verdicts, strict=True)
        if verdict.reason in (None, Reason.PLACEHOLDER)
        and isinstance(result := measurements[image.sha256], Measurement)
    ]
    pairs = _near_duplicates(judged, cache, params.clean.near_duplicate)
    return Findings(raw, measurements, verdicts, resolve(judged, pairs, params.clean), pairs)


def _measure_all(
    images: Sequence[RawImage], cache: Cache, max_pixels: int = MOST_PIXELS
) -> dict[str, Measurement | NoMeasurement]:
    """The measurements of all images, by SHA-256. Only new images are decoded."""
    files = {p.sha256: p.file for p in reversed(images) if p.there}
    found: dict[str, Measurement | NoMeasurement] = {
        p.sha256: NoMeasurement(Reason.MISSING, "the file is not there")
        for p in images
        if not p.there
    }
    kept = cache.measurements(files)
    found |= {sha256: _within(result, max_pixels) for sha256, result in kept.items()}
    new = [(paths.RAW / file, s, max_pixels) for s, file in sorted(files.items()) if s not in found]
    results = zip(new, map_images(measure, new, "measuring"), strict=True)
    while batch := list(islice(results, _BATCH)):
        lasting: list[tuple[str, Measured | NoMeasurement]] = []
        for (_, sha256, _), result in batch:
            match result:
                case Killed(why):
                    found[sha256] = NoMeasurement(Reason.UNREADABLE, why)
                case NoMeasurement():
                    found[sha256] = result
                    if result.lasting:
                        lasting.append((sha256, result))
                case Measured():
                    found[sha256] = result.measurement
                    lasting.append((sha256, result))
        cache.add(lasting)
    return found


def _within(kept: Measurement | NoMeasurement, max_pixels: int) -> Measurement | NoMeasurement:
    """The measurement, unless `clean.max_pixels` was larger when it was made."""
    if isinstance(kept, NoMeasurement) or kept.least_pixels <= max_pixels:
        return kept
    error = too_many(kept.width * kept.height, kept.least_pixels, max_pixels)
    return NoMeasurement(Reason.TOO_MANY_PIXELS, error)


def _near_duplicates(
    judged: Sequence[JudgedImage], cache: Cache, rule: NearDuplicate
) -> list[Pair]:
    """The confirmed pairs. Only images that the cache has not compared yet are compared."""
    if rule.action == "off":
        return []
    wanted = {one.image.sha256 for one in judged}
    known = cache.compared(rule.radius, rule.mirrored)
    if new := wanted - known:
        pairs = find_pairs(
            cache.candidates(),
            cache.candidates(new),
            cache.levels,
            rule.radius,
            rule.mirrored,
        )
        cache.add_pairs(new, pairs)
    return [pair for pair in cache.pairs(wanted) if pair.difference <= rule.max_difference]


if __name__ == "__main__":
    run(main)
