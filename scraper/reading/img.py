"""The `<img>`s of a page: which of the addresses that each names is its largest image.

Lazy pages have a placeholder in `src`, and responsive ones a small version: the image itself is
in `srcset`, in a `<source>` of the same `<picture>`, or in an attribute that a script reads.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

_LAZY = (
    *("data-zoom-image", "data-large_image", "data-large-image", "data-original", "data-src"),
    *("data-lazy-src", "data-lazy"),
)
_SETS = ("srcset", "data-srcset", "data-lazy-srcset")
_BETWEEN = re.compile(r",\s+|(?<=\d[wx]),")  # an address may hold commas itself
_DESCRIPTOR = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?[wx]")
_PIXELS = re.compile(r"\s*([0-9]{1,6})(\.[0-9]+)?\s*(px)?\s*")
_ELSEWHERE = "ancestor::nav or ancestor::header[not(ancestor::article)] or ancestor::footer"

Absolute = Callable[[object], str | None]
Size = tuple[int | None, int | None]


def show_largest(tree: Any, absolute: Absolute) -> None:
    """Set `src` of each `<img>` to its largest image; copy markup of the elements around it."""
    for wrapper in tree.xpath("//picture[@itemprop] | //figure[@itemprop] | //div[@itemprop]"):
        if wrapper.get("itemprop") == "image" and "itemscope" not in wrapper.attrib:
            for img in wrapper.iter("img"):
                img.set("itemprop", wrapper.attrib.pop("itemprop", "image"))
    for img in tree.iter("img"):
        largest, _ = _largest(img, absolute)
        if largest:
            img.set("src", largest)


def largest_picture(tree: Any, absolute: Absolute) -> tuple[str, int, int] | None:
    """Address, width and height of the image with the largest declared size.

    None where none declares a size. An image that declares one side is taken to be square.
    """
    best, most = None, 0
    for img in tree.xpath(f"//img[not({_ELSEWHERE} or ancestor::aside)]"):
        url, width, height = _declared(img, absolute)
        sides = width or height or 0, height or width or 0
        if url and sides[0] * sides[1] > most:
            best, most = (url, *sides), sides[0] * sides[1]
    return best


def shown_pictures(tree: Any, absolute: Absolute) -> dict[str, Size]:
    """The largest image of each `<img>`: its address, its width and height as declared."""
    found: dict[str, Size] = {}
    for img in tree.iter("img"):
        url, *size = _declared(img, absolute)
        if url and not any(found.get(url, ())):
            found[url] = size[0], size[1]
    return found


def pixels(value: object) -> int | None:
    """`800`, `"800"` and `"800px"` are 800; None where there is no such number, or 0."""
    found = _PIXELS.fullmatch(str(value))
    return (int(found[1]) or None) if found else None


def _declared(img: Any, absolute: Absolute) -> tuple[str | None, int | None, int | None]:
    url, wide = _largest(img, absolute)
    width, height = pixels(img.get("width")), pixels(img.get("height"))
    if wide:  # of the file, where width and height are of its place on the page
        width, height = wide, wide * height // width if width and height else None
    return url, width, height


def _largest(img: Any, absolute: Absolute) -> tuple[str | None, int | None]:
    """The largest image of an `<img>`, and its width in pixels if its `srcset` says so."""
    best: tuple[str | None, float, str] = (None, 0, "")
    for reference, factor, unit in _candidates(img):
        url = absolute(reference)
        if url and factor > best[1]:  # among equals the first
            best = url, factor, unit
    return best[0], int(best[1]) if best[2] == "w" else None


def _candidates(img: Any) -> Iterator[tuple[str, float, str]]:
    for name in _LAZY:
        yield img.get(name, ""), 1, "x"
    sources = img.xpath("ancestor::picture[1]/source")
    for name in _SETS:
        yield from _in_set(img.get(name, ""))
    yield img.get("src", ""), 1, "x"
    for source in sources:
        for name in _SETS:
            yield from _in_set(source.get(name, ""))


def _in_set(text: str) -> Iterator[tuple[str, float, str]]:
    """`a.jpg 400w, b.jpg 2x` → addresses with their descriptors; without one it is 1x."""
    for entry in _BETWEEN.split(text):
        url, *descriptors = entry.split() or [""]
        known = [d for d in descriptors or ["1x"] if _DESCRIPTOR.fullmatch(d)]
        if url and known:
            yield url, float(known[0][:-1]), known[0][-1]
