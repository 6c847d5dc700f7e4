"""One category is spelt in several ways: `Rain boot`, `rain-boots`, `rainboot`."""

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_ODD = {
    "bus": "buses",
    "canvas": "canvases",
    "child": "children",
    "foot": "feet",
    "goose": "geese",
    "half": "halves",
    "knife": "knives",
    "leaf": "leaves",
    "lens": "lenses",
    "loaf": "loaves",
    "man": "men",
    "mouse": "mice",
    "scarf": "scarves",
    "shelf": "shelves",
    "tooth": "teeth",
    "woman": "women",
}
_ODD_PLURALS = {many: one for one, many in _ODD.items()}
_HISSING = ("ch", "sh", "ss", "x", "zz")
_ES_AFTER_O = ("potato", "tomato", "mango", "hero")
# the words before one of these say what the thing is: `Boots by material`, `Mugs in Germany`
_JOINTS = frozenset(["at", "by", "for", "from", "in", "of", "on", "to", "with", "without"])


def words(name: str) -> list[str]:
    """The words of a name, in small letters.

    >>> words("Rain-Boots (rubber)")
    ['rain', 'boots', 'rubber']
    """
    return _WORD.findall(unicodedata.normalize("NFKC", name).casefold())


def plural(word: str) -> str:
    """The English plural of a word; a word that looks like a plural stays as it is.

    >>> [plural(x) for x in ("mug", "dress", "battery", "scarf", "boots")]
    ['mugs', 'dresses', 'batteries', 'scarves', 'boots']
    """
    if word in _ODD:
        return _ODD[word]
    if singular(word) != word:
        return word
    if word.endswith(_HISSING) or word in _ES_AFTER_O or word.endswith("us"):
        return f"{word}es"
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return f"{word[:-1]}ies"
    return f"{word}s"


def singular(word: str) -> str:
    """The English singular of a word, by its ending.

    >>> [singular(x) for x in ("mugs", "dresses", "batteries", "scarves", "dress", "shoes")]
    ['mug', 'dress', 'battery', 'scarf', 'dress', 'shoe']
    """
    if word in _ODD_PLURALS:
        return _ODD_PLURALS[word]
    if word in _ODD:
        return word
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if word.endswith("es") and (word[:-2].endswith(_HISSING) or word[:-2] in _ES_AFTER_O):
        return word[:-2]
    if len(word) > 5 and word.endswith("uses") and not word.endswith(("auses", "ouses")):
        return word[:-2]  # cactuses, but blouses and houses lose one letter
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        return word[:-1]
    return word


def spellings(name: str) -> list[str]:
    """Other spellings of the category, the likeliest first: plural, singular, as it is.

    >>> spellings("rain boot")
    ['rain boots', 'rain boot']
    """
    typed = " ".join(name.replace("_", " ").split())
    *before, last = words(name) or [typed]
    many, one = (" ".join([*before, form(last)]) for form in (plural, singular))
    if "-" in typed:  # a hyphen stays where it stands: t-shirts, not t shirts
        head = typed.casefold().removesuffix(last)
        many, one = head + plural(last), head + singular(last)
    return list(dict.fromkeys((many, one, typed.casefold(), typed)))


def key(name: str) -> str:
    """The same key for all spellings of a category.

    >>> key("Rain-boots") == key("rainboot") == key("rain boot")
    True
    """
    *before, last = words(name) or [""]
    one = singular(last)
    if one.endswith("ie") and len(one) > 4:
        one = f"{one[:-2]}y"  # cookies may be of cookie or of cooky: that does not matter here
    return "".join([*before, one])


def distance(name: str, wanted: str) -> int | None:
    """How many more words `name` has than `wanted`; None if it names another thing.

    The last word names the thing, or the last word before `of`, `by` and similar words.

    >>> [distance(x, "mug") for x in ("Mugs", "Coffee mugs", "Mugs by material", "Mug shots")]
    [0, 1, 2, None]
    """
    if key(name) == key(wanted):
        return 0
    found = words(name)
    joints = [place for place, word in enumerate(found) if place and word in _JOINTS]
    end = joints[0] if joints else len(found)
    for start in range(end):
        if key(" ".join(found[start:end])) == key(wanted):
            return len(found) - (end - start)
    return None
