"""Reads a shop's page: its product and images, or its listing. Only the text of the page counts.

The product comes from schema.org markup in JSON-LD, else in microdata and RDFa, else from
OpenGraph. Broken markup is common, and parts that can't be read are skipped. If a page without
markup is built like a product page, its image is a guess: the image for sharing, or else the one
that the page shows as the product's.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from scraper.reading.image_sizes import largest_of_each, name_of_image, width_of_image
from scraper.reading.image_values import image_references
from scraper.reading.img import page_images, pixels
from scraper.reading.names import identifies
from scraper.reading.nodes import Node, address_of, is_product, listed, nodes, text_of, types_of
from scraper.reading.orders import is_like_a_product
from scraper.reading.own_product import Markup, OwnProduct, categories_of
from scraper.reading.pages import Page
from scraper.reading.paging import Pager
from scraper.reading.shown import is_decoration, is_missing, shown_images
from scraper.reading.state import state_images

_LEVELS = re.compile(r"\s*[>›»|]\s*")  # between the parts of a category's path
_NOT_LISTED = {"breadcrumblist", "sitenavigationelement", "offercatalog"}
_SMALL_IMAGE = 600  # pixels: for a smaller image, the page may name a larger version


@dataclass(frozen=True, slots=True)
class PageImage:
    """An image of a product, with its license and author as the markup gives them."""

    url: str
    license: str | None = None
    license_url: str | None = None
    author: str | None = None
    width: int | None = None
    """pixels, as the page declares them"""
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Product:
    """The product of a page."""

    title: str | None
    id: str | None
    """the shop's own identifier; for variants, the identifier of their group"""
    images: tuple[PageImage, ...]
    categories: tuple[str, ...] = ()
    """names and addresses of its categories, from its markup and its breadcrumb"""
    is_guess: bool = False
    """whether no markup names its image: it is the image for sharing, or one that the page shows"""
    is_group: bool = field(default=False, compare=False)
    """whether `id` is that of a group of variants, which have their own names and pages"""


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a category: the addresses of its products, in order, and of the next page."""

    products: tuple[str, ...]
    next_page: str | None
    is_guess: bool
    """whether no markup names the products, so that they are the links of the main content"""
    more: str | None = field(default=None, compare=False)
    """the words that say that more pages follow, if `next_page` is None"""


def read_product(
    text: str, url: str, encoding: str = "utf-8", *, is_product_page: bool = False
) -> Product | None:
    """The product that the page at `url` is about, or None if nothing says that it is about one.

    `is_product_page` is true if the shop itself says so, by a sitemap, a list or a listing with
    markup. Then only the image is in question, and the image for sharing is no guess.

    >>> data = '{"@type": "Product", "name": "Mug", "image": "/mug.jpg"}'
    >>> html = f'<script type="application/ld+json">{data}</script>'
    >>> read_product(html, "https://shop.example/1").images[0].url
    'https://shop.example/mug.jpg'
    """
    page = Page(text, url, encoding)
    markup, og = Markup(page), page.open_graph
    owns = [own for roots in page.markup if (own := markup.own(roots))]
    title = next(filter(None, (own.name for own in owns)), None)
    group = next(filter(None, map(markup.group, owns)), None)
    identifier = group or next(filter(None, map(markup.identifier, owns)), None)
    identifier = identifier or _identifying(og.first("product:retailer_item_id"))
    names = (title, *page.titles)
    filed = _categories(page, owns)
    if images := next(filter(None, (_images(page, markup, own) for own in owns)), ()):
        return Product(title, identifier, images, filed, is_group=group is not None)
    is_said = bool(owns) or og.is_product
    if not (is_said or is_product_page or is_like_a_product(page.tree)):
        return None
    if not owns:
        title = og.title or page.heading or next(iter(page.titles), None)
    shared = _shared_images(page, names)
    if shared:
        return Product(title, identifier, shared, filed, not (is_said or is_product_page))
    guess = _guessed(page, names)
    return Product(title, identifier, guess, filed, bool(guess) or not is_said)


def read_listing(text: str, url: str, encoding: str = "utf-8") -> Listing:
    """The products of the same site that the page at `url` lists.

    They come from an ItemList, else from Product markup with addresses, else from the links of the
    page's main content.

    >>> html = '<main><a href="/p/1">Mug</a></main><a rel="next" href="?page=2">2</a>'
    >>> read_listing(html, "https://shop.example/mugs/").next_page
    'https://shop.example/mugs/?page=2'
    """
    page = Page(text, url, encoding)
    pager = Pager(page)
    more = None if pager.next_page else pager.evidence
    roots = [root for syntax in page.markup for root in syntax]
    by_list, marked = (page.site_links(x) for x in (_item_list(roots), _product_addresses(roots)))
    if by_list and not (len(marked) > 1 and set(marked).isdisjoint(by_list)):  # a list of brands
        return Listing(by_list, pager.next_page, is_guess=False, more=more)
    if marked:
        return Listing(marked, pager.next_page, is_guess=False, more=more)
    links = tuple(x for x in page.main_links() if not pager.has(x))
    return Listing(links, pager.next_page, is_guess=True, more=more)


def _categories(page: Page, owns: Iterable[OwnProduct]) -> tuple[str, ...]:
    """The categories in the breadcrumb markup, then in the Product markup, then in the breadcrumb.

    Each of these begins with the most general category.
    """
    found: list[str | None] = []
    for root in nodes(r for syntax in page.markup for r in syntax):
        if "breadcrumblist" in types_of(root):
            for entry in _in_order(listed(root.get("itemListElement"))):
                item = entry.get("item") if isinstance(entry, dict) else None
                name = text_of(entry) or (text_of(item) if isinstance(item, dict) else None)
                found += [name, page.absolute(_entry_address(entry))]
    for value in categories_of(owns):
        name = text_of(value)
        found += [name, *_LEVELS.split(name or "")]
        found.append(page.absolute(address_of(value)) if isinstance(value, dict) else None)
    for name, href in page.breadcrumb():
        found += [name, page.absolute(href)]
    return tuple(dict.fromkeys(filter(None, found)))


def _images(page: Page, markup: Markup, own: OwnProduct) -> tuple[PageImage, ...]:
    """The images of the product, then of its variants, each in its largest version."""
    found: dict[str, PageImage] = {}
    for node in markup.parts(own):
        for name in ("image", "images", "photo", "primaryImageOfPage"):
            for reference, about in image_references(node.get(name), markup.described):
                image = _image(page, reference, about)
                if image and not is_missing(image.url):
                    found.setdefault(image.url, image)
    versions = largest_of_each({url: image.width for url, image in found.items()})
    return _enlarged(page, [found[url] for url in versions.values()])


def _image(page: Page, reference: str, about: Node) -> PageImage | None:
    url = page.absolute(reference)
    if not url:
        return None
    license_ = about.get("license")
    terms, name = (address_of(license_) if isinstance(license_, dict) else None), text_of(license_)
    if name and page.absolute(name) == name:
        terms, name = name, None
    author = next(filter(None, (text_of(about.get(k)) for k in ("creator", "author"))), None)
    return PageImage(
        url,
        name,
        page.absolute(terms),
        author or text_of(about.get("creditText")),
        width=_pixels(about.get("width")),
        height=_pixels(about.get("height")),
    )


def _pixels(value: object) -> int | None:
    """A number of pixels, from a number, a text, or a QuantitativeValue."""
    return pixels(value.get("value") if isinstance(value, dict) else value)


def _enlarged(page: Page, images: list[PageImage]) -> tuple[PageImage, ...]:
    """The images, with a larger version in place of a small one if the page names it."""
    if all((width_of_image(x.url) or _SMALL_IMAGE) >= _SMALL_IMAGE for x in images):
        return tuple(images)
    urls = [x.url for x in images]
    urls += filter(None, map(page.absolute, page.open_graph.images))
    sizes = dict.fromkeys(urls) | {
        url: width for url, (width, _) in page_images(page.tree, page.absolute).items()
    }
    largest = largest_of_each(sizes)
    return tuple(
        image
        if (url := largest[name_of_image(image.url)]) == image.url
        or (width_of_image(image.url) or _SMALL_IMAGE) >= _SMALL_IMAGE
        else PageImage(url, image.license, image.license_url, image.author)
        for image in images
    )


def _shared_images(page: Page, names: Iterable[str | None]) -> tuple[PageImage, ...]:
    """The image for sharing, unless it is a decoration such as the shop's logo."""
    for url in filter(None, map(page.absolute, page.open_graph.images)):
        if not is_decoration(url, names) and not is_missing(url):
            return _enlarged(page, [PageImage(url)])
    return ()


