"""Tells whether a redirect has led to another spelling of the same page, or to another page."""

import re
from typing import Final

from scraper.reading.canonical import place

_LANGUAGE: Final = re.compile(r"/[a-z]{2}([-_][a-z]{2,4})?(?=/|$)")
_ENDING: Final = re.compile(r"/(index|default)\.\w+$|\.(html?|php|aspx?|jsp)$")
_HOMES: Final = ("", "/home", "/start")
_FIRST_PAGE: Final = re.compile(r"(p|pg|page|paged|seite|pagina)=[01]?|(start|offset)=0")


def is_elsewhere(asked: str, answered: str) -> bool:
    """Whether a redirect from `asked` to `answered` has led to another page.

    It is the same page if only these differ: the scheme, `www.`, a slash at the end, `.html`, upper
    case, a folder for the language, or a query that says "page 1". If the redirect loses a query,
    it is another page.

    >>> is_elsewhere("http://shop.example/mugs/", "https://www.shop.example/de/mugs.html?page=1")
    False
    >>> is_elsewhere("http://shop.example/mugs/?colour=red", "http://shop.example/mugs/")
    True
    """
    if _path(asked) != _path(answered):
        return True
    return not _query(asked) <= _query(answered)


def is_home_page(url: str) -> bool:
    """Whether `url` is the home page of a site.

    >>> is_home_page("https://shop.example/en/index.html")
    True
    """
    return _path(url) in _HOMES and not _query(url)


def _path(url: str) -> str:
    path = place(url).folded_path
    return _LANGUAGE.sub("", _ENDING.sub("", path), count=1) if path else ""


def _query(url: str) -> set[tuple[str, str]]:
    return {(k, v) for k, v in place(url).query if not _FIRST_PAGE.fullmatch(f"{k}={v}".casefold())}
