"""Finds the product's image on a page without markup, by the way in which the page shows it.

An image is likely if its `alt` is the name of the page, if it is in a gallery or a zoom viewer, or
if its file has the product's name. Decorations are never taken, and neither are images in menus,
beside the content, among related products or behind a link to another page.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from scraper.reading.image_sizes import name_of_image, width_of_image
from scraper.reading.img import declared, is_enlarged, style_image
from scraper.reading.names import likeness, words
from scraper.reading.pages import Page

_OTHERS = re.compile(  # names of elements that show other products
    r"related|recommend|up-?sell|cross-?sell|crossell|similar|recent|also[-_]?(bought|viewed|like)"
    r"|you-?may|viewed|bought-?together|customers?-(who|also)|aehnlich|empfehl|kunden-?kauf|zubeh"
    r"|product[-_]*(card|tile|box|miniature|list|pod|item)s?([-_ ]|$)|card[-_]product",
    re.IGNORECASE,
)
_APART = re.compile(  # names of elements that are about other things than the product
    r"suggest|complement|accessor|best-?sell|mini-?cart|mega-?menu|payment|newsletter|cookie"
    r"|(^|[-_ ])(header|topbar|masthead|nav|menu|footer|sidebar|breadcrumbs?|crumbs?|reviews?"
    r"|ratings?|comments?|addons?|ads?|banners?|promos?)([-_ ]|$)|instagram|testimonial|avatar"
    r"|swatch|shipping|trust|social|brand-?(logo|slider|list)",
    re.IGNORECASE,
)
_GALLERY = re.compile(
    r"image|img|photo|foto|picture|bild|swiper|slick|flexslider|splide|glide|owl-|carousel|slider"
    r"|media|viewer|pdp|thumbnails",
    re.IGNORECASE,
)
_OWN_GALLERY = re.compile(
    r"galler|galeri|zoom|lightbox|fancybox|fotorama|magni|(image|img)[-_]?main"
    r"|(main|big|large|detail|landing)[-_]?(image|img|photo|pic)"
    r"|(product|pdp|item|article|artikel|produkt|produit|prod)[-_]*(single|detail|main|page|info)?s?"
    r"[-_]*(image|img|media|photo|foto|pic|slider|carousel|view|cover|bild)",
    re.IGNORECASE,
)
_OPENS = re.compile(
    r"zoom|galler|lightbox|fancybox|magni|popup|cboxelement|modal|fslightbox|mfp|photoswipe"
)
_LARGER = re.compile(r"popup_?image|enlarge|large_?image|/zoom[/.?]", re.IGNORECASE)
_DECORATION = re.compile(
    r"logo|icon|sprite|placeholder|no[-_ ]?(image|img|photo|picture)|spacer|blank|pixel|loading"
    r"|loader|spinner|favicon|payments?|paypal|visa|mastercard|klarna|badge|seal|trust|flag|banner"
    r"|avatar|arrow|stars?|rating|social|facebook|instagram|pinterest|twitter|youtube|whatsapp"
    r"|coming[-_ ]?soon|default[-_]?(image|img|og|share|social)|image[-_]?not[-_]?(available|found)"
    r"|share[-_]?image|opengraph|og[-_]?(image|default)|captcha|qr[-_]?code|size[-_]?(chart|guide)"
    r"|kein[-_]?bild|sin[-_]?imagen|notfound|dummy|transparent|tracking|1x1|menu|close(?![-_]?up)|search|cart"
    r"|delivery|shipping",
    re.IGNORECASE,
)
_MARK = re.compile(
    r"(^|[-_ ])(logo|icons?|flag|avatar|badge|payment|sprite|emoji)([-_ ]|$)", re.IGNORECASE
)
_PLAIN = {  # words in an `alt` that do not describe the image
    *("product", "image", "img", "photo", "picture", "main", "front", "view", "gallery", "bild"),
    *("foto", "produktbild", "imagen", "produit", "zoom", "thumbnail", "default", "slide", "large"),
    *("small", "no", "number"),
}
_MISSING = re.compile(  # images that shops show if a product has none
    r"(^|[-_/. ])(no[-_ ]?(image|img|photo|pic|picture)|placeholder|image[-_ ]?(not|coming|missing)"
    r"|coming[-_]?soon|kein[-_]?bild|sin[-_]?imagen|nopic|no_selection|noimage)s?[-_/. ]",
    re.IGNORECASE,
)
_PARTS = re.compile(r"[^\W_]+")
_DRAWN = re.compile(r"\.(svg|ico)$", re.IGNORECASE)
_SMALL = 80  # pixels: a smaller image is an icon, not a product
_ENOUGH = 2  # points: an image with fewer is not likely
_LIKE = 0.6  # share of a name's words: an `alt` with fewer names something else
_SHORT = 3  # letters: a shorter `alt` is not compared with the shop's name


@dataclass(slots=True)
class _Shown:
    url: str
    width: int | None
    height: int | None
    points: float
    is_other: bool
    """whether its `alt` names something else"""
    gallery: Any = field(repr=False)


def is_decoration(url: str, names: Iterable[str | None]) -> bool:
    """Whether the address names a decoration, such as a logo or an icon.

    A word that is in one of `names`, the names of the product, does not count.
    """
    path = urlsplit(url).path
    if _DRAWN.search(path):
        return True
    file = path.rpartition("/")[2]
    known = set().union(*map(words, names))
    marks = [m for m in _DECORATION.finditer(file) if _is_word(file, m)]
    return any(words(m[0]).isdisjoint(known) for m in marks)


def is_missing(url: str) -> bool:
    """Whether the address names an image that shops show if a product has none."""
    return bool(_MISSING.search(urlsplit(url).path + "."))


def shown_images(
    page: Page, names: Iterable[str | None]
) -> list[tuple[str, int | None, int | None]]:
    """The images of the product that has one of `names`: address, width and height in pixels.

    The most likely image comes first, and then others of the same gallery. If no image is likely,
    it is the one with the largest declared size. The list is empty if there is none.
    """
    known = tuple(dict.fromkeys(n for n in names if n))
    known = known or ("",)
    found = list(_all_shown(page, known))
    best = max(found, key=lambda x: x.points, default=None)
    if best is None or best.points < _ENOUGH:
        return _largest([x for x in found if not x.is_other])
    around = [x for x in found if best.gallery is not None and x.gallery is best.gallery]
    chosen = [best, *(x for x in around if x is not best and x.points >= _ENOUGH)]
    return [(x.url, x.width, x.height) for x in chosen]


def _largest(found: list[_Shown]) -> list[tuple[str, int | None, int | None]]:
    """The image with the largest declared size, if any. If it has one side, it counts as square."""

    def area(x: _Shown) -> int:
        return (x.width or x.height or 0) * (x.height or x.width or 0)

    best = max(found, key=area, default=None)
    if best is None or not area(best):
        return []
    return [(best.url, best.width or best.height, best.height or best.width)]


def _is_word(text: str, found: re.Match[str]) -> bool:
    """Whether the match is a whole word: `visa` in `icon_visa.png`, but not in `advisable.png`."""
    before, after = text[: found.start()][-1:], text[found.end() :][:1]
    return not before.isalpha() and not after.isalpha()


def _all_shown(page: Page, names: tuple[str, ...]) -> Iterator[_Shown]:
    headings: set[Any] = set()
    for heading in page.tree.iter("h1"):
        for above in heading.iterancestors():
            if above in headings:
                break
            headings.add(above)
    pending: list[tuple[Any, Any]] = [(page.tree, None)]
    while pending:
        element, gallery = pending.pop()
        if not isinstance(element.tag, str):
            continue
        if element not in headings or element.tag in ("header", "nav", "footer", "aside"):
            if _is_apart(element, page):
                continue
            marks = _marks(element)
            if gallery is None and (_GALLERY.search(marks) or _OWN_GALLERY.search(marks)):
                gallery = element
        shown = _shown(element, page)
        if shown:
            url, width, height = shown
            weighed = _weighed(element, url, width, gallery, names, page)
            if weighed is not None:
                yield _Shown(url, width, height, *weighed, gallery)
        pending += [(child, gallery) for child in reversed(element)]


def _shown(element: Any, page: Page) -> tuple[str, int | None, int | None] | None:
    if element.tag == "img" or (element.tag == "amp-img"):
        url, width, height = declared(element, page.absolute)
    elif "url(" in (element.get("style") or "") and _GALLERY.search(_marks(element)):
        url, width, height = style_image(element, page.absolute), None, None
    else:
        return None
    return (url, width, height) if url else None


def _marks(element: Any) -> str:
    return " ".join(element.get(name) or "" for name in ("class", "id", "data-component"))


def _is_apart(element: Any, page: Page) -> bool:
    """Whether the element and all that is in it are about other things than the page's product."""
    if element.tag in ("nav", "footer", "aside", "template", "select"):
        return True
    if element.tag == "header":
        return not any(above.tag in ("article", "main") for above in element.iterancestors())
    if element.tag == "a":
        return _leads_away(element, page)
    if element.tag in ("html", "body", "main", "img"):
        return False
    marks = _marks(element)
    if _OTHERS.search(marks) or element.get("role") in ("navigation", "contentinfo"):
        return True
    return bool(_APART.search(marks)) and not _OWN_GALLERY.search(marks)


