"""`data/clean/verdicts.parquet`: one row for each raw image, the same bytes every time."""

from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.clean.findings import Findings
from pipeline.clean.measure import Measurement
from pipeline.formats import BY_PILLOW, BY_SUFFIX

if TYPE_CHECKING:
    import pyarrow as pa

# Arrow's names of types. No address, no date and no path: two runs write the same bytes.
COLUMNS = {
    "source": "string",
    "raw_label": "string",  # the class folder in data/raw
    "label": "string",  # the class in the dataset, after review
    "sha256": "string",
    "verdict": "string",
    "reason": "string",
    "note": "string",
    "flags": "list",
    "group": "string",
    "duplicate_of": "string",
    "official_split": "string",
    "license": "string",
    "bytes": "int64",
    "extension_mismatch": "bool",  # the file's name says another format
    "format": "string",
    "mode": "string",
    "frames": "int32",
    "orientation": "int32",
    "width": "int32",
    "height": "int32",
    "brightness": "float32",
    "darkest": "float32",
    "brightest": "float32",
    "contrast": "float32",
    "entropy": "float32",
    "sharpness": "float32",
    "saturation": "float32",
    "background": "float32",
    "phash": "string",  # as imagehash writes it
}
_MEASURED = list(COLUMNS)[list(COLUMNS).index("format") : -1]
_values = attrgetter(*_MEASURED)


def write_verdicts(findings: Findings, path: Path) -> None:
    """Write the verdicts, in the order of `findings.raw.images` (source, label, SHA-256)."""
    import pyarrow as pa  # imported here: it takes a moment, and `--help` doesn't need it
    import pyarrow.parquet as pq

    rows = list(_rows(findings))
    columns = {name: _array([row.get(name) for row in rows], t) for name, t in COLUMNS.items()}
    pq.write_table(pa.table(columns), path, compression="zstd")


def _array(values: Sequence[Any], kind: str) -> "pa.Array":
    """A column from values, some of which may be None. (Arrow's `array` would import pandas.)"""
    import pyarrow as pa

    def from_buffers(kind: str, count: int, *buffers: bytes | NDArray[Any]) -> pa.Array:
        wrapped = map(pa.py_buffer, buffers)
        return pa.Array.from_buffers(pa.type_for_alias(kind), count, [valid, *wrapped])

    def ends(parts: Iterable[Sequence[Any]]) -> NDArray[np.int32]:
        return np.cumsum([0, *map(len, parts)], dtype=np.int32)

    def bits(flags: Iterable[bool]) -> NDArray[np.uint8]:
        return np.packbits(np.fromiter(flags, np.bool_), bitorder="little")

    valid = None
    if kind == "list":  # of texts, none of them None
        starts = from_buffers("int32", len(values) + 1, ends(values))
        flat = [text for texts in values for text in texts]
        return pa.ListArray.from_arrays(starts, _array(flat, "string"))
    if None in values:
        valid = pa.py_buffer(bits(value is not None for value in values))
    if kind == "string":
        texts = [(value or "").encode() for value in values]
        return from_buffers(kind, len(texts), ends(texts), b"".join(texts))
    if kind == "bool":
        return from_buffers(kind, len(values), bits(map(bool, values)))
    numbers = np.array([value or 0 for value in values], kind)
    return from_buffers(kind, len(values), numbers)


def _rows(findings: Findings) -> Iterator[dict[str, Any]]:
    for image, verdict in zip(findings.raw.images, findings.verdicts, strict=True):
        row = {
            "source": image.source,
            "raw_label": image.label,
            "label": verdict.label,
            "sha256": image.sha256,
            "verdict": "keep" if verdict.reason is None else "drop",
            "reason": verdict.reason or "",
            "note": verdict.note,
            "flags": verdict.flags,
            "group": verdict.group,
            "duplicate_of": verdict.duplicate_of,
            "official_split": image.official[0] if image.official else "",
            "license": image.license or "",
            "bytes": image.bytes,
        }
        measured = findings.measurements[image.sha256]
        if isinstance(measured, Measurement):
            row |= zip(_MEASURED, _values(measured), strict=True)
            row["phash"] = measured.phash.hex()
            row["extension_mismatch"] = not _agrees(image.file, measured.format)
        yield row


def _agrees(file: str, format_: str) -> bool:
    """Whether a file's name says what the file is; a name without extension says nothing."""
    suffix = PurePosixPath(file).suffix.lower()
    return not suffix or BY_SUFFIX.get(suffix) is BY_PILLOW[format_]
