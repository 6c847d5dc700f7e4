"""Finds the controls that may lead to another page of a listing: links, buttons, forms."""

import enum
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from scraper.reading.canonical import names_in, place
from scraper.reading.pages import Page
from scraper.reading.paging_words import FILLERS, LISTED, LOAD, MORE, NEXT, OF, PAGE, PREVIOUS

_PRESSED = (
    "//body//a | //body//button | //body//input[@type='submit' or @type='button' or @type='radio']"
    " | //body//option | //body//*[@role='button' or @data-url or @data-href or @data-next-url]"
)
_ARROW = re.compile(r"[›>→▶►▸❯⟩⇒➔➜➡⟶]")
_ARROWS = re.compile(r"»|>>|››|⏩|❯❯")
_ICON = re.compile(r"(chevron|angle|arrow|caret|icon)s?[-_ ]?(\w+[-_])?(right|next|forward)\b")
_NO_LETTERS = re.compile(r"[^\w]+|_+")
_TOTAL = re.compile(rf"\s*(?:{OF})\s*[0-9]+$")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NEXT_CLASS = re.compile(
    r"next(page|link|btn|button)?|(page|pager|pagination|link|btn|button|arrow)next|suivante?"
    r"|siguiente|weiter|volgende|successiva"
)
_MORE_CLASS = re.compile(r"loadmore\w*|(show|view|see)more(products|results|items)|infinite\w*")
_PAGER_CLASS = re.compile(r"paginat\w*|pagin\w*|pager\w*|paging\w*|pages|pagenav\w*|navlinks")
_OFF = frozenset(("disabled", "inactive", "unavailable"))
_CURRENT = frozenset(("current", "active", "selected"))
_ELSEWHERE = names_in(
    "slick swiper carousel slider slideshow glide owl splide flickity lightbox calendar datepicker"
    " cookie cookies reviews comments ratings rating facet facets swatch swatches"
)
_NAMED = ("class", "id", "rel", "data-testid", "data-role")
_LONGEST = 60  # characters of a control's label
_KEPT = 4096  # menus are the same on every page of a shop
_LEVELS = 4  # elements above a control whose names may say that it is in a pager
_IN_SCRIPT = re.compile(r"location(?:\.href)?\s*=\s*(['\"])(.+?)\1")
_TEMPLATE = re.compile(r"[\s{}<>]")


class Says(enum.Enum):
    """What a control promises."""

    NEXT = enum.auto()
    ARROW = enum.auto()
    ARROWS = enum.auto()
    """two arrows, which lead to the next page or to the last one"""
    MORE = enum.auto()
    OTHER = enum.auto()


@dataclass(frozen=True, slots=True)
class Control:
    """One link, button or choice of a form that may lead to another page of a listing."""

    label: str
    url: str | None
    """an address of this site other than the page's own; None if only a script knows it"""
    number: int | None
    """the number of the page, if the control names one"""
    says: Says
    in_pager: bool
    is_of_listing: bool
    """whether it is a sign of more pages, and not of a slide show or a longer text"""
    is_disabled: bool
    is_current: bool
    """whether it stands for the page itself"""
    leads_here: bool
    """whether its address is the page's own"""


def controls(page: Page) -> Iterator[Control]:
    """The controls that may lead to another page, in the order of the document.

    They are recognised by their words, their classes or their number.
    """
    captions = {x.get("for"): _text(x) for x in page.tree.iter("label") if x.get("for")}
    for node in page.tree.xpath(_PRESSED):
        labels = _labels(node, captions)
        number = next(filter(None, map(_page_number, labels)), None)
        own = _tokens(node)
        says = Says.OTHER if number else _says(labels or _drawn(node), own)
        if number is None and says is Says.OTHER and not own & {"prev", "previous"}:
            continue
        around = _around(node)
        if around & _ELSEWHERE or own & _ELSEWHERE:
            continue
        url, leads_here = _address(page, node)
        in_pager = any(_PAGER_CLASS.fullmatch(x) for x in around | own)
        yield Control(
            label=labels[0] if labels else "next",
            url=url,
            number=number,
            says=says,
            in_pager=in_pager,
            is_of_listing=in_pager or _is_of_listing(node, says, labels, own),
            is_disabled=bool(own & _OFF) or _is_off(node),
            is_current=bool(own & _CURRENT) or node.get("aria-current") not in (None, "false"),
            leads_here=leads_here,
        )


def _is_of_listing(node: Any, says: Says, labels: tuple[str, ...], own: frozenset[str]) -> bool:
    said = {x for label in labels for x in _NO_LETTERS.split(label)}
    if says is Says.MORE:
        return bool(said & (LISTED | LOAD)) or _loads_more(own)
    is_sent = next(node.iterancestors("form"), None) is not None
    return node.tag == "a" or is_sent or bool(said & PAGE)


def _loads_more(own: frozenset[str]) -> bool:
    return any(_MORE_CLASS.fullmatch(x) for x in own) or own >= {"load", "more"}


def _labels(node: Any, captions: dict[str, str]) -> tuple[str, ...]:
    if node.tag in ("input", "option"):
        found = [captions.get(node.get("id"), ""), node.get("value", ""), _text(node)]
    else:
        found = [_text(node), *(x.get("alt", "") for x in node.iter("img"))]
    found += [node.get("aria-label", ""), node.get("title", "")]
    cleaned = (" ".join(text.casefold().split()) for text in found if text)
    return tuple(x for x in cleaned if 0 < len(x) <= _LONGEST)


