"""Compares names of products, and tells whether a text can be an identifier."""

import re
from collections.abc import Iterable

_WORD = re.compile(r"[\u3040-\u9fff]|[^\W_\u3040-\u9fff]+")  # in Chinese, each character is one
_FREE = {"html", "htm", "php", "aspx", "the", "and", "of", "with", "for", "de", "la", "und", "mit"}
_NO_ID = re.compile(
    r"[\W_0]*|n\W?a|none|null|nil|undefined|false|true|unknown|default|test|sku|mpn|gtin|id|ean"
    r"|tb[acd]|not? (available|applicable)|does not apply|no ?apl\w+|925872|[x-]{2,}|12345678?9?0?",
    re.IGNORECASE,
)


def words(text: str | None) -> frozenset[str]:
    """The words of a name or an address that tell products apart, in lower case."""
    found = frozenset(_WORD.findall((text or "").casefold()))
    return found - _FREE or found


def likeness(name: str | None, others: Iterable[str | None]) -> float:
    """How similar `name` is to the most similar of `others`, from 0 to 1.

    It is the larger of two values: the share of the words of `name` that the other name has, and
    half the share of the other's words that `name` has.

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
