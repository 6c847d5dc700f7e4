"""Finds the largest image among the addresses that each `<img>` of a page names.

Pages that load images late have a placeholder in `src`, and responsive pages a small version. The
image itself is in `srcset`, in a `<source>` of the same `<picture>`, in an attribute that a script
of the shop's gallery reads, or behind the link around it.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from scraper.reading.loose_json import read_loose_json

_OTHER_IMAGE = re.compile(  # attributes with a small or blurred version, or with another view
    r"thumb|small|mini|placeholder|loading|fallback|blur|lqip|low|preview|swatch|icon|hover"
    r"|rollover|second|back[-_]|-back$|flip|error|sizes|widths|alt|title|class|style|ratio|-id$|video"
)
_ZOOM = re.compile(r"zoom|large|big|full|hi-?res|highres|magnif|master|max|original-(src|image)")
_LAZY = re.compile(r"src|lazy|img|image|photo|picture|original|zoom|desktop|flickity|cfsrc|echo")
_MAYBE = re.compile(r"url|href|file|link|content|large|big|full|hi-?res|highres|magnif|master|max")
_SET = re.compile(r"(^|[-_:])(src|bg|img)?-?set$")
_IMAGE_FILE = re.compile(r"\.(jpe?g|png|webp|avif|gif|jfif|heic)($|[?#])", re.IGNORECASE)
_BETWEEN = re.compile(r",\s+|(?<=\d[wx]),")  # an address may hold commas itself
_DESCRIPTOR = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?[wx]")
_PIXELS = re.compile(r"\s*([0-9]{1,6})(\.[0-9]+)?\s*(px)?\s*")
_TEMPLATE = re.compile(r"\{\s*:?\s*(width|w)\s*\}|%7B\s*:?(width|w)\s*%7D", re.IGNORECASE)
_UNFILLED = re.compile(r"[{}]|%7B|%7D|\$\(|<%", re.IGNORECASE)
_CSS = re.compile(r"""url\(\s*["']?([^"')]+)""")
_AT_ONCE = 1.0  # the factor of an image that the page shows at once
_ZOOMED = 1e6  # an enlarged image in a viewer is larger than any version of a set

Absolute = Callable[[object], str | None]
Size = tuple[int | None, int | None]


def largest(element: Any, absolute: Absolute) -> str | None:
    """The address of the largest image of an `<img>`, or of a gallery's element in its place."""
    return _largest(element, absolute)[0]


def style_image(element: Any, absolute: Absolute) -> str | None:
    """The address of the image in an element's own `style`."""
    found = _CSS.search(element.get("style") or "")
    return absolute(found[1]) if found else None


def page_images(tree: Any, absolute: Absolute) -> dict[str, Size]:
    """The largest image of each `<img>`: address → declared width and height in pixels."""
    found: dict[str, Size] = {}
    for img in tree.iter("img"):
        url, *size = declared(img, absolute)
        if url and not any(found.get(url, ())):
            found[url] = size[0], size[1]
    return found


def pixels(value: object) -> int | None:
    """A number of pixels; None if the value has none, or 0.

    >>> pixels(800), pixels("800px"), pixels("100%")
    (800, 800, None)
    """
    found = _PIXELS.fullmatch(str(value))
    return (int(found[1]) or None) if found else None


def declared(img: Any, absolute: Absolute) -> tuple[str | None, int | None, int | None]:
    """The largest image of an `<img>`: address, width and height in pixels, if they are known."""
    url, wide = _largest(img, absolute)
    width, height = pixels(img.get("width")), pixels(img.get("height"))
    if wide:  # the file's width; `width` and `height` are those of its place on the page
        width, height = wide, wide * height // width if width and height else None
    return url, width, height


def is_enlarged(img: Any) -> bool:
    """Whether a script or a link shows this image larger. Shops do so with a product's image."""
    return any(factor >= _ZOOMED for _, factor, _ in _candidates(img))


def _largest(img: Any, absolute: Absolute) -> tuple[str | None, int | None]:
    """The largest image of an `<img>`, and its width in pixels if its `srcset` says so."""
    best: tuple[str | None, float, str] = (None, 0, "")
    for reference, factor, unit in _candidates(img):
        filled = _filled(reference, img)
        url = absolute(filled) if filled and factor > best[1] else None
        if url:  # of two images with one size, the first stays
            best = url, factor, unit
    return best[0], int(best[1]) if best[2] == "w" else None


def _candidates(img: Any) -> Iterator[tuple[str, float, str]]:
    """References to images with their sizes. The unit is `w`, which is pixels, or `x`, a factor."""
    for name, value in img.attrib.items():
        if name == "src" or not value or value.startswith("data:"):
            continue
        if _SET.search(name):
            yield from in_set(value)
        elif value.lstrip().startswith("{"):
            yield from _in_json(value)
        elif not _OTHER_IMAGE.search(name) and _is_reference(name, value):
            yield value, _ZOOMED if _ZOOM.search(name) else _AT_ONCE, "x"
    yield img.get("src") or "", _AT_ONCE, "x"
    above, inner = img.getparent(), True
    for _ in range(4):
        if above is None:
            break
        if above.tag == "picture" and inner:
            inner = False
            for source in above.iter("source"):
                for name in source.attrib:
                    if _SET.search(name):
                        yield from in_set(source.get(name) or "")
        if above.tag == "a" and _IMAGE_FILE.search(above.get("href") or ""):
            yield above.get("href"), _ZOOMED, "x"
            break
        above = above.getparent()


def _is_reference(name: str, value: str) -> bool:
    """Whether the attribute holds the address of an image: `data-zoom="true"` does not."""
    if not name.startswith(("data-", "lazy", ":src", "zoom", "large", "big", "full", "hi")):
        return False
    if _IMAGE_FILE.search(value):
        return bool(_LAZY.search(name) or _MAYBE.search(name))
    return bool(_LAZY.search(name)) and value.lstrip().startswith(("/", "http:", "https:"))


def in_set(text: str) -> Iterator[tuple[str, float, str]]:
    """The addresses of a srcset with their descriptors; an address without one has 1x.

    >>> list(in_set("a.jpg 400w, b.jpg 2x, c.jpg"))
    [('a.jpg', 400.0, 'w'), ('b.jpg', 2.0, 'x'), ('c.jpg', 1.0, 'x')]
    """
    for entry in _BETWEEN.split(text):
        url, *descriptors = entry.split() or [""]
        known = [d for d in descriptors or ["1x"] if _DESCRIPTOR.fullmatch(d)]
        if url and known:
            yield url, float(known[0][:-1]), known[0][-1]


def _in_json(text: str) -> Iterator[tuple[str, float, str]]:
    """`{"a.jpg": [600, 400]}` → addresses with their widths; `{"large": "b.jpg"}` is enlarged."""
    for value in read_loose_json(text)[:1]:
        for name, content in value.items() if isinstance(value, dict) else ():
            sides = content if isinstance(content, list) else []
            if _IMAGE_FILE.search(name) and sides and pixels(sides[0]):
                yield name, float(pixels(sides[0]) or 0), "w"
            elif isinstance(content, str) and _IMAGE_FILE.search(content) and _ZOOM.search(name):
                yield content, _ZOOMED, "x"


def _filled(reference: str, img: Any) -> str | None:
    """The address, with the largest width that the page offers in the place of `{width}`.

    None if it has a placeholder that can't be filled.
    """
    if not _UNFILLED.search(reference):
        return reference
    widths = [int(x) for x in re.findall(r"[0-9]{2,4}", img.get("data-widths") or "")]
    if widths:
        reference = _TEMPLATE.sub(str(max(widths)), reference)
    return None if _UNFILLED.search(reference) else reference
