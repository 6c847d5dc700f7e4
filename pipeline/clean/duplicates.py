"""Images that show the same: which one stays, and which images belong to one group."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from pipeline.clean.measure import Measurement
from pipeline.clean.near_duplicates import Pair
from pipeline.clean.products import Products
from pipeline.clean.rules import Verdict
from pipeline.manifest import Reason
from pipeline.params import Clean, Placeholder
from pipeline.paths import SPLITS
from pipeline.raw import RawImage


class Sets:
    """Disjoint sets of anything hashable. A pair of items joins the sets that they are in.

    >>> same = Sets()
    >>> same.join("a", "b")
    >>> same.find("a") == same.find("b"), same.find("a") == same.find("c")
    (True, False)
    """

    def __init__(self) -> None:
        self._parents: dict[Hashable, Hashable] = {}

    def find(self, item: Hashable) -> Hashable:
        """The member that stands for the set of `item`."""
        root = item
        while (parent := self._parents.get(root, root)) != root:
            root = parent
        while item != root:  # the next search is shorter
            self._parents[item], item = root, self._parents[item]
        return root

    def join(self, a: Hashable, b: Hashable) -> None:
        self._parents[self.find(a)] = self.find(b)


class JudgedImage:
    """An image with its verdict and measurement, as the rules here need them."""

    def __init__(self, image: RawImage, verdict: Verdict, measurement: Measurement) -> None:
        self.image = image
        self.verdict = verdict
        self.pixels = measurement.pixels
        side = measurement.width * measurement.height
        self.rank = (
            not verdict.reviewed,
            "test" not in image.official,
            -side,
            -image.bytes,
            image.sha256,
            image.source,
            image.label,
        )
        """The image with the smallest rank survives: one that a person chose, else one of an
        official test split, else the one with the most pixels, then bytes, then by its SHA-256."""

    @property
    def is_placeholder(self) -> bool:
        return self.verdict.reason is Reason.PLACEHOLDER or Reason.PLACEHOLDER in self.verdict.flags


def resolve(
    judged: Sequence[JudgedImage], pairs: Iterable[Pair], clean: Clean
) -> list[list[JudgedImage]]:
    """Settle duplicates and label conflicts, and fill in the groups, in the verdicts.

    `judged` are the images that nothing else drops, and the placeholders; `pairs` are the
    near-duplicates among them. Returns the sets of images that show the same, each with its best
    one first.
    """
    by_pixels = clean.same_pixels.action != "off"
    names = {one.image.sha256: one.pixels if by_pixels else one.image.sha256 for one in judged}
    same = Sets()
    for pair in pairs:
        same.join(names[pair.a], names[pair.b])
    sets = _split(judged, lambda one: same.find(names[one.image.sha256]))
    products = Products((one.image, name) for name, members in sets.items() for one in members)
    for members in sets.values():
        members.sort(key=lambda one: one.rank)
        _find_placeholder(members, clean.placeholder, products)
        staying = [one for one in members if one.verdict.reason is None]
        if len(staying) > 1:
            _settle(staying, clean)
    _group(sets.values())
    return list(sets.values())


def _find_placeholder(
    members: Sequence[JudgedImage], rule: Placeholder, products: Products
) -> None:
    """Find an image that many products have, in any bytes. It tells nothing about any of them."""
    is_hub = rule.other_bytes and (
        products.count(one.image for one in members) >= rule.min_products
    )
    if not is_hub and not any(one.is_placeholder for one in members):
        return
    for one in members:
        one.verdict.find(Reason.PLACEHOLDER, rule.action)
        if one.verdict.reason is Reason.PLACEHOLDER:
            best = members[0].image.sha256
            one.verdict.duplicate_of = "" if one.image.sha256 == best else best


def _split(members: Iterable[JudgedImage], key: Any) -> dict[Any, list[JudgedImage]]:
    parts: dict[Any, list[JudgedImage]] = defaultdict(list)
    for one in members:
        parts[key(one)].append(one)
    return parts


def _settle(members: Sequence[JudgedImage], clean: Clean) -> None:
    """Judge images that show the same, best first: conflicts of labels, then duplicates."""
    by_label = _split(members, lambda one: one.verdict.label)
    staying = set(by_label)
    if len(by_label) > 1:
        staying = _labels_that_stay(by_label, clean.conflicts)
        for one in members:
            stays = one.verdict.label in staying
            one.verdict.find(Reason.LABEL_CONFLICT, "flag" if stays else "drop")
    for label in sorted(staying):
        _settle_duplicates(by_label[label], clean)


def _labels_that_stay(by_label: Mapping[str, list[JudgedImage]], conflicts: str) -> set[str]:
    reviewed = {
        label for label, members in by_label.items() if any(one.verdict.reviewed for one in members)
    }
    if reviewed:  # a person has settled it
        return reviewed
    if conflicts == "keep_both":
        return set(by_label)
    if conflicts == "majority":
        counts = Counter({label: len(members) for label, members in by_label.items()})
        (first, most), (_, second) = counts.most_common(2)
        if most > second:
            return {first}
    return set()


def _settle_duplicates(members: Iterable[JudgedImage], clean: Clean) -> None:
    """Settle duplicates of one class; the best image comes first.

    Each step finds more copies than the one before. Its survivors go into the next step.
    """
    steps: list[tuple[Reason, str, Any]] = [
        (Reason.SAME_PIXELS, clean.same_pixels.action, lambda one: one.pixels),
        (Reason.NEAR_DUPLICATE, clean.near_duplicate.action, lambda _: None),
    ]
    better: dict[JudgedImage, JudgedImage] = {}
    survivors = []
    for survivor, *others in _split(members, lambda one: one.image.sha256).values():
        survivors.append(survivor)
        for one in others:  # both have the same file, which not even a person can keep twice
            one.verdict.reason = Reason.EXACT_DUPLICATE
            better[one] = survivor
    for reason, action, key in steps:
        if action == "off":
            continue
        members, survivors = survivors, []
        for survivor, *others in _split(members, key).values():
            survivors.append(survivor)
            for one in others:
                one.verdict.find(reason, action)
                better[one] = survivor
        survivors.sort(key=lambda one: one.rank)
    for one, survivor in better.items():
        while survivor in better:
            survivor = better[survivor]
        one.verdict.duplicate_of = survivor.image.sha256


def _group(sets: Iterable[list[JudgedImage]]) -> None:
    """Give each image its group: images that show the same, and all images of one product.

    A dropped image joins products only if a copy of it stays. A placeholder joins none. A group is
    named after its product, or else after its smallest SHA-256. So a new image of a product does
    not rename the group. The split depends on this name, so it stays as it was.
    """
    joined = Sets()
    names: dict[JudgedImage, list[str]] = {}
    for members in sets:
        staying = {one.image.sha256 for one in members if one.verdict.reason is None}
        for one in members:
            stays = not staying.isdisjoint((one.image.sha256, one.verdict.duplicate_of))
            joins = stays and not one.is_placeholder
            names[one] = list(_products(one.image)) if joins else []
            joined.join(one.image.sha256, members[0].image.sha256)
            for name in names[one]:
                joined.join(one.image.sha256, name)
    for members in _split(names, lambda one: joined.find(one.image.sha256)).values():
        products = [name for one in members for name in names[one]]
        group = min(products or [one.image.sha256 for one in members])
        for one in members:
            one.verdict.group = group


def _products(image: RawImage) -> Iterator[str]:
    """Names of the image's products. No product of another source has such a name, and no image."""
    for product in image.products:
        yield hashlib.sha256(f"{image.source}\n{product}".encode()).hexdigest()


def leaks(sets: Iterable[list[JudgedImage]]) -> list[tuple[JudgedImage, JudgedImage]]:
    """Pairs of images that show the same in two official splits, the stronger split's first.

    If a source has one image in several splits, both images of the pair are this one.
    """
    found = []
    for members in sets:
        official = [one for one in members if one.image.official and not one.is_placeholder]
        official.sort(key=lambda one: (-SPLITS.index(one.image.official[0]), one.rank))
        found += [(one, one) for one in official if len(one.image.official) > 1]
        for one in official[1:]:
            if one.image.official[0] != official[0].image.official[0]:
                found.append((official[0], one))
    return found
