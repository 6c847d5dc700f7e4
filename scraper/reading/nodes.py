"""Reads the objects of schema.org markup, from any syntax."""

import html
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

Node: TypeAlias = dict[str, Any]

_PRODUCTS = {
    *("product", "productgroup", "productmodel", "individualproduct", "someproducts"),
    *("productcollection", "vehicle", "car", "motorcycle", "bicycle", "dietarysupplement", "drug"),
}
_SOLD = {"book", "movie", "musicalbum", "videogame", "softwareapplication", "game", "creativework"}
"""types that are products if they have an offer"""


def listed(value: object) -> list[Any]:
    """A value as a list: one value, none, or several in one of JSON-LD's containers.

    >>> listed(None), listed("a"), listed({"@list": ["a", "b"]})
    ([], ['a'], ['a', 'b'])
    """
    if value is None:
        return []
    if isinstance(value, dict) and len(value) <= 2:
        value = value.get("@list", value.get("@set", value))
    return value if isinstance(value, list) else [value]


def text_of(value: object) -> str | None:
    """The first text in `value`, or the name of the first object, as one line; None without one.

    >>> text_of([{"name": " Clay  mug "}])
    'Clay mug'
    """
    for one in listed(value):
        content = one.get("name", one.get("@value")) if isinstance(one, dict) else one
        if isinstance(content, list):
            content = next((c for c in content if isinstance(c, str)), None)
        if isinstance(content, str | int) and str(content).strip():
            return " ".join(html.unescape(str(content)).split())
    return None


def types_of(node: Node) -> set[str]:
    """The types in lower case: `http://schema.org/Product` and `schema:Product` are `product`."""
    found = node.get("@type") or node.get("type")
    names = (str(t).strip().rstrip("/").lower() for t in listed(found))
    return {n.rsplit("/", 1)[-1].rsplit("#", 1)[-1].rsplit(":", 1)[-1] for n in names}


def is_product(node: Node) -> bool:
    """Whether the object is something that a shop sells."""
    types = types_of(node)
    return not types.isdisjoint(_PRODUCTS) or bool(
        not types.isdisjoint(_SOLD) and node.get("offers")
    )


def every_node(roots: Iterable[object]) -> Iterator[Node]:
    """All objects in document order, also those inside products."""
    return _walk(roots, lambda node: node.values())


def nodes(roots: Iterable[object], skipped: Iterable[str] = ()) -> Iterator[Node]:
    """All objects in document order, but none inside a product or under a key in `skipped`."""
    return _walk(
        roots,
        lambda node: [] if is_product(node) else [v for k, v in node.items() if k not in skipped],
    )


def address_of(node: Node) -> object:
    """The address that the object gives itself, or None. In microdata, `id` is its `itemid`."""
    url = next(iter(listed(node.get("url"))), None)
    if isinstance(url, dict):
        url = url.get("url") or url.get("@id") or url.get("@value")
    return url or node.get("@id") or node.get("id")


def _walk(roots: Iterable[object], below: Callable[[Node], Iterable[object]]) -> Iterator[Node]:
    pending = list(roots)[::-1]
    while pending:  # a page may nest deeper than Python recurses
        value = pending.pop()
        if isinstance(value, list):
            pending += reversed(value)
        elif isinstance(value, dict):
            yield value
            pending += reversed(list(below(value)))
