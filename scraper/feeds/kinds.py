"""Recognises the kind of a feed by the beginning of its file."""

import csv
import re
from enum import StrEnum

from pipeline.kinds import TEXT
from pipeline.kinds import kind_of as file_kind
from scraper.feeds.merchant import attribute
from scraper.feeds.opening import as_text
from scraper.feeds.rows import delimiter_of, header_of

_ROOT = re.compile(  # the first element, after declarations and comments
    r"(?s)(?>\s+|<\?.*?\?>|<!--.*?-->|<!doctype[^>]*>)*+<(?:[\w.-]+:)?([\w.-]+)", re.IGNORECASE
)
_ROOTS = ("rss", "feed", "rdf", "channel", "products")
_SITEMAPS = ("sitemapindex", "urlset")
_SHOPIFY = re.compile(r'\{[^\[]*"products"\s*:\s*\[')
_SHOWN = 8  # columns that a message names


class Kind(StrEnum):
    """The kinds of feeds that can be read."""

    XML = "Google Merchant feed in XML"
    TABLE = "Google Merchant feed as a table"
    SHOPIFY = "list of products of Shopify"
    WOOCOMMERCE = "list of products of WooCommerce"


def kind_of(head: bytes) -> Kind | None:
    """The kind of a feed; None if it is no feed. `head` is the first 64 KB of the unpacked file.

    >>> kind_of(b'<rss xmlns:g="http://base.google.com/ns/1.0"><channel/></rss>').name
    'XML'
    >>> kind_of(b"id\\ttitle\\timage link\\n").name
    'TABLE'
    """
    text = as_text(head)
    if text.startswith("<"):
        root = _ROOT.match(text)
        is_feed = root and root[1].lower() in _ROOTS
        return Kind.XML if is_feed and re.search("image_link|base.google.com", text) else None
    if _SHOPIFY.match(text):
        return Kind.SHOPIFY
    if text.startswith("[") and ('"permalink"' in text or text.strip() == "[]"):
        return Kind.WOOCOMMERCE
    return Kind.TABLE if {"image_link"} & set(map(attribute, _columns(text))) else None


def describe_other(head: bytes, name: str = "") -> str:
    """Describes a file that is no feed, for a message: `an empty file`, `a sitemap, …`."""
    text = as_text(head)
    if not text:
        return "an empty file"
    kind = file_kind(head, name)
    root = _ROOT.match(text) if text.startswith("<") else None
    if root and root[1].lower() in _ROOTS:
        return f"XML with <{root[1]}> that names no image_link"
    if root and root[1].lower() in _SITEMAPS:
        return "a sitemap, which lists pages; the spider shop takes it as its url"
    if root and kind == TEXT:
        return f"XML of another kind, with <{root[1]}>"
    if text.startswith(("{", "[")):
        return f"JSON of another kind: {' '.join(text.split())[:80]}"
    listed = _columns(text)
    if kind == TEXT and len(listed) > 1:
        return (
            f"a table without the column image_link (it has {', '.join(listed[:_SHOWN])}); a "
            "table of image addresses is a source of kind: addresses"
        )
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _columns(text: str) -> list[str]:
    line = header_of(text.splitlines()).strip()
    return next(csv.reader([line], delimiter=delimiter_of(line)), []) if line else []
