"""Reads the JSON-LD of a page, even where it is broken."""

import re
from typing import Any

from scraper.reading.loose_json import read_loose_json

_TYPE = re.compile(r"\s*(application|text)/(\w+[+.])?(ld\+json|json\+ld)\s*(;|$)", re.IGNORECASE)


def read_json_ld(tree: Any) -> list[Any]:
    """The top-level values of all JSON-LD scripts in `tree` (lxml's), in their order.

    A script that can't be read gives nothing, and the others are read all the same.
    """
    found: list[Any] = []
    for script in tree.iter("script"):
        if _TYPE.match(script.get("type", "")):
            found += read_loose_json("".join(script.itertext()))
    return found
