"""Reads Google Merchant feeds: RSS 2.0, RSS 1.0, Atom, TSV and CSV. Meta uses the same format.

https://support.google.com/merchants/answer/7052112 lists the attributes. The answers 14987622,
14987621 and 160567 there describe RSS 2.0, Atom and text files.
"""

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, TextIO

import lxml.etree

from scraper.feeds.items import (
    Category,
    FeedImage,
    FeedItem,
    absolute,
    category,
    once,
    plain,
    product_of,
)
from scraper.feeds.opening import CutShortError, encoding_of, open_text
from scraper.feeds.rows import rows

ITEMS = ("{*}item", "{*}entry", "{*}product")
_IMAGES = ("image_link", "additional_image_link")
_FILED = ("product_type", "google_product_category")
_IN_ONE = re.compile(r"[,|\s]+(?=https?://|//)")  # between several addresses in one value
_QUOTED = re.compile(r'"\s*,\s*"')  # between several quoted categories in one value
_GOOGLE = "http://base.google.com/"
_HEADING = re.compile(r"[\s-]+")
_BARE = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9a-fA-F]{1,6});)")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_OPEN = re.compile(r"Premature end of data in tag (\S+)")  # in the log of libxml2
_OUTER = ("rss", "channel", "feed", "rdf:RDF", "RDF")  # elements around all products
_READ = 1 << 16  # characters at once


def attribute(name: str) -> str:
    """The name of an attribute in the specification, for a column's heading or an element's name.

    >>> attribute("g:Image link")
    'image_link'
    """
    return _HEADING.sub("_", name.strip().lower().removeprefix("g:"))


def from_table(path: Path, url: str) -> Iterator[FeedItem]:
    """The products of a TSV or CSV file. Raises what `rows` raises."""
    for where, row in rows(path):
        fields: dict[str, list[str]] = {}
        for name, value in row.items():
            name = attribute(re.sub(r" [0-9]+$", "", name))
            fields.setdefault(name, []).append(str(value or ""))
        yield _item(fields, url, f"{url}#{where}")


def from_xml(path: Path, url: str) -> Iterator[FeedItem]:
    """The products of an XML feed. The use of memory does not grow with the feed.

    Raises CutShortError if the file is cut off. A product that is cut in its middle is left out.
    """
    with open_text(path, encoding_of(path), is_all_given=True) as text:
        events = lxml.etree.iterparse(
            _Xml(text),
            events=("end",),
            tag=ITEMS,
            encoding="utf-8",
            recover=True,
            resolve_entities=False,
            no_network=True,
            huge_tree=True,
            remove_comments=True,
            remove_pis=True,
        )
        held: FeedItem | None = None  # given one step later, because the last one may be cut
        base = ""
        try:
            for number, (_, node) in enumerate(events, start=1):
                if held:
                    yield held
                base = base or _base(node, url)
                held = _item(_fields(node), base, f"{url}#item {number}")
                _forget(node)
        except (lxml.etree.XMLSyntaxError, CutShortError) as error:
            if held and isinstance(error, CutShortError):  # the parser has seen its end tag
                yield held
            raise CutShortError(f"the XML is not whole: {error}") from error
        # in recover mode the parser closes open elements by itself, and only its log tells of it
        cut = _OPEN.search(events.error_log[-1].message) if len(events.error_log) else None
        if held and (cut is None or cut[1] in _OUTER):
            yield held
        if cut:
            raise CutShortError(f"the XML ends within <{cut[1]}>")


class _Xml:
    """The text of an XML feed as UTF-8, with each `&` that begins no entity of XML escaped."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._rest = ""

    def read(self, _: int = -1) -> bytes:
        new = self._text.read(_READ)
        text = self._rest + new
        at = text.rfind("&", -10) if new and len(text) > 10 else -1
        self._rest = text[at:] if at > 0 else ""  # an entity that may continue in the next part
        whole = text[:at] if at > 0 else text
        if not whole and new:
            return self.read()
        return _BARE.sub("&amp;", _CONTROL.sub(" ", whole)).encode("utf-8", "replace")


def _forget(node: Any) -> None:
    """Free the memory of an element that was read, because a feed may be long."""
    node.clear()
    parent = node.getparent()
    while parent is not None and node.getprevious() is not None:
        del parent[0]


def _base(node: Any, url: str) -> str:
    """The base of relative addresses: the shop's address if the feed names it, else the feed's."""
    parent = node.getparent()
    for child in parent if parent is not None else ():
        if _local(child) == "link" and child.get("rel", "alternate") == "alternate":
            found = plain(child.get("href") or child.text)
            if found.startswith(("http://", "https://")):
                return found
    return url


def _local(node: Any) -> str:
    return _named(node.tag)[0] if isinstance(node.tag, str) else ""


@functools.lru_cache(maxsize=1 << 10)
def _named(tag: str) -> tuple[str, bool]:
    """The attribute that an element has, by its tag, and whether the tag is one of Google's."""
    local = tag.rpartition("}")[2].rpartition(":")[2]
    return attribute(local), tag.startswith((f"{{{_GOOGLE}", "g:"))


def _fields(node: Any) -> dict[str, list[str]]:
    """The values of each attribute of a product. Google's tags replace those of RSS and Atom."""
    fields: dict[str, list[str]] = {}
    google: set[str] = set()
    for child in node:
        if not isinstance(child.tag, str):
            continue
        name, is_google = _named(child.tag)
        if name == "link" and child.get("href"):
            if child.get("rel", "alternate") != "alternate":
                continue
            value = child.get("href")
        else:
            value = "".join(child.itertext())
        if is_google and name not in google:
            google.add(name)
            fields[name] = [value]
        elif is_google or name not in google:
            fields.setdefault(name, []).append(value)
    return fields


def _item(fields: Mapping[str, Sequence[str]], base: str, where: str) -> FeedItem:
    def one(name: str) -> str:
        return next((text for text in map(plain, fields.get(name, ())) if text), "")

    link = next((x for x in (absolute(base, v) for v in fields.get("link", ())) if x), None)
    found = (
        absolute(base, part)
        for name in _IMAGES
        for value in fields.get(name, ())
        for part in _IN_ONE.split(value.strip())
    )
    return FeedItem(
        product=product_of(one("item_group_id"), one("id"), link, where),
        place=link or where,
        title=one("title") or None,
        images=once(FeedImage(x) for x in found if x),
        categories=tuple(chain.from_iterable(_filed(fields.get(name, ())) for name in _FILED)),
    )


def _filed(values: Sequence[str]) -> Iterator[Category]:
    for value in values:
        for part in _QUOTED.split(value.strip()):
            found = category(part.strip('"'))
            if found.path or found.keys:
                yield found
