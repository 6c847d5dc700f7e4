"""Writes the findings of `python -m scraper.preview` as plain text."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from tabulate import tabulate

from scraper.reading.canonical import Place, place
from scraper.reading.markup import Listing, Product

_SHOWN: Final = 30  # rows of a table
_WIDTH: Final = 60  # characters of a title


@dataclass(frozen=True, slots=True)
class ShownImage:
    """One image of the page, its declared size in pixels, and why it would not be taken."""

    url: str
    width: int | None
    height: int | None
    refusal: str | None


@dataclass(frozen=True, slots=True)
class Preview:
    """The findings on a page."""

    asked: str
    url: str
    """the address of the page, after redirects"""
    answered: str
    markup: str
    """what each syntax has"""
    as_product: str
    """how it would end as a product page, in the words of the ledger"""
    as_listing: str
    """how it would end as a page of a listing"""
    title: str
    judged_by: str
    robots: str
    opt_out: str | None
    product: Product | None
    listing: Listing
    """as a category page; where it is a product's, links that only may be products say nothing"""
    images: list[ShownImage]
    refused: dict[str, str]
    """products that would not be fetched: why"""
    titles: dict[Place, str]
    """the texts of the page's links, by the places to which they lead"""
    menu: dict[str, str]
    """class: address, of what may be categories"""
    category: str
    """the page itself, or the category that this product is in"""
    labels: str
    """the classes of the source that the page is of"""
    allow_private: list[str]


def render(found: Preview) -> str:
    """The page as tables, in plain text."""
    product, listing = found.product, found.listing
    what = [name for name, there in (("product", product), ("listing", listing.products)) if there]
    about = [
        ("asked", found.asked),
        ("answered", found.answered),
        ("page", found.url),
        ("title", found.title),
        (
            "is a",
            " and a ".join(what) or "page without products; if it shows some, try browser: true",
        ),
        ("markup", found.markup),
        ("as product page", found.as_product),
        ("as listing", found.as_listing),
        ("robots.txt", found.robots),
        ("opt-out", found.opt_out or "none"),
        ("next page", listing.next_page or "none"),
        ("filed under", " | ".join(product.categories if product else ()) or "nothing"),
        ("class", found.labels),
        ("judged by", found.judged_by),
    ]
    parts = [tabulate(about, tablefmt="plain", disable_numparse=True)]
    if product:
        row = (line(product.title), line(product.id), len(product.images))
        name = "Product, whose image is a guess" if product.is_guess else "Product"
        parts.append(_table(name, ("title", "id", "images"), [row]))
    if listing.products:
        name = "Links that may be products" if listing.is_guess else "Products"
        links = [
            (_taken(found.refused.get(x)), found.titles.get(place(x)), x) for x in listing.products
        ]
        parts.append(_table(name, ("fetched", "title", "address"), links))
        parts.append(f"The images of one: python -m scraper.preview {listing.products[0]}")
    images = [(_taken(p.refusal), _size(p), p.url) for p in found.images]
    parts.append(_table("Images", ("taken", "declared size", "address"), images))
    parts.append(_table("Categories", ("class", "address"), found.menu.items()))
    # a text from the web must not control the terminal
    return "".join(c for c in "\n\n".join(parts) if c.isprintable() or c == "\n")


def _table(name: str, headers: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    rows = list(rows)
    if not rows:
        return f"{name}: none"
    shown = tabulate(rows[:_SHOWN], headers, disable_numparse=True)
    more = f"\n… and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
    return f"{name}: {len(rows)}\n{shown}{more}"


def _taken(refusal: str | None) -> str:
    return f"no: {refusal}" if refusal else "yes"


def _size(image: ShownImage) -> str:
    if image.width is None and image.height is None:
        return "none"
    return f"{image.width or '?'}×{image.height or '?'}"


def line(text: str | None) -> str:
    """One line, not too long for a table."""
    one = " ".join((text or "").split())
    return one if len(one) <= _WIDTH else one[: _WIDTH - 1] + "…"
