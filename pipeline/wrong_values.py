"""Says which values in `params.yaml` are wrong, and what would be right, in a line for each."""

import difflib
import typing
from collections.abc import Sequence
from typing import Any

from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from pipeline.files import conflict_line
from pipeline.sources import KINDS, Section, sections

_NUMBERS = ("int_type", "float_type")
_TYPES = {
    **dict.fromkeys(("int_type", "int_from_float"), "must be a whole number"),
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "list_type": "must be a list",
    **dict.fromkeys(
        ("dict_type", "model_type", "model_attributes_type"),
        "must be a section: its keys stand in the lines below it, further to the right",
    ),
}
"""what pydantic's types of errors mean, in the words of those who write YAML"""

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
            return f"{key} is missing; {_how_to_add(error['loc'], model)}"
        case "union_tag_invalid" | "union_tag_not_found":
            return f"{key}.kind must be one of {', '.join(KINDS)}"
        case "string_type" if word := _word(loc, values, node):
            there = ".".join(where[:-1]) if loc[-1:] == [_KEY] else key
            return (
                f"{there} has {word}, which YAML does not read as text; "
                f"write it in quotes: '{word}'"
            )
    message = _TYPES.get(error["type"]) or error["msg"].removeprefix("Value error, ")
    message = message.replace("Input should be", "must be")
    if error["type"] in _NUMBERS and isinstance(value, str) and _is_number(value):
        message += "; write it without quotes"
    if error["type"] == "string_type" and value is None:
        message += "; an empty value is nothing in YAML, and so is ~ alone: write '~' for your home"
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


def _how_to_add(loc: Sequence[Any], model: type[Section]) -> str:
    field = _model_near(loc, model).model_fields.get(str(loc[-1]))
    if field is None or next(sections(field.annotation), None):
        return "copy it from a file in presets/"
    unset = " (null where unset)" if type(None) in typing.get_args(field.annotation) else ""
    return f"add it{unset}. docs/parameters.md says what it is"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _keys_near(loc: Sequence[Any], model: type[Section]) -> list[str]:
    return list(_model_near(loc, model).model_fields)


def _model_near(loc: Sequence[Any], model: type[Section]) -> type[Section]:
    """The type of the section that has the key at the end of `loc`."""
    for part in map(str, loc[:-1]):
        if part in KINDS:
            model = KINDS[part]
        elif part in model.model_fields:
            model = next(sections(model.model_fields[part].annotation), model)
    return model


def explain_yaml(text: str, error: YAMLError) -> str:
    """Why a text is no YAML, and the remedy, in a sentence with the number of the line."""
    if number := conflict_line(text):
        return (
            f"line {number} is a mark of a merge that Git left to you: keep one of the two sides "
            "below it, and delete the lines with <<<<<<<, ======= and >>>>>>>"
        )
    problem = " ".join(str(getattr(error, "problem", None) or error).split())
    place = getattr(error, "problem_mark", None)
    where = f"line {place.line + 1}: {problem}" if place else problem
    if isinstance(error, DuplicateKeyError):
        remedy = "a key can be in a section once; delete one of the two"
    elif r"'\t'" in problem:
        remedy = "YAML takes no tabs; put spaces in their place"
    elif "hexdecimal" in problem or "unknown escape" in problem:
        remedy = r"write a path such as C:\images in single quotes, or without quotes"
    else:
        remedy = "correct it, or bring the file back with git, or copy one from presets/"
    return f"{where}; {remedy}"
