"""What a feed says of a product, whatever kind of feed it is."""

import functools
import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from scraper.reading.canonical import place, unescaped

_LEVELS = re.compile(r"\s*[>›»]\s*")
# an address without its scheme; a folder with a dot in its name is rarer than that
_HOST = re.compile(r"(?:[\w-]+\.)+(?:[a-z]{2,}|[0-9]{1,3})(?::[0-9]+)?/", re.IGNORECASE)
_NUMBERED = re.compile(r"([0-9]+)(?:\s*-\s*(.+))?")
_NOTHING = frozenset(("", "null", "none", "nil", "n/a", "na", "undefined", "-"))
_VARIANT = frozenset(("variant", "variation", "variant_id", "variation_id"))


@dataclass(frozen=True, slots=True)
class Category:
    """One entry of what a product is filed under: a path of names, a number, a tag.

    >>> category("Home &amp;gt; Kitchen > Mugs").path
    ('Home', 'Kitchen', 'Mugs')
    """

    path: tuple[str, ...]
    """names as the feed spells them, the broadest first"""
    keys: frozenset[str] = frozenset()
    """what else it is called: numbers, handles, addresses; folded"""

    def is_called(self, value: str) -> bool:
        """Whether `value` names it: the beginning of its path, one of its names, or a key.

        >>> category("Home > Kitchen > Mugs").is_called("home > kitchen")
        True
        >>> category("Home > Kitchen > Mugs").is_called("mugs")
        True
        """
        wanted = tuple(map(folded, levels(value)))
        names = tuple(map(folded, self.path))
        if len(wanted) > 1:
            return names[: len(wanted)] == wanted
        return bool(wanted) and (wanted[0] in names or address_path(wanted[0]) in self.keys)

    def __str__(self) -> str:
        return " > ".join(self.path) or ", ".join(sorted(self.keys))


@dataclass(frozen=True, slots=True)
class FeedImage:
    """An image's address, and its size in pixels where the feed says it."""

    url: str
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class FeedItem:
    """A product of a feed, or one variant of it."""

    product: str
    """what all variants of a product have in common"""
    place: str
    """its page, or else where in the feed it is"""
    title: str | None
    images: tuple[FeedImage, ...]
    categories: tuple[Category, ...]
    fault: str | None = None
    """why this row of the feed can't be read"""


def plain(text: str | None) -> str:
    """A text of a feed as one line. Many escape their texts twice.

    >>> plain(" Cups &amp;amp; mugs ")
    'Cups & mugs'
    """
    text = text or ""
    for _ in range(2):
        if "&" in text:
            text = html.unescape(text)
    line = " ".join(text.split())
    return "" if line.lower() in _NOTHING else line


def levels(text: str) -> tuple[str, ...]:
    """The names of a path of categories."""
    return tuple(name for name in _LEVELS.split(plain(text)) if name)


def folded(name: str) -> str:
    return " ".join(name.casefold().split())


def address_path(value: str) -> str:
    """Of the address of a category its path, without a slash at the end; else the value."""
    if not value.startswith(("/", "http://", "https://")):
        return value
    try:
        return urlsplit(value).path.rstrip("/") or "/"
    except ValueError:
        return value


@functools.lru_cache(maxsize=1 << 14)
def category(text: str) -> Category:
    """What a feed files a product under, from a text: a path, a number, or both (`499 - A > B`)."""
    numbered = _NUMBERED.fullmatch(plain(text))
    if numbered:
        return Category(levels(numbered[2] or ""), frozenset((numbered[1],)))
    return Category(levels(text))


def absolute(base: str, address: str) -> str | None:
    """The whole address; None where there is none. What is no address stays as it is.

    >>> absolute("https://shop.example/feed.xml", "cdn.shop.example/mug.jpg")
    'https://cdn.shop.example/mug.jpg'
    """
    address = unescaped("".join(address.split("\n")).strip())
    if address.lower() in _NOTHING:
        return None
    if address.startswith(("http://", "https://")):  # as most are; to join takes ten times longer
        return address
    if _HOST.match(address):
        return f"{urlsplit(base).scheme if '://' in base else 'https'}://{address}"
    try:
        return urljoin(base, address) if "://" in base else address
    except ValueError:
        return address


def product_of(group: str, number: str, link: str | None, where: str) -> str:
    """What the variants of one product have in common, as far as the feed says.

    Where no group is named, an address that names a variant is that of the product without it.
    """
    if group:
        return group
    if link and "varia" in link.lower() and _names_a_variant(link):
        at = place(link)
        return str(at._replace(query=tuple(x for x in at.query if x[0].lower() not in _VARIANT)))
    return number or link or where


def _names_a_variant(link: str) -> bool:
    return any(name.lower() in _VARIANT for name, _ in place(link).query)


def whole_number(value: Any) -> int | None:
    """A positive number of pixels, also one that is written as a text."""
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if number > 0 else None


def once(images: Iterable[FeedImage]) -> tuple[FeedImage, ...]:
    """Each address once, at its first place."""
    return tuple({image.url: image for image in reversed([*images])}.values())[::-1]
