"""CREDITS.md: the authors whom the licenses of a source's images ask us to name."""

from collections import Counter
from collections.abc import Iterable
from urllib.parse import quote

from pipeline.licenses import asks_for_credit
from pipeline.manifest import Row

_SAFE = "%!#$&'()*+,/:;=?@[]~"  # characters that addresses may have

_Work = tuple[str, str, str, str]  # title, page, author, license with the address of its text


def credit_list(name: str, rows: Iterable[Row]) -> str | None:
    """A list in Markdown with one line for each work, or None if no license asks for credit."""
    works: Counter[_Work] = Counter(
        (row.title or "Untitled", row.page_url or "", row.author or "unknown author", _license(row))
        for row in rows
        if row.status.has_file and asks_for_credit(row.license, row.license_url)
    )
    if not works:
        return None
    lines = [_line(work, count) for work, count in sorted(works.items())]
    return (
        f"# Credits\n\nImages of `{name}` whose licenses ask for their authors to be named.\n\n"
        + "\n".join(lines)
        + "\n"
    )


def _line(work: _Work, count: int) -> str:
    title, page, author, terms = work
    images = f" ({count} images)" if count > 1 else ""
    return f"- {_link(title, page)} by {_plain(author)}, {terms}{images}"


def _license(row: Row) -> str:
    return _link(row.license or str(row.license_url), row.license_url or "")


def _link(text: str, url: str) -> str:
    return f"[{_plain(text)}](<{quote(url, safe=_SAFE)}>)" if url else _plain(text)


def _plain(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    escaped = "".join(f"\\{c}" if c in "\\`*_[]<>#|" else c for c in text)
    return " ".join(escaped.split())
