"""Reads what the stage took from an archive, and what it left out."""

import json
from pathlib import Path


def found(rows) -> set[tuple]:
    """The values in the rows that come from the archive's table."""
    return {(r.image_url.partition("#")[2], r.label, r.split, r.product_id, r.title) for r in rows}


def left_out() -> dict[str, list[str]]:
    path = Path("data/raw/src/left_out.json")
    return json.loads(path.read_text()) if path.exists() else {}
