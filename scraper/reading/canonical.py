"""Gives addresses one canonical form, so that all spellings of an address are equal.

The form is only for comparing. Requests use the address as the page spells it.
"""

import functools
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from w3lib.url import canonicalize_url


def names_in(text: str) -> frozenset[str]:
    """The names in a text. Blanks separate them."""
    return frozenset(text.split())


_PORTS = {"http": 80, "https": 443}
_PLAIN = re.compile(  # most addresses: w3lib would not change them, and takes ten times as long
    r"https?://([a-z0-9]+(?:[.-][a-z0-9]+)+)(/[\w/.-]*)", re.ASCII
)
_INDEX = re.compile(r"/(index|default)\.(php|html?|aspx?|jsp)$", re.IGNORECASE)
_SESSION_NAMES = (
    r"(j|php|cf|laravel_)sess(ion)?_?id|aspsessionid\w*|(os|xt|zen|mod|oc)c?sid|zenid|cfid|cftoken"
)
_SESSION_IN_PATH = re.compile(
    rf";({_SESSION_NAMES})=[^/;]*|/\((?:[A-Z]\([^()/]*\))+\)(?=/|$)", re.IGNORECASE
)
_NO_PART_OF_THE_PAGE = re.compile(  # names of sessions, campaigns and counters
    rf"{_SESSION_NAMES}|(utm|pk|mtm|piwik|matomo|hsa|_?_hs|itm|oly|vero|mkt|_branch)_\w+|_hs\w+"
    r"|\w{1,4}clid|msclkid|gbraid|wbraid|irclickid|rb_clickid|li_fat_id|igshid|srsltid|epik"
    r"|_g[al]|_gac|gad_source|gad_campaignid|mc_[ce]id|ml_subscriber\w*|s_cid|wickedid|_openstat"
    r"|cm_(mmc|sp|re|ite|lm)\w*|ref_(src|url)?|pf_rd_\w+|_encoding|spm|scm|trk|trackingid"
    r"|_(pos|sid|ss|psq|fid|v)|pr_(prod_strat|rec_id|rec_pid|ref_pid|seq)"  # Shopify's
    r"|_|_?nocache|cachebuster|timestamp",
    re.IGNORECASE,
)
_PERHAPS_A_SESSION = re.compile(r"s|c?sid|(force_)?sess(ion)?[-_]?(id|key)?", re.IGNORECASE)
_TOKEN = re.compile(r"(?=.*[0-9])[0-9A-Za-z,-]{16,}")  # a short one may be the number of a section
_PERHAPS_A_CAMPAIGN = re.compile(
    r"ref(errer|erer)?|src|source|campaign|aff(iliate)?|medium", re.IGNORECASE
)
_WORDS = re.compile(r"[A-Za-z_.-]+")  # a value with digits may name the content of the page
VIEW_NAMES = names_in(
    "sort sortby sort_by sortorder orderby order order_by dir direction ascdesc view viewmode mode"
    " layout display grid show limit per_page perpage pagesize page_size sz size count rows"
    " items_per_page resultsperpage product_list_order product_list_dir product_list_mode"
    " product_list_limit"
)
"""parameters that show one listing in another way"""
PAGE_NAMES = names_in(
    "p pg pn page paged pagenum pageno page_no page_number pagenumber page_num pageindex page_index"
    " currentpage current_page cp seite pagina paginas pagine pag sida side sivu strana strona"
    " stranka sayfa oldal halaman trang product-page cursor after from"
)
OFFSET_NAMES = names_in(
    "start offset skip begin startrow startindex start_index beginindex first startat"
)
_ACTIONS = re.compile(  # a name, with its value if the name alone is not enough
    r"(add|remove|delete)([-_]?(to|from))?([-_]?\w*(cart|basket|bag|wish|compare|item)\w*)?=.*"
    r"|(wish[-_]?list|compare|quick[-_]?view|replytocom)=.*"
    r"|(action|act|do|cmd)=(add|remove|delete|buy|cart|wish|compare|log|rate|vote).*",
    re.IGNORECASE,
)
NAMES_A_THING = re.compile(
    r"(?:.*[-_])?(id|p?id|prod(uct)?(_?(id|no|code))?s?|item(_?id)?|article|artikel|art(_?nr)?|sku"
    r"|produ(k|c)t[eio]?|produit|prodotto|goods|gid|tovar|mod(el)?|route|slug|handle|dp)",
    re.IGNORECASE,
)


