"""Types of the sources in `params.yaml`, one for each kind. A source says where images come from.

Example, as in a parameter file:

    sources:
      own: {kind: folder, path: data/own}
"""

import re
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from pipeline.names import Label
from pipeline.paths import CLEAN, DATASET, FOLDERS, INCOMING, OWN, RAW, RESULTS, SHARDS
from pipeline.sources.crawled import COLUMNS, AddressesSource, CrawlSource, SpiderSource
from pipeline.sources.section import (
    Encoding,
    OneLicense,
    PrivateHosts,
    Section,
    TheirClasses,
    Theirs,
    as_list,
    classes_apart,
    no_substitution,
)

__all__ = [
    "COLUMNS",
    "KINDS",
    "AddressesSource",
    "ArchiveSource",
    "CrawlSource",
    "DatasetSource",
    "FolderSource",
    "HuggingFaceSource",
    "IndexFile",
    "Pattern",
    "Section",
    "Source",
    "SpiderSource",
    "Theirs",
    "as_list",
    "sections",
]


class DatasetSource(Section):
    """A public dataset. Its name is one of those in scraper/datasets/catalog.yaml."""

    kind: Literal["dataset"] = Field(description="a public dataset that is known by name")
    dataset: str = Field(description="its name. `python -m scraper.datasets` lists the names")
    classes: TheirClasses = None


def _own_path(path: str) -> str:
    no_substitution(path)
    if "://" in path:
        raise ValueError("is an address; name a folder of this machine, or take kind: archive")
    if not path.strip():
        raise ValueError("is empty; name the folder that has the class folders")
    try:
        place = Path(path).expanduser().resolve()
    except RuntimeError as error:  # ~nobody, or a link that leads to itself
        raise ValueError(f"leads nowhere ({error}); name another folder") from error
    project = Path.cwd().resolve()
    ours = (RAW, SHARDS, CLEAN, DATASET, RESULTS, FOLDERS, INCOMING)
    for owned in (*ours, Path(".dvc"), Path(".git")):
        if place.is_relative_to(project / owned):
            raise ValueError(f"lies in {owned}, which DVC or the project writes; choose another")
        if (project / owned).is_relative_to(place):
            inside = "the project itself" if project.is_relative_to(place) else owned
            raise ValueError(f"contains {inside}; name the folder that has the class folders")
    return path


class FolderSource(Section):
    kind: Literal["folder"] = Field(
        description="your own images. You put them there, or crawl by hand. "
        "DVC only reads the folder"
    )
    path: Annotated[str, AfterValidator(_own_path)] = Field(
        str(OWN),
        description="folder that has a folder for each class; your files are never changed. "
        "It can be anywhere on this machine, and `~` is your home. "
        "A folder in a class is a product, whose images stay in one split",
    )
    classes: Annotated[list[Label], AfterValidator(classes_apart)] | None = Field(
        None, description="list of class folders; null: all"
    )
    license: OneLicense = None


def _expression(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"no regular expression: {error}") from error
    return no_substitution(pattern)


Pattern = Annotated[str, AfterValidator(_expression)]


class IndexFile(Section):
    """A table in the archive that gives the labels of its images: CSV, TXT, JSON or Parquet."""

    file: Pattern = Field(
        description="regular expression that finds the table's path. "
        "With the group `split` there is one table for each split"
    )
    path_column: str = Field(
        description="column with the image's path or the end of it. "
        "The extension may be missing. If several files have that end, none of them is taken. "
        "In a Parquet table it can be the image's bytes"
    )
    label_column: str | None = Field(
        None, description="column of labels; null: the label comes from `pattern`"
    )
    split_column: str | None = Field(None, description="column of official splits")
    product_column: str | None = Field(
        None, description="column of products; images of one product stay in one split"
    )
    title_column: str | None = Field(None, description="column of titles")


class ArchiveSource(Section):
    kind: Literal["archive"] = Field(
        description="any tar, zip or folder. With the extra `archives` also 7z, RAR and others"
    )
    url: Annotated[str, AfterValidator(no_substitution)] = Field(
        description="web address, or path of an archive or a folder. `~` is your home"
    )
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = Field(
        None, description="SHA-256 of the archive; another one is refused"
    )
    pattern: Pattern | None = Field(
        None,
        description="regular expression with the group `label`; it is searched in each path. "
        "It can also have the groups `split` (official; `val`, `valid` and `dev` mean validation) "
        "and `product` (its images stay in one split)",
    )
    index: IndexFile | None = Field(None, description="table of labels: CSV, TXT, JSON or Parquet")
    encoding: Encoding | None = Field(
        None,
        description="encoding of names and tables that are not UTF-8, such as `cp437`. "
        "Without it such a name is an error, and such a table is read as `cp1252`",
    )
    classes: TheirClasses = None
    license: OneLicense = None
    allow_private: PrivateHosts = []  # noqa: RUF012 - pydantic copies it

    @model_validator(mode="after")
    def _has_labels(self) -> "ArchiveSource":
        groups = re.compile(self.pattern).groupindex if self.pattern else ()
        if self.pattern and "label" not in groups and not (self.index and self.index.label_column):
            raise ValueError("pattern needs a group (?P<label>…)")
        if unknown := set(groups) - {"label", "split", "product"}:
            raise ValueError(
                f"pattern has the group {', '.join(sorted(unknown))}; "
                "groups are label, split and product"
            )
        if not self.pattern and not (self.index and self.index.label_column):
            raise ValueError("needs a pattern with a group (?P<label>…), or an index of labels")
        return self


class HuggingFaceSource(Section):
    kind: Literal["huggingface"] = Field(
        description="a dataset of the Hugging Face Hub. "
        "It has a column of images and a column of labels"
    )
    dataset: Annotated[str, Field(pattern=r"^([A-Za-z0-9_.-]+/)?[A-Za-z0-9_.-]+$")] = Field(
        description="`owner/name`"
    )
    config: str | None = Field(
        None, description="folder of Parquet files, if the dataset has several"
    )
    revision: str | None = Field(None, description="commit, branch or tag; null: the newest")
    image_column: str = Field("image", description="name of the column of images")
    label_column: str = Field(
        "label",
        description="name of the column of labels. It has words, or numbers that the dataset names",
    )
    classes: TheirClasses = None
    license: str | None = Field(
        None, description="license of all its images; null: what the dataset's card names"
    )


Source = Annotated[
    SpiderSource
    | AddressesSource
    | DatasetSource
    | FolderSource
    | ArchiveSource
    | HuggingFaceSource,
    Field(discriminator="kind"),
]
KINDS: dict[str, type[Section]] = {
    typing.get_args(m.model_fields["kind"].annotation)[0]: m
    for m in typing.get_args(typing.get_args(Source)[0])
}


def sections(annotation: Any) -> Iterator[type[Section]]:
    """The sections in a type, such as `IndexFile` in `IndexFile | None`."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    elif typing.get_origin(annotation) is not None or isinstance(annotation, types.UnionType):
        for inner in typing.get_args(annotation):
            yield from sections(inner)
