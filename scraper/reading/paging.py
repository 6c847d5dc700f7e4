"""Finds the next page of a listing, and other signs that more pages follow."""

import functools
import re
from collections.abc import Iterator

from scraper.reading.canonical import (
    NAMES_A_THING,
    OFFSET_NAMES,
    PAGE_NAMES,
    VIEW_NAMES,
    Place,
    is_action,
    is_view,
    place,
)
from scraper.reading.controls import Control, Says, controls
from scraper.reading.pages import Page
from scraper.reading.paging_words import OF, PAGE

_NUMBER = r"([0-9]{1,4})"
_WORDS = "|".join(sorted(map(re.escape, PAGE), key=len, reverse=True))
_COUNTED = re.compile(
    rf"(?:(?<!\w)(?:{_WORDS})[.:]?\s*#?){_NUMBER}\s*(?:{OF})\s*{_NUMBER}(?!\w)", re.IGNORECASE
)
_BARE = re.compile(rf"\W*{_NUMBER}\s*(?:{OF})\s*{_NUMBER}\W*")  # in an element of a pager
_AMOUNT = r"([0-9]{1,3}(?:[.,  '’][0-9]{3})+|[0-9]{1,7})"
_RANGE = re.compile(rf"{_AMOUNT}\s?[-–—]\s?{_AMOUNT}\s+(?:{OF})\s+{_AMOUNT}(?!\w)", re.IGNORECASE)
_SHOWN = re.compile(
    rf"{_AMOUNT}\s+(?:{OF})\s+{_AMOUNT}\s+(?:products?|items?|results?|articles?|artikeln?"
    r"|produkten?|produits|productos|produtos|prodotti|producten|товар\w*|produktů|produktów)",
    re.IGNORECASE,
)
_OF_A_PATH = re.compile(  # added to a listing's path for its other pages: /page/2, -2, /p2.html
    rf"[/._,;-]?(?:{_WORDS}|p|pg|o|s)?[/._=,:-]*[0-9]{{1,4}}(?:\.html?)?", re.IGNORECASE
)
_IN_QUERY = re.compile(rf"(?<=[?&])((?:{'|'.join(sorted(PAGE_NAMES))})=)[0-9]{{1,4}}(?=&|$)")
_MOST = 80  # characters of a quotation


