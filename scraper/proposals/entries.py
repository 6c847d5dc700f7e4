"""Entries for `sources` in params.yaml: as text to paste, and put into the file itself."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from pipeline.cli import UserError
from pipeline.files import write_atomic
from pipeline.names import class_key
from pipeline.params import Params, load_params
from pipeline.sources import Source
from scraper.reading.links import entry_yaml


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """A source: its name, its type, and what is known about each of its classes."""

    name: str
    source: Source
    comment: str = ""
    about: Mapping[str, str] = field(default_factory=dict)


def as_text(entries: Sequence[SourceEntry]) -> str:
    """The entries in the form for `sources:`, with every key, and with the findings as comments."""
    yaml, out = entry_yaml(), io.StringIO()
    yaml.indent(mapping=2, sequence=4, offset=2)
    for entry in entries:
        yaml.dump(_commented(entry), out)
    return "".join(f"  {line}\n" for line in out.getvalue().splitlines())


def _commented(entry: SourceEntry) -> CommentedMap:
    values = CommentedMap(entry.source.model_dump())
    classes = CommentedMap(values["classes"])
    for label in classes:
        if about := _line(entry.about.get(label, "")):
            classes.yaml_add_eol_comment(about, label, column=0)
    values["classes"] = classes
    named = CommentedMap({entry.name: values})
    if entry.comment:
        named.yaml_add_eol_comment(_line(entry.comment), entry.name, column=0)
    return named


def _line(text: str) -> str:
    """One line that can't steer the terminal nor end the comment."""
    return " ".join("".join(x if x.isprintable() else " " for x in text).split())


def add_to(path: Path, entries: Sequence[SourceEntry]) -> None:
    """Put the entries at the end of `sources` in a parameter file. All else stays as it is.

    Raises UserError, and changes nothing, if the file is not valid, has a source of such a name, or
    has its sources in one line.
    """
    there = {class_key(name): name for name in load_params(path).sources}
    if taken := [there[class_key(x.name)] for x in entries if class_key(x.name) in there]:
        raise UserError(
            f"{path} has the source {', '.join(taken)} already, and nothing is overwritten; add "
            "the printed lines by hand, or give the new ones other names: --prefix new_"
        )
    text = path.read_text(encoding="utf-8")
    node = _sources(YAML(typ="rt").compose(text))
    if node.flow_style:
        raise UserError(
            f"{path} writes its sources in one line, {{…}}; write each on its own line, or paste "
            "the printed lines"
        )
    lines = text.splitlines(keepends=True)
    place = _end(lines, node.start_mark.line)
    if place and not lines[place - 1].endswith("\n"):
        lines[place - 1] += "\n"
    indent = " " * node.start_mark.column
    added = [f"{indent}{line[2:]}\n" for line in as_text(entries).splitlines()]
    whole = "".join([*lines[:place], *added, *lines[place:]])
    try:
        Params.model_validate(YAML(typ="safe", pure=True).load(whole))
    except ValidationError as error:
        raise UserError(f"{path} would not be valid with the new sources: {error}") from error
    write_atomic(path, whole)


def _sources(root: Any) -> Any:
    return next(value for key, value in root.value if key.value == "sources")


def _end(lines: Sequence[str], start: int) -> int:
    """The line behind the last one of a block that begins at `start` and is indented."""
    last = start
    for number in range(start, len(lines)):
        if lines[number].startswith((" ", "\t")):
            last = number
        elif lines[number].strip() and not lines[number].startswith("#"):
            break
    return last + 1
