"""Public datasets and archives: fetched, proved whole, and taken into data/raw in one pass."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from tqdm import tqdm

from pipeline import listing
from pipeline.cli import UserError
from pipeline.files import json_text, write_atomic
from pipeline.listing import UNREADABLE
from pipeline.manifest import Manifest, Row, Status
from pipeline.paths import LEFT_OUT
from pipeline.sources import ArchiveSource, DatasetSource, HuggingFaceSource
from scraper.datasets.download import copies, require_space
from scraper.datasets.git_tree import GitTree
from scraper.datasets.labels import Labels
from scraper.datasets.layouts import INNER, LACKING, NO_MATCH, LayoutImage, LeftOut, finder
from scraper.datasets.member import UNPACK, DamagedError, Member, UnreadableError
from scraper.datasets.plan import Plan, plan
from scraper.datasets.store import (
    MAX_IMAGE,
    Store,
    archives_before,
    is_complete,
    note_complete,
)
from scraper.datasets.unpack import describe, folder_files, members

Rows = Mapping[tuple[str, str], Row]
_SHOWN = 5  # paths in a message, if none matches


def collect(
    name: str,
    source: DatasetSource | ArchiveSource | HuggingFaceSource,
    folder: Path,
    manifest: Manifest,
) -> None:
    """Take the missing files of a dataset into `folder` (data/raw/<name>), with their rows.

    Nothing is fetched if nothing is missing. `left_out.json` has the things that can't be used, by
    kind. Raises UserError, and leaves the folder as it was, if the dataset can't be fetched, is
    damaged or another one, or has no image.
    """
    todo = plan(source)
    addresses = {*archives_before(folder), *(file.address for file in todo.files)}
    bases = tuple(f"{address}#" for address in addresses)
    before = {key: row for key, row in manifest.rows.items() if row.image_url.startswith(bases)}
    is_local = todo.files[0].is_local  # the content of a folder can change; to look costs little
    with Store(folder, manifest, before) as store:
        if not is_local and is_complete(folder, todo.asked(), before.values()):
            return
        archives = _Archives(todo)
        while True:
            try:
                left_out = _take(name, todo, archives, store)
                break
            except DamagedError as error:
                store.clear()
                archives.replace(error)
        store.adopt()
        _reject_others(before, store, manifest, _out_of_sight(todo, left_out))
        _note_left_out(folder, left_out)
        note_complete(folder, todo.asked(), len(store.rows))


def _out_of_sight(todo: Plan, left_out: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The beginnings of the addresses of images in folders that can't be read."""
    hidden = left_out.get(UNREADABLE, ())
    return tuple(f"{file.address}#{name}/" for file in todo.files for name in hidden)


def _reject_others(
    before: Rows, store: Store, manifest: Manifest, out_of_sight: tuple[str, ...]
) -> None:
    """Reject the images of an earlier layout or archive of this source that today's doesn't give.

    Their files stay, as all files in raw do. Images in folders that can't be read now are kept.
    """
    for key, row in before.items():
        if row.image_url.startswith(out_of_sight):
            continue
        if row.status.has_file and key not in store.rows:
            error = "the source doesn't give it this class any more"
            manifest.append(replace(row, status=Status.REJECTED_CLASS, error=error))


def _note_left_out(folder: Path, left_out: Mapping[str, Sequence[str]]) -> None:
    if left_out:
        in_order = {kind: sorted(names) for kind, names in sorted(left_out.items())}
        write_atomic(folder / LEFT_OUT, json_text(in_order))
    else:
        (folder / LEFT_OUT).unlink(missing_ok=True)


class _Archives:
    """The local copies of a plan's files. A damaged one is replaced from the next place."""

    def __init__(self, todo: Plan) -> None:
        self._files = todo.files
        self._copies = [copies(file, todo.allow_private) for file in todo.files]
        self._paths = [next(copy) for copy in self._copies]
        self._at = 0
        self._encoding = todo.encoding

    def members(
        self, archive: str | None = None, aside: listing.LeftOut | None = None
    ) -> Iterator[Member]:
        for at, file in enumerate(self._files):
            if archive in (None, file.base_name):
                self._at, name = at, file.path or file.base_name
                yield from members(self._paths[at], name, encoding=self._encoding, aside=aside)

    def replace(self, error: DamagedError) -> None:
        """Take another copy of the archive that was read last. UserError if there is none."""
        self._paths[self._at] = self._copies[self._at].throw(error)

    def only_file(self, paths: Sequence[str]) -> Path | None:
        """The file that was given in the place of an archive, if `paths` has no other."""
        is_one = list(paths) == [self._files[0].base_name] and self._paths[0].is_file()
        return self._paths[0] if is_one else None

    @property
    def address(self) -> str:
        """The address of the archive that is being read."""
        return self._files[self._at].address

    @property
    def size(self) -> int:
        return sum(_size(path) for path in self._paths)


