"""Asks the APIs of the spiders for a category.

https://www.mediawiki.org/wiki/API:Search, API:Categoryinfo, API:Imageinfo;
https://api.openverse.org; https://openfoodfacts.github.io/openfoodfacts-server
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from pipeline.licenses import normal_license
from scraper.proposals.asking import ApiClient, Finding, NotFoundError
from scraper.proposals.spelling import distance, plural, singular, spellings, words
from scraper.spiders.records import listed, mapping, number, text

_FEW: Final = 50  # files of a category: with fewer, its subcategories are taken too
_NEAR: Final = 3  # other categories that are named
_SEARCHED: Final = 20
_LOOKED_AT: Final = 50  # files whose licenses are counted
_VERSION: Final = re.compile(r"-[0-9][0-9.]*$")
_WIKI: Final = {"action": "query", "format": "json", "formatversion": 2}


@dataclass(frozen=True, slots=True)
class _Category:
    """A category of a wiki."""

    title: str
    files: int
    subcategories: int
    is_there: bool

    @property
    def name(self) -> str:
        return self.title.partition(":")[2]

    @property
    def value(self) -> str:
        with_theirs = self.files < _FEW and self.subcategories
        return f"Category:{self.name}|1" if with_theirs else f"Category:{self.name}"

    def __str__(self) -> str:
        below = f", {self.subcategories:,} subcategories" if self.subcategories else ""
        return f"{self.files:,} files{below}"


def commons(api: ApiClient, category: str) -> Finding:
    """The nearest category of the wiki, else the words of a search. Raises NotFoundError."""
    titles = "|".join(f"Category:{x}" for x in spellings(category) if not set(x) & set("|#<>[]{}"))
    asked = _WIKI | {"prop": "categoryinfo"}
    found = _categories(api.get(**asked, titles=titles, redirects=1)) if titles else []
    search = {"generator": "search", "gsrsearch": " ".join(words(category)) or category}
    found += _categories(api.get(**asked, **search, gsrnamespace=14, gsrlimit=_SEARCHED))
    known = {x.title: x for x in found if x.is_there and (x.files or x.subcategories)}
    near = sorted(
        (x for x in known.values() if distance(x.name, category) is not None),
        key=lambda x: (distance(x.name, category), not x.files, -x.files),
    )
    if not near:
        return _search(api, category, list(known.values()))
    best, *others = near
    said = [str(best)]
    if best.files:
        members = {"generator": "categorymembers", "gcmtitle": best.title, "gcmtype": "file"}
        said += _licenses_of_files(api, {**members, "gcmlimit": _LOOKED_AT})
    return Finding(best.value, _sentence([*said, *_also("near", others)]))


def _categories(answer: dict[str, Any]) -> list[_Category]:
    pages = listed(mapping(answer.get("query")).get("pages")) or []
    pages.sort(key=lambda page: number(page, "index") or 0)
    found = []
    for page in pages:
        info, title = mapping(page.get("categoryinfo")), text(page, "title") or ""
        counts = number(info, "files") or 0, number(info, "subcats") or 0
        if title.partition(":")[2] and "${" not in title:
            found.append(_Category(title, *counts, "missing" not in page or any(counts)))
    return found


def _search(api: ApiClient, category: str, others: list[_Category]) -> Finding:
    query = " ".join(words(category)) or category
    asked = {"list": "search", "srsearch": query, "srnamespace": 6, "srlimit": 1}
    answer = mapping(api.get(**_WIKI, **asked, srinfo="totalhits", srprop="").get("query"))
    hits = number(mapping(answer.get("searchinfo")), "totalhits")
    near = _also("other categories", others)
    if not (hits or listed(answer.get("search"))):
        why = "no category is called so, and a search finds no file"
        raise NotFoundError(_sentence([why, *near]))
    many = f"{hits:,} files" if hits else "files"
    search = {"generator": "search", "gsrsearch": query, "gsrnamespace": 6}
    shares = _licenses_of_files(api, {**search, "gsrlimit": _LOOKED_AT})
    said = [f"no category is called so; a search finds {many}", *shares, *near]
    return Finding(query, _sentence(said))


def _licenses_of_files(api: ApiClient, generator: dict[str, object]) -> list[str]:
    """The licenses of some files, in words; empty if the wiki doesn't tell them."""
    asked = {"prop": "imageinfo", "iiprop": "extmetadata"}
    wanted = {"iiextmetadatafilter": "LicenseShortName|LicenseUrl", "iiextmetadatalanguage": "en"}
    try:
        query = mapping(api.get(**_WIKI, **asked, **wanted, **generator).get("query"))
    except NotFoundError as error:
        return [f"licenses unknown ({error})"]
    named = []
    for page in listed(query.get("pages")) or []:
        for info in listed(page.get("imageinfo")) or []:
            data = mapping(info.get("extmetadata"))
            name, url = (
                text(mapping(data.get(one)), "value") for one in ("LicenseShortName", "LicenseUrl")
            )
            named.append(normal_license(name, url))
    return _licenses(named)


def openverse(api: ApiClient, category: str) -> Finding:
    """The query that finds something. Raises NotFoundError if no spelling finds anything."""
    for query in dict.fromkeys((_one_line(category), *spellings(category))):
        answer = api.get(q=query, page=1, page_size=_SEARCHED, mature="false")
        results = listed(answer.get("results"))
        if results is None:
            raise NotFoundError("the answer has no list of results")
        if results:
            count = number(answer, "result_count")
            codes = [text(result, "license") for result in results]
            said = f"{count:,} images" if count else "images, their number unknown"
            return Finding(query, _sentence([said, *_licenses(map(_license, codes))]))
    raise NotFoundError("nothing is found for that")


def _license(code: str | None) -> str | None:
    named = (code or "").lower()
    return normal_license(f"cc-{named}" if named.startswith("by") else named)


def open_food_facts(api: ApiClient, category: str) -> Finding:
    """The tag of the category that has products. Raises NotFoundError if no tag has any."""
    *before, last = words(category) or [""]
    slugs = ("-".join([*before, form(last)]) for form in (plural, singular))
    for slug in filter(None, dict.fromkeys(slugs)):
        tag = f"en:{slug}"
        answer = api.get(categories_tags=tag, fields="code", page=1, page_size=1)
        count = number(answer, "count")
        if count is None and not listed(answer.get("products")):
            raise NotFoundError("the answer has neither a count nor products")
        if count != 0:
            many = "products, their number unknown" if count is None else f"{count:,} products"
            return Finding(tag, f"{many}; all photos are cc-by-sa-3.0")
    raise NotFoundError("no product is filed under that; it has packaged food only")


def _one_line(category: str) -> str:
    return " ".join(category.replace("_", " ").split())


def _licenses(named: Iterable[str | None]) -> list[str]:
    """The number of files with each license, in words. All versions of a license count as one."""
    plain = [_VERSION.sub("", name or "unknown") for name in named]
    shares = ", ".join(f"{count} {name}" for name, count in Counter(plain).most_common(5))
    return [f"of the first {len(plain)}: {shares}"] if plain else []


def _also(what: str, several: list[_Category]) -> list[str]:
    shown = ", ".join(f"{x.title} ({x.files:,})" for x in several[:_NEAR])
    return [f"{what}: {shown}"] if shown else []


def _sentence(parts: Iterable[str]) -> str:
    return "; ".join(parts)
