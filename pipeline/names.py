"""Names that people give to sources and classes. Each is a folder, and a key in YAML."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import Annotated

from pydantic import AfterValidator

from pipeline.cli import UserError
from pipeline.manifest import safe_label

_NOT_IN_SOURCES = re.compile(r"[^\w-]+")


def class_key(label: str) -> str:
    """The same key for all spellings of a class: on some systems `Mug` and `mug` are one folder.

    >>> class_key("Mug") == class_key("MUG")
    True
    """
    return unicodedata.normalize("NFC", label.casefold())


def safe_source(name: str) -> str:
    """The name as the name of a source, with letters, digits, `_` and `-` only.

    A source is more than a folder: DVC puts its name into a command and a dotted key, and takes the
    text after an `@` for a part of the stage's name.

    Raises UserError if no usable name is left.

    >>> safe_source("My shop (old)")
    'My_shop_old'
    """
    plain = _NOT_IN_SOURCES.sub("_", unicodedata.normalize("NFC", name))
    return safe_label(plain if plain == name else plain.strip("_"))


def no_substitution(text: str) -> str:
    """The text. Raises ValueError if DVC would substitute a part of it."""
    if "${" in text:
        raise ValueError("may not contain ${, which DVC would substitute")
    return text


def _label(name: str) -> str:
    name = unicodedata.normalize("NFC", no_substitution(name))  # macOS writes é as e and an accent
    return _checked(name, safe_label, "can't be a class folder")


def _source(name: str) -> str:
    return _checked(
        name, safe_source, "can't be the name of a source, which has letters, digits, _ and - only"
    )


def _checked(name: str, safe: Callable[[str], str], what: str) -> str:
    try:
        good = safe(name)
    except UserError:
        good = ""
    if good != name or not good:
        remedy = f"{good!r} could" if good else "choose another"
        raise ValueError(f"{what}; {remedy}")
    return name


def apart(names: Iterable[str], what: str) -> None:
    """Raise ValueError if two names would share a folder on some systems."""
    spelt: dict[str, str] = {}
    for name in names:
        if (other := spelt.setdefault(class_key(name), name)) != name:
            raise ValueError(
                f"{other!r} and {name!r} would share a folder, as they are one {what}; keep one"
            )


Label = Annotated[str, AfterValidator(_label)]
SourceName = Annotated[str, AfterValidator(_source)]
