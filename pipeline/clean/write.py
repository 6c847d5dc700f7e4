"""Writes the kept images to data/clean."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from pipeline import paths
from pipeline.clean import encode
from pipeline.clean.encode import encode_file, passes_through, strip_metadata, unsealed
from pipeline.clean.findings import Findings
from pipeline.clean.measure import Measurement
from pipeline.clean.rules import Verdict
from pipeline.cli import UserError
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


def write_images(findings: Findings, folder: Path, max_side: int) -> None:
    """Write the kept images to `<label>/<sha256>.jpg`. One that can't be written is dropped now.

    That is rare, because the image was measured before: it takes too much memory or time to encode,
    or its file has changed since.
    """
    settings = f"{encode.VERSION} {decoders()} {max_side}"
    kept = _kept(findings)
    for label in {one.verdict.label for one in kept}:
        (folder / label).mkdir()
    others = [
        one
        for one in tqdm(kept, "writing", unit=" images", disable=None)
        if not _pass_through(one, folder, max_side)
    ]
    _encode(others, folder, max_side, paths.CLEAN_CACHE / "encoded" / settings)
    for part in folder.iterdir():
        with suppress(OSError):  # an error for a folder with files: only empty classes go
            part.rmdir()


def _kept(findings: Findings) -> list[_Kept]:
    kept = []
    for image, verdict in zip(findings.raw.images, findings.verdicts, strict=True):
        measurement = findings.measurements[image.sha256]
        if verdict.reason is None and isinstance(measurement, Measurement):
            name = f"{verdict.label}/{image.sha256}.jpg"
            source = f"{paths.RAW}/{image.file}"
            kept.append(_Kept(image.sha256, source, name, verdict, measurement))
    return kept


def _pass_through(one: _Kept, folder: Path, max_side: int) -> bool:
    """Write the image with its own compressed data, or drop it. False: it has to be encoded."""
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
    ready = [encoded / one.sha256[:2] / f"{one.sha256}.sealed" for one in others]
    new = [
        (one, path)
        for one, path in zip(others, ready, strict=True)
        if not _write(path, folder / one.name)
    ]
    tasks = [(Path(one.source), one.sha256, path, max_side) for one, path in new]
    errors = map_images(encode_file, tasks, "encoding")
    for (one, _), error in zip(new, errors, strict=True):
        if error is not None:
            one.verdict.reason = Reason.UNREADABLE
            one.verdict.note = error.why if isinstance(error, Killed) else error
    for one, path in new:
        if one.verdict.reason is None and not _write(path, folder / one.name):
            raise UserError(
                f"{path} can't be read back as it was written; check the disk and run this again"
            )


def _write(kept: Path, target: Path) -> bool:
    """Write an image that was encoded before; False where it was not, or its file is damaged."""
    if (content := unsealed(kept)) is None:
        return False
    target.write_bytes(content)
    return True
