"""`data/clean/verdicts.parquet`: one row for each raw picture, the same bytes every time."""

import io
import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from pipeline.findings import Findings
from pipeline.measure import Measurement

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
_SUFFIXES = {
    **dict.fromkeys((".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"), "JPEG"),
    ".png": "PNG",
    ".apng": "PNG",
    ".webp": "WEBP",
    ".gif": "GIF",
    ".avif": "AVIF",
    ".bmp": "BMP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}


def write_verdicts(findings: Findings, path: Path) -> None:
    """Write the verdicts, in the order of `findings.raw.pictures` (source, label, SHA-256)."""
    import pyarrow as pa  # a third of a second, which `--help` need not wait for
    import pyarrow.parquet as pq
    from pyarrow import json as arrow_json

    types = {"list": pa.list_(pa.string())}
    schema = pa.schema([(n, types.get(t) or pa.type_for_alias(t)) for n, t in COLUMNS.items()])
    # by way of JSON: from Python's lists, Arrow would first import pandas, for half a second
    lines = "\n".join(json.dumps(row) for row in _rows(findings)).encode()
    table = arrow_json.read_json(
        io.BytesIO(lines),
        arrow_json.ReadOptions(use_threads=False),
        arrow_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error"),
    )
    pq.write_table(table.select(list(COLUMNS)), path, compression="zstd")


def _rows(findings: Findings) -> Iterator[dict[str, Any]]:
    for picture, verdict in zip(findings.raw.pictures, findings.verdicts, strict=True):
        row = {
            "source": picture.source,
            "raw_label": picture.label,
            "label": verdict.label,
            "sha256": picture.sha256,
            "verdict": "keep" if verdict.reason is None else "drop",
            "reason": verdict.reason or "",
            "note": verdict.note,
            "flags": verdict.flags,
            "group": verdict.group,
            "duplicate_of": verdict.duplicate_of,
            "official_split": picture.official[0] if picture.official else "",
            "license": picture.license or "",
            "bytes": picture.bytes,
        }
        measured = findings.measurements[picture.sha256]
        if isinstance(measured, Measurement):
            row |= {name: getattr(measured, name) for name in _MEASURED}
            row["phash"] = measured.phash.hex()
            row["extension_mismatch"] = not _agrees(picture.file, measured.format)
        yield row


def _agrees(file: str, format_: str) -> bool:
    """Whether a file's name says what the file is; a name without extension says nothing."""
    suffix = PurePosixPath(file).suffix.lower()
    return not suffix or _SUFFIXES.get(suffix) == format_.replace("MPO", "JPEG")