class Pager:
    """Finds what leads from `page` to the other pages of its listing."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._here = place(page.url)
        self._stem = re.sub(r"\.html?$", "", self._here.path)

    @functools.cached_property
    def next_page(self) -> str | None:
        """The address of the next page of the listing, or None.

        These are tried in turn: a link with `rel="next"` or a word for "next", the number after the
        page's own, the offset after its own, a class or an arrow that means "next", a link that
        loads more, and the page after the first in "Page 1 of 3".
        """
        ways = (
            self._marked,
            lambda: self._called(Says.NEXT),
            self._numbered_next,
            self._next_offset,
            self._next_step,
            lambda: self._called(Says.ARROW),
            lambda: self._called(Says.ARROWS),
            self._more,
            self._counted,
        )
        return next(filter(None, (way() for way in ways)), None)

    @functools.cached_property
    def evidence(self) -> str | None:
        """The words of the page that say that more pages follow, such as "Page 1 of 3"; or None.

        They are found even where `next_page` is known.
        """
        for found in _COUNTED.finditer(self._text):
            if int(found[1]) < int(found[2]):
                return found[0][:_MOST]
        for node in self._page.tree.xpath("//*[contains(@class, 'pag')]"):
            within = " ".join("".join(node.itertext()).split())
            found_in = _BARE.fullmatch(within)
            if found_in and int(found_in[1]) < int(found_in[2]):
                return within
        for pattern in (_RANGE, _SHOWN):
            for found in pattern.finditer(self._text):
                shown, of = (int(re.sub(r"\D", "", x)) for x in found.groups()[-2:])
                if 0 < shown < of:
                    return found[0][:_MOST]
        return next(self._unfollowed(), None)

    @functools.cached_property
    def _text(self) -> str:
        texts = self._page.tree.xpath("//body//text()[not(parent::script|parent::style)]")
        return " ".join(" ".join(texts).split())

    def has(self, url: str) -> bool:
        """Whether `url` is another page of the listing."""
        return place(url) in self._places

    def _unfollowed(self) -> Iterator[str]:
        own = [c.number for c in self._controls if c.is_current and c.number]
        here = max([*own, *(n for n, _ in self._own_numbers)], default=1)
        for control in self._controls:
            if control.is_disabled or control.is_current or control.leads_here:
                continue
            if (control.number or 0) > here and control.in_pager:
                yield f"page {control.number}"
            elif control.says in (Says.NEXT, Says.MORE) and control.is_of_listing:
                yield control.label[:_MOST]

    @functools.cached_property
    def _controls(self) -> list[Control]:
        return list(controls(self._page))

    @functools.cached_property
    def _places(self) -> set[Place]:
        found = {place(c.url) for c in self._controls if c.url and self._turns(c)}
        return found | {place(x) for x in (self.next_page,) if x}

    def _marked(self) -> str | None:
        links = self._page.tree.xpath("//link[@rel and @href] | //a[@rel and @href]")
        marked = [x.get("href") for x in links if "next" in x.get("rel").lower().split()]
        return next(iter(self._page.site_links(marked)), None)

    def _called(self, says: Says) -> str | None:
        for c in self._controls:
            if c.says is says and c.url and not c.is_disabled and self._turns(c):
                return c.url
        return None

    def _more(self) -> str | None:
        """The link that loads more. If each card has a link called "more", none of them is it."""
        found = [c for c in self._controls if c.says is Says.MORE and c.url and self._turns(c)]
        return found[0].url if len({place(c.url or "") for c in found}) == 1 else None

    def _turns(self, control: Control) -> bool:
        """Whether the control seems to lead to another page of this listing, and not back."""
        at, here = place(control.url or ""), self._here
        if at == here or is_action(at) or self._is_behind(at, control):
            return False
        if at[:2] == here[:2]:
            return is_view(at, here) or _step(at, here) > 1
        kept = {x for x in here.query if x[0].lower() not in VIEW_NAMES | PAGE_NAMES | OFFSET_NAMES}
        if at.site != here.site or not kept.issubset(at.query):
            return False
        if control.says is Says.NEXT and control.in_pager:
            return True
        if control.says in (Says.NEXT, Says.MORE) and _numbers(at):
            return True
        rest = at.path.removeprefix(self._stem)
        is_below = at.path.startswith(self._stem) and _OF_A_PATH.fullmatch(rest)
        return bool(is_below) or _without_numbers(at.path) == _without_numbers(here.path)

    def _is_behind(self, at: Place, control: Control) -> bool:
        """Whether the page has a lower number than this one.

        Controls whose label is a number may lead back, so the answer is always no for them.
        """
        if control.number:
            return False
        numbers, own = dict(_numbers(at)), dict(_numbers(self._here))
        return any(numbers[key] < own[key] for key in numbers.keys() & own.keys())

    @property
    def _own_numbers(self) -> Iterator[tuple[int, str]]:
        """For each numbered link: the number of this page by the form of that link; its address."""
        here = str(self._here)
        for number, url, shift in self._numbered:
            template = _template(number - shift, str(place(url)))
            found = template.fullmatch(here) if template else None
            yield (int(found[1]) + shift if found else 1), url

    def _numbered_next(self) -> str | None:
        here = max((n for n, _ in self._own_numbers), default=1)
        return next((url for number, url, _ in self._numbered if number == here + 1), None)

    @functools.cached_property
    def _numbered(self) -> list[tuple[int, str, int]]:
        """Links whose label is a number that is in their address too: `?page=2`, `/page/2/`.

        If there are none, the addresses may count from 0. Then the third value, which is added to
        an address's number, is 1.
        """
        for shift in (0, 1):
            found = []
            for control in self._controls:
                number, url = (control.number or 0) - shift, control.url
                if number > 0 and url and self._has_number(number, control, from_0=bool(shift)):
                    found.append((number + shift, url, shift))
            if found:
                return found
        return []

    def _has_number(self, number: int, control: Control, *, from_0: bool) -> bool:
        at = place(control.url or "")
        if from_0 and number not in (n for key, n in _numbers(at) if key.lower() in PAGE_NAMES):
            return False
        template = _template(number, str(at))
        if not template:
            return False
        if template.fullmatch(str(self._here)) or self._turns(control):
            return True
        return control.in_pager and bool(self._stem) and at.path.startswith(self._stem)

    def _next_offset(self) -> str | None:
        """The link with the smallest offset above this page's, if nothing else in it differs."""
        here, rest = _offset(self._here)
        found: dict[int, str] = {}
        for url in self._links:
            at = place(url)
            offset, others = _offset(at)
            if offset > here and others == rest and at[:2] == self._here[:2]:
                found.setdefault(offset, url)
        return found[min(found)] if found else None

    def _next_step(self) -> str | None:
        """The next link with a number as its label, if the addresses have steps: 24, 48, 72."""
        for control in self._controls:
            if control.number and control.number > 1 and control.url and self._turns(control):
                at = place(control.url)
                step = _step(at, self._here._replace(query=())) // (control.number - 1)
                if step > 1 and _step(at, self._here) == step:
                    return control.url
        return None

    def _counted(self) -> str | None:
        """The next page after "Page 1 of 3", if a link shows how the addresses are made."""
        found = _COUNTED.search(self._text)
        if not found or int(found[1]) >= int(found[2]):
            return None
        following = rf"\g<1>{int(found[1]) + 1}"
        for url in self._links:
            if _IN_QUERY.search(url) and is_view(place(url), self._here):
                made = _IN_QUERY.sub(following, url, count=1)
                return made if place(made) != self._here else None
        return None

    @functools.cached_property
    def _links(self) -> tuple[str, ...]:
        return self._page.site_links(self._page.tree.xpath("//a/@href[contains(., '=')]"))


