"""Reads an API's records in any shape. An odd value counts as a missing one.

The manifest's columns have types, and an API promises none. A number may come as a text, a text as
a number, or an empty list as an object, and any key may be missing.
"""

import json
import re
from typing import Any

from pipeline.formats import BY_SUFFIX

_MOST = 1e15  # no real number of pixels or pages is larger
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NICKNAMES = {"pjpeg": "jpeg", "ms-bmp": "bmp", "windows-bmp": "bmp", "svg+xml": "svg"}


def parse(body: bytes) -> dict[str, Any] | None:
    """The object in a JSON text; None if the text is anything else."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def mapping(value: object) -> dict[str, Any]:
    """The value if it is an object, else an empty object. PHP writes an empty object as a list."""
    return value if isinstance(value, dict) else {}


def listed(value: object) -> list[dict[str, Any]] | None:
    """The objects of a list, in its order. Other items become empty objects. None if it is no list.

    An object of objects counts as a list, because older wikis number their pages that way.
    """
    if isinstance(value, dict):
        value = list(value.values())
    return [mapping(entry) for entry in value] if isinstance(value, list) else None


def text(record: dict[str, Any], *keys: str) -> str | None:
    """The first of these values that is a text or a number and not blank, as one line."""
    for key in keys:
        value = record.get(key)
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            # JSON can have half of a surrogate pair, but no file can
            whole = _CONTROL.sub(" ", str(value)).encode("utf-8", "replace").decode()
            if line := " ".join(whole.split()):
                return line
    return None


def number(record: dict[str, Any], key: str) -> int | None:
    """A whole number that is not negative, even as text; None for anything else."""
    try:
        value = float(text(record, key) or "nan")
    except ValueError:
        return None
    return int(value) if value.is_integer() and 0 <= value < _MOST else None


def image_format(declared: str | None) -> str | None:
    """Our name for a format that is declared as a type, `image/JPEG`, or an extension, `.JPG`.

    None if the declaration doesn't tell it, such as `application/octet-stream`.

    >>> image_format("image/JPEG"), image_format(".png")
    ('jpeg', 'png')
    """
    main, slash, sub = (declared or "").lower().partition(";")[0].strip().rpartition("/")
    name = sub.removeprefix(".").removeprefix("x-")
    name = _NICKNAMES.get(name, name)
    if name in ("", "*", "octet-stream", "unknown") or (slash and main == "binary"):
        return None
    known = BY_SUFFIX.get(f".{name}")
    return known.name if known else name
