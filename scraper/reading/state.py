"""Finds the product's images in the data that a page gives to its scripts, as Next.js does."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from scraper.reading.image_values import image_references
from scraper.reading.loose_json import read_loose_json
from scraper.reading.names import words
from scraper.reading.nodes import Node, every_node, text_of

_DATA = re.compile(r"\s*(application/json|text/x-magento-init)\s*(;|$)", re.IGNORECASE)
_ASSIGNED = re.compile(
    r"\s*(?:window\.|var |let |const |self\.)?\w*(?:STATE|DATA|PROPS|product)\w*\s*=\s*(?=[{\[])",
    re.IGNORECASE,
)
_NAMES = ("name", "title", "productName", "product_name", "displayName", "label", "heading")
_IMAGES = re.compile(r"image|img|photo|media|picture|galler|asset|bild", re.IGNORECASE)
_NOT_IMAGES = re.compile(
    r"logo|icon|swatch|brand|flag|badge|banner|alt|count|size|width|height|type", re.IGNORECASE
)
_IMAGE_FILE = re.compile(
    r"\.(jpe?g|png|webp|avif|heic)($|[?#&])|/(image|images|media|img)/", re.IGNORECASE
)


def state_images(tree: Any, names: Iterable[str | None]) -> Iterator[str]:
    """References to the images of the first object that has one of `names`, and has images."""
    known = {w for n in names if len(w := words(n)) > 0}
    if not known:
        return
    for data in _states(tree):
        for node in every_node([data]):
            if any(words(text_of(node.get(k))) in known for k in _NAMES if node.get(k)):
                found = [x for x in _images(node) if _IMAGE_FILE.search(x)]
                if found:
                    yield from found
                    return


def _states(tree: Any) -> Iterator[object]:
    for script in tree.iter("script"):
        text = script.text or ""
        if _DATA.match(script.get("type", "")):
            yield from read_loose_json(text)
        elif found := _ASSIGNED.match(text):
            yield from read_loose_json(text[found.end() :])[:1]


def _images(node: Node) -> Iterator[str]:
    for name, value in node.items():
        if _IMAGES.search(name) and not _NOT_IMAGES.search(name):
            for reference, _ in image_references(value, lambda x: x):
                yield reference
