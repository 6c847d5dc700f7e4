"""Reads the files in data/raw/src."""

import hashlib
from pathlib import Path

RAW = Path("data/raw/src")


PATTERN = r"(?P<label>[^/]+)/[^/]+\.jpg$"


def files() -> set[str]:
    """The paths of the files in data/raw/src, without the notes of collect itself."""
    notes = {"manifest.jsonl", "complete.json"}
    return {str(p.relative_to(RAW)) for p in RAW.rglob("*") if p.is_file()} - notes


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
