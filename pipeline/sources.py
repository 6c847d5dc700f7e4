"""The sources in `params.yaml`, typed: where pictures come from, one type for each kind."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveInt, model_validator

from pipeline.licenses import NONE, normal_license
from pipeline.manifest import safe_label
from pipeline.paths import CLEAN, DATASET, FOLDERS, INCOMING, OWN, RAW, RESULTS


class Section(BaseModel):
    """Strict: a text is no number, an unknown key is an error."""

    # all sections are compiled once, with the whole, and not each for itself before
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)


def _label(name: str) -> str:
    if safe_label(name) != name:
        raise ValueError(f"can't be a class folder; {safe_label(name)!r} could")
    return name


Label = Annotated[str, AfterValidator(_label)]


def _license(name: str) -> str:
    if name != NONE and normal_license(name) != name:
        raise ValueError(f"write it as {normal_license(name) or NONE!r}")
    return name


def _apart(classes: Any) -> Any:
    """Some systems take `Mug` and `mug` for one folder."""
    spelt: dict[str, str] = {}
    for label in classes:
        if (other := spelt.setdefault(label.casefold(), label)) != label:
            raise ValueError(f"{other!r} and {label!r} would share a folder; rename one")
    return classes


Classes = Annotated[dict[Label, str], AfterValidator(_apart)]
LicenseName = Annotated[str, AfterValidator(_license)]
Format = Literal["jpeg", "png", "webp", "avif", "gif", "bmp", "tiff", "heic"]


class SpiderSource(Section):
    """A crawl by one of scraper/spiders, each of which says which of url and api it takes."""

    kind: Literal["spider"]
    spider: str
    url: str | None = None
    """where a shop is, or its sitemap, or a text file here with a product's address in each line"""
    api: str | None = None
    """where an API is; null is the spider's own"""
    browser: bool = False
    """pages are rendered by the Chromium that is installed: see scraper/browser.py"""
    classes: Classes
    """our class: where the source keeps it (a category's address or name, a query)"""
    thumbnail_width: PositiveInt | None = None
    limit_per_class: PositiveInt | None = None
    limit_per_product: PositiveInt | None = None
    min_side: PositiveInt | None = None
    """of the shorter side, as declared, and as received"""
    formats: list[Format] | None = None
    licenses: list[LicenseName] | None = None
    """see pipeline/licenses.py; the license below counts where a page names none"""
    license: str | None = None
    contact: Annotated[str, Field(pattern=r"^[ -~]+$")] | None = None
    obey_robots: bool = True
    allow_private: list[str] = []
    """host:port of one's own network that the address guard lets through"""


class DatasetSource(Section):
    """A known public dataset, by its name in scraper/datasets/catalog.yaml."""

    kind: Literal["dataset"]
    dataset: str
    classes: Classes | None = None
    """our class: the dataset's; null takes them all under their own names"""


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
    """Images that people have, or crawl by hand, in `<path>/<class>/`. DVC only reads them."""

    kind: Literal["folder"]
    path: Annotated[str, AfterValidator(_own_path)] = str(OWN)
    """any folder on this machine; `~` is one's home; in a class, a sub-folder is a product"""
    classes: Annotated[list[Label], AfterValidator(_apart)] | None = None
    license: str | None = None


def _expression(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"no regular expression: {error}") from error
    if "${" in pattern:
        raise ValueError("may not contain ${, which DVC would substitute")
    return pattern


Pattern = Annotated[str, AfterValidator(_expression)]


class Index(Section):
    """A table in the archive that says what its pictures are: CSV, TXT or Parquet."""

    file: Pattern
    """searched in each file's path; may have the group `split`: one table for each split"""
    path_column: str
    """the picture's path or the end of it, with or without extension; in Parquet its bytes"""
    label_column: str | None = None
    """null: the label is that of `pattern`"""
    split_column: str | None = None
    product_column: str | None = None
    title_column: str | None = None


class ArchiveSource(Section):
    """Any tar, zip or folder, by address or path."""

    kind: Literal["archive"]
    url: str
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    pattern: Pattern | None = None
    """searched in each file's path; has the group `label`, and may have `split` (official ones)
    and `product` (whose images stay in one split)"""
    index: Index | None = None
    classes: Classes | None = None
    """our class: theirs; null takes them all under their own names"""
    license: str | None = None
    allow_private: list[str] = []

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
    """A dataset of the Hugging Face Hub that has a column of pictures and one of labels."""

    kind: Literal["huggingface"]
    dataset: Annotated[str, Field(pattern=r"^([A-Za-z0-9_.-]+/)?[A-Za-z0-9_.-]+$")]
    """owner/name"""
    config: str | None = None
    """the folder with its Parquet files, where it has several"""
    revision: str | None = None
    """a commit, branch or tag; null is the newest"""
    image_column: str = "image"
    label_column: str = "label"
    classes: Classes | None = None
    """our class: theirs; null takes them all under their own names"""
    license: str | None = None
    """null takes what the dataset's card names"""


Source = Annotated[
    SpiderSource | DatasetSource | FolderSource | ArchiveSource | HuggingFaceSource,
    Field(discriminator="kind"),
]
