"""What lies in data/raw: the images that params.yaml asks for, and what is left out."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.cli import UserError
from pipeline.licenses import is_allowed
from pipeline.manifest import Manifest, Row
from pipeline.paths import LEFT_OUT, MANIFEST, SPLITS
from pipeline.sources import Source
from pipeline.walk import BROKEN, SPECIAL, UNREADABLE, Aside, files, root_of


@dataclass(frozen=True, slots=True, kw_only=True)
class RawImage:
    """One raw image: the same bytes in the same class of the same source, however often listed.

    `file` is relative to data/raw. `products` are the source's own ids, `addresses` those of rows
    without a product. `official` are the splits that the source files it under, the one that counts
    first.
    """

    source: str
    label: str
    sha256: str
    file: str
    there: bool
    bytes: int
    products: frozenset[str]
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
    """The images, sorted by source, label and SHA-256, and how many files are left out."""

    pictures: list[RawImage]
    left_out: Counter[tuple[str, str]]
    """files by (source, class folder)"""
    not_images: dict[str, dict[str, list[str]]]
    """names of files in people's own folders that are no images, by source and kind"""


def read_raw(sources: Mapping[str, Source], raw: Path) -> Raw:
    """Read the manifests of these sources; any other file in `raw` is counted as left out.

    Raises UserError where there is no image at all.
    """
    pictures: list[RawImage] = []
    left_out: Counter[tuple[str, str]] = Counter()
    not_images: dict[str, dict[str, list[str]]] = {}
    folders = sorted(p for p in raw.iterdir() if p.is_dir()) if raw.is_dir() else []
    for folder in folders:
        there = set(_files(folder))
        rows = []
        if folder.name in sources:
            manifest = Manifest(folder / MANIFEST)
            rows = list(_asked(manifest.rows.values(), sources[folder.name]))
            if (folder / LEFT_OUT).exists():
                not_images[folder.name] = json.loads((folder / LEFT_OUT).read_text("utf-8"))
        pictures += _pictures(folder.name, rows, there)
        there.difference_update(row.file for row in rows if row.file)
        left_out.update((folder.name, file.partition("/")[0]) for file in there)
    if not pictures:
        raise UserError(
            f"{raw} has no picture of the sources in params.yaml ({', '.join(sources)}); "
            "bring some in with: python -m scraper.collect SOURCE"
        )
    return Raw(sorted(pictures, key=lambda picture: picture.key), left_out, not_images)


def _asked(rows: Iterable[Row], source: Source) -> Iterator[Row]:
    """The rows whose class the source asks for, and whose license it takes today."""
    licenses = getattr(source, "licenses", None)
    for row in rows:
        if (
            row.status.has_file
            and (source.classes is None or row.label in source.classes)
            and is_allowed(row.license, row.license_url, licenses)
        ):
            yield row


def _files(folder: Path) -> Iterator[str]:
    """What lies in class folders, relative to `folder`; not what is beside them (the manifest).

    Also what can't be read, for its verdict says why.
    """
    aside = Aside(list)
    yield from (file.name for file in files(root_of(folder), aside) if "/" in file.name)
    for kind in (BROKEN, SPECIAL, UNREADABLE):
        yield from (name for name in aside[kind] if "/" in name)


def _pictures(source: str, rows: Iterable[Row], there: set[str]) -> Iterator[RawImage]:
    same: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row.sha256 is not None and row.file is not None:
            same[row.label, row.sha256].append(row)
    for (label, sha256), listed in same.items():
        row = next((r for r in listed if r.file in there), listed[0])
        splits = {r.split for r in listed}
        yield RawImage(
            source=source,
            label=label,
            sha256=sha256,
            file=f"{source}/{row.file}",
            there=row.file in there,
            bytes=row.bytes or 0,
            products=frozenset(r.product_id for r in listed if r.product_id),
            # a person's own path is no address: who copies a file has not made it a placeholder
            addresses=frozenset(
                r.image_url for r in listed if not r.product_id and "://" in r.image_url
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
