"""Finds the page's own product among the products of its markup. Many objects may describe it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from scraper.reading.canonical import place
from scraper.reading.names import identifies, likeness, words
from scraper.reading.nodes import Node, address_of, every_node, is_product, listed, nodes, text_of
from scraper.reading.pages import Page

_OTHERS = {  # under these keys a page shows products that are not the one it is about
    *("isAccessoryOrSparePartFor", "isConsumableFor", "isRelatedTo", "isSimilarTo"),
    *("itemListElement", "hasOfferCatalog", "review", "reviews", "isVariantOf"),
}
_OF = "isVariantOf"
_GROUP_IDS = ("productGroupID", "inProductGroupWithID")
_IDS = ("sku", "productID", "mpn", "gtin13", "gtin")
_EXACT, _SAME_PATH, _UNKNOWN, _OTHER = 3, 2, 1, 0
_VARIANT = {
    "variant",
    "color",
    "colour",
    "size",
    "sku",
    "option",
    "variation",
    "dwvar",
    "variantid",
}
_RELATED = 0.5  # share of a name's words; with less it is the name of another product
_MANY_TITLES = 2
_MOST_PARTS = 1000


@dataclass(frozen=True, slots=True)
class OwnProduct:
    """The objects that describe the page's own product in one syntax. The best one is first."""

    nodes: tuple[Node, ...]

    @property
    def name(self) -> str | None:
        """The name of the product, from the first object that has one."""
        return next(filter(None, (text_of(n.get("name")) for n in self.nodes)), None)


class Markup:
    """The objects in the markup of one page. It resolves references between them."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._ranks: dict[int, int] = {}
        self.by_id: dict[str, Node] = {}
        for node in every_node(page.markup[0]):
            name = node.get("@id")
            if isinstance(name, str) and len(node) > len(self.by_id.get(name, {"": 1})):
                self.by_id[name] = node

    def described(self, value: object) -> object:
        """The object to which `{"@id": …}` refers, if the page describes it; else the value."""
        if (
            isinstance(value, dict)
            and isinstance(value.get("@id"), str)
            and set(value) <= {"@id", "@type"}
        ):
            return self.by_id.get(value["@id"], value)
        return value

    def objects(self, value: object) -> list[Node]:
        """The objects in a value, each in the place of a reference to it."""
        return [v for v in map(self.described, listed(value)) if isinstance(v, dict)]

    def own(self, roots: Sequence[object]) -> OwnProduct | None:
        """The page's own product, with all objects that describe it; None if there is none.

        An object that names the page's address comes first, then the one whose name is most like
        the page's. An object with another address is taken only if it is the only one.
        """
        products = [n for n in nodes(roots, _OTHERS) if is_product(n)]
        inner = {id(part) for n in products for part in self._variants(n) if part is not n}
        products = [n for n in products if id(n) not in inner] or products
        seed = self._seed(products)
        if seed is None:
            return None
        same = [n for n in products if n is not seed and self._is_same(n, seed)]
        return OwnProduct((seed, *same))

    def parts(self, own: OwnProduct) -> Iterator[Node]:
        """The objects of the product, then its variants, then the group that it belongs to."""
        seen: dict[int, Node] = {}
        pending = list(own.nodes)
        while pending:
            node = pending.pop(0)
            if id(node) in seen or len(seen) > _MOST_PARTS:
                continue
            seen[id(node)] = node
            yield node
            pending += self._variants(node)
            pending += self.objects(node.get(_OF))

    def _variants(self, node: Node) -> list[Node]:
        found = [*self.objects(node.get("hasVariant")), *self.objects(node.get("model"))]
        for offer in self.objects(node.get("offers")):
            for one in (offer, *self.objects(offer.get("offers"))):
                found += self.objects(one.get("itemOffered"))
        return found

    def group(self, own: OwnProduct) -> str | None:
        """The identifier of the product's group of variants, which may be the product itself."""
        found = [g.get("productGroupID") for n in own.nodes for g in self.objects(n.get(_OF))]
        found += [node.get(name) for node in own.nodes for name in _GROUP_IDS]
        return next(filter(identifies, map(text_of, found)), None)

    def identifier(self, own: OwnProduct) -> str | None:
        """The shop's own identifier; for a variant, that of this variant."""
        found = (text_of(node.get(name)) for node in own.nodes for name in _IDS)
        return next(filter(identifies, found), None)

    def _seed(self, products: list[Node]) -> Node | None:
        if not products:
            return None
        rank = {id(n): self._address_rank(n) for n in products}
        known = max(rank.values())
        if known >= _SAME_PATH:
            best = [n for n in products if rank[id(n)] == known]
        else:
            best = [n for n in products if rank[id(n)] == _UNKNOWN] or self._only_one(products)
        if not best:
            return None
        titles = (*self.page.titles, self.page.slug)
        like = [likeness(text_of(n.get("name")), titles) for n in best]
        if known < _SAME_PATH and not self._may_be_own(best, like):
            return None
        return max(zip(like, best, strict=True), key=lambda x: (x[0], *_telling(x[1])))[1]

    def _only_one(self, products: list[Node]) -> list[Node]:
        """The objects, if they describe one product or one of them has the page's name; else none.

        All of them have another address than the page.
        """
        first = products[0]
        is_one = all(self._is_same(n, first) for n in products[1:])
        if is_one:
            return products
        called = [n for n in products if likeness(text_of(n.get("name")), self.page.titles) == 1]
        return called if len(called) == 1 else []

    def _may_be_own(self, products: list[Node], like: list[float]) -> bool:
        """Whether one of the products may be the page's own; false if all titles name other things.

        A single title is no proof, because it may be the shop's name.
        """
        told = [t for t in self.page.titles if len(words(t)) > 1]
        named = any(text_of(n.get("name")) for n in products)
        return max(like) > 0 or len(told) < _MANY_TITLES or not named

    def _address_rank(self, node: Node) -> int:
        """How well the address of an object fits that of the page."""
        if id(node) not in self._ranks:
            self._ranks[id(node)] = self._compared_rank(node)
        return self._ranks[id(node)]

    def _compared_rank(self, node: Node) -> int:
        main = node.get("mainEntityOfPage")
        around = [address_of(n) for n in self.objects(main)[:1]]
        around += [address_of(n) for n in self.objects(node.get("offers"))[:1]]
        around.append(main if isinstance(main, str) else None)
        around += map(_address, self._variants(node))
        ranks = [self._rank(u) for u in (_address(node), *around)]
        own = ranks[0]
        if own == _OTHER:
            return _EXACT if _EXACT in ranks else _OTHER
        return max([own, *(r for r in ranks if r >= _SAME_PATH)])

    def _rank(self, reference: object) -> int:
        url = self.page.absolute(reference)
        if url is None:
            return _UNKNOWN
        return max(_compared(url, own) for own in self.page.addresses)

    def _is_same(self, node: Node, seed: Node) -> bool:
        """Whether both objects describe one product. One of them may describe a variant of it."""
        if node.get("@id") and node.get("@id") == seed.get("@id"):
            return True
        rank = self._address_rank(node)
        name, own = text_of(node.get("name")), text_of(seed.get("name"))
        is_like = bool(words(name)) and words(name) == words(own)
        shared = _identifiers(node) & _identifiers(seed)
        if rank == _OTHER:  # another colour of a product may have its own page
            return any(kind == "Group" for kind, _ in shared)
        if rank == _EXACT == self._address_rank(seed):  # the page describes it in two languages
            return True
        if rank >= _SAME_PATH and self._address_rank(seed) >= _SAME_PATH:
            return (
                not name or not own or is_like or bool(shared) or likeness(own, [name]) > _RELATED
            )
        return is_like or (bool(shared) and (not name or not own or likeness(name, [own]) > 0))


