"""The sources in `params.yaml`, typed: where images come from, one type for each kind."""

import re
import types
import typing
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveInt,
    model_validator,
)

from pipeline.licenses import NONE, normal_license
from pipeline.names import Label, apart
from pipeline.paths import CLEAN, DATASET, FOLDERS, INCOMING, OWN, RAW, RESULTS


class Section(BaseModel):
    """Strict: a text is no number, an unknown key is an error."""

    # all sections are compiled once, with the whole, and not each for itself before
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)


def _license(name: str) -> str:
    if name != NONE and normal_license(name) != name:
        raise ValueError(f"write it as {normal_license(name) or NONE!r}")
    return name


T = TypeVar("T", bound=Iterable[str])


def _apart(classes: T) -> T:
    apart(classes, "class")
    return classes


Classes = Annotated[dict[Label, str], AfterValidator(_apart)]


def _theirs(value: Any) -> Any:
    listed = value if isinstance(value, list) else [value]
    if not listed or not all(isinstance(label, str) for label in listed):
        raise ValueError("name one of the source's labels, or a list of them")
    return value


Theirs = Annotated[str | list[str], BeforeValidator(_theirs)]
LicenseName = Annotated[str, AfterValidator(_license)]
TheirClasses = Annotated[
    Annotated[dict[Label, Theirs], AfterValidator(_apart)] | None,
    Field(
        description="our class: theirs; null: all, under their own names. "
        "A list takes several of theirs into one class: `pineapple: [pineapple, pineappe]`"
    ),
]
OneLicense = Annotated[str | None, Field(description="license of all these images")]
PrivateHosts = Annotated[
    list[str], Field(description="`host:port` of your own network that may be asked")
]
Format = Literal["jpeg", "png", "webp", "avif", "gif", "bmp", "tiff", "heic"]


class SpiderSource(Section):
    """Each of scraper/spiders says which of url and api it takes."""

    kind: Literal["spider"] = Field(description="a spider crawls a shop or asks an API")
    spider: str = Field(
        description="`shop`, `commons`, `openverse`, `open_food_facts`, or one of your own. "
        "[This page](sources.md#a-spider-of-your-own) shows how to write one"
    )
    url: str | None = Field(
        None,
        description="the shop's address or sitemap, or a file of product addresses. "
        "`demo` starts the demo shop. "
        "Such a file is a text with one address in each line. Only the spider `shop` takes it",
    )
    api: str | None = Field(
        None,
        description="another address of the API; null: its own. "
        "The spiders of APIs take it, and `commons` takes any MediaWiki",
    )
    browser: bool = Field(
        False,
        description="true renders pages that need JavaScript. It needs Chromium and the extra "
        "`browser`. Only the spider `shop` takes it",
    )
    classes: Classes = Field(
        description="our class: the category's address or name in the source, or a query"
    )
    thumbnail_width: PositiveInt | None = Field(
        None, description="pixels; commons only: take thumbnails of this width, not the originals"
    )
    limit_per_class: PositiveInt | None = Field(
        None, description="number of images, the first of the listing; null: all"
    )
    limit_per_product: PositiveInt | None = Field(
        None, description="number of images of one product; null: all"
    )
    min_side: PositiveInt | None = Field(
        None,
        description="pixels of the shorter side; smaller images are not taken. "
        "First the size that the page declares is checked, then that of the image itself",
    )
    formats: list[Format] | None = Field(None, description="formats that are taken, null for all")
    licenses: list[LicenseName] | None = Field(
        None,
        description="licenses that are taken, such as `[cc0, cc-by, none]`; null: all. "
        "A name without a version stands for all versions, and `none` for an unknown license",
    )
    license: str | None = Field(None, description="license of images whose page names none")
    contact: Annotated[str, Field(pattern=r"^[ -~]+$")] | None = Field(
        None, description="how the owner of a site reaches you; part of the user agent"
    )
    obey_robots: bool = Field(
        True,
        description="true obeys `robots.txt`, its crawl delay, and marks such as `noai`. "
        "False ignores them and says so in the log",
    )
    allow_private: PrivateHosts = []


class DatasetSource(Section):
    """The names are those of scraper/datasets/catalog.yaml."""

    kind: Literal["dataset"] = Field(description="a public dataset that is known by name")
    dataset: str = Field(description="its name. `python -m scraper.datasets` lists the names")
    classes: TheirClasses = None


def _own_path(path: str) -> str:
    if "${" in path:
        raise ValueError("may not contain ${, which DVC would substitute")
    place = Path(path).expanduser().resolve()
    project = Path.cwd().resolve()
    for owned in (RAW, CLEAN, DATASET, RESULTS, FOLDERS, INCOMING, Path(".dvc"), Path(".git")):
        if place.is_relative_to(project / owned):
            raise ValueError(f"lies in {owned}, which DVC or the project writes; choose another")
    if project.is_relative_to(place):
        raise ValueError("contains the project itself; name the folder that has the class folders")
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
    classes: Annotated[list[Label], AfterValidator(_apart)] | None = Field(
        None, description="list of class folders; null: all"
    )
    license: OneLicense = None


def _expression(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"no regular expression: {error}") from error
    if "${" in pattern:
        raise ValueError("may not contain ${, which DVC would substitute")
    return pattern


Pattern = Annotated[str, AfterValidator(_expression)]


def _encoding(name: str) -> str:
    try:
        b"a".decode(name)
    except (LookupError, ValueError) as error:
        raise ValueError("no encoding of text; such are cp437, cp1252, shift_jis, gbk") from error
    return name


class IndexFile(Section):
    """A table in the archive that says what its images are: CSV, TXT or Parquet."""

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
    url: str = Field(description="web address, or path of an archive or a folder. `~` is your home")
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = Field(
        None, description="SHA-256 of the archive; another one is refused"
    )
    pattern: Pattern | None = Field(
        None,
        description="regular expression with the group `label`; it is searched in each path. "
        "It can also have the groups `split` (official; `val`, `valid` and `dev` mean validation) "
        "and `product` (its images stay in one split)",
    )
    index: IndexFile | None = Field(None, description="table of labels: CSV, TXT or Parquet")
    encoding: Annotated[str, AfterValidator(_encoding)] | None = Field(
        None,
        description="encoding of names and tables that are not UTF-8, such as `cp437`. "
        "Without it such a name is an error, and such a table is read as `cp1252`",
    )
    classes: TheirClasses = None
    license: OneLicense = None
    allow_private: PrivateHosts = []

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
    SpiderSource | DatasetSource | FolderSource | ArchiveSource | HuggingFaceSource,
    Field(discriminator="kind"),
]
KINDS: dict[str, type[Section]] = {
    typing.get_args(m.model_fields["kind"].annotation)[0]: m
    for m in (SpiderSource, DatasetSource, FolderSource, ArchiveSource, HuggingFaceSource)
}


def sections(annotation: Any) -> Iterator[type[Section]]:
    """The sections in a type: `Index` in `Index | None`."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    elif typing.get_origin(annotation) is not None or isinstance(annotation, types.UnionType):
        for inner in typing.get_args(annotation):
            yield from sections(inner)
