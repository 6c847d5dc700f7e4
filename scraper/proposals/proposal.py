"""Makes entries for params.yaml from categories and shops, and says what was not found."""

import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, NoReturn, TypeVar
from urllib.parse import urlsplit

from tqdm import tqdm

from pipeline.cli import UserError
from pipeline.manifest import safe_label
from pipeline.names import class_key, safe_source
from pipeline.sources import DatasetSource, SpiderSource
from pipeline.sources.section import no_substitution
from scraper.datasets.catalog import catalog
from scraper.proposals.apis import commons, open_food_facts, openverse
from scraper.proposals.asking import ApiClient, Finding, NotFoundError
from scraper.proposals.entries import SourceEntry
from scraper.proposals.known import in_dataset
from scraper.proposals.shop_pages import FoundCategory, Shop
from scraper.proposals.shops import Looker
from scraper.proposals.spelling import distance
from scraper.spiders.commons import CommonsSpider
from scraper.spiders.open_food_facts import OpenFoodFactsSpider
from scraper.spiders.openverse import OpenverseSpider

Lookup = Callable[[ApiClient, str], Finding]
PLACES: Final[Mapping[str, tuple[str, Lookup]]] = {
    "commons": (CommonsSpider.default_api, commons),
    "openverse": (OpenverseSpider.default_api, openverse),
    "open_food_facts": (OpenFoodFactsSpider.default_api, open_food_facts),
}
"""The spider that asks an API: the API's address, and how it is asked for one category"""
LIMIT: Final = 200  # images of a class


@dataclass(slots=True)
class Proposal:
    """Entries for params.yaml, and what was not found: the place, the category, the reason."""

    entries: list[SourceEntry] = field(default_factory=list)
    lost: list[tuple[str, str, str]] = field(default_factory=list)


def propose(
    categories: Sequence[str],
    shops: Sequence[str] = (),
    *,
    apis: Mapping[str, str] | None = None,
    skip: Sequence[str] = (),
    prefix: str = "",
    limit: int = LIMIT,
    contact: str | None = None,
) -> Proposal:
    """Look for each category in each place. If a place fails, it says why, and the others go on.

    `apis` gives other addresses of some of PLACES. `contact` is how hosts can reach you: requests
    and entries have it. Raises UserError for what is no address there,
    and for a prefix or a limit that can't be.
    """
    if limit < 1 or (prefix and safe_source(f"{prefix}x") != f"{prefix}x"):
        raise UserError(
            "--limit is a positive number, and --prefix has letters, digits, _ and - only"
        )
    found = Proposal()
    labels = _labels(categories, found)
    places = {
        name: ApiClient(
            name, (apis or {}).get(name, address), is_own=name in (apis or {}), contact=contact
        )
        for name, (address, _) in PLACES.items()
        if name not in skip and labels
    }
    questions = len(places) * len(labels)
    bar: tqdm[NoReturn] = tqdm(
        total=questions, unit=" questions", disable=None if questions else True
    )
    with bar, ThreadPoolExecutor(max(1, len(places) + len(shops))) as pool:
        asked = {name: pool.submit(_ask, api, labels, bar) for name, api in places.items()}
        looked = [(url, pool.submit(_look, url, labels, contact)) for url in shops]
        try:
            answers = {name: task.result() for name, task in asked.items()}
            offers = [(url, task.result()) for url, task in looked]
        except BaseException:  # after Ctrl-C, requests that have not begun are not waited for
            for api in places.values():
                api.leave_alone()
            raise
    for name, (findings, lost) in answers.items():
        _add_api(found, places[name], findings, lost, prefix=prefix, limit=limit)
    if "datasets" not in skip and labels:
        _add_datasets(found, labels, prefix)
    for url, shop in offers:
        _add_shop(found, url, shop, labels, prefix=prefix, limit=limit, contact=contact)
    return found


def _labels(categories: Sequence[str], found: Proposal) -> dict[str, str]:
    """Class: the words as they were given. What can't be a class is noted, with the reason."""
    labels: dict[str, str] = {}
    for category in categories:
        try:
            label = safe_label(no_substitution(category))
        except (UserError, ValueError) as error:
            found.lost.append(("any place", repr(category), str(error)))
            continue
        same = next((x for x in labels if class_key(x) == class_key(label)), None)
        if same is not None:
            why = f"it would share a folder with {same!r}, which is looked for"
            found.lost.append(("any place", repr(category), why))
            continue
        labels[label] = category
    return labels


Answers = tuple[dict[str, Finding], dict[str, str]]
"""The finding for each class, and the reason for each class without one"""


def _ask(api: ApiClient, labels: Mapping[str, str], bar: "tqdm[NoReturn]") -> Answers:
    lookup = PLACES[api.name][1]
    findings, lost = {}, {}
    for label, category in labels.items():
        try:
            findings[label] = lookup(api, category)
        except NotFoundError as why:
            lost[label] = str(why)
        bar.update()
    return findings, lost


