"""Finds the file that a row of a table means: by its whole path, else by the end of it."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from posixpath import commonprefix, splitext
from typing import NamedTuple

from pipeline.formats import BY_SUFFIX
from pipeline.paths import SPLITS
from scraper.datasets.tables import TableFacts, official_split
from scraper.datasets.text import normal

_WHOLE = re.compile(r"/|\\|[A-Za-z]:[/\\]|file:/")
"""how a path begins at the top of a machine, as Unix or Windows writes it"""

Digests = Callable[[set[str]], Mapping[str, bytes]]
"""Digests of the contents of files, by path."""


class TableRow(NamedTuple):
    """A row of a table: the table's path, the path in the row, and the facts in the row."""

    table: str
    path: str
    facts: TableFacts


@dataclass(slots=True)
class Matches:
    """What the rows of all tables say about the files of an archive."""

    facts: dict[str, list[TableFacts]] = field(default_factory=lambda: defaultdict(list))
    """path of a file: its facts, one for each of its labels"""
    unclear: dict[str, str] = field(default_factory=dict)
    """path of a file that is not taken: the reason"""
    lacking: list[str] = field(default_factory=list)
    """the paths in rows that have no file"""


class _Claim(NamedTuple):
    """The files that a row can mean. The strongest claim on a file counts."""

    strength: tuple[int, int, bool]
    """whether the whole path agrees; how many parts agree; whether the extension agrees"""
    path: str
    facts: tuple[TableFacts, ...]
    files: list[str]


def match(rows: Iterable[TableRow], files: Iterable[str], digests: Digests) -> Matches:
    """Find the file of each row.

    A row's path may start in the table's own folder or at the top of the archive, or be only the
    end of the file's path. It may also be a whole path of another machine. The extension may be
    missing. If a path fits several files, none of them is taken, unless they are the same by
    `digests`.
    """
    files = list(files)
    found = Matches()
    strongest: dict[str, tuple[int, int, bool]] = {}
    rivals: list[tuple[_Claim, list[str]]] = []
    for claim in sorted(
        _claims(_from_here(rows, files), files), key=lambda c: c.strength, reverse=True
    ):
        free = [f for f in claim.files if strongest.setdefault(f, claim.strength) == claim.strength]
        if len(free) > 1:
            free = [f for f in free if splitext(f)[1].lower() in BY_SUFFIX] or free
        if not free:
            found.lacking.append(claim.path)
        elif len(free) > 1:
            rivals.append((claim, free))
        else:
            _tell(found, free[0], claim.facts)
    known = digests({file for _, images in rivals for file in images}) if rivals else {}
    for claim, images in rivals:
        if len({known[file] for file in images}) == 1:
            for file in images:
                _tell(found, file, claim.facts)
        else:
            why = f"the table's {claim.path!r} is the end of {images[0]} and of {images[1]}"
            for file in images:
                found.facts.setdefault(file, list(claim.facts))
                found.unclear[file] = f"{why}; a pattern can choose, or more of the path"
    return found


def _from_here(rows: Iterable[TableRow], files: list[str]) -> Iterator[TableRow]:
    """The rows. Whole paths of another machine, such as /home/me/set/a/1.jpg, begin as ours do.

    The same folders are taken off all such paths of a table: the fewest with which most of them are
    the end of a file's path. Else a path without a file might take another file of that name.
    """
    elsewhere: dict[str, list[TableRow]] = defaultdict(list)
    for row in rows:
        if _WHOLE.match(row.path):
            elsewhere[row.table].append(row)
        else:
            yield row
    if not elsewhere:
        return
    ends = {end for file in files for name in _names(file) for end in (name, *_ends(name))}
    for there in elsewhere.values():
        paths = [normal(row.path).split("/") for row in there]
        above = len(commonprefix([path[:-1] for path in paths]))
        fits = [sum("/".join(path[n:]) in ends for path in paths) for n in range(above + 1)]
        off = fits.index(max(fits))
        yield from (
            row._replace(path="/".join(path[off:])) for row, path in zip(there, paths, strict=True)
        )


def _claims(rows: Iterable[TableRow], files: list[str]) -> Iterator[_Claim]:
    said: dict[tuple[str, str], list[TableFacts]] = defaultdict(list)
    for table, path, facts in rows:
        said[normal(table).rpartition("/")[0], normal(path)].append(facts)
    names = {file: _names(file) for file in files}
    whole: dict[str, list[str]] = defaultdict(list)
    for file, both in names.items():
        for name in both:
            whole[name].append(file)
    by_end: dict[str, list[str]] = {}
    exact: dict[tuple[str, str], list[str]] = {}
    for folder, path in said:
        if there := whole.get(f"{folder}/{path}" if folder else path) or whole.get(path):
            exact[folder, path] = there
        else:
            by_end[path] = []
    for file, both in names.items():
        for name in both:
            for end in _ends(name):
                if (ends := by_end.get(end)) is not None and ends[-1:] != [file]:
                    ends.append(file)
    for (folder, path), listed in said.items():
        is_exact = (folder, path) in exact
        meant = exact[folder, path] if is_exact else by_end[path]
        named = any(names[file][0].endswith(path) for file in meant)
        yield _Claim((int(is_exact), path.count("/"), named), path, tuple(_merged(listed)), meant)


def _names(file: str) -> tuple[str, ...]:
    """The file's path with and without its extension."""
    path = normal(file)
    stem = splitext(path)[0]
    return (path,) if stem == path else (path, stem)


def _ends(path: str) -> Iterator[str]:
    at = path.find("/")
    while at >= 0:
        yield path[at + 1 :]
        at = path.find("/", at + 1)


def _tell(found: Matches, file: str, facts: Iterable[TableFacts]) -> None:
    found.facts[file] = _merged([*found.facts[file], *facts])


def _merged(several: Iterable[TableFacts]) -> list[TableFacts]:
    """The first facts for each label, with the official split that counts: test, if it is there."""
    several = list(several)
    if len(several) == 1:
        return several
    merged: dict[str | None, TableFacts] = {}
    for facts in several:
        first = merged.setdefault(facts.label, facts)
        splits = {official_split(facts.split), official_split(first.split)} - {None}
        strongest = max(splits, key=lambda split: SPLITS.index(str(split)), default=None)
        merged[facts.label] = replace(first, split=strongest)
    return list(merged.values())
