"""Reads the JSON of other people's pages. It repairs faults while it reads.

The time is linear in the length of any text, and any depth is allowed, because a page may be
hostile. (Measured: json-repair needs minutes for 100 kB of `{"a" `; chompjs reads half the cases.)
"""

import html
import json
import re
from typing import Any, Final

_STRICT: Final = json.JSONDecoder(strict=False)
_WRAPPERS = re.compile(  # marks that hide a script from HTML or XML, with a comment around them
    r"(?:/[/*])?[ \t]{0,8}(?:<!\[CDATA\[|\]\](?:>|&gt;))[ \t]{0,8}(?:\*/)?|<!--|--!?>"
)
_ENTITIES = re.compile(r"[{\[,:][^\S]{0,40}&(?:quot|#0?34|#x22);", re.IGNORECASE)
_OPENING = re.compile(r"[{\[]")
_START = re.compile(r"[{\[]|/\*")
_MOST_TRIES = 100  # of the strict reader in one text, because each of its errors costs time
_BLANK = re.compile(r"[\s\x00-\x20\ufeff\u200b]+")
_TEMPLATE = re.compile(r"\{\{[^{}]*\}\}|\{%[^{}]*%\}|\$\{[^{}]*\}|<\?[^?]*\?>")
_QUOTES = {
    '"': re.compile(r'\\.|"', re.DOTALL),
    "'": re.compile(r"\\.|'", re.DOTALL),
    "`": re.compile(r"\\.|`", re.DOTALL),
    "“": re.compile(r'\\.|["“”]', re.DOTALL),
    "”": re.compile(r'\\.|["“”]', re.DOTALL),
}
_KEY = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|“[^”"]*["”]|[\w@$-]+)\s*[:=]"""
_ENDS_KEY = re.compile(r"\s*[:=]")
_ENDS_VALUE = re.compile(
    rf"\s*(?:$|[}}\]]|;\s*$|,?\s*/[/*]|,\s*(?:$|[,}}\]]|{_KEY})"
    rf"|{_KEY.removesuffix('[:=]')}:|\+\s*[\w\"'])",
    re.DOTALL,
)
_ENDS_ENTRY = re.compile(
    r"\s*(?:$|[}\]]|,?\s*/[/*]|,\s*(?:$|[\"'“{\[\]},\d-]|null|true|false|NaN|Infinity)|\s[\"'])",
    re.DOTALL,
)
_STRAY_BACKSLASH = re.compile(r'"\s*,\s*"[\w@-]{1,40}"\s*:')  # after a text that ends with one
_BARE_KEY = re.compile(r"[\w@$.-]+")
_BARE_VALUE = re.compile(r"[^,{}\[\]\n]+")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.)|$)", re.DOTALL)
_SHORT = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_LITERALS = {"true": True, "false": False, "True": True, "False": False}


def read_loose_json(text: str) -> list[Any]:
    """The values in a text that is meant to be JSON. Most texts have one value.

    Valid JSON is read as it is. In any other text the objects and arrays are found and repaired.
    Faults can be entities, comments, CDATA, several values in one text, quotes of any kind or none,
    quotes within texts, too many or too few commas, missing ends, and unknown words. A text without
    an object or array gives an empty list. Nothing is raised.

    >>> read_loose_json("{'name': 'Mug', sizes: [1, 2,],}")
    [{'name': 'Mug', 'sizes': [1, 2]}]
    """
    text = text.strip("\ufeff\0 \t\r\n;")
    try:
        value = _STRICT.decode(text)
    except (ValueError, RecursionError):
        return _Repair(_uncovered(text)).values()
    if isinstance(value, str) and _OPENING.match(value.strip()):  # JSON that was encoded twice
        return read_loose_json(value) if len(value) < len(text) else []
    return [value]


def _uncovered(text: str) -> str:
    """The text without the entities and comments that hide it from a reader of HTML."""
    if '"' not in text or _ENTITIES.search(text):
        text = html.unescape(text)
    return _WRAPPERS.sub(" ", text)


class _Repair:
    """One pass over a text, with the open objects and arrays on a stack."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.length = text, 0, len(text)
        self.open: list[Any] = []
        self.keys: list[str | None] = []
        """for each open object, the key that waits for its value"""
        self.kinds: dict[type, int] = {dict: 0, list: 0}
        self.is_lost = False
        """one text had no clear end; from here on each text ends at the next quote"""

    def values(self) -> list[Any]:
        found: list[Any] = []
        tries = 0
        while start := _START.search(self.text, self.at):
            self.at = start.start()
            if start[0] == "/*":
                self._skip_comment()
                continue
            if tries < _MOST_TRIES:
                try:
                    value, self.at = _STRICT.raw_decode(self.text, self.at)
                    found.append(value)
                    continue
                except (ValueError, RecursionError):
                    tries += 1
            found += self._repaired()
        return found

    def _repaired(self) -> list[Any]:
        root: list[Any] = []
        self._enter(root)
        while self.at < self.length:
            self._step()
            if len(self.open) == 1 and root:
                break
        self.open, self.keys, self.kinds = [], [], {dict: 0, list: 0}
        return root

    def _step(self) -> None:
        if blank := _BLANK.match(self.text, self.at):
            self.at = blank.end()
            return
        c = self.text[self.at]
        if c in "{$<" and (template := _TEMPLATE.match(self.text, self.at)):
            self.at = template.end()  # a placeholder that the shop's program did not fill
            self._add(None)
        elif c == "/" and self.text[self.at + 1 : self.at + 2] in ("/", "*"):
            self._skip_comment()
        elif c in "{[":
            self.at += 1
            self._enter({} if c == "{" else [])
        elif c in "}]":
            self.at += 1
            self._leave(dict if c == "}" else list)
        elif c in _QUOTES:
            self._add(self._quoted(c), is_text=True)
        else:
            self._bare(c)

    def _skip_comment(self) -> None:
        end = "\n" if self.text[self.at + 1] == "/" else "*/"
        found = self.text.find(end, self.at)
        self.at = self.length if found < 0 else found + len(end)

    def _enter(self, container: Any) -> None:
        if self.open:
            self._add(container)
        self.open.append(container)
        self.keys.append(None)
        self.kinds[type(container)] += 1

    def _leave(self, kind: type) -> None:
        if not self.kinds[kind] - (kind is list):  # only the root, which is a list, may be open
            return
        while len(self.open) > 1:
            container = self.open.pop()
            key = self.keys.pop()
            if key is not None and isinstance(container, dict):
                container.setdefault(key, None)
            self.kinds[type(container)] -= 1
            if type(container) is kind:
                return

    def _add(self, value: Any, *, is_text: bool = False) -> None:
        container, key = self.open[-1], self.keys[-1]
        if isinstance(container, list):
            container.append(value)
        elif key is not None:
            if value is not None or key not in container:
                container[key] = value
            self.keys[-1] = None
        elif is_text:
            self.keys[-1] = value
        elif isinstance(value, dict | list):  # an object where a key should be
            container.setdefault("@graph", []).append(value)

    def _quoted(self, quote: str) -> str:
        """The text that begins at this quote. It may have quotes within it."""
        start = self.at + 1
        is_key = isinstance(self.open[-1], dict) and self.keys[-1] is None
        is_end = _ENDS_KEY if is_key else _ENDS_VALUE
        if isinstance(self.open[-1], list):
            is_end = _ENDS_ENTRY
        first = None
        for found in _QUOTES[quote].finditer(self.text, start):
            if found[0][0] == "\\":
                stray = quote == '"' == found[0][1:] and not is_key
                if not stray or not _STRAY_BACKSLASH.match(self.text, found.end() - 1):
                    continue
            elif first is None:
                first = found
            if self.is_lost or is_end.match(self.text, found.end()):
                self.at = found.end()
                return _unescaped(self.text[start : self.at - 1])
            if is_key:  # the name of a property has no quote within it
                break
        self.is_lost = self.is_lost or not is_key
        self.at = first.end() if first else self.length
        return _unescaped(self.text[start : first.start() if first else self.length])

    def _bare(self, c: str) -> None:
        """A word without quotes: a key, a number, a name of a constant, or an expression."""
        is_object = isinstance(self.open[-1], dict)
        if c in ",;" and is_object and self.keys[-1] is not None:
            self._add(None)
        elif is_object and self.keys[-1] is None:
            if key := _BARE_KEY.match(self.text, self.at):
                self.at = key.end()
                self._add(key[0], is_text=True)
                return
        elif c not in ",;:=" and (word := _BARE_VALUE.match(self.text, self.at)):
            self.at = word.end()
            self._add(_literal(word[0].split("//")[0].strip()))
            return
        self.at += 1


def _literal(word: str) -> Any:
    if word in _LITERALS:
        return _LITERALS[word]
    try:
        return int(word[:400])
    except ValueError:
        pass
    try:
        return float(word[:400])
    except ValueError:
        return None


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    text = _ESCAPE.sub(
        lambda m: chr(int(m[1], 16)) if m[1] else _SHORT.get(m[2] or "", m[2] or ""), text
    )
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
