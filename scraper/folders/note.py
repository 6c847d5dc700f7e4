"""Notes the facts of the files in a person's folder, so that they need not be read again."""

import json
import time
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.files import write_atomic
from pipeline.listing import is_settled
from pipeline.manifest import Row, Status


@dataclass(frozen=True, slots=True)
class FileFacts:
    """The facts of one file. They are valid as long as its stamp is the same."""

    stamp: list[int]
    status: Status
    kind: str | None = None
    """the kind of the file, if it is no image that can be taken"""
    error: str | None = None
    bytes: int | None = None
    sha256: str | None = None
    format: str | None = None
    width: int | None = None
    height: int | None = None
    file_name: str | None = None


class Note:
    """The files that this machine has seen in the folder: their facts, and the keys of all rows.

    `root` is the path of the folder that was read last, as params.yaml had it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._began = time.time_ns()
        self.facts: dict[str, FileFacts] = {}
        self.seen: set[tuple[str, str]] = set()
        self.root: str | None = None
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            self.facts = {
                name: FileFacts(**of_file | {"status": Status(of_file["status"])})
                for name, of_file in kept["facts"].items()
            }
            self.seen = {(label, url) for label, url in kept["seen"]}
            self.root = kept.get("root")
        except (OSError, ValueError, KeyError, TypeError):
            return  # no note, or a damaged one: all is read again, and no image is taken away

    def below(self, folders: Collection[str]) -> dict[str, FileFacts]:
        """The known facts of the files in these folders and in their folders."""
        starts = tuple(f"{folder}/" for folder in folders)
        return {name: of_file for name, of_file in self.facts.items() if name.startswith(starts)}

    def write(self, rows: Mapping[tuple[str, str], Row]) -> bool:
        """Keep the note for the next run. False if it can't be written."""
        facts = {name: self._kept(of_file) for name, of_file in sorted(self.facts.items())}
        kept = {"root": self.root, "facts": facts, "seen": sorted(self.seen | rows.keys())}
        try:
            write_atomic(self._path, json.dumps(kept))
        except OSError:
            return False
        return True

    def _kept(self, of_file: FileFacts) -> dict[str, Any]:
        """The facts as JSON. A stamp is left out if a later edit could have the same one.

        Then the next run reads the file again.
        """
        settled = is_settled(of_file.stamp, self._began)
        return asdict(of_file) | ({} if settled else {"stamp": []})
