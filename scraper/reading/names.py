"""Whether two names mean the same product, and whether an identifier identifies anything."""

import re
from collections.abc import Iterable

_WORD = re.compile(r"[\u3040-\u9fff]|[^\W_\u3040-\u9fff]+")  # of Chinese and Japanese a character
_FREE = {"html", "htm", "php", "aspx", "the", "and", "of", "with", "for", "de", "la", "und", "mit"}
_NO_ID = re.compile(
    r"[\W_0]*|n\W?a|none|null|nil|undefined|false|true|unknown|default|test|sku|mpn|gtin|id|ean"
    r"|tb[acd]|not? (available|applicable)|does not apply|no ?apl\w+|925872|[x-]{2,}|12345678?9?0?",
    re.IGNORECASE,
)


def words(text: str | None) -> frozenset[str]:
    """The words of a name or an address that tell products apart, in one case."""
    found = frozenset(_WORD.findall((text or "").casefold()))
    return found - _FREE or found


def likeness(name: str | None, others: Iterable[str | None]) -> float:
    """How much of `name` the most similar of `others` has, 0 to 1. It is 1 if all words are there.

    The share of the other's words that are in `name` counts half.

    >>> likeness("red mug", ["a big red mug", "cap"])
    1.0
    """
    own, best = words(name), 0.0
    for other in map(words, others):
        if own and other:
            common = len(own & other)
            best = max(best, common / len(own), common / len(other) * 0.5)
    return best


def identifies(text: str | None) -> bool:
    """Whether a text can be an identifier. Shops write `N/A` or 0 if a product has none.

    >>> [identifies(text) for text in ("MUG-12", "N/A", "0", None)]
    [True, False, False, False]
    """
    return bool(text) and not _NO_ID.fullmatch((text or "").strip())