def _guessed(page: Page, names: Iterable[str | None]) -> tuple[PageImage, ...]:
    """Images from the data that the page has for its scripts, or else those that it shows."""
    urls = [page.absolute(x) for x in state_images(page.tree, names)]
    found = [PageImage(url) for url in urls if url] or [
        PageImage(url, width=width, height=height)
        for url, width, height in shown_images(page, names)
    ]
    by_url = {x.url: x for x in reversed(found) if not is_missing(x.url)}
    versions = largest_of_each({x.url: x.width for x in found if x.url in by_url})
    return tuple(by_url[url] for url in versions.values())


def _identifying(text: str | None) -> str | None:
    return text if identifies(text) else None


def _item_list(roots: Iterable[object]) -> list[object]:
    """The addresses in the longest list on the page. Menus do not count."""
    lists = [
        [_entry_address(e) for e in _in_order(listed(node["itemListElement"])) if not _is_menu(e)]
        for node in nodes(roots)
        if "itemListElement" in node and _NOT_LISTED.isdisjoint(types_of(node))
    ]
    return max(lists, key=len, default=[])


def _is_menu(entry: object) -> bool:
    found = [entry, *listed(entry.get("item"))] if isinstance(entry, dict) else []
    return any("sitenavigationelement" in types_of(x) for x in found if isinstance(x, dict))


def _in_order(entries: list[Any]) -> list[Any]:
    try:
        positions = [int(str(e["position"])) for e in entries]
    except (TypeError, KeyError, ValueError):
        return entries
    return [entries[i] for i in sorted(range(len(entries)), key=positions.__getitem__)]


def _entry_address(entry: object) -> object:
    while isinstance(entry, dict) and "item" in entry and not entry.get("url"):
        entry = entry["item"]
    return address_of(entry) if isinstance(entry, dict) else entry


def _product_addresses(roots: Iterable[object]) -> list[object]:
    return [address_of(node) for node in nodes(roots) if is_product(node)]
