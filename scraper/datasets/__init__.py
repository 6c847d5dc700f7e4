"""Public datasets and archives: fetched, proved whole, and taken into data/raw in one pass."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from tqdm import tqdm

from pipeline.cli import UserError
from pipeline.manifest import Manifest, Row, Status
from pipeline.sources import ArchiveSource, DatasetSource, HuggingFaceSource
from scraper.datasets.download import copies, require_space
from scraper.datasets.git_tree import GitTree
from scraper.datasets.labels import Labels
from scraper.datasets.layouts import Found, finder
from scraper.datasets.plan import Plan, plan
from scraper.datasets.store import MAX_PICTURE, Store, is_complete, note_complete
from scraper.datasets.unpack import DamagedError, Member, members

Rows = Mapping[tuple[str, str], Row]


def collect(
    name: str,
    source: DatasetSource | ArchiveSource | HuggingFaceSource,
    folder: Path,
    manifest: Manifest,
) -> None:
    """Take what is missing of a dataset into `folder` (data/raw/<name>): files, and their rows.

    Nothing is fetched when nothing is missing. Raises UserError, and leaves the folder as it was,
    for a dataset that can't be had, is damaged or another, or in which nothing is found.
    """
    todo = plan(source)
    bases = tuple(f"{file.address}#" for file in todo.files)
    before = {key: row for key, row in manifest.rows.items() if row.image_url.startswith(bases)}
    is_local = todo.files[0].is_local  # what is in a folder can change; to look costs little
    with Store(folder, manifest) as store:
        if not is_local and is_complete(folder, todo.asked(), before.values()):
            return
        archives = _Archives(todo)
        while True:
            try:
                _take(name, todo, archives, store)
                break
            except DamagedError as error:
                store.clear()
                archives.replace(error)
        store.adopt()
        note_complete(folder, todo.asked(), len(store.rows))
    _reject_others(before, store, manifest)


def _reject_others(before: Rows, store: Store, manifest: Manifest) -> None:
    """What an earlier `classes` put into one of today's classes is no longer of it.

    Its files stay, as all of raw does.
    """
    labels = {label for label, _ in store.rows}
    for key, row in before.items():
        if row.status.has_file and row.label in labels and key not in store.rows:
            error = "the source's classes file it elsewhere now"
            manifest.append(replace(row, status=Status.REJECTED_CLASS, error=error))


class _Archives:
    """The local copies of a plan's files. A damaged one is replaced from the next place."""

    def __init__(self, todo: Plan) -> None:
        self._files = todo.files
        self._copies = [copies(file, todo.allow_private) for file in todo.files]
        self._paths = [next(copy) for copy in self._copies]
        self._at = 0

    def members(self, archive: str | None = None) -> Iterator[Member]:
        for at, file in enumerate(self._files):
            if archive in (None, file.base_name):
                self._at = at
                yield from members(self._paths[at], file.path or file.base_name)

    def replace(self, error: DamagedError) -> None:
        """Another copy of the archive that was read last; UserError if there is none."""
        self._paths[self._at] = self._copies[self._at].throw(error)

    @property
    def address(self) -> str:
        """Of the archive that is being read."""
        return self._files[self._at].address

    @property
    def size(self) -> int:
        return sum(_size(path) for path in self._paths)


def _take(name: str, todo: Plan, archives: _Archives, store: Store) -> None:
    """One pass through the archives: every image aside, the whole proved by its git tree."""
    require_space(store.folder, archives.size)
    find = finder(todo.layout, todo.known, archives.members)
    labels, tree = Labels(todo.classes), GitTree()
    paths: list[str] = []
    now = datetime.now(UTC).isoformat(timespec="seconds")
    with tqdm(desc=name, total=todo.pictures, unit=" pictures", disable=None) as bar:
        for member in archives.members():
            if todo.git_tree:
                tree.add(member)
            if len(paths) < 5:
                paths.append(member.path)
            for found in find(member):
                if label := labels.ours(found.label):
                    _keep(store, _row(found, label, archives.address, todo, now), found)
                    bar.update()
    if todo.git_tree and tree.id() != todo.git_tree:
        raise DamagedError(f"damaged or another: its git tree is {tree.id()}, not {todo.git_tree}")
    if not labels.found:
        raise UserError(
            f"{name}: no path matches; the archive's first ones are\n  " + "\n  ".join(paths)
        )
    labels.check(labels.found)
    if not any(row.file for row in store.rows.values()):
        row = next(iter(store.rows.values()))
        raise UserError(f"{name}: what matches is no picture, such as {row.image_url}: {row.error}")


def _row(found: Found, label: str, address: str, todo: Plan, now: str) -> Row:
    return Row(
        status=Status.SAVED,
        label=label,
        image_url=_text(f"{address}#{found.path}"),
        product_id=found.product_id,
        split=found.split,
        fetched_at=now,
        page_url=todo.about.page_url,
        title=found.title or todo.about.title,
        author=todo.about.author,
        license=todo.about.license,
        license_url=todo.about.license_url,
    )


def _keep(store: Store, row: Row, found: Found) -> None:
    if found.is_link:
        store.reject(row, Status.REJECTED_NOT_IMAGE, "a link, which is not followed")
    elif found.size > MAX_PICTURE:
        store.reject(row, Status.REJECTED_TOO_LARGE, f"{found.size:,} bytes")
    else:
        store.take(row, found.read())


def _text(path: str) -> str:
    """A name that is not UTF-8, as something that is."""
    return os.fsencode(path).decode("utf-8", "replace")


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return path.stat().st_size