def _leads_away(link: Any, page: Page) -> bool:
    href = (link.get("href") or "").strip()
    url = page.absolute(href) if href and not href.startswith("#") else None
    if url is None or page.is_called(url):
        return False
    if re.search(r"\.(jpe?g|png|webp|avif|gif)$", urlsplit(url).path, re.IGNORECASE):
        return False
    marks = " ".join([_marks(link), *link.keys(), link.get("rel") or ""]).lower()
    return not (_OPENS.search(marks) or _LARGER.search(href))


def _weighed(
    element: Any, url: str, width: int | None, gallery: Any, names: tuple[str, ...], page: Page
) -> tuple[float, bool] | None:
    """The points of an image, and whether its `alt` names something else.

    None if it is surely not the product's.
    """
    alt = next(filter(None, (element.get(k) for k in ("alt", "title", "aria-label"))), "")
    wide = width or width_of_image(url)
    if is_decoration(url, names) or ((wide or _SMALL) < _SMALL and not is_enlarged(element)):
        return None
    like = max(likeness(alt, names), *(likeness(n, [alt]) for n in names), 0)
    if _is_shop(alt, page) or (_MARK.search(_marks(element)) and not like):
        return None
    is_said = any(not x.isdigit() for x in words(alt) - _PLAIN)
    is_other = is_said and like < _LIKE
    points = -1.0 if is_other else 6 * like if is_said else 0.0
    points += 3 * _named(url, (*names, page.slug)) + _size_points(wide)
    marks = f"{_marks(element)} {_marks(gallery) if gallery is not None else ''}"
    points += 3 if _OWN_GALLERY.search(marks) else 1.5 if _GALLERY.search(marks) else 0
    points += 3 if is_enlarged(element) else 0
    is_marked = "image" in (element.get("itemprop") or "")
    points += 3 if is_marked or element.get("fetchpriority") == "high" else 0
    return points, is_other


def _named(url: str, names: Iterable[str]) -> float:
    """The largest share of a name's words that the file name has; 0 if it is less than half."""
    file = words(name_of_image(url).partition("?")[0].rpartition("/")[2])
    common = max((len(words(n) & file) / len(words(n)) for n in names if words(n)), default=0)
    return common if common >= 1 / 2 else 0


def _is_shop(alt: str, page: Page) -> bool:
    """Whether the `alt` is the name of the shop. Then the image is its logo."""
    called = "".join(_PARTS.findall(alt.casefold()))
    shop = "".join(_PARTS.findall((page.open_graph.first("og:site_name") or "").casefold()))
    host = "".join(_PARTS.findall((urlsplit(page.url).hostname or "").removeprefix("www.")))
    return len(called) >= _SHORT and (called == shop or host.startswith(called))


def _size_points(width: int | None) -> float:
    if width is None:
        return 0
    return min(width, 800) / 400 - (1 if width < 150 else 0)
