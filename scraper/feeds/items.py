"""The products of a feed as records, which are the same for all kinds of feeds."""

import functools
import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from scraper.reading.canonical import place, unescaped

_LEVELS = re.compile(r"\s*[>›»]\s*")
# An address without its scheme, such as `cdn.shop.example/mug.jpg`. A relative path may look like
# it, but a folder with a dot in its name is rarer.
_HOST = re.compile(r"(?:[\w-]+\.)+(?:[a-z]{2,}|[0-9]{1,3})(?::[0-9]+)?/", re.IGNORECASE)
_NUMBERED = re.compile(r"([0-9]+)(?:\s*-\s*(.+))?")  # `499`, or `499 - A > B`
_NOTHING = frozenset(("", "null", "none", "nil", "n/a", "na", "undefined", "-"))  # mean no value
_VARIANT = frozenset(("variant", "variation", "variant_id", "variation_id"))  # parameters


@dataclass(frozen=True, slots=True)
class Category:
    """A category of a feed: a path of names, a number, or a tag.

    >>> category("Home &amp;gt; Kitchen > Mugs").path
    ('Home', 'Kitchen', 'Mugs')
    """

    path: tuple[str, ...]
    """its names as the feed spells them, the most general one first"""
    keys: frozenset[str] = frozenset()
    """other names for it, in lower case: numbers, handles, and paths of addresses"""

    def is_called(self, value: str) -> bool:
        """Whether `value` is the beginning of its path, one name in the path, or a key.

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
    """The address of an image, and its size in pixels. A size is None if the feed gives none."""

    url: str
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class FeedItem:
    """A product of a feed, or one variant of a product."""

    product: str
    """an identifier that all variants of the product share"""
    place: str
    """the address of its page; if the feed names no page, its position in the feed"""
    title: str | None
    images: tuple[FeedImage, ...]
    categories: tuple[Category, ...]


def plain(text: str | None) -> str:
    """A text of a feed as one line. It is empty if the text means "no value", such as `N/A`.

    Many feeds escape their texts twice, so entities are decoded twice.

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
    """The names in a path of categories.

    >>> levels("Home > Kitchen > Mugs")
    ('Home', 'Kitchen', 'Mugs')
    """
    return tuple(name for name in _LEVELS.split(plain(text)) if name)


def folded(name: str) -> str:
    """The name in the one spelling in which names are compared: lower case, single blanks."""
    return " ".join(name.casefold().split())


def address_path(value: str) -> str:
    """The path of a category's address, without a slash at its end. Other values stay as they are.

    >>> address_path("https://shop.example/collections/mugs/"), address_path("mugs")
    ('/collections/mugs', 'mugs')
    """
    if not value.startswith(("/", "http://", "https://")):
        return value
    try:
        return urlsplit(value).path.rstrip("/") or "/"
    except ValueError:
        return value


@functools.lru_cache(maxsize=1 << 14)
def category(text: str) -> Category:
    """The category that a text names. The text is a path, a number, or both (`499 - A > B`)."""
    numbered = _NUMBERED.fullmatch(plain(text))
    if numbered:
        return Category(levels(numbered[2] or ""), frozenset((numbered[1],)))
    return Category(levels(text))


def absolute(base: str, address: str) -> str | None:
    """The absolute address; None for an empty value. A text that is no address stays as it is.

    >>> absolute("https://shop.example/feed.xml", "cdn.shop.example/mug.jpg")
    'https://cdn.shop.example/mug.jpg'
    """
    address = unescaped("".join(address.split("\n")).strip())
    if address.lower() in _NOTHING:
        return None
    if address.startswith(("http://", "https://")):  # most are; `urljoin` takes ten times as long
        return address
    if _HOST.match(address):
        return f"{urlsplit(base).scheme if '://' in base else 'https'}://{address}"
    try:
        return urljoin(base, address) if "://" in base else address
    except ValueError:
        return address


def product_of(group: str, number: str, link: str | None, where: str) -> str:
    """The identifier that all variants of a product share, as far as the feed tells.

    It is the `group`, if the feed names one. If the `link` has a parameter for the variant, it is
    the address without that parameter. Else it is the item's `number`, its `link`, or its position
    `where`.

    >>> product_of("", "7", "https://shop.example/mug?variant=7", "feed.xml#item 1")
    'shop.example/mug?'
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
    """A positive whole number, which may be written as a text; None for any other value."""
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if number > 0 else None


def once(images: Iterable[FeedImage]) -> tuple[FeedImage, ...]:
    """The images in their order, each address once. The first image with an address counts.

    >>> front, back = FeedImage("front.jpg", 800), FeedImage("back.jpg")
    >>> once([front, back, FeedImage("front.jpg")]) == (front, back)
    True
    """
    found: dict[str, FeedImage] = {}
    for image in images:
        found.setdefault(image.url, image)
    return tuple(found.values())