class Place(NamedTuple):
    """The place that an address means in any spelling. Scheme, `www.` and fragment don't count."""

    site: str
    """host, and the port if it is not the scheme's own"""
    path: str
    """without a slash at its end; empty for the home page"""
    query: tuple[tuple[str, str], ...]
    """names and values, sorted, without sessions and campaigns"""

    def has(self, other: "Place") -> bool:
        """Whether it has the site, the path and all parameters of the other place."""
        return self[:2] == other[:2] and set(self.query).issuperset(other.query)

    @property
    def folded_path(self) -> str:
        """The path as a person reads it, in lower case, to compare where case doesn't count."""
        return unquote(self.path).casefold().rstrip("/")

    def __str__(self) -> str:
        return f"{self.site}{self.path}?{'&'.join(map('='.join, self.query))}"


@functools.lru_cache(maxsize=1 << 14)
def place(url: str) -> Place:
    """The place to which `url` leads. A text that is no address gives a place too.

    >>> place("https://www.shop.example/mugs/?utm_source=x#top") == place("http://shop.example/mugs")
    True
    """
    if (plain := _PLAIN.fullmatch(url)) and "/." not in url:
        host, path, query = plain[1], plain[2], ""
    else:
        try:
            parts = urlsplit(canonicalize_url(unescaped(url)))
            host, port = (parts.hostname or "").rstrip("."), parts.port
        except ValueError:
            return Place("", url, ())
        if port not in (None, _PORTS.get(parts.scheme)):
            host = f"{host}:{port}"
        path, query = _SESSION_IN_PATH.sub("", parts.path), parts.query
    path = _INDEX.sub("", re.sub("/{2,}", "/", path)).rstrip("/")
    return Place(host.removeprefix("www."), path, _query(query))


def unescaped(url: str) -> str:
    """The address with `&` for each `&amp;`: no shop has a parameter called `amp;b`.

    Some pages escape an address that is escaped already.

    >>> unescaped("?a=1&amp;b=2")
    '?a=1&b=2'
    """
    while (plain := url.replace("&amp;", "&").replace("&#38;", "&")) != url:
        url = plain
    return url


def once(urls: Iterable[str]) -> list[str]:
    """The first address that leads to each place, in order.

    >>> once(["http://shop.example/mugs", "https://www.shop.example/mugs/?utm_source=x"])
    ['http://shop.example/mugs']
    """
    found: dict[Place, str] = {}
    for url in urls:
        found.setdefault(place(url), url)
    return list(found.values())


def places(urls: Sequence[str]) -> list[Place]:
    """The places to which the links of a page lead, without the parts that all their queries share.

    A part that all queries share doesn't tell links apart. Often it is a session.
    """
    found = [place(url) for url in urls]
    common = set.intersection(*(set(at.query) for at in found)) if len(found) > 1 else set()
    return [at._replace(query=tuple(x for x in at.query if x not in common)) for at in found]


def is_same_page(one: Place, other: Place) -> bool:
    """Whether two addresses lead to one page. One may have more parameters, such as a variant."""
    if not one.path and not (one.query and other.query):
        return one == other  # in a shop that is routed by its query, all pages have this path
    return one.has(other) or other.has(one)


def is_action(link: Place) -> bool:
    """Whether a request for `link` changes something, such as the cart or a list of wishes."""
    return any(_ACTIONS.fullmatch("=".join(pair)) for pair in link.query)


def is_view(link: Place, here: Place) -> bool:
    """Whether `link` shows the page at `here` in another way: sorted, filtered, put into the cart.

    If a shop is routed by its query, an address with the same path may be another page.
    """
    if is_action(link):
        return True
    if link[:2] != here[:2]:
        return False
    shown, asked = _without_views(here), _without_views(link)
    more = asked - shown
    return shown <= asked and not any(NAMES_A_THING.fullmatch(name) for name, _ in more)


def _without_views(at: Place) -> set[tuple[str, str]]:
    passed = VIEW_NAMES | PAGE_NAMES | OFFSET_NAMES
    return {(name, value) for name, value in at.query if name.lower() not in passed}


def _query(text: str) -> tuple[tuple[str, str], ...]:
    pairs = ((name, value) for name, _, value in (x.partition("=") for x in text.split("&")))
    return tuple(pair for pair in pairs if any(pair) and not _is_no_part(*pair))


def _is_no_part(name: str, value: str) -> bool:
    return bool(
        _NO_PART_OF_THE_PAGE.fullmatch(name)
        or (_PERHAPS_A_SESSION.fullmatch(name) and _TOKEN.fullmatch(value))
        or (_PERHAPS_A_CAMPAIGN.fullmatch(name) and _WORDS.fullmatch(value))
    )
