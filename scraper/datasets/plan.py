"""Turns a source of params.yaml into a plan: its files, its layout, its classes."""

from dataclasses import asdict, dataclass, field
from typing import Any

from pipeline.sources import ArchiveSource, DatasetSource, HuggingFaceSource, IndexFile
from scraper.datasets.catalog import File, FilesLayout, Layout, find_dataset
from scraper.datasets.hub import SPLIT_IN_PATH, listing
from scraper.datasets.labels import Labels


@dataclass(frozen=True)
class SharedColumns:
    """The columns that are the same in all rows."""

    page_url: str | None
    license: str | None
    title: str | None = None
    author: str | None = None
    license_url: str | None = None


@dataclass(frozen=True)
class Plan:
    """The plan for a dataset of any kind."""

    files: list[File]
    layout: Layout
    classes: dict[str, str | list[str]] | None
    """our class: theirs, or several of theirs; None for all of theirs"""
    about: SharedColumns
    allow_private: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    """the dataset's labels in the order of their numbers, if its documentation lists them"""
    images: int | None = None
    encoding: str | None = None
    """the encoding of names and tables that are not UTF-8"""

    @property
    def git_tree(self) -> str | None:
        """The git tree that the files of the only archive must have."""
        kind, _, tree = (self.files[0].digest or "").partition(":")
        return tree if kind == "git-tree" else None

    def asked(self) -> dict[str, Any]:
        """All values that change the rows, for JSON."""
        asked = {
            "files": {file.address: file.digest for file in self.files},
            "layout": self.layout.model_dump(mode="json"),
            "classes": self.classes,
            "about": asdict(self.about),
        }
        return asked | ({"encoding": self.encoding} if self.encoding else {})


def plan(source: DatasetSource | ArchiveSource | HuggingFaceSource) -> Plan:
    """The plan of a source. UserError if the dataset is unknown, or lacks a class of the source."""
    match source:
        case DatasetSource():
            return _dataset(source)
        case ArchiveSource():
            return _archive(source)
    return _hub(source)


def _dataset(source: DatasetSource) -> Plan:
    entry = find_dataset(source.dataset)
    known = entry.classes if isinstance(entry.classes, list) else []
    if known:
        Labels(source.classes).check(set(known))
    return Plan(
        files=entry.files,
        layout=entry.layout,
        classes=source.classes,
        about=SharedColumns(
            page_url=entry.page,
            license=entry.license,
            title=entry.title,
            author=entry.author,
            license_url=entry.license_url,
        ),
        known=known,
        images=entry.images if source.classes is None else None,
    )


def _archive(source: ArchiveSource) -> Plan:
    digest = f"sha256:{source.sha256}" if source.sha256 else None
    file = File(urls=[source.url], size=None, digest=digest)
    return Plan(
        files=[file],
        layout=FilesLayout(pattern=source.pattern, index=source.index),
        classes=source.classes,
        about=SharedColumns(None if file.is_local else source.url, source.license),
        allow_private=source.allow_private,
        encoding=source.encoding,
    )


def _hub(source: HuggingFaceSource) -> Plan:
    repository = listing(source)
    index = IndexFile(
        file=SPLIT_IN_PATH, path_column=source.image_column, label_column=source.label_column
    )
    return Plan(
        files=repository.files,
        layout=FilesLayout(index=index),
        classes=source.classes,
        about=SharedColumns(
            page_url=repository.page,
            license=source.license or repository.license,
            title=repository.name,
            author=repository.author,
        ),
        allow_private=repository.allow_private,
        known=repository.labels,
    )
