"""A person's folder, and what became of its images in data/raw/own."""

import io
import json
from pathlib import Path

from PIL import Image

from pipeline.manifest import Manifest, Row
from pipeline.sources import FolderSource

OWN = FolderSource(kind="folder", license="own work")


def jpeg(colour: str, kind: str = "JPEG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (20, 10), colour).save(out, kind)
    return out.getvalue()


def put(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def raw() -> Path:
    return Path("data/raw/own")


def rows() -> dict[str, Row]:
    """The rows of the manifest that count, by `image_url`."""
    return {row.image_url: row for row in Manifest(raw() / "manifest.jsonl").rows.values()}


def statuses() -> dict[str, str]:
    return {name: row.status.value for name, row in rows().items()}


def contents() -> dict[str, set[bytes]]:
    """The contents of the files in data/raw/own, by class."""
    found: dict[str, set[bytes]] = {}
    for path in raw().glob("*/*"):
        found.setdefault(path.parent.name, set()).add(path.read_bytes())
    return found


def counts() -> dict:
    return json.loads(Path("results/collect/own.json").read_text())
