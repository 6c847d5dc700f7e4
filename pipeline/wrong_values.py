"""Says which values in `params.yaml` are wrong, and what would be right, in a line for each."""

import difflib
from collections.abc import Sequence
from typing import Any

from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from pipeline.sources import KINDS, Section, sections

_KEY = "[key]"
"""pydantic puts this at the end of an error's path if the name itself is wrong"""


def explain(error: Any, values: Any, node: Any, model: type[Section]) -> str:
    """An error of pydantic's as a sentence with the key, the value and the nearest right name.

    `values` are those of the file, `node` is the same as YAML composes it, `model` their type.
    """
    loc = _without_kind(error["loc"])
    where = [str(part) for part in loc if part != _KEY]
    key, value = ".".join(where), error["input"]
    match error["type"]:
        case "extra_forbidden":
            near = difflib.get_close_matches(where[-1], _keys_near(error["loc"], model), n=1)
            return f"{key} is not a known parameter" + (
                f"; did you mean {near[0]}?" if near else ""
            )
        case "missing":
            return f"{key} is missing; add it (null where unset)"
        case "union_tag_invalid" | "union_tag_not_found":
            return f"{key}.kind must be one of {', '.join(KINDS)}"
        case "string_type" if word := _word(loc, values, node):
            there = ".".join(where[:-1]) if loc[-1:] == [_KEY] else key
            return (
                f"{there} has {word}, which YAML does not read as text; "
                f"write it in quotes: '{word}'"
            )
    message = error["msg"].removeprefix("Value error, ")
    if loc[-1:] == [_KEY]:
        return f"{'.'.join(where[:-1])} has the name {value!r}: it {message}"
    shown = repr(value)
    return f"{key} is {shown if len(shown) < 300 else shown[:300] + ' …'}: {message}"


def _without_kind(loc: Sequence[Any]) -> list[Any]:
    """pydantic puts the kind of a source behind its name."""
    return [p for n, p in enumerate(loc) if not (n == 2 and loc[0] == "sources" and p in KINDS)]


def _word(loc: Sequence[Any], values: Any, node: Any) -> str | None:
    """The text of a value in the file, such as `007` for a 7; None if it is no plain word."""
    for part, following in zip(loc, [*loc[1:], None], strict=True):
        if isinstance(node, MappingNode):
            names = [(name, str(name), repr(name)) for name in values]
            place = next((n for n, spelt in enumerate(names) if part in spelt), None)
            if place is None:
                return None
            key, inner = node.value[place]
            if following == _KEY:
                return str(key.value)
            values, node = list(values.values())[place], inner
        elif isinstance(node, SequenceNode) and isinstance(part, int):
            values, node = values[part], node.value[part]
    is_unset = values is None and not isinstance(loc[-1], int)  # a null in a list is a name
    return str(node.value) or None if isinstance(node, ScalarNode) and not is_unset else None


def _keys_near(loc: Sequence[Any], model: type[Section]) -> list[str]:
    for part in map(str, loc[:-1]):
        if part in KINDS:
            model = KINDS[part]
        elif part in model.model_fields:
            model = next(sections(model.model_fields[part].annotation), model)
    return list(model.model_fields)
