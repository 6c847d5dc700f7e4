"""Computes the id that git gives to a folder. It proves files whole, whatever archive has them.

Source: the git book, "Git Internals - Git Objects", and the sorting rule of `git mktree`, by which
a folder sorts as if its name ended in a slash.
"""

import hashlib
import os
from typing import Any

from scraper.datasets.member import Member


class GitTree:
    """The tree of an archive's files. As on code hosts, the archive has one folder around them."""

    def __init__(self) -> None:
        self._root: dict[bytes, Any] = {}

    def add(self, member: Member) -> None:
        *folders, name = os.fsencode(member.path).split(b"/")[1:]
        inside = self._root
        for folder in folders:
            inside = inside.setdefault(folder, {})
        inside[name] = (member.mode.encode(), _object("blob", member.content))

    def id(self) -> str:
        return _tree(self._root).hex()


def _tree(entries: dict[bytes, Any]) -> bytes:
    rows = []
    for name, entry in entries.items():
        mode, sha = (b"40000", _tree(entry)) if isinstance(entry, dict) else entry
        key = name + b"/" if isinstance(entry, dict) else name
        rows.append((key, mode + b" " + name + b"\0" + sha))
    return _object("tree", b"".join(row for _, row in sorted(rows)))


def _object(kind: str, content: bytes) -> bytes:
    digest = hashlib.sha1(f"{kind} {len(content)}\0".encode(), usedforsecurity=False)
    digest.update(content)
    return digest.digest()