def _drawn(node: Any) -> tuple[str, ...]:
    """The label of a control without text: an arrow, if it has an icon with such a name."""
    for inside in node.iter("i", "span", "svg", "use", "em"):
        if _ICON.search(" ".join(map(str, inside.attrib.values())).lower()):
            return ("›",)
    return ()


def _text(node: Any) -> str:
    return " ".join("".join(node.itertext()).split())


@functools.lru_cache(_KEPT)
def _page_number(label: str) -> int | None:
    """The number in `2`, `[2]`, `page 2`, or `go to page 2 of 5`."""
    words = [x for x in _NO_LETTERS.split(_TOTAL.sub("", label)) if x]
    words = [x for word in words for x in re.findall(r"[0-9]+|[^0-9]+", word)]
    numbers = [x for x in words if x.isascii() and x.isdigit() and len(x) <= 4]
    if len(numbers) != 1 or any(x not in FILLERS for x in words if x not in numbers):
        return None
    return int(numbers[0]) or None


@functools.lru_cache(_KEPT)
def _says(labels: tuple[str, ...], own: frozenset[str]) -> Says:
    spoken = [_spoken(x) for x in labels]
    if any(words & PREVIOUS for words in spoken):
        return Says.OTHER
    if any(words and words <= NEXT for words in spoken):
        return Says.NEXT
    if any(words and words <= MORE for words in spoken):
        return Says.MORE
    if any(words & MORE for words in spoken) and any(LOAD & set(x.split()) for x in labels):
        return Says.MORE
    joined = {x for x in own if _NEXT_CLASS.fullmatch(x)}
    drawn = ["".join(x.split()).replace("\ufe0f", "") for x in labels]
    if any(_ARROW.fullmatch(x) for x in drawn):
        return Says.ARROW
    if any(_ARROWS.fullmatch(x) for x in drawn):
        return Says.ARROWS
    if joined and not own & {"prev", "previous", "last"}:
        return Says.ARROW
    return Says.MORE if _loads_more(own) else Says.OTHER


def _spoken(label: str) -> set[str]:
    """The words of the label that have a meaning. A whole label may be one, as in Chinese."""
    whole = label.strip(" ›>→▶►▸❯⟩⇒➔➜➡⟶»…:.+-()[]↓▼\ufe0f")
    if whole in NEXT | MORE:
        return {whole}
    words = [x for x in _NO_LETTERS.split(label) if x and not x.isdigit()]
    return {x for x in words if x not in FILLERS}


def _tokens(node: Any) -> frozenset[str]:
    """The words of a control's class, id and the like, and of a parent's with no other child."""
    found = _words_of(_named(node))
    parent = node.getparent()
    if parent is not None and parent.tag in ("li", "span", "div", "p") and len(parent) == 1:
        found |= _words_of(_named(parent))
    return found


def _named(node: Any) -> str:
    return " ".join(filter(None, map(node.get, _NAMED)))


@functools.lru_cache(_KEPT)
def _words_of(named: str) -> frozenset[str]:
    whole = frozenset(re.sub("[-_]", "", x).lower() for x in named.split())
    return whole | {x.lower() for x in re.split(r"[^A-Za-z0-9]+", _CAMEL.sub(" ", named)) if x}


def _around(node: Any) -> set[str]:
    found: set[str] = set()
    for _, above in zip(range(_LEVELS), node.iterancestors(), strict=False):
        if above.tag in ("body", "main"):
            break
        found |= _words_of(_named(above)) | set(above.get("aria-label", "").lower().split())
    return found


def _is_off(node: Any) -> bool:
    return "disabled" in node.attrib or node.get("aria-disabled") == "true"


def _address(page: Page, node: Any) -> tuple[str | None, bool]:
    """The address of the other page to which the control leads; whether it leads to this page."""
    leads_here = False
    for reference in _references(page, node):
        url = page.absolute(reference)
        if not url or reference.strip().startswith("#"):
            continue
        if site := page.site_links([url]):
            return site[0], False
        leads_here |= place(url) == place(page.url)
    return None, leads_here


def _references(page: Page, node: Any) -> Iterator[str]:
    if href := node.get("href"):
        yield href
    for name, value in node.attrib.items():
        is_address = name.startswith("data-") and ("/" in value or "?" in value)
        if is_address and not _TEMPLATE.search(value):
            yield value
    if found := _IN_SCRIPT.search(node.get("onclick", "")):
        yield found[2]
    if node.tag == "option" and re.match(r"https?://|[/?]", node.get("value", "")):
        yield node.get("value")
    elif node.tag in ("button", "input", "option"):
        yield from _request(page, node)


def _request(page: Page, node: Any) -> Iterator[str]:
    """The requests that the control sends, if it is part of a form that sends a GET."""
    form = next(node.iterancestors("form"), None)
    if form is None or node.get("type") in ("button", "reset"):
        return
    if (node.get("formmethod") or form.get("method") or "get").strip().lower() != "get":
        return
    chosen = next(node.iterancestors("select"), node) if node.tag == "option" else node
    name, value = chosen.get("name"), node.get("value", "")
    if node.tag == "option" and "value" not in node.attrib:
        value = _text(node)
    fields = [(k, v) for k, v in form.form_values() if k != name]
    target = page.absolute(node.get("formaction") or form.get("action") or page.url)
    if target:
        asked = urlencode([*fields, *([(name, value)] if name else [])])
        yield urlsplit(target)._replace(query=asked).geturl()
