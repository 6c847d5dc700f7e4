"""`kind: folder`: people's own images, in class folders that are only read → data/raw/<source>.

data/raw/<source> follows the folder: new images are copied, and images that were deleted in the
folder are deleted here too. But only images that this machine has seen in the folder are deleted.
Images that came with `dvc pull` from somebody else's folder stay. What was seen is noted in
.cache/folders. Without the note nothing is deleted, and all is read again.
"""

import difflib
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tqdm import tqdm

from pipeline.cli import UserError
from pipeline.files import json_text, write_atomic
from pipeline.kinds import IMAGE
from pipeline.listing import KEEP, UNREADABLE
from pipeline.manifest import Manifest, Row, Status
from pipeline.paths import FOLDER_CACHE, LEFT_OUT, MANIFEST
from pipeline.sources import FolderSource
from scraper.folders.earlier import take_over
from scraper.folders.files import copied, examine_file
from scraper.folders.note import FileFacts, Note
from scraper.folders.walk import FolderFile, FolderListing, hints, walk
from scraper.raw_folder import now

TOO_LARGE, DAMAGED = "images that are too large", "damaged images"


@dataclass
class Report:
    """The messages of collect: the files that are no images, by kind, and other sentences."""

    left_out: dict[str, list[str]] = field(default_factory=dict)
    sentences: list[str] = field(default_factory=list)
    labels: set[str] = field(default_factory=set)
    """the classes that params.yaml asks for and that have a folder"""


def own_folder(name: str, source: FolderSource) -> Path:
    """The folder that has the source's class folders. It is made if it belongs into the project.

    It is not made again where this machine has read it: whoever moved it away may want to move it
    back. Raises UserError if the path is a file.
    """
    root = Path(source.path).expanduser()
    if root.exists() and not root.is_dir():
        raise UserError(
            f"sources.{name}.path: {root} is a file; name the folder of the classes. For an "
            "archive, take kind: archive"
        )
    is_ours = not root.exists() and root.resolve().is_relative_to(Path.cwd().resolve())
    if is_ours and Note(_note_of(name)).root != str(root):
        root.mkdir(parents=True)
        write_atomic(root / KEEP, "Put images here, into a folder for each class.\n")
    return root


def _note_of(name: str) -> Path:
    return FOLDER_CACHE / f"{name}.json"


def sync(
    name: str, source: FolderSource, folder: Path, manifest: Manifest, attempts: int = 3
) -> Report:
    """Make `folder` (data/raw/<name>) follow the person's folder: files, and their rows.

    If the folder changes during that, it is read again, `attempts` times at most.

    Raises UserError before it writes if the folder never existed, if a class folder has a name that
    is not possible, or if `classes` names a class without a folder.
    """
    root, report = own_folder(name, source), Report()
    note = Note(_note_of(name))
    if taken := take_over(folder, manifest, root, note):
        report.sentences.append(
            f"{taken} images lay in {folder}, where an experiment of DVC's deletes what DVC has "
            f"not stored. They are in {root} now: put more of them there"
        )
    if not (folder / LEFT_OUT).exists():  # a mark: from now on all files in data/raw are ours
        write_atomic(folder / LEFT_OUT, "{}\n")
    listing = walk(root, source.classes) if root.is_dir() else FolderListing()
    report.sentences += hints(root, listing, source.classes)
    before = [row for row in manifest.rows.values() if row.status.has_file]
    _check_classes(name, source, root, listing, {row.label for row in before})
    is_away = not listing.labels  # perhaps a disk is not mounted: then its folder is empty
    if is_away:
        _say_that_it_is_away(name, root, folder, len(before), report)
    rows = _read(source, root, listing, note, folder, name)
    if not is_away:
        _require_that_it_stayed(root)
    # before the rows: if this run is killed, the next one still knows the files
    note.root = str(root)
    if not note.write(rows):
        report.sentences.append(
            f"{FOLDER_CACHE} can't be written, so all of {root} is read again each time, and what "
            "goes from there stays in the dataset; make it a folder that you may write to"
        )
    for row in rows.values():
        old = manifest.rows.get(row.key)
        if old is None or replace(row, fetched_at=old.fetched_at) != old:
            manifest.append(row)
    if not is_away:
        _forget_what_has_gone(rows, note, folder, manifest, root, report, listing)
    report.labels = {x for x in listing.labels if source.classes is None or x in source.classes}
    report.left_out = {kind: sorted(names) for kind, names in sorted(listing.left_out.items())}
    write_atomic(folder / LEFT_OUT, json_text(report.left_out))
    if attempts > 1 and root.is_dir() and walk(root, source.classes).entries != listing.entries:
        # DVC takes the folder at the end of the stage for the one that the stage has read
        return sync(name, source, folder, manifest, attempts - 1)
    return report


