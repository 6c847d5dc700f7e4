"""Reads data/raw: the images that params.yaml asks for, and the files that are left out."""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline import listing
from pipeline.classes import empty_classes, spellings
from pipeline.cli import UserError
from pipeline.formats import is_litter
from pipeline.licenses import is_allowed
from pipeline.listing import BROKEN, LITTER, LOOSE, SPECIAL, UNREADABLE, aside_lines
from pipeline.manifest import Manifest, Row, Status
from pipeline.names import class_key
from pipeline.paths import LEFT_OUT, MANIFEST, SPLITS
from pipeline.sources import CrawlSource, FolderSource, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class RawImage:
    """One raw image: the same bytes in the same class of the same source, however often listed.

    `label` is the class as it is spelt everywhere: `Mug` and `mug` are one. `file` is relative to
    data/raw. `products` are the source's own ids, `titles` what they are called, in small
    letters, and `addresses` those of rows without a product.
    `official` are the splits that the source files it under, the strongest first.
    """

    source: str
    label: str
    sha256: str
    file: str
    there: bool
    bytes: int
    products: frozenset[str]
    titles: frozenset[tuple[str, str]]
    addresses: frozenset[str]
    official: tuple[str, ...]
    rows: int
    name: str | None
    """in a person's own folder"""
    title: str | None
    page_url: str | None
    license: str | None
    license_url: str | None
    author: str | None

    @property
    def key(self) -> tuple[str, str, str]:
        return self.source, self.label, self.sha256


@dataclass(frozen=True, slots=True)
class Raw:
    """The images, sorted by source, label and SHA-256, and the files that are left out."""

    images: list[RawImage]
    left_out: dict[tuple[str, str], list[str]]
    """by (source, reason): the paths of the files below data/raw/<source>, sorted; behind some, in
    brackets, what collect said of the file"""
    not_images: dict[str, dict[str, list[str]]]
    """names of files in people's own folders that are no images, by source and kind"""
    lost: dict[str, Counter[str]]
    """by class: why candidates of it are no images here"""
    not_taken: dict[tuple[str, Status], list[str]]
    """by (source, status): the addresses or names of images that collect rejected or failed to get;
    behind some, in brackets, what collect said of the image"""


def read_raw(sources: Mapping[str, Source], raw: Path) -> Raw:
    """Read the manifests of these sources. Any other file in `raw` is left out, with a reason.

    Raises UserError where there is no image at all, and says what became of the candidates.
    """
    asked: dict[str, list[Row]] = {}
    files: dict[str, set[str]] = {}
    left_out: dict[tuple[str, str], list[str]] = defaultdict(list)
    not_images: dict[str, dict[str, list[str]]] = {}
    lost: list[tuple[str, str]] = []
    not_taken: dict[tuple[str, Status], list[str]] = defaultdict(list)
    folders = sorted(p for p in raw.iterdir() if p.is_dir()) if raw.is_dir() else []
    for folder in folders:
        name, selection = folder.name, None
        files[name] = set(_files(folder))
        rows: Collection[Row] = ()
        if name in sources:
            rows = Manifest(folder / MANIFEST).rows.values()
            selection = _Selection(name, sources[name])
            asked[name] = [row for row in rows if selection.why_not(row) is None]
            lost += selection.lost(rows)
            for row in rows:
                if not row.status.has_file and selection.asks_for(row.label):
                    not_taken[name, row.status].append(_said(row.image_url, row))
            if found := left_out_of(folder):
                not_images[name] = found
        left = files[name] - {row.file for row in asked.get(name, ())}
        for file, why in _why_left_out(left, rows, name, selection):
            left_out[name, why].append(file)
    labels = [row.label for rows in asked.values() for row in rows]
    spelt = spellings(sources, [*labels, *(label for label, _ in lost)])
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    for label, why in lost:
        reasons[spelt[class_key(label)]][why] += 1
    images = [
        image
        for name, rows in asked.items()
        for image in _images(name, sources[name], rows, files[name], spelt)
    ]
    if not images:
        raise UserError(_nothing(raw, sources, not_images, reasons))
    images.sort(key=lambda image: image.key)
    return Raw(
        images,
        dict(sorted(left_out.items())),
        not_images,
        reasons,
        {key: sorted(names) for key, names in sorted(not_taken.items())},
    )


def _nothing(
    raw: Path,
    sources: Mapping[str, Source],
    not_images: Mapping[str, Mapping[str, list[str]]],
    lost: Mapping[str, Counter[str]],
) -> str:
    """Why there is no image at all, in words."""
    if not sources:
        return "params.yaml names no source of images; add one below `sources`"
    about = f"{raw} has no image of the sources in params.yaml ({', '.join(sources)})"
    lines = [f"{name}: {line}" for name, kinds in not_images.items() for line in aside_lines(kinds)]
    lines += empty_classes(sources, (), lost)
    if not lines:
        return f"{about}; bring some in with: python -m scraper.collect SOURCE"
    if any(LOOSE in kinds for kinds in not_images.values()):
        lines.append("an image needs a folder that is called like its class, such as mug/1.jpg")
    return "\n  ".join([about, *lines])


