"""Reads OpenGraph and similar tags, in any place on the page and in any spelling."""

from typing import Any

_KINDS = ("og:", "product:", "twitter:")
_IMAGES = ("og:image", "og:image:secure_url", "og:image:url", "twitter:image", "twitter:image:src")


class OpenGraph:
    """The values by which a page describes itself to other sites, which show a link to it."""

    def __init__(self, tree: Any) -> None:
        self.values: dict[str, list[str]] = {}
        """name in lower case: its values that are not empty, in order"""
        for meta in tree.iter("meta"):
            content = (meta.get("content") or meta.get("value") or "").strip()
            names = " ".join(meta.get(k, "") for k in ("property", "name", "itemprop"))
            for name in dict.fromkeys(names.lower().split()):
                if content and name.startswith(_KINDS):
                    self.values.setdefault(name, []).append(content)
        # some shops name the image for sharing in these older ways
        self.linked = [
            element.get("href") or element.get("content") or ""
            for element in tree.iter("link", "meta")
            if element.get("rel", "").lower().strip() == "image_src"
            or element.get("itemprop") == "image"
        ]

    def first(self, *names: str) -> str | None:
        """The first value of the first of these names that has a value."""
        return next((self.values[n][0] for n in names if n in self.values), None)

    @property
    def title(self) -> str | None:
        """The title of the page, or None. It may have the shop's name in it."""
        return self.first("og:title", "twitter:title")

    @property
    def is_product(self) -> bool:
        """Whether the values say that the page is about a product."""
        types = " ".join(self.values.get("og:type", ())).lower()
        names = ("product:price:amount", "og:price:amount", "product:retailer_item_id")
        return "product" in types or any(n in self.values for n in names)

    @property
    def images(self) -> list[str]:
        """References to images. Those under the most reliable names come first."""
        found = [value for name in _IMAGES for value in self.values.get(name, ())]
        return list(dict.fromkeys([*found, *filter(None, self.linked)]))
