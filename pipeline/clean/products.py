"""Which products show an image. What many different products show is a placeholder."""

from collections import defaultdict
from collections.abc import Hashable, Iterable

from pipeline.raw import RawImage


class Products:
    """Counts the products that show an image, in whatever file.

    A product that many sellers offer is listed many times, with the same title and the same
    images. That is one product. A placeholder is shown by products of other titles, or beside
    images of their own.
    """

    def __init__(self, images: Iterable[tuple[RawImage, Hashable]]) -> None:
        """`images` come with a key that is the same for all files of one image."""
        self._shown: dict[tuple[str, str], set[Hashable]] = defaultdict(set)
        self._titles: dict[tuple[str, str], str] = {}
        for image, key in images:
            for product in image.products:
                self._shown[image.source, product].add(key)
            for product, title in image.titles:
                self._titles.setdefault((image.source, product), title)

    def count(self, images: Iterable[RawImage]) -> int:
        """How many different products show one of these images."""
        found: set[Hashable] = set()
        for image in images:
            for product in image.products:
                name = (image.source, product)
                title = self._titles.get(name)
                found.add((title, frozenset(self._shown[name])) if title else name)
        return len(found)
