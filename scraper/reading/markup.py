"""A page of a shop → its product and images, or its listing. Pure functions of the page's text.

schema.org Product markup in JSON-LD, then in microdata and RDFa, then OpenGraph, as extruct reads
them. Broken markup is common: what can't be read is passed over, and a page that is made like a
product page has the image that its markup names for sharing, or its largest one: a guess.
"""

import html
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from scraper.reading.img import largest_picture, pixels
from scraper.reading.pages import Page
from scraper.reading.paging import Pager

Node: TypeAlias = dict[str, Any]

_PRODUCT = {"Product", "ProductGroup", "ProductModel", "IndividualProduct", "SomeProducts"}
_IDS = ("productGroupID", "inProductGroupWithID", "sku", "productID", "mpn", "gtin13", "gtin")
_LEVELS = re.compile(r"\s*[>›»|]\s*")  # of a category that is written as a path
_OTHERS = {  # under these keys a page shows products that are not the one it is about
    "isAccessoryOrSparePartFor",
    "isConsumableFor",
    "isRelatedTo",
    "isSimilarTo",
    "itemListElement",
    "review",
}


@dataclass(frozen=True, slots=True)
class Photo:
    """An image of a product, with what the markup says of its rights."""

    url: str
    license: str | None = None
    license_url: str | None = None
    author: str | None = None
    width: int | None = None
    """as declared, in pixels"""
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Product:
    """What a product page is about. `id` is the shop's own, of the group where it has variants."""

    title: str | None
    id: str | None
    photos: tuple[Photo, ...]
    categories: tuple[str, ...] = ()
    """names and addresses of what it is filed under, by its markup and its breadcrumb"""
    is_guess: bool = False
    """no markup says what its image is: it is that for sharing, or the largest of the page"""


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a category: addresses of its products, in order, and of the next page."""

    products: tuple[str, ...]
    next_page: str | None
    is_guess: bool
    """no markup names the products: these are the links of the page's main content"""


def read_product(text: str, url: str, encoding: str = "utf-8") -> Product | None:
    """The product that the page at `url` is about, or None where nothing says so."""
    page = Page(text, url, encoding)
    nodes = [n for n in (_own_product(page, roots) for roots in page.markup) if n is not None]
    filed = _categories(page, nodes)
    og = page.open_graph
    if nodes:
        title, identifier = _text(nodes[0].get("name")), _identifier(page, nodes[0])
        photos = next(filter(None, (_photos(page, node) for node in nodes)), ())
        if photos or (photos := _open_graph_photos(page)):
            return Product(title, identifier, photos, filed)
        guess = _largest_photo(page)
        return Product(title, identifier, guess, filed, is_guess=bool(guess))
    title, identifier = _text(og.get("og:title")), _text(og.get("product:retailer_item_id"))
    if "product" in str(og.get("@type")) or "product:price:amount" in og:
        return Product(title, identifier, _open_graph_photos(page), filed)
    if not page.is_like_a_product:
        return None
    guess = _open_graph_photos(page) or _largest_photo(page)
    return Product(title or page.heading, identifier, guess, filed, is_guess=True)


def read_listing(text: str, url: str, encoding: str = "utf-8") -> Listing:
    """The products that the page at `url` lists, those of the same site.

    By an ItemList, else by Product markup with addresses, else the links of its main content.
    """
    page = Page(text, url, encoding)
    pager = Pager(page)
    roots = [root for syntax in page.markup for root in syntax]
    for references in (_item_list(roots), _product_addresses(roots)):
        if links := page.site_links(references):
            return Listing(links, pager.next_page, is_guess=False)
    links = tuple(x for x in page.main_links() if not pager.has(x))
    return Listing(links, pager.next_page, is_guess=True)


def _listed(value: object) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _text(value: object) -> str | None:
    for one in _listed(value):
        content = one.get("name", one.get("@value")) if isinstance(one, dict) else one
        if isinstance(content, str | int) and str(content).strip():
            return " ".join(html.unescape(str(content)).split())
    return None


def _types(node: Node) -> set[str]:
    """`http://schema.org/Product`, `schema:Product` and `Product` are one."""
    names = (str(t).rstrip("/") for t in _listed(node.get("@type")))
    return {n.rsplit("/", 1)[-1].rsplit("#", 1)[-1].rsplit(":", 1)[-1] for n in names}


def _is_product(node: Node) -> bool:
    return not _types(node).isdisjoint(_PRODUCT)


def _every_node(roots: Iterable[object]) -> Iterator[Node]:
    """All objects, those of products too."""
    return _walk(roots, lambda node: node.values())


def _nodes(roots: Iterable[object], skipped: Iterable[str] = ()) -> Iterator[Node]:
    """All objects in document order, without those below products or the keys in `skipped`."""
    return _walk(
        roots,
        lambda node: [] if _is_product(node) else [v for k, v in node.items() if k not in skipped],
    )


def _walk(roots: Iterable[object], below: Callable[[Node], Iterable[object]]) -> Iterator[Node]:
    pending = list(roots)[::-1]
    while pending:  # a page may nest deeper than Python recurses
        value = pending.pop()
        if isinstance(value, list):
            pending += reversed(value)
        elif isinstance(value, dict):
            yield value
            pending += reversed(list(below(value)))