def _numbers(at: Place) -> list[tuple[str, int]]:
    """The page numbers in an address, each with its parameter; `/` stands for the path."""
    known = PAGE_NAMES | OFFSET_NAMES
    found = [
        (k, int(v)) for k, v in at.query if k.lower() in known and re.fullmatch("[0-9]{1,9}", v)
    ]
    in_path = re.search(r"[/_-](?:p|page|seite|pagina)[/_-]?([0-9]{1,4})(?:\.html?)?$", at.path)
    return [*found, ("/", int(in_path[1]))] if in_path else found


def _step(at: Place, here: Place) -> int:
    """The step between two addresses whose queries differ in one number; 0 if there is none.

    The number must be a multiple of the step, as in `skip=24` and `skip=48`.
    """
    old = dict(here.query)
    changed = [(name, value) for name, value in at.query if old.get(name) != value]
    if len(changed) != 1 or not old.keys() <= dict(at.query).keys():
        return 0
    name, value = changed[0]
    if NAMES_A_THING.fullmatch(name):
        return 0
    start = old.get(name, "0")
    if not (re.fullmatch("[0-9]{1,9}", value) and re.fullmatch("[0-9]{1,9}", start)):
        return 0
    step = int(value) - int(start)
    return step if step > 0 and int(value) % step == 0 else 0


def _without_numbers(path: str) -> str:
    return re.sub("[0-9]+", "#", path)


def _offset(at: Place) -> tuple[int, list[tuple[str, str]]]:
    """The number of products before those of this page, and the rest of its query."""
    offset, rest = 0, []
    for name, value in at.query:
        if name.lower() in OFFSET_NAMES and value.isascii() and value.isdigit():
            offset = int(value[:9])
        elif name.lower() not in VIEW_NAMES:
            rest.append((name, value))
    return offset, rest


@functools.lru_cache(maxsize=1024)
def _template(number: int, text: str) -> re.Pattern[str] | None:
    """A pattern for the addresses of a listing's pages; `text` is the address of page `number`."""
    found = list(re.finditer(rf"(?<![0-9]){number}(?![0-9])", text))
    if not found:
        return None
    before, after = re.escape(text[: found[-1].start()]), re.escape(text[found[-1].end() :])
    return re.compile(f"{before}([0-9]{{1,4}}){after}")