def left_out_of(folder: Path) -> dict[str, list[str]]:
    """Names of a source's files that cannot be used, by kind; `folder` is data/raw/<source>.

    Raises UserError where they can't be read.
    """
    path = folder / LEFT_OUT
    try:
        kinds: dict[str, list[str]] = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise UserError(
            f"{path} is damaged ({error}); make it anew with: "
            f"python -m scraper.collect {folder.name}"
        ) from error
    return kinds


class _Selection:
    """The classes and licenses of a source that params.yaml asks for."""

    def __init__(self, name: str, source: Source) -> None:
        self._name = name
        self._classes = None if source.classes is None else set(map(class_key, source.classes))
        self._licenses = getattr(source, "licenses", None)

    def why_not(self, row: Row) -> str | None:
        """Why params.yaml does not ask for the class or license of this image; None if it does."""
        if not row.status.has_file:
            return row.status.replace("_", " ")
        if not self.asks_for(row.label):
            return f"sources.{self._name}.classes does not ask for the class"
        if not is_allowed(row.license, row.license_url, self._licenses):
            return f"sources.{self._name}.licenses does not take the license"
        return None

    def lost(self, rows: Iterable[Row]) -> Iterator[tuple[str, str]]:
        """The class of each candidate that gave no image, and why; not of what was taken away."""
        for row in rows:
            is_gone = row.status in (Status.FAILED_MISSING, Status.REJECTED_CLASS)
            if not is_gone and self.asks_for(row.label) and (why := self.why_not(row)):
                yield row.label, why

    def asks_for(self, label: str) -> bool:
        """Whether params.yaml asks for this class of the source."""
        return self._classes is None or class_key(label) in self._classes


def _why_left_out(
    files: Iterable[str], rows: Iterable[Row], name: str, selection: _Selection | None
) -> Iterator[tuple[str, str]]:
    """Each of these files in data/raw/<name>, sorted, and why it is left out."""
    by_file = {row.file or row.image_url: row for row in rows}
    for file in sorted(files):
        if selection is None:
            yield file, "params.yaml does not name the source"
        elif row := by_file.get(file):
            yield _said(file, row), selection.why_not(row) or "listed under another name"
        elif any(map(is_litter, file.split("/"))):
            yield file, "litter of the system, or of a run that was killed"
        else:
            yield file, f"not yet collected; run: python -m scraper.collect {name}"


def _said(name: str, row: Row) -> str:
    """The name, and in brackets what collect said of the image."""
    return f"{name} ({row.error})" if row.error else name


def _files(folder: Path) -> Iterator[str]:
    """The files in class folders, relative to `folder`, but not the files beside these folders.

    Files that can't be read are among them, because their verdict says why.
    """
    aside = listing.left_out()
    yield from (file.name for file in listing.files(folder, aside) if "/" in file.name)
    for kind in (BROKEN, LITTER, SPECIAL, UNREADABLE):
        yield from (name for name in aside[kind] if "/" in name)


def _images(
    name: str, source: Source, rows: Iterable[Row], files: set[str], spelt: Mapping[str, str]
) -> Iterator[RawImage]:
    same: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row.sha256 is not None and row.file is not None:
            same[spelt[class_key(row.label)], row.sha256].append(row)
    copies = _copied_products(same)
    for (label, sha256), listed in same.items():
        row = next((r for r in listed if r.file in files), listed[0])
        splits = {r.split for r in listed}
        yield RawImage(
            source=name,
            label=label,
            sha256=sha256,
            file=f"{name}/{row.file}",
            there=row.file in files,
            bytes=row.bytes or 0,
            products=frozenset(
                copies.get(r.product_id, r.product_id) for r in listed if r.product_id
            ),
            titles=frozenset(
                (copies.get(r.product_id, r.product_id), " ".join(r.title.casefold().split()))
                for r in listed
                if r.product_id and r.title
            ),
            addresses=frozenset(
                r.image_url for r in listed if not r.product_id and _is_address(r, source)
            ),
            official=tuple(split for split in reversed(SPLITS) if split in splits),
            rows=len(listed),
            name=None if "://" in row.image_url else row.image_url,
            title=row.title,
            page_url=row.page_url,
            license=row.license,
            license_url=row.license_url,
            author=row.author,
        )


def _is_address(row: Row, source: Source) -> bool:
    """Whether a shop's page names the image at this address.

    A path in an archive or in a person's own folder is no such address: copies of a file there do
    not make it a placeholder.
    """
    return isinstance(source, CrawlSource | FolderSource) and "://" in row.image_url


def _copied_products(same: Mapping[tuple[str, str], Iterable[Row]]) -> dict[str, str]:
    """Product folders that a person copied: for each the first folder that has the same images."""
    images: dict[str, set[str]] = defaultdict(set)
    for (_, sha256), rows in same.items():
        for row in rows:
            if row.product_id and "://" not in row.image_url:
                images[row.product_id].add(sha256)
    first: dict[frozenset[str], str] = {}
    return {p: first.setdefault(frozenset(images[p]), p) for p in sorted(images)}
