"""Where an image of the dataset came from: its row in a manifest of data/raw."""

from collections.abc import Mapping
from pathlib import Path

from pipeline.manifest import Manifest, Row
from pipeline.paths import MANIFEST


class Origins:
    """Reads the manifest of a source when the first of its images is asked for."""

    def __init__(self, raw: Path) -> None:
        self._raw = raw
        self._rows: dict[str, dict[str, Row]] = {}

    def row(self, about: Mapping[str, str]) -> Row | None:
        """The row of an image. `about` is its line of metadata.csv.

        None if the line names no source, or the manifest is not there or lacks the image.
        Raises UserError if the manifest is damaged.
        """
        source, sha256 = about.get("source"), about.get("sha256", "")
        if not source:
            return None
        if source not in self._rows:
            rows = Manifest(self._raw / source / MANIFEST).rows.values()
            self._rows[source] = {str(row.sha256): row for row in rows if row.status.has_file}
        return self._rows[source].get(sha256)

    def name(self, about: Mapping[str, str]) -> str | None:
        """The name by which a person knows the image: its title, or the file in their folder."""
        row = self.row(about)
        if row is None:
            return None
        return row.title or (None if "://" in row.image_url else row.image_url)
