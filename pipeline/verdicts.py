"""`data/clean/verdicts.parquet`: one row for each raw picture, the same bytes every time."""

from pathlib import Path
from typing import Any

from pipeline.findings import Findings
from pipeline.measure import Failure, Measurement

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

    rows = list(zip(findings.raw.pictures, findings.verdicts, strict=True))
    measured = [_measured(findings.measurements[picture.sha256]) for picture, _ in rows]
    columns: dict[str, list[Any]] = {
        "source": [p.source for p, _ in rows],
        "raw_label": [p.label for p, _ in rows],
        "label": [v.label for _, v in rows],
        "sha256": [p.sha256 for p, _ in rows],
        "verdict": ["keep" if v.reason is None else "drop" for _, v in rows],
        "reason": [v.reason or "" for _, v in rows],
        "note": [v.note for _, v in rows],
        "flags": [v.flags for _, v in rows],
        "group": [v.group for _, v in rows],
        "duplicate_of": [v.duplicate_of for _, v in rows],
        "official_split": [p.official[0] if p.official else "" for p, _ in rows],
        "bytes": [p.bytes for p, _ in rows],
        "phash": [None if m is None else m.phash.hex() for m in measured],
    }
    for name in _MEASURED:
        columns[name] = [None if m is None else getattr(m, name) for m in measured]
    types = {"list": pa.list_(pa.string())}
    schema = pa.schema([(n, types.get(t) or pa.type_for_alias(t)) for n, t in COLUMNS.items()])
    pq.write_table(pa.table(columns, schema=schema), path, compression="zstd")


def _measured(result: Measurement | Failure) -> Measurement | None:
    return None if isinstance(result, Failure) else result
