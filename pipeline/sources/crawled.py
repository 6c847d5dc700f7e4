"""The types of sources that are crawled: spiders, and tables of addresses."""

import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PositiveInt

from pipeline.sources.section import (
    Classes,
    Encoding,
    LicenseName,
    PrivateHosts,
    Section,
    TheirClasses,
    as_list,
    no_substitution,
)

Format = Literal["jpeg", "png", "webp", "avif", "gif", "bmp", "tiff", "heic"]


def _addresses(value: Any) -> Any:
    several = value if isinstance(value, list) else [value]
    if not several or not all(isinstance(one, str) and one.strip() for one in several):
        raise ValueError("name one address or file, or a list of them")
    for one in several:
        no_substitution(one)
    return value


def _part(value: str) -> str:
    numbers = re.fullmatch(r"([1-9][0-9]?)/([1-9][0-9]?)( by host)?", value)
    if not numbers or int(numbers[1]) > int(numbers[2]):
        raise ValueError("write a part as 2/8 or as 2/8 by host, with at most 99 parts")
    return value


Addresses = Annotated[str | list[str], BeforeValidator(_addresses)]


class CrawlSource(Section):
    """Which images are taken, and how politely. A subclass says where their addresses come from."""

    part: Annotated[str, AfterValidator(_part)] | None = Field(
        None,
        description="`2/8` takes the second of eight parts; null: all. "
        "A part has whole products with all their images, or with `2/8 by host` whole hosts. "
        "The spiders `shop` and `feed` and `kind: addresses` take it",
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
    license: str | None = Field(None, description="license of images, if their page names none")
    contact: Annotated[str, Field(pattern=r"^[ -~]+$")] | None = Field(
        None, description="how the owner of a site reaches you; part of the user agent"
    )
    obey_robots: bool = Field(
        True,
        description="true obeys `robots.txt`, its crawl delay, and marks such as `noai`. "
        "False ignores them and says so in the log",
    )
    allow_private: PrivateHosts = []  # noqa: RUF012 - pydantic copies it

    @property
    def addresses(self) -> list[str]:
        """The addresses or files where the crawl starts; there may be none."""
        return as_list(getattr(self, "url", None))


class _SpiderKeys(Section):
    """The keys that only a spider has. They are in a base class so that they come first."""

    kind: Literal["spider"] = Field(
        description="a spider crawls a shop, reads its feed or asks an API"
    )
    spider: str = Field(
        description="`shop`, `feed`, `commons`, `openverse`, `open_food_facts`, or one of your "
        "own. [This page](sources.md#a-spider-of-your-own) shows how to write one"
    )
    url: Addresses | None = Field(
        None,
        description="the shop's address, sitemap or feed, or a file. "
        "`demo` starts the demo shop. The spider `shop` takes a text file with the address of one "
        "product in each line. The spider `feed` takes the file of a feed, and a list where a feed "
        "has several parts",
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
        description="our class: the category's address or name in the source, or a query. "
        "The spider `feed` also takes a list of several"
    )
    thumbnail_width: PositiveInt | None = Field(
        None, description="pixels; commons only: take thumbnails of this width, not the originals"
    )


class SpiderSource(CrawlSource, _SpiderKeys):
    """A spider with its settings. Each spider in scraper/spiders says if it takes url or api."""

    @property
    def home(self) -> str:
        """The first address where the crawl starts; empty if there is none."""
        return next(iter(self.addresses), "")


COLUMNS: dict[str, tuple[str, ...]] = {
    "image": ("image_url", "image_link", "img_url", "url", "image", "src"),
    "label": ("label", "class", "category", "caption"),
    "page": ("page_url", "page", "source_url", "landing_url", "url"),
    "license": ("license", "license_name"),
    "license_url": ("license_url",),
    "author": ("author", "creator", "artist"),
    "product": ("product_id", "product", "item_group_id", "sku"),
    "title": ("title", "name"),
    "split": ("split", "subset"),
    "sha256": ("sha256",),
}
"""The usual names of the columns of a table of addresses; the first found counts.

Upper and lower case, and spaces, hyphens and `_` make no difference. A column has one meaning only:
`url` is the page's address if another column has the image's.
"""


def _usual(column: str) -> str:
    return ", ".join(f"`{name}`" for name in COLUMNS[column])


class _AddressesKeys(Section):
    kind: Literal["addresses"] = Field(
        description="a table of image addresses, as img2dataset takes it. The images are fetched"
    )
    url: Addresses = Field(
        description="address or path of the table, or a list of several. "
        "It is CSV, TSV, JSON Lines or Parquet, also gzipped, or alone in a zip file"
    )
    image_column: str | None = Field(
        None,
        description="column of the images' addresses. "
        "Null takes the first of the usual names that the table has, in any case. "
        f"They are {_usual('image')}",
    )
    label_column: str | None = Field(
        None,
        description=f"column of labels; null: a usual name. They are {_usual('label')}. "
        "`caption` counts only if `classes` says which captions are taken",
    )
    page_column: str | None = Field(
        None, description=f"column of the pages' addresses; null: {_usual('page')}"
    )
    license_column: str | None = Field(
        None, description=f"column of licenses; null: {_usual('license')}"
    )
    license_url_column: str | None = Field(
        None, description=f"column of the licenses' addresses; null: {_usual('license_url')}"
    )
    author_column: str | None = Field(
        None, description=f"column of authors; null: {_usual('author')}"
    )
    product_column: str | None = Field(
        None,
        description=f"column of products; null: {_usual('product')}. "
        "Images of one product stay in one split",
    )
    title_column: str | None = Field(None, description=f"column of titles; null: {_usual('title')}")
    split_column: str | None = Field(
        None, description=f"column of official splits; null: {_usual('split')}"
    )
    sha256_column: str | None = Field(
        None,
        description=f"column of the expected SHA-256; null: {_usual('sha256')}. "
        "An image with another one is rejected",
    )
    encoding: Encoding | None = Field(
        None,
        description="encoding of a table that is not UTF-8; null: `cp1252`, and the log says so",
    )
    classes: TheirClasses = None


class AddressesSource(CrawlSource, _AddressesKeys):
    """A table in which each row has the address of an image and its class."""

    spider: ClassVar[str] = "addresses"

    def column(self, what: str) -> str | None:
        """The name that the source gives to `what`, a key of COLUMNS; None for the usual names."""
        name: str | None = getattr(self, f"{what}_column")
        return name