def _add_api(
    found: Proposal,
    api: ApiClient,
    findings: Mapping[str, Finding],
    lost: Mapping[str, str],
    *,
    prefix: str,
    limit: int,
) -> None:
    found.lost += [(api.name, label, why) for label, why in lost.items()]
    findings = _each_once(found, api.name, findings)
    if findings:
        source = SpiderSource(
            kind="spider",
            spider=api.name,
            api=api.address if api.is_own else None,
            classes={label: finding.value for label, finding in findings.items()},
            limit_per_class=limit,
            allow_private=api.allow_private,
            contact=api.contact,
        )
        found.entries.append(
            SourceEntry(prefix + api.name, source, about={x: y.about for x, y in findings.items()})
        )


Named = TypeVar("Named", Finding, FoundCategory)


def _each_once(found: Proposal, place: str, several: Mapping[str, Named]) -> dict[str, Named]:
    """The findings without classes that would have the same images as another class."""
    kept: dict[str, Named] = {}
    for label, one in several.items():
        same = next((x for x, other in kept.items() if other.value == one.value), None)
        if same is None:
            kept[label] = one
        else:
            found.lost.append((place, label, f"{one.value} is what {same!r} has already"))
    return kept


def _add_datasets(found: Proposal, labels: Mapping[str, str], prefix: str) -> None:
    known: set[str] = set()
    for name, entry in catalog().items():
        by_category = in_dataset(entry, list(labels.values()))
        findings = {x: by_category[words] for x, words in labels.items() if words in by_category}
        known |= set(findings)
        if findings:
            classes = {label: finding.value for label, finding in findings.items()}
            source = DatasetSource(kind="dataset", dataset=name, classes=classes)
            comment = next(iter(findings.values())).about
            found.entries.append(SourceEntry(prefix + safe_source(name), source, comment))
    silent = ", ".join(name for name, x in catalog().items() if isinstance(x.classes, int))
    why = f"no listed class is called so; the catalog does not list the classes of {silent}"
    found.lost += [("the known datasets", label, why) for label in labels if label not in known]


def _look(url: str, labels: Mapping[str, str], contact: str | None) -> Shop | str:
    """What the shop has, or why it can't be looked at."""
    try:
        return Looker(url, contact).look(
            lambda shop: not labels or bool(_chosen(shop.shelves, labels))
        )
    except UserError as error:
        return str(error)


def _add_shop(
    found: Proposal,
    url: str,
    shop: Shop | str,
    labels: Mapping[str, str],
    *,
    prefix: str,
    limit: int,
    contact: str | None,
) -> None:
    if isinstance(shop, str):
        found.lost.append((url, "everything", shop))
        return
    found.lost += [(url, what, why) for what, why in shop.lost]
    shelves = [x for x in shop.shelves if "${" not in x.value]  # which DVC would substitute
    chosen = _chosen(shelves, labels) if labels else _all(shelves)
    why = f"no category of {shop.what} is called so"
    if not shop.shelves:
        why = "no list of its categories was found"
    found.lost += [(url, label, why) for label in labels if label not in chosen]
    chosen = _each_once(found, url, chosen)
    if not chosen:
        return
    source = SpiderSource(
        kind="spider",
        spider=shop.spider,
        url=shop.url,
        classes={label: shelf.value for label, shelf in chosen.items()},
        limit_per_class=limit,
        allow_private=shop.allow_private,
        contact=contact,
    )
    host = re.sub(r"[^a-z0-9]+", "_", (urlsplit(shop.url).hostname or "").removeprefix("www."))
    name = prefix + (host if host[:1].isalpha() else f"shop_{host}").strip("_")
    taken = {entry.name for entry in found.entries}
    name = next(x for x in (name, *(f"{name}_{n}" for n in range(2, 999))) if x not in taken)
    counted = {x: f"{y.products:,} products" for x, y in chosen.items() if y.products is not None}
    found.entries.append(SourceEntry(name, source, f"found in {shop.what}", counted))


def _chosen(
    shelves: Sequence[FoundCategory], labels: Mapping[str, str]
) -> dict[str, FoundCategory]:
    """The shop's nearest category for each class."""
    found = {}
    for label, category in labels.items():
        near = [(apart, shelf) for shelf in shelves
                if (apart := _apart(shelf.name, category)) is not None]  # fmt: skip
        if near:
            found[label] = min(near, key=lambda pair: (pair[0], not pair[1].is_listed))[1]
    return found


def _apart(name: str, category: str) -> int | None:
    """The distance between the last name of a path, as in `Kitchen > Mugs`, and a category."""
    return distance(re.split(r"\s*[>/]\s*", name)[-1], category)


def _all(shelves: Sequence[FoundCategory]) -> dict[str, FoundCategory]:
    """All categories that the shop lists, by names that a class can have."""
    found: dict[str, FoundCategory] = {}
    for shelf in [x for x in shelves if x.is_listed] or shelves:
        try:
            label = safe_label(no_substitution(shelf.name.lower()))
        except (UserError, ValueError):
            continue
        if class_key(label) not in map(class_key, found):
            found[label] = shelf
    return found
