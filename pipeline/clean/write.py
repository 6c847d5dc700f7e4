"""What is kept → data/clean.

An image that an earlier run wrote, and that nobody has touched since, nor its raw file, is taken
over from there by a hard link: on many file systems a new file costs more than all else here.
"""

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from pipeline import paths
from pipeline.clean import encode
from pipeline.clean.cache import Cache
from pipeline.clean.encode import encode_file, passes_through, strip_metadata
from pipeline.clean.findings import Findings
from pipeline.clean.measure import Measurement
from pipeline.clean.rules import Verdict
from pipeline.decode import FileError, decoders, read
from pipeline.engine import Killed, map_images
from pipeline.manifest import Reason


@dataclass(frozen=True, slots=True)
class _Kept:
    """An image's raw file, and the name it gets in data/clean."""

    sha256: str
    source: str
    name: str
    verdict: Verdict
    measurement: Measurement


def write_images(findings: Findings, folder: Path, max_side: int, cache: Cache) -> None:
    """Write what is kept to `<label>/<sha256>.jpg`; an image that can't be is dropped after all.

    (It had been measured: only a cap on memory or time, or a change of the file since, does that.)
    """
    settings = f"{encode.VERSION} {decoders()} {max_side}"
    kept = _kept(findings)
    for label in {one.verdict.label for one in kept}:
        (folder / label).mkdir()
    before = cache.written(settings)
    stamps, others = {}, []
    for one in tqdm(kept, "writing", unit=" pictures", disable=None):
        if _take_over(one, folder, before):
            stamps[one.name] = before[one.name]
        elif not _pass_through(one, folder, max_side):
            others.append(one)
    _encode(others, folder, max_side, paths.CLEAN_CACHE / "encoded" / settings)
    for one in kept:
        if one.verdict.reason is None and one.name not in stamps:
            stamps[one.name] = _stamp(one.source, f"{folder}/{one.name}")
    cache.set_written(settings, stamps)
    for part in folder.iterdir():
        with suppress(OSError):  # only a class that has no image after all goes
            part.rmdir()


def _kept(findings: Findings) -> list[_Kept]:
    kept = []
    for picture, verdict in zip(findings.raw.pictures, findings.verdicts, strict=True):
        measurement = findings.measurements[picture.sha256]
        if verdict.reason is None and isinstance(measurement, Measurement):
            name = f"{verdict.label}/{picture.sha256}.jpg"
            source = f"{paths.RAW}/{picture.file}"
            kept.append(_Kept(picture.sha256, source, name, verdict, measurement))
    return kept


def _stamp(source: str, target: str) -> str:
    """Changes when either file does, or is replaced."""
    raw, clean = os.stat(source), os.stat(target)  # noqa: PTH116 - a third of the time of Path's
    return f"{raw.st_size} {raw.st_mtime_ns} {clean.st_size} {clean.st_mtime_ns}"


def _take_over(one: _Kept, folder: Path, before: Mapping[str, str]) -> bool:
    old = f"{paths.CLEAN}/{one.name}"
    with suppress(OSError):  # not there, or a file system without links
        if one.name in before and before[one.name] == _stamp(one.source, old):
            os.link(old, f"{folder}/{one.name}")
            return True
    return False


def _pass_through(one: _Kept, folder: Path, max_side: int) -> bool:
    """Whether the image is settled: written with its own compressed data, or dropped."""
    if not passes_through(one.measurement, max_side):
        return False
    try:
        jpeg = strip_metadata(read(Path(one.source), one.sha256))
    except FileError as error:
        one.verdict.reason, one.verdict.note = error.reason, str(error)
        return True
    if jpeg is not None:
        (folder / one.name).write_bytes(jpeg)
    return jpeg is not None


def _encode(others: list[_Kept], folder: Path, max_side: int, encoded: Path) -> None:
    """Encode what was not encoded before, and copy all to their places."""
    ready = [encoded / one.sha256[:2] / f"{one.sha256}.jpg" for one in others]
    new = [(one, path) for one, path in zip(others, ready, strict=True) if not path.exists()]
    tasks = [(Path(one.source), one.sha256, path, max_side) for one, path in new]
    errors = map_images(encode_file, tasks, "encoding")
    for (one, _), error in zip(new, errors, strict=True):
        if error is not None:
            one.verdict.reason = Reason.UNREADABLE
            one.verdict.note = error.why if isinstance(error, Killed) else error
    for one, path in zip(others, ready, strict=True):
        if one.verdict.reason is None:
            shutil.copyfile(path, folder / one.name)