def _take(name: str, todo: Plan, archives: _Archives, store: Store) -> dict[str, list[str]]:
    """Read the archives once: put every image aside, and verify the whole by its git tree.

    Returns the things that are left out, by kind.
    """
    require_space(store.folder, archives.size)
    layout = finder(todo.layout, todo.known, archives.members, todo.encoding)
    labels, tree = Labels(todo.classes), GitTree()
    paths: list[str] = []
    left_out = listing.left_out()
    for one in layout.left_out:
        left_out[one.kind].append(listing.text(one.path))
    now = datetime.now(UTC).isoformat(timespec="seconds")
    with tqdm(desc=name, total=todo.images, unit=" images", disable=None) as bar:
        for member in archives.members(aside=left_out):
            if todo.git_tree:
                tree.add(member)
            if len(paths) < _SHOWN:
                paths.append(member.path)
            for found in layout.find(member):
                if isinstance(found, LeftOut):
                    left_out[found.kind].append(listing.text(found.path))
                elif label := labels.ours(found.label):
                    row = _row(found, label, archives.address, todo, now)
                    if not _keep(store, row, found):
                        left_out[UNREADABLE].append(listing.text(found.path))
                    bar.update()
    if todo.git_tree and tree.id() != todo.git_tree:
        raise DamagedError(f"damaged or another: its git tree is {tree.id()}, not {todo.git_tree}")
    if not labels.found:
        raise UserError(_nothing(name, archives, paths, left_out))
    labels.check(labels.found)
    if not any(row.file for row in store.rows.values()):
        row = next(iter(store.rows.values()))
        raise UserError(f"{name}: what matches is not taken, such as {row.image_url}: {row.error}")
    return left_out


def _nothing(
    name: str, archives: _Archives, paths: Sequence[str], left_out: Mapping[str, Sequence[str]]
) -> str:
    """Why no image was found, in words."""
    inner = next(iter(left_out.get(INNER, ())), None)
    if left_out.keys() - {INNER, NO_MATCH}:
        lines = [f"{name}: nothing can be taken", *listing.aside_lines(left_out)]
        if any(path.startswith(("http:/", "https:/")) for path in left_out.get(LACKING, ())):
            lines.append("the table has web addresses: kind: addresses fetches their images")
        return "\n  ".join(lines)
    if not paths:
        return f"{name}: there is no file in it; is it the right archive, and all of it?"
    if file := archives.only_file(paths):
        return f"{name}: {paths[0]} is no archive but {describe(file)}"
    remedy = f"\nIt has archives in it, such as {inner}: {UNPACK}" if inner else ""
    return f"{name}: no path matches; the archive's first ones are\n  " + (
        "\n  ".join(paths[:_SHOWN]) + remedy
    )


def _row(found: LayoutImage, label: str, address: str, todo: Plan, now: str) -> Row:
    return Row(
        status=Status.SAVED,
        label=label,
        image_url=listing.text(f"{address}#{found.path}"),
        product_id=found.product_id,
        split=found.split,
        fetched_at=now,
        page_url=todo.about.page_url,
        title=found.title or todo.about.title,
        author=todo.about.author,
        license=todo.about.license,
        license_url=todo.about.license_url,
    )


def _keep(store: Store, row: Row, found: LayoutImage) -> bool:
    """Take the image, or write a row that says why not. False if its file can't be read."""
    if found.unclear:
        store.reject(row, Status.REJECTED_CLASS, found.unclear)
    elif found.is_link:
        store.reject(row, Status.REJECTED_NOT_IMAGE, "a link, which is not followed")
    elif found.size > MAX_IMAGE:
        store.reject(row, Status.REJECTED_TOO_LARGE, f"{found.size:,} bytes")
    else:
        try:
            content = found.read()
        except UnreadableError as error:
            store.reject(row, Status.FAILED_UNREADABLE, str(error))
            return False
        store.take(row, content)
    return True


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(file.info.st_size for file in folder_files(path, listing.left_out()))
    return path.stat().st_size
