"""The known public datasets: catalog.yaml, typed."""

import difflib
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from pydantic import Field, PositiveInt, TypeAdapter
from ruamel.yaml import YAML

from pipeline.cli import UserError
from pipeline.sources import IndexFile, Pattern, Section

_CATALOG = Path(__file__).with_name("catalog.yaml")

Digest = Annotated[
    str, Field(pattern="^(md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}|git-tree:[0-9a-f]{40})$")
]


class File(Section):
    """One file of a dataset, as its origin serves it."""

    urls: Annotated[list[str], Field(min_length=1)]
    """the origin's address, then others; the images' names begin with the origin's always"""
    name: str | None = None
    """what mirrors call it, besides the end of the address"""
    path: str | None = None
    """the path in its repository, if the end of the address is not enough"""
    size: PositiveInt | None
    """bytes; roughly, if the origin gives no exact number"""
    digest: Digest | None
    """a git tree is that of the files inside; it is used if the bytes of the archive can change"""

    @property
    def address(self) -> str:
        return self.urls[0]

    @property
    def is_local(self) -> bool:
        return "://" not in self.address

    @property
    def base_name(self) -> str:
        path = self.address if self.is_local else unquote(urlsplit(self.address).path)
        return PurePosixPath(path).name or "archive"


class FilesLayout(Section):
    """Each image is a file; its label is in its path, in a table, or in both together."""

    kind: Literal["files"] = "files"
    pattern: Pattern | None = None
    index: IndexFile | None = None


class IdxPair(Section):
    """Two IDX files: all images of a split, and their labels."""

    images: str
    labels: str


class IdxLayout(Section):
    """The format of MNIST: http://yann.lecun.com/exdb/mnist/, "file formats"."""

    kind: Literal["idx"]
    splits: dict[str, IdxPair]


class ListingsLayout(Section):
    """Amazon Berkeley Objects: product listings name their images by id, a table has the paths.

    Described at https://amazon-berkeley-objects.s3.amazonaws.com/index.html.
    """

    kind: Literal["listings"]
    listings: str
    """archive of files with one listing (JSON) a line; the label is its product type"""
    images: str
    """table with the columns image_id and path"""
    paths: Pattern
    """searched in each file's path"""


Layout = Annotated[FilesLayout | IdxLayout | ListingsLayout, Field(discriminator="kind")]


class Entry(Section):
    """A public dataset, with what its own documentation says of it."""

    title: str
    page: str
    author: str
    license: str | None
    license_url: str | None
    version: str | None
    images: PositiveInt
    classes: list[str] | PositiveInt
    """its labels, or their number if its documentation doesn't list them"""
    files: Annotated[list[File], Field(min_length=1)]
    layout: Layout

    @property
    def class_count(self) -> int:
        return self.classes if isinstance(self.classes, int) else len(self.classes)


@cache
def catalog() -> dict[str, Entry]:
    """All entries by name. A wrong entry raises pydantic's ValidationError: it is our mistake."""
    values = YAML(typ="safe", pure=True).load(_CATALOG)
    return TypeAdapter(dict[str, Entry]).validate_python(values)


def find_dataset(name: str) -> Entry:
    """The entry of that name; a UserError with the nearest ones for any other."""
    known = catalog()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1) or known
        raise UserError(
            f"{name!r} is no known dataset; perhaps {', '.join(near)}? "
            "`python -m scraper.datasets` lists them"
        )
    return known[name]
