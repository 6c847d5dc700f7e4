"""Finds things that a person looks for on a shop's page: categories, names, a source to paste."""

import io
import re
from collections.abc import Collection, Mapping, Sequence
from urllib.parse import urlsplit

from bs4 import BeautifulSoup
from ruamel.yaml import YAML
from ruamel.yaml.representer import RoundTripRepresenter

from pipeline.cli import UserError
from pipeline.manifest import safe_label
from pipeline.sources import SpiderSource
from scraper.reading.canonical import Place, place
from scraper.reading.pages import Page

_MENUS = "nav a[href], header a[href], aside a[href], [role=navigation] a[href]"
_NOT_IN_LABELS = re.compile(r"[^\w&'.+ -]+")


def menu(page: Page, soup: BeautifulSoup, products: Collection[str]) -> dict[str, str]:
    """The links of the page's menus that may be categories: class → address.

    These are all links to the same site, except home and `products`. A person decides which of
    them are classes.
    """
    found: dict[str, str] = {}
    sold = set(map(place, products))
    for link in soup.select(_MENUS):
        label = _label(link.get_text())
        for url in page.site_links([link["href"]]):
            if label and place(url) not in sold and not _is_home(url):
                found.setdefault(label, url)
    return found


def breadcrumb(page: Page) -> str | None:
    """The address of the last category in the page's breadcrumb, or None."""
    links = page.site_links(href for _, href in page.breadcrumb())
    return next((url for url in reversed(links) if not _is_home(url)), None)


def link_texts(page: Page, soup: BeautifulSoup) -> dict[Place, str]:
    """The places to which links lead, each with the text of the first link that has one."""
    found: dict[Place, str] = {}
    for link in soup("a", href=True):
        url, text = page.absolute(link["href"]), " ".join(link.get_text().split())
        if url and text:
            found.setdefault(place(url), text[:60])
    return found


def source_yaml(url: str, classes: Mapping[str, str], allow_private: Sequence[str]) -> str:
    """An entry for `sources` of params.yaml with every key there is, for the shop of `url`."""
    site = urlsplit(url)
    source = SpiderSource(
        kind="spider",
        spider="shop",
        url=f"{site.scheme}://{site.netloc}/",
        classes={_label(name) or "product": _short(x, url) for name, x in classes.items()},
        allow_private=list(allow_private),
    )
    name = re.sub(r"[^a-z0-9]+", "_", (site.hostname or "").removeprefix("www.")).strip("_")
    yaml, out = entry_yaml(), io.StringIO()
    yaml.dump({name if name[:1].isalpha() else f"shop_{name}": source.model_dump()}, out)
    lines = ["# paste this below `sources:` in params.yaml", *out.getvalue().splitlines()]
    return "\n".join(f"  {line}" for line in lines)


class _Representer(RoundTripRepresenter):
    """Writes None as `null`. It is a class of its own, because ruamel keeps this for the class."""


_Representer.add_representer(
    type(None), lambda dumper, _: dumper.represent_scalar("tag:yaml.org,2002:null", "null")
)


def entry_yaml() -> YAML:
    """The form of entries that people paste into params.yaml: `null`, and no folded addresses."""
    yaml = YAML()
    yaml.Representer = _Representer
    yaml.width = 10_000
    return yaml


def _short(address: str, url: str) -> str:
    """The address, relative to the shop if it is in the same one."""
    address = address.replace("${", "$%7B")  # DVC would substitute a variable
    here, there = urlsplit(url), urlsplit(address)
    if (here.scheme, here.netloc) != (there.scheme, there.netloc):
        return address
    return there.path + (f"?{there.query}" if there.query else "") or "/"


def _label(text: str) -> str | None:
    """A label for a class, from the text of a link: `Mugs & cups (120)` → `mugs & cups 120`."""
    try:
        return safe_label(" ".join(_NOT_IN_LABELS.sub(" ", text).lower().split()))
    except UserError:
        return None


def _is_home(url: str) -> bool:
    return place(url)[1:] == ("", ())
