"""`data/clean/verdicts.parquet`: one row for each raw picture, the same bytes every time."""

from pathlib import Path
from typing import Any

from pipeline.findings import Findings
from pipeline.measure import Failure

# Arrow's names of types. No address, no date and no path: two runs write the same bytes.
COLUMNS = {
    "source": "string",
    "raw_label": "string",  # the class folder in data/raw
    "label": "string",  # the class in the dataset, after review
    "sha256": "string",
    "verdict": "string",
    "reason": "string",
    "error": "string",
    "flags": "list",
    "group": "string",
    "duplicate_of": "string",
    "official_split": "string",
    "bytes": "int64",
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


def write_verdicts(findings: Findings, path: Path) -> None:
    """Write the verdicts, in the order of `findings.raw.pictures` (source, label, SHA-256)."""
    import pyarrow as pa  # a third of a second, which `--help` need not wait for
    import pyarrow.parquet as pq

    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for picture, verdict in zip(findings.raw.pictures, findings.verdicts, strict=True):
        measured = findings.measurements[picture.sha256]
        unknown = isinstance(measured, Failure)
        values = {
            "source": picture.source,
            "raw_label": picture.label,
            "label": verdict.label,
            "sha256": picture.sha256,
            "verdict": "keep" if verdict.reason is None else "drop",
            "reason": verdict.reason or "",
            "error": verdict.error,
            "flags": list(verdict.flags),
            "group": verdict.group,
            "duplicate_of": verdict.duplicate_of,
            "official_split": picture.official[0] if picture.official else "",
            "bytes": picture.bytes,
            "phash": None if isinstance(measured, Failure) else measured.phash.hex(),
        } | {name: None if unknown else getattr(measured, name) for name in _MEASURED}
        for name, value in values.items():
            columns[name].append(value)
    types = {"list": pa.list_(pa.string())}
    schema = pa.schema([(n, types.get(t) or pa.type_for_alias(t)) for n, t in COLUMNS.items()])
    pq.write_table(pa.table(columns, schema=schema), path, compression="zstd")
