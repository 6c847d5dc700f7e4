"""What collect says at its end of class folders that gave no image."""

from collections import Counter
from collections.abc import Collection, Iterator

from pipeline.listing import UNREADABLE
from pipeline.manifest import Row, Status
from pipeline.sources import FolderSource
from scraper.folders.sync import Report


def without_image(
    name: str, source: FolderSource, rows: Collection[Row], report: Report
) -> Iterator[str]:
    """A sentence for each class that has no image: how most of its files ended."""
    if source.classes is not None:
        asked = {*source.classes}
    else:  # a class whose folder was renamed or taken away is no class any more
        asked = {row.label for row in rows if row.status is not Status.FAILED_MISSING}
    saved = {row.label for row in rows if row.status.has_file}
    unreadable = {path.rpartition("/")[2] for path in report.left_out.get(UNREADABLE, ())}
    for label in sorted({*asked, *report.labels} - saved):
        about = f"class {label!r} of {name} has no image"
        there = [r for r in rows if r.label == label and r.status is not Status.FAILED_MISSING]
        ends = Counter(row.status.value.replace("_", " ") for row in there)
        if label in unreadable:
            yield f"{about}: its folder can't be read; change its owner or its mode"
        else:
            most = [f"{n} of {ends.total()} files are {end}" for end, n in ends.most_common(1)]
            why = "".join(most) or "its folder is empty"
            yield f"{about}: {why}; put images there, or take the class away"
