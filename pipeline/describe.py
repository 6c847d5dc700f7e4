"""Writes the descriptions of pipeline/params.py into docs/parameters.md and the YAML files.

Run `python -m pipeline.describe` after each change of a description. Its first sentence becomes the
comment in params.yaml and in the presets; docs/parameters.md has all sentences. Values stay as they
are. So do comments beside the names of sources and classes, because people write these.
"""

import argparse
import typing
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from ruamel.yaml import YAML
from ruamel.yaml.nodes import CollectionNode, MappingNode

from pipeline.cli import run
from pipeline.params import Params
from pipeline.paths import PARAMS
from pipeline.sources import KINDS, Section, sections

PAGE = Path("docs/parameters.md")
PRESETS = Path("presets")
START = """# Parameters

All parameters are in `params.yaml`; `presets/` has whole files to copy over it. `dvc repro` runs
again what a change touches. `python -m pipeline.describe` writes this page from the code.
"""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.describe",
        description="Write the description of each parameter, which stands in the code, into "
        "docs/parameters.md and into the comments of params.yaml and presets/*.yaml.",
    )
    parser.parse_args(arguments)
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
    for path in [PARAMS, *sorted(PRESETS.glob("*.yaml"))]:
        text = commented(path.read_text(encoding="utf-8"))
        path.write_text(text, encoding="utf-8", newline="\n")


def commented(text: str) -> str:
    """A parameter file with new comments. A comment that several keys share stands at the first.

    >>> print(commented("split:\\n  test: 0.15 # old"))
    split: # shares of the images; the rest is for training
      test: 0.15 # share of the images that evaluates the final model
    """
    lines = text.split("\n")
    seen: set[str] = set()
    for line, column, field in _places(YAML(typ="rt").compose(text), Params):
        comment = _comment(field)
        new = comment not in seen
        seen.add(comment)
        lines[line] = lines[line][:column] + (f" # {comment}" if new else "")
    return "\n".join(lines)


def _places(node: Any, model: type[Section]) -> Iterator[tuple[int, int, FieldInfo]]:
    """For each key: the line and column where its comment goes, and its field."""
    for key, value in node.value:
        field = model.model_fields[key.value]
        block = isinstance(value, CollectionNode) and not value.flow_style
        end = key.end_mark if block else value.end_mark
        yield end.line, end.column + block, field  # a block begins after the colon
        if key.value == "sources":
            inner = [(s, KINDS[_kind(s)]) for _, s in value.value if not s.flow_style]
        elif block and isinstance(value, MappingNode):
            inner = [(value, section) for section in sections(field.annotation)]
        else:
            inner = []
        for mapping, section in inner:
            yield from _places(mapping, section)


def _kind(source: MappingNode) -> str:
    return next(str(value.value) for key, value in source.value if key.value == "kind")


def page() -> str:
    """The text of docs/parameters.md."""
    parts = [START]
    for name, field in Params.model_fields.items():
        parts.append(f"## {name}\n\n{_sentences(field)}\n")
        if name == "sources":
            for kind, model in KINDS.items():
                parts.append(f"### kind: {kind}\n\n{_sentences(model.model_fields['kind'])}\n")
                parts.append(_table(model))
        else:
            parts.extend(_table(model) for model in sections(field.annotation))
    return "\n".join(parts)


def _table(model: type[Section]) -> str:
    rows = ["| key | takes | means |", "| --- | --- | --- |"]
    seen: set[str] = set()
    for key, field, schema in _rows(model):
        means = _sentences(field)
        if means not in seen:
            rows.append(f"| `{key}` | {_takes(schema)} | {means.replace('|', chr(92) + '|')} |")
        seen.add(means)
    return "\n".join(rows) + "\n"


def _rows(model: type[Section], prefix: str = "") -> Iterator[tuple[str, FieldInfo, Any]]:
    schemas = model.model_json_schema()["properties"]
    for key, field in model.model_fields.items():
        if key != "kind":
            yield prefix + key, field, schemas[key]
            for inner in sections(field.annotation):
                yield from _rows(inner, f"{prefix}{key}.")


def _comment(field: FieldInfo) -> str:
    """The first sentence of the description, and the values to choose from."""
    sentence = (field.description or "").partition(". ")[0].replace("`", "")
    *most, last = _choices(field.annotation) or [""]
    return f"{sentence}: {', '.join(most)} or {last}" if most else sentence


def _choices(annotation: Any) -> list[str]:
    inner = typing.get_args(annotation)
    if typing.get_origin(annotation) is typing.Literal:
        return [str(choice) for choice in inner]
    return [choice for part in inner for choice in _choices(part)]


def _sentences(field: FieldInfo) -> str:
    text = field.description or ""
    return f"{text[:1].upper()}{text[1:]}."


def _takes(schema: dict[str, Any]) -> str:
    """The values that a key takes, in words, from their JSON schema.

    >>> _takes({"anyOf": [{"type": "integer", "minimum": 2}, {"type": "null"}]})
    'integer from 2, or null'
    """
    default = schema.get("default")
    if default is not None and default != []:
        words = {True: "true", False: "false"}.get(default, default)
        return f"{_takes({**schema, 'default': None})}; `{words}` unless given"
    if "anyOf" in schema:
        return ", or ".join(_takes(part) for part in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{choice}`" for choice in schema["enum"])
    match schema.get("type"):
        case "boolean":
            return "true or false"
        case "array":
            items = schema.get("items") or schema["prefixItems"][0]
            return f"list of {_takes(items)}"
        case "object" | None:  # None is a section
            return "mapping"
        case "string":
            return "text"
        case kind:
            bounds = {"minimum": "from", "exclusiveMinimum": "above"}
            bounds |= {"maximum": "to", "exclusiveMaximum": "and below"}
            limits = [f"{word} {schema[name]}" for name, word in bounds.items() if name in schema]
            return " ".join([kind, *limits])


if __name__ == "__main__":
    run(main)
