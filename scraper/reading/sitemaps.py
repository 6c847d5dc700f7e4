"""Lists of product addresses: a shop's sitemap (https://www.sitemaps.org), or a text file."""

from pathlib import Path
from urllib.parse import urlsplit

import lxml.etree
from scrapy.utils.gz import gunzip
from scrapy.utils.sitemap import Sitemap

from scraper.settings import DOWNLOAD_MAXSIZE

_GZIP = b"\x1f\x8b\x08"


def is_file(url: str) -> bool:
    """Whether `url` is a path of this machine, not an address."""
    return "://" not in url and Path(url).is_file()


def is_sitemap(url: str) -> bool:
    """By its name: `/sitemap.xml`, `/sitemap_index.xml.gz`, `/products.xml`, `/all.txt`."""
    name = urlsplit(url).path.rpartition("/")[2].lower().removesuffix(".gz")
    return name.endswith((".xml", ".txt")) or name.startswith("sitemap")


def read_sitemap(content: bytes) -> tuple[list[str], list[str]]:
    """The pages and the other sitemaps that a sitemap lists, in its order; it may be gzipped.

    An index that has sitemaps of products lists only those. Raises ValueError for what is none.
    """
    try:
        content = gunzip(content, max_size=DOWNLOAD_MAXSIZE) if content[:3] == _GZIP else content
    except (OSError, EOFError) as error:
        raise ValueError(f"can't be unzipped: {error}") from error
    if not content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return read_addresses(content), []
    try:
        sitemap = Sitemap(content)
        found = [entry["loc"] for entry in sitemap if entry["loc"]]
    except (lxml.etree.XMLSyntaxError, StopIteration) as error:
        raise ValueError("is no sitemap") from error
    if sitemap.type == "urlset":
        return found, []
    if sitemap.type != "sitemapindex":
        raise ValueError("is no sitemap")
    products = [url for url in found if "product" in url.rpartition("/")[2].lower()]
    return [], products or found


def read_addresses(content: bytes) -> list[str]:
    """One in each line; empty lines and those that start with # are passed over.

    Raises ValueError for a line that is no address.
    """
    lines = (line.strip() for line in content.decode("utf-8-sig", "replace").splitlines())
    found = [line for line in lines if line and not line.startswith("#")]
    for line in found:
        if not line.startswith(("http://", "https://")):
            raise ValueError(f"has a line that is no address: {line[:80]!r}")
    return found