def _require_that_it_stayed(root: Path) -> None:
    """Raise UserError if the folder went while it was read, or is empty, as a disk's place is.

    Else its new files would count as unreadable ones, and the run as finished.
    """
    try:
        is_there = any(path.is_dir() for path in root.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        is_there = False
    if not is_there:
        raise UserError(
            f"{root} has gone while it was read. Connect its disk again, or move it back, and run "
            "this again: what was collected before stays"
        )


def _say_that_it_is_away(name: str, root: Path, folder: Path, count: int, report: Report) -> None:
    """Report a folder that is away. `count` images came from it before; if none, UserError."""
    if not count and not root.is_dir():
        variable = " (variables such as $HOME are not replaced)" if "$" in str(root) else ""
        raise UserError(
            f"sources.{name}.path: {str(root)!r} is not there{variable}; correct the path, or make "
            "it and put a folder of images there for each class"
        )
    if count:
        what = "has no class folder" if root.is_dir() else "is not there"
        report.sentences.append(
            f"{root} {what}: the {count} images that were collected before stay. "
            f"To start anew without them: rm -r {folder}"
        )


def _check_classes(
    name: str, source: FolderSource, root: Path, listing: FolderListing, before: Collection[str]
) -> None:
    for label in source.classes or ():
        if label not in listing.labels and label not in before:
            near = difflib.get_close_matches(label, listing.labels, n=1, cutoff=0.5)
            there = ", ".join(sorted(listing.labels)) or "no class folder at all"
            hint = f"did you mean {near[0]!r}?" if near else f"there is {there}"
            raise UserError(
                f"sources.{name}.classes names {label!r}, and {root} has no such folder; {hint}"
            )


def _read(
    source: FolderSource, root: Path, listing: FolderListing, note: Note, folder: Path, name: str
) -> dict[tuple[str, str], Row]:
    """The rows of all files in class folders. New images are copied into `folder`.

    The folder's own manifest has the notes of crawls by hand. They are kept: the page, license and
    product of an image, even if a person has moved it since, and the attempts without an image.
    """
    crawled: dict[str | None, list[Row]] = defaultdict(list)
    for row in Manifest(root / MANIFEST).rows.values():
        crawled[row.sha256 if row.status.has_file else None].append(row)
    rows = {row.key: row for row in crawled.pop(None, [])}
    first: set[str] = set()
    facts = {}
    for entry in tqdm(listing.entries, name, unit=" images", disable=None):
        known = note.facts.get(entry.name)
        found = known if known and known.stamp == entry.stamp else examine_file(entry)
        if found.status is Status.SAVED:
            found = copied(entry, folder / entry.label / str(found.file_name), found)
        facts[entry.name] = found
        if found.status is not Status.SAVED:
            is_large = found.status is Status.REJECTED_TOO_LARGE
            kind = found.kind if found.kind != IMAGE else TOO_LARGE if is_large else DAMAGED
            listing.left_out[kind or UNREADABLE].append(entry.name)
        for row in _rows(source, entry, found, crawled.get(found.sha256, [])):
            if row.key in rows and rows[row.key].status.has_file:  # a copy: the address is taken
                row = replace(row, image_url=entry.name)
            if row.file in first:
                row = replace(row, status=Status.DUPLICATE)
            elif row.file is not None:
                first.add(row.file)
            rows[row.key] = row
    note.facts = facts | note.below(listing.left_out.get(UNREADABLE, ()))
    return rows


def _rows(
    source: FolderSource, entry: FolderFile, found: FileFacts, crawled: Sequence[Row]
) -> Iterator[Row]:
    """One row, or one for each address if a crawl by hand found the same bytes."""
    by_hand = Row(
        status=found.status,
        label=entry.label,
        image_url=entry.name,
        split=entry.split,
        license=source.license,
        fetched_at=now(),
    )
    for row in sorted(crawled, key=lambda row: (row.status != Status.SAVED, row.key)) or [by_hand]:
        yield replace(
            row,
            status=found.status,
            label=entry.label,
            product_id=row.product_id or entry.product,
            file=found.file_name and f"{entry.label}/{found.file_name}",
            sha256=found.sha256,
            bytes=found.bytes,
            format=found.format,
            width=found.width,
            height=found.height,
            error=found.error,
        )


def _forget_what_has_gone(
    rows: Mapping[tuple[str, str], Row],
    note: Note,
    folder: Path,
    manifest: Manifest,
    root: Path,
    report: Report,
    listing: FolderListing,
) -> None:
    """Note each file that was deleted in the person's folder, and delete its copy in data/raw."""
    hidden = note.below(listing.left_out.get(UNREADABLE, ())).values()
    out_of_sight = {of_file.sha256 for of_file in hidden}
    others = unseen = 0
    for key, row in list(manifest.rows.items()):
        if key in rows or row.status is Status.FAILED_MISSING:
            continue
        if row.sha256 and row.sha256 in out_of_sight:
            unseen += 1
        elif key in note.seen:
            error = f"no longer in {root}"
            manifest.append(
                replace(row, status=Status.FAILED_MISSING, file=None, error=error, fetched_at=now())
            )
        else:
            others += row.status.has_file
    if unseen:
        report.sentences.append(
            f"{unseen} images lie in folders that can't be read now; their copies in {folder} stay"
        )
    listed = {row.file for row in manifest.rows.values()}
    for path in folder.glob("*/*"):
        if path.is_file() and path.relative_to(folder).as_posix() not in listed:
            path.unlink()
    if others:
        report.sentences.append(
            f"{others} images were collected from another folder than {root}, or on another "
            f"machine; they stay. To go by {root} alone: rm -r {folder}, then run this again"
        )