def _own_product(page: Page, roots: Iterable[object]) -> Node | None:
    """The product that the page is about.

    It has no address, or the address of the page. A product with another address is taken only
    where it is the only one.
    """
    products = [n for n in _nodes(roots, _OTHERS) if _is_product(n)]
    for node in products:
        url = page.absolute(_address(node))
        if url is None or page.is_called(url):
            return node
    return products[0] if len(products) == 1 else None


def _described(page: Page, value: object) -> object:
    """What `{"@id": …}` refers to, if it is described elsewhere on the page."""
    if isinstance(value, dict) and set(value) == {"@id"}:
        same = (n for n in _every_node(page.markup[0]) if n.get("@id") == value["@id"])
        return next((n for n in same if len(n) > 1), value)
    return value


def _categories(page: Page, nodes: Iterable[Node]) -> tuple[str, ...]:
    """From the most general to the product's own, each way of filing after the other."""
    found: list[str | None] = []
    for root in _nodes(r for syntax in page.markup for r in syntax):
        if "BreadcrumbList" in _types(root):
            for entry in _in_order(_listed(root.get("itemListElement"))):
                item = entry.get("item") if isinstance(entry, dict) else None
                name = _text(entry) or (_text(item) if isinstance(item, dict) else None)
                found += [name, page.absolute(_entry_address(entry))]
    for node in nodes:
        for value in _listed(node.get("category")):
            name = _text(value)
            found += [name, *_LEVELS.split(name or "")]
            found.append(page.absolute(_address(value)) if isinstance(value, dict) else None)
    for name, href in page.breadcrumb():
        found += [name, page.absolute(href)]
    return tuple(dict.fromkeys(filter(None, found)))


def _identifier(page: Page, node: Node) -> str | None:
    values = (_described(page, v) for v in _listed(node.get("isVariantOf")))
    groups = [g for g in values if isinstance(g, dict)]
    found = [*(g.get("productGroupID") for g in groups), *map(node.get, _IDS)]
    return next(filter(None, map(_text, found)), None)


def _address(node: Node) -> object:
    url = next(iter(_listed(node.get("url"))), None)
    return url or node.get("@id") or node.get("id")  # "id" is microdata's itemid


def _photos(page: Page, node: Node) -> tuple[Photo, ...]:
    """Of the product and of its variants."""
    described = (_described(page, v) for v in _listed(node.get("hasVariant")))
    variants = [v for v in described if isinstance(v, dict)]
    values = (v for n in (node, *variants) for v in _listed(n.get("image")))
    found: dict[str, Photo] = {}
    for photo in filter(None, (_photo(page, v) for v in values)):
        found.setdefault(photo.url, photo)
    return tuple(found.values())


def _photo(page: Page, value: object) -> Photo | None:
    value = _described(page, value)
    if not isinstance(value, dict):
        url = page.absolute(value)
        return Photo(url) if url else None
    url = page.absolute(next(iter(_listed(value.get("contentUrl"))), None) or _address(value))
    if not url:
        return None
    terms = _address(value["license"]) if isinstance(value.get("license"), dict) else None
    name = _text(value.get("license"))
    if name and page.absolute(name) == name:
        terms, name = name, None
    author = next(filter(None, (_text(value.get(k)) for k in ("creator", "author"))), None)
    return Photo(
        url,
        name,
        page.absolute(terms),
        author or _text(value.get("creditText")),
        width=_pixels(value.get("width")),
        height=_pixels(value.get("height")),
    )


def _pixels(value: object) -> int | None:
    """Also of a QuantitativeValue."""
    return pixels(value.get("value") if isinstance(value, dict) else value)


def _open_graph_photos(page: Page) -> tuple[Photo, ...]:
    og = page.open_graph
    url = page.absolute(og.get("og:image")) or page.absolute(og.get("og:image:secure_url"))
    return (Photo(url),) if url else ()


def _largest_photo(page: Page) -> tuple[Photo, ...]:
    found = largest_picture(page.tree, page.absolute)
    return (Photo(found[0], width=found[1], height=found[2]),) if found else ()


def _item_list(roots: Iterable[object]) -> list[object]:
    lists = [
        [_entry_address(e) for e in _in_order(_listed(node["itemListElement"]))]
        for node in _nodes(roots)
        if "itemListElement" in node and "BreadcrumbList" not in _types(node)
    ]
    return max(lists, key=len, default=[])


def _in_order(entries: list[Any]) -> list[Any]:
    try:
        positions = [int(str(e["position"])) for e in entries]
    except (TypeError, KeyError, ValueError):
        return entries
    return [entries[i] for i in sorted(range(len(entries)), key=positions.__getitem__)]


def _entry_address(entry: object) -> object:
    while isinstance(entry, dict) and "item" in entry and not entry.get("url"):
        entry = entry["item"]
    return _address(entry) if isinstance(entry, dict) else entry


def _product_addresses(roots: Iterable[object]) -> list[object]:
    return [_address(node) for node in _nodes(roots) if _is_product(node)]
