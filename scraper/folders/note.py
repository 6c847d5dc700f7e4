"""What this machine has seen in a person's folder. Without the note all is read again."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.manifest import Row, Status, write_atomic


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one file, as long as its stamp is the same."""

    stamp: list[int]
    status: Status
    kind: str | None = None
    """what it is, if it is no image that can be taken"""
    error: str | None = None
    bytes: int | None = None
    sha256: str | None = None
    format: str | None = None
    width: int | None = None
    height: int | None = None
    file_name: str | None = None


class Note:
    """What this machine has seen in the folder: facts of its files, and the keys of all rows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.facts: dict[str, Facts] = {}
        self.seen: set[tuple[str, str]] = set()
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            self.facts = {
                name: Facts(**of_file | {"status": Status(of_file["status"])})
                for name, of_file in kept["facts"].items()
            }
            self.seen = {(label, url) for label, url in kept["seen"]}
        except (OSError, ValueError, KeyError, TypeError):
            return  # not there, or damaged: all is read again, and nothing goes

    def write(self, rows: Mapping[tuple[str, str], Row]) -> None:
        """Keep it for the next run."""
        facts = {name: asdict(of_file) for name, of_file in sorted(self.facts.items())}
        kept = {"facts": facts, "seen": sorted(self.seen | rows.keys())}
        write_atomic(self._path, json.dumps(kept))