def _telling(node: Node) -> tuple[bool, bool]:
    """Whether the object has an image, and whether it has a name."""
    return bool(node.get("image")), bool(text_of(node.get("name")))


def _identifiers(node: Node) -> set[tuple[str, str]]:
    """The real identifiers of an object, each with its kind: `gtin`, `Group` or `number`."""
    found = set()
    for name in (*_GROUP_IDS, *_IDS, "gtin8", "gtin12", "gtin14"):
        text = text_of(node.get(name))
        if text and identifies(text):
            found.add((next((k for k in ("gtin", "Group") if k in name), "number"), text))
    return found


def _address(node: Node) -> object:
    """The address of the product's page; an `@id` may only be a name within the page or shop."""
    url = address_of(node)
    if isinstance(url, str) and "#" in url and url != node.get("url"):
        stem = url.partition("#")[0]
        return stem if place(stem).folded_path else None
    return url


def _compared(url: str, own: str) -> int:
    """The rank of an address: exact, same path, or another. It is another if queries contradict."""
    theirs, ours = dict(place(url).query), dict(place(own).query)
    path = place(own).folded_path
    if place(url).folded_path != path:
        return _OTHER
    differing = {k for k in theirs.keys() & ours.keys() if theirs[k] != ours[k]}
    is_routed = not path or "." in path.rpartition("/")[2].removesuffix(".html")
    if differing and not all(_VARIANT & set(k.lower().split("_")) for k in differing) and is_routed:
        return _OTHER
    if is_routed and theirs.keys() != ours.keys() and not (theirs and ours):
        return _UNKNOWN  # it may be the address of the shop, which is routed by queries
    is_site = place(url).site == place(own).site
    return _EXACT if not differing and is_site else _SAME_PATH


def categories_of(own: Iterable[OwnProduct]) -> Iterator[object]:
    """The values of `category` in all objects that describe the product."""
    return (v for product in own for node in product.nodes for v in listed(node.get("category")))
