"""Finds the classes of a feed's products by the categories that the feed gives them."""

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from scraper.feeds.items import Category, folded

_MOST = 20_000  # categories that are kept in memory
_SHOWN = 12  # categories that a message names


class Filing:
    """The classes of a source. The values of a class name categories of the feed."""

    def __init__(
        self, classes: Mapping[str, Sequence[str]], everything: Iterable[str] = ()
    ) -> None:
        """`everything` has the values that stand for all products, such as the feed's address."""
        self._classes = classes
        self._everything = frozenset(everything)
        self._known: dict[Category, tuple[tuple[str, str], ...]] = {}
        self._matched = {
            (label, value)
            for label, values in classes.items()
            for value in values
            if value in self._everything
        }
        self._all = list(dict.fromkeys(label for label in classes if self._is_all(label)))
        self.seen: Counter[Category] = Counter()
        """category of the feed: number of its products"""

    def _is_all(self, label: str) -> bool:
        return any(value in self._everything for value in self._classes[label])

    def labels(self, categories: Iterable[Category]) -> list[str]:
        """The classes of a product that has these categories. `seen` counts the categories."""
        found = dict.fromkeys(self._all)
        for category in categories:
            if category not in self._known:
                if len(self._known) >= _MOST:
                    self._known.clear()
                self._known[category] = self._named(category)
            if category in self.seen or len(self.seen) < _MOST:
                self.seen[category] += 1
            self._matched.update(self._known[category])
            found.update((label, None) for label, _ in self._known[category])
        return list(found)

    def _named(self, category: Category) -> tuple[tuple[str, str], ...]:
        return tuple(
            (label, value)
            for label, values in self._classes.items()
            for value in values
            if category.is_called(value)
        )

    def unmatched(self) -> dict[str, list[str]]:
        """The values of each class that named no category so far. Other classes are left out."""
        missing = {
            label: [value for value in values if (label, value) not in self._matched]
            for label, values in self._classes.items()
        }
        return {label: values for label, values in missing.items() if values}


def nothing_filed_under(value: str, seen: Mapping[Category, int]) -> str:
    """A message that no product has the category `value`. It names similar and large categories.

    `seen` has the number of products in each category of the feed.
    """
    if not seen:
        return f"nothing in the feed is filed under {value!r}: the feed names no categories"
    names = {folded(str(category)): str(category) for category in seen}
    near = difflib.get_close_matches(folded(value), names, n=3)
    most = sorted(seen, key=lambda category: (-seen[category], str(category)))
    shown = list(dict.fromkeys([*(names[name] for name in near), *map(str, most)]))
    more = ", …" if len(shown) > _SHOWN else ""
    return (
        f"nothing in the feed is filed under {value!r}; it has: {', '.join(shown[:_SHOWN])}{more}"
    )
