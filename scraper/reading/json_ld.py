"""The JSON-LD of a page, however its shop writes it."""

import re
from typing import Any

from scraper.reading.loose_json import read_loose_json

_TYPE = re.compile(r"\s*(application|text)/(\w+[+.])?(ld\+json|json\+ld)\s*(;|$)", re.IGNORECASE)


def read_json_ld(tree: Any) -> list[Any]:
    """The top-level values of all its scripts, in their order; `tree` is lxml's.

    A script that nothing can be read from takes no other along.
    """
    found: list[Any] = []
    for script in tree.iter("script"):
        if _TYPE.match(script.get("type", "")):
            found += read_loose_json("".join(script.itertext()))
    return found
