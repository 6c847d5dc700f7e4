"""Text of unknown encoding: the names of files in archives, and tables of labels."""

import logging
import re
import unicodedata

from w3lib.encoding import read_bom

from pipeline.cli import UserError

_log = logging.getLogger(__name__)

_LIKELY = ("cp437", "cp1252", "cp932", "gbk", "cp1251")
"""Encodings of zip programs beside UTF-8. A message shows a name in them; none is ever guessed."""


def file_name(raw: bytes, encoding: str | None, archive: str) -> str:
    """A file's name: UTF-8 if it is valid, else in `encoding`.

    Raises UserError, which shows the name, if there is no `encoding` or the name is not valid in
    it. A wrong guess would make a wrong class.
    """
    try:
        return raw.decode()
    except UnicodeDecodeError:
        if encoding is None:
            shown = [f"{name} ({text!r})" for name in _LIKELY if (text := _try(raw, name))]
            raise UserError(
                f"{archive}: the name {raw!r} is not UTF-8; set the source's encoding to that in "
                f"which it reads right: {', '.join(shown) or 'none of the usual ones'}"
            ) from None
    if text := _try(raw, encoding):
        return text
    raise UserError(f"{archive}: the name {raw!r} is neither UTF-8 nor {encoding}")


def normal(path: str) -> str:
    r"""A path without empty parts, with `/`, and with each accented letter as one letter.

    >>> normal("a//b/./c.jpg"), normal("a\\b")
    ('a/b/c.jpg', 'a/b')
    """
    parts = path.replace("\\", "/").split("/")
    return unicodedata.normalize("NFC", "/".join([p for p in parts if p not in ("", ".")]))


def table_text(content: bytes, encoding: str | None, path: str) -> str:
    """A table's text: by its byte order mark, else UTF-8 if valid, else in `encoding`.

    Without `encoding` it is cp1252, as spreadsheets save it, and the log says so. Raises UserError
    if the text is none of these.
    """
    if marked := read_bom(content)[0]:
        return _decode(content, marked, path).removeprefix("\ufeff")
    if half := utf_16(content):
        return _decode(content, half, path)
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        text = _decode(content, encoding or "cp1252", path)
        if encoding is None:
            _log.warning(
                "%s is not UTF-8; it is read as cp1252, with words such as %r. If that is wrong, "
                "set the source's encoding",
                path,
                _word_at(text, error.start),
            )
        return text


def _word_at(text: str, at: int) -> str:
    """The word around a place; in cp1252 a byte is a character."""
    words = (word for word in re.finditer(r"\w+|.", text) if word.end() > at)
    return next(words)[0]


def utf_16(content: bytes) -> str | None:
    """UTF-16 without a mark, by the zeros that ASCII has in it: a table's commas and line ends."""
    head = content[:512]
    if 3 * head.count(0) < len(head):
        return None
    return "utf-16-le" if 2 * head[1::2].count(0) >= head.count(0) else "utf-16-be"


def _decode(content: bytes, encoding: str, path: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path} is not {encoding}: byte {error.start:,} is {content[error.start]:#x}; "
            "save it as UTF-8, or set the source's encoding"
        ) from None


def _try(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(encoding)
    except UnicodeError:
        return None
