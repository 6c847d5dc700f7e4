"""A dataset's own labels as our classes."""

import difflib
import unicodedata
from collections.abc import Mapping

from pipeline.cli import UserError
from pipeline.manifest import safe_label
from pipeline.names import class_key


class Labels:
    """Our class for each of the dataset's labels, and the labels that were found.

    `classes` renames and selects (ours: theirs, or several of theirs). Without it each label is a
    class, by a name that is safe for a folder. `Mug` and `mug` are one class, unless `classes`
    tells them apart. Raises UserError if two other labels would share a folder and `classes`
    doesn't say so.
    """

    def __init__(self, classes: Mapping[str, str | list[str]] | None) -> None:
        self._selects = classes is not None
        self._ours: dict[str, str] = {}
        self._folders: dict[str, str] = {}
        self.found: set[str] = set()
        for ours, several in (classes or {}).items():
            listed = [several] if isinstance(several, str) else several
            for theirs in dict.fromkeys(map(_normal, listed)):
                self._claim(theirs, ours)
        self._by_key = {class_key(theirs): ours for theirs, ours in self._ours.items()}

    def ours(self, theirs: str) -> str | None:
        """The class of a label; None if `classes` leaves it out."""
        theirs = _normal(theirs)
        self.found.add(theirs)
        if not self._selects and theirs not in self._ours:
            self._claim(theirs, _folder_of(theirs))
        return self._ours.get(theirs) or self._by_key.get(class_key(theirs))

    def check(self, known: set[str]) -> None:
        """Raise UserError if `classes` names a label that is not among the known ones."""
        keys = set(map(class_key, known))
        for theirs, ours in self._ours.items():
            if class_key(theirs) not in keys:
                names = sorted(known)
                near = difflib.get_close_matches(theirs, names, n=3) or names[:10]
                raise UserError(
                    f"classes.{ours}: there is no label {theirs!r}; there are {', '.join(near)}"
                    + (", …" if len(near) < len(names) else "")
                )

    def _claim(self, theirs: str, ours: str) -> None:
        if theirs in self._ours:
            raise UserError(f"classes.{self._ours[theirs]} and classes.{ours} are both {theirs!r}")
        other = self._folders.setdefault(class_key(ours), theirs)
        if not self._selects and class_key(other) == class_key(theirs):
            ours = safe_label(other)  # `Mug` and `mug` are one class
        elif other != theirs and not self._selects:
            raise UserError(
                f"the labels {other!r} and {theirs!r} would share the folder {ours!r}; name the "
                f"ones to take under `classes`. A list takes both: {ours}: [{other}, {theirs}]"
            )
        self._ours[theirs] = ours


def _folder_of(theirs: str) -> str:
    try:
        return safe_label(theirs)
    except UserError as error:
        raise UserError(
            f"the label {theirs!r} can't be a class folder; name the labels to take under "
            f"`classes`, and give this one another name there, such as my_class: {theirs!r}"
        ) from error


def _normal(label: str) -> str:
    return unicodedata.normalize("NFC", label)
