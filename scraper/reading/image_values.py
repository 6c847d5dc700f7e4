"""Finds the addresses of images in the values of `image`, in every shape that shops use."""

import html
import re
from collections.abc import Callable, Iterator
from typing import Any

from scraper.reading.img import in_set
from scraper.reading.loose_json import read_loose_json
from scraper.reading.nodes import Node

Described = Callable[[object], object]

_ADDRESSES = ("contentUrl", "url", "src", "@value", "@list", "@set", "image", "value")
_DESCRIBED_BY = {"contentUrl", "url", "src", "thumbnailUrl", "@id", "id"}
_LAST = ("thumbnailUrl", "thumbnail", "@id", "id")
_BETWEEN = re.compile(r"\s{0,9}[,;|\n]\s{0,99}(?=https?:|/)|\s{1,9}(?=https?:|/)", re.IGNORECASE)
_SET = re.compile(r"\s[0-9.]+[wx]\s*(,|$)")
_SOURCE = re.compile(
    r"""\b(?:src|href)\s*=\s*["']?([^"'\s>]+)|url\(\s*["']?([^"')]+)""", re.IGNORECASE
)
_IMAGE_NAME = re.compile(r"\.(jpe?g|png|webp|avif|gif|jfif|bmp|tiff?|heic)\b", re.IGNORECASE)
_NO_ADDRESS = re.compile(r"[\w\s-]*|[nN]/[aA]|\[object .*|.*no_selection|#.*|.*[<>{}].*", re.DOTALL)


def image_references(value: object, described: Described) -> Iterator[tuple[str, Node]]:
    """Each reference to an image in `value`, in order, with the object that describes it.

    The object is empty if the markup has only the address. `described` gives the object that
    `{"@id": …}` means. Values that are no address (`null`, numbers, words) are skipped. Nothing is
    raised for any value.
    """
    pending: list[tuple[object, Node]] = [(value, {})]
    followed: dict[int, object] = {}  # keeps each object, so that no other one gets its number
    while pending:
        one, about = pending.pop()
        if isinstance(one, dict):
            one = described(one)
        if isinstance(one, list | dict):
            if id(one) in followed:  # an object that refers to itself
                continue
            followed[id(one)] = one
        if isinstance(one, list):
            pending += [(x, about) for x in reversed(one)]
        elif isinstance(one, dict):
            about = about or (one if not _DESCRIBED_BY.isdisjoint(one) else {})
            pending += [(x, about) for x in reversed(_inner(one))]
        elif isinstance(one, str):
            read = _read_text(one)
            if isinstance(read, list) and read != [one]:
                pending += [(x, about) for x in reversed(read)]
            elif not _NO_ADDRESS.fullmatch(one.strip()):
                yield one.strip(), about


def _inner(node: Node) -> list[object]:
    """The values in an object that may be addresses of the image, but not of smaller versions."""
    numbers = [k for k in node if k.isascii() and k.isdigit()]
    if numbers:
        return [node[k] for k in sorted(numbers, key=lambda k: int(k[:9]))]
    for name in (*_ADDRESSES, *_LAST):
        if node.get(name):
            return [node[name]]
    is_said = "@type" in node or "type" in node  # then it holds more than addresses
    return [
        v
        for v in node.values()
        if (isinstance(v, list | dict) and not is_said)
        or (isinstance(v, str) and _IMAGE_NAME.search(v))
    ]


def _read_text(text: str) -> list[Any]:
    """The values in a text with several addresses, JSON, HTML or CSS; `[text]` for one address."""
    clean = text.strip()
    if "&" in clean:  # twice, because some templates escape a text that is already escaped
        clean = html.unescape(html.unescape(clean))
    if "\\" in clean and not clean.startswith(("[", "{")):
        clean = re.sub(r"\\+/?", "/", clean.replace('\\"', '"').strip('"'))
        clean = re.sub(r"^(https?:)/+", r"\1//", clean)  # as browsers do
    if clean[:1] in ("[", "{", '"'):
        return [x for x in read_loose_json(clean) if x != text]
    if clean.startswith(("<", "url(")):
        return [a or b for a, b in _SOURCE.findall(clean)]
    if _SET.search(clean):
        known = [(factor, url) for url, factor, _ in in_set(clean)]
        return [max(known, key=lambda one: one[0])[1] if known else clean.split()[0]]
    return [x for x in _BETWEEN.split(clean) if x]
