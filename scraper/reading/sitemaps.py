"""Reads lists of product addresses: sitemaps (https://www.sitemaps.org), feeds and text files."""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import lxml.etree
from scrapy.utils.gz import gunzip
from w3lib.encoding import read_bom

from scraper.reading.canonical import unescaped

MAXSIZE = 50 * 1024 * 1024
"""the most bytes that the protocol allows for an unpacked sitemap"""
_GZIP = b"\x1f\x8b\x08"
_TIMES = 3  # times that it is unpacked: some servers pack a packed file again
_BLANKS = b" \t\r\n\0\xef\xbb\xbf"
_UNMARKED = {b"<\0": "utf-16-le", b"\0<": "utf-16-be"}
_DECLARATION = re.compile(rb"<\?xml[^>]*\?>\s*")
_ROOTS = ("urlset", "sitemapindex", "rss", "rdf", "feed")
_FIRST_TAG = re.compile(  # after declarations, comments and style sheets
    rb"(?s)(?>\s+|<\?.*?\?>|<!--.*?-->|<!doctype[^>]*>)*+<(?:[\w.-]+:)?([\w.-]+)", re.IGNORECASE
)
_HEAD = 8192  # bytes


def is_file(url: str) -> bool:
    """Whether `url` is a path of this machine, not an address."""
    return "://" not in url and Path(url).is_file()


def is_sitemap(url: str) -> bool:
    """Whether `url` names a sitemap: `/sitemap.xml`, `/sitemap_index.xml.gz`, `/all.txt`.

    `is_list` recognises sitemaps with other names by their content.

    >>> is_sitemap("https://shop.example/sitemap_index.xml.gz")
    True
    """
    name = urlsplit(url).path.rpartition("/")[2].lower().removesuffix(".gz")
    return name.endswith((".xml", ".txt")) or name.startswith("sitemap")


def is_list(content: bytes) -> bool:
    """Whether a file is a sitemap, a feed, or a text of addresses, packed or not."""
    try:
        plain = _plain(content)
    except ValueError:
        return False
    if plain.startswith((b"http://", b"https://")):
        return True
    found = _FIRST_TAG.match(plain[:_HEAD])
    return bool(found and found[1].decode("ascii", "replace").lower() in _ROOTS)


def read_sitemap(content: bytes, url: str) -> tuple[list[str], list[str]]:
    """The pages and the other sitemaps that the sitemap at `url` lists, in its order.

    It may be gzipped, and may be an RSS or Atom feed. Raises ValueError if it is no sitemap.
    """
    plain = _plain(content)
    if not plain.startswith(b"<"):
        return read_addresses(plain), []
    pages: list[str] = []
    sitemaps: list[str] = []
    try:
        for is_index, found in _entries(plain):
            if address := _absolute(url, found):
                (sitemaps if is_index else pages).append(address)
    except lxml.etree.XMLSyntaxError as error:
        raise ValueError("is no sitemap") from error
    return pages, sitemaps


def read_addresses(content: bytes) -> list[str]:
    r"""The addresses in a text, one in each line. Empty lines and comments (#) are skipped.

    Raises ValueError if a line is no address.

    >>> read_addresses(b"# mugs\nhttps://shop.example/mugs/1\n")
    ['https://shop.example/mugs/1']
    """
    text = _plain(content).decode("utf-8-sig", "replace")
    lines = (line.strip() for line in text.splitlines())
    found = [line for line in lines if line and not line.startswith("#")]
    for line in found:
        if not line.startswith(("http://", "https://")):
            raise ValueError(f"has a line that is no address: {line[:80]!r}")
    return found


def _plain(content: bytes) -> bytes:
    """The content, unpacked, in UTF-8 or in the encoding that the document declares."""
    try:
        for _ in range(_TIMES):
            if content[:3] == _GZIP:
                content = gunzip(content, max_size=MAXSIZE)
    except (OSError, EOFError) as error:
        raise ValueError(f"can't be unzipped: {error}") from error
    encoding = read_bom(content)[0] or _UNMARKED.get(content[:2], "utf-8")
    if encoding != "utf-8":
        text = content.decode(encoding, "replace").lstrip("\ufeff \t\r\n")
        return _DECLARATION.sub(b"", text.encode(), count=1)
    content = content.lstrip(_BLANKS)
    declared = _DECLARATION.match(content)
    if declared and re.search(rb"encoding=.(utf-?(16|32)|ucs)", declared[0], re.IGNORECASE):
        return content[declared.end() :]  # the declaration is wrong, as it could be read as ASCII
    return content


def _entries(content: bytes) -> Iterator[tuple[bool, str]]:
    """Each address, and whether it leads to another sitemap."""
    events = lxml.etree.iterparse(
        io.BytesIO(content),
        events=("start", "end"),
        recover=True,
        resolve_entities=False,
        huge_tree=True,
        remove_comments=True,
        remove_pis=True,
    )
    root = None
    for event, node in events:
        if root is None:
            root = node
            if _name(node) not in _ROOTS:
                raise ValueError("is no sitemap")
        if event == "start":
            continue
        parent, name = node.getparent(), _name(node)
        within = "" if parent is None else _name(parent)
        if name == "loc" and within in ("url", "sitemap"):
            yield within == "sitemap", node.text or ""
        elif name == "link" and within in ("item", "entry"):
            if node.get("rel", "alternate") == "alternate":
                yield False, node.get("href") or node.text or ""
        elif name in ("url", "sitemap", "item", "entry"):
            node.clear()
            while node.getprevious() is not None:
                del parent[0]  # a sitemap is long
    if root is None:
        raise ValueError("is no sitemap")


def _name(node: Any) -> str:
    return node.tag.rpartition("}")[2].lower() if isinstance(node.tag, str) else ""


def _absolute(url: str, reference: str) -> str | None:
    """The absolute address; None if it is not on the web, such as a file of this machine."""
    try:
        found = urljoin(url, unescaped(reference.strip())) if reference.strip() else ""
        return found if urlsplit(found).scheme in ("http", "https") else None
    except ValueError:
        return None
