"""The categories and products of the demo shop, and the defects of their images."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from random import Random

from scraper.demo_shop.defects import PLANS, TWO_CATEGORIES, Defect, Expected, expected_of

PRODUCTS = 200  # in each category
SECOND_VIEWS = 20  # products of a category that have a second image
PRIVATE_PRODUCTS = 2  # in each category, behind robots.txt


@dataclass(frozen=True, slots=True)
class DemoCategory:
    """A class of products, with the path of its listing."""

    label: str
    path: str
    title: str
    words: tuple[str, ...]


CATEGORIES = (
    DemoCategory("backpack", "/backpacks/", "Backpacks", ("Daypack", "Rucksack", "School bag")),
    DemoCategory("mug", "/mugs/", "Mugs", ("Mug", "Cup", "Coffee mug")),
    DemoCategory("sneaker", "/sneakers/", "Sneakers", ("Sneaker", "Trainer", "Court shoe")),
    DemoCategory("t-shirt", "/t-shirts/", "T-shirts", ("T-shirt", "Tee", "Cotton shirt")),
    DemoCategory("cap", "/caps/", "Caps", ("Cap", "Baseball cap", "Trucker cap")),
)
DEFAULT_LABELS = ("backpack", "mug", "sneaker", "t-shirt")

_COPIES = {Defect.SAME_BYTES, Defect.RECOMPRESSED, Defect.RESIZED}
_NAMES = (
    *("Alder", "Birch", "Cedar", "Dune", "Ember", "Fjord", "Glen", "Harbour", "Isle", "Juniper"),
    *("Kestrel", "Linden", "Meadow", "Nook", "Orchard", "Pebble", "Quarry", "Ridge", "Shore"),
    *("Thistle", "Umber", "Vale", "Willow", "Yarrow", "Zephyr"),
)


@dataclass(frozen=True, slots=True)
class ShopImage:
    """One image of a product, at its own address.

    `drawn_as` is the name of the image that is drawn: its own, or the original's if it is a copy.
    """

    name: str
    drawn_as: str
    defect: Defect | None = None
    private: bool = False

    @property
    def path(self) -> str:
        return ("/private" if self.private else "") + f"/photos/{self.name}"


@dataclass(frozen=True, slots=True)
class ShopProduct:
    """A product and its page. Its category is `label`; a few products are in `also` too."""

    sku: str
    label: str
    title: str
    price: str
    images: tuple[ShopImage, ...]
    also: str | None = None
    private: bool = False

    @property
    def path(self) -> str:
        return ("/private" if self.private else "") + f"/products/{self.sku}/"


@cache
def products() -> dict[str, ShopProduct]:
    """All products by SKU, in the order of the shop. The private ones are among them."""
    found = {p.sku: p for category in CATEGORIES for p in _stock(category)}
    for label, also in TWO_CATEGORIES.items():
        _list_twice(found, label, also)
    return found


@cache
def images() -> dict[str, ShopImage]:
    """All images by name."""
    return {image.name: image for product in products().values() for image in product.images}


def listed(label: str) -> list[ShopProduct]:
    """The products that a category's listing shows, in the order of the listing."""
    return [p for p in products().values() if label in (p.label, p.also) and not p.private]


def private() -> list[ShopProduct]:
    """The products behind robots.txt."""
    return [p for p in products().values() if p.private]


def expected(labels: Iterable[str] = DEFAULT_LABELS) -> dict[str, Expected]:
    """The right counts for each of these labels, after a crawl of all of them and after clean."""
    labels = set(labels)
    return {label: expected_of(_defects_seen(label, labels)) for label in sorted(labels)}


def _defects_seen(label: str, labels: set[str]) -> Iterator[Defect | None]:
    for product in listed(label):
        for image in product.images:
            conflict = image.defect is Defect.TWO_CATEGORIES
            yield image.defect if not conflict or {product.label, product.also} <= labels else None


def _stock(category: DemoCategory) -> Iterator[ShopProduct]:
    """A category's products. Defects, originals of copies and second views share no product."""
    label, rng = category.label, Random(f"stock of {category.label}")
    numbers = range(1, PRODUCTS + 1)
    drawn = iter(rng.sample(numbers, PRODUCTS))
    dirty = {next(drawn): defect for defect, plan in PLANS.items() for _ in range(plan.products)}
    originals = {n: next(drawn) for n, defect in dirty.items() if defect in _COPIES}
    seconds = {next(drawn) for _ in range(SECOND_VIEWS)}
    formats = {n: rng.choice(("png", "webp")) for n in drawn if rng.random() < 0.08}
    for number in (*numbers, *range(901, 901 + PRIVATE_PRODUCTS)):
        sku, private = f"{label}-{number:03}", number > PRODUCTS
        name = f"{sku}.{formats.get(number, 'jpg')}"
        drawn_as = f"{label}-{originals[number]:03}.jpg" if number in originals else name
        shown = [ShopImage(name, drawn_as, dirty.get(number), private)]
        if number in seconds:
            shown.append(ShopImage(f"{sku}-2.jpg", f"{sku}-2.jpg"))
        title = f"{rng.choice(_NAMES)} {rng.choice(category.words).lower()} {number}"
        price = f"{rng.randrange(7, 90)}.{rng.choice(('00', '50', '90', '95'))}"
        yield ShopProduct(sku, label, title, price, tuple(shown), private=private)


def _list_twice(found: dict[str, ShopProduct], label: str, also: str) -> None:
    """List one product in a second category. It has no defect, and its image has no copy."""
    own = [p for p in found.values() if p.label == label and not p.private]
    clean = [p for p in own if len(p.images) == 1 and p.images[0].defect is None]
    originals = {image.drawn_as for p in found.values() for image in p.images if image.defect}
    chosen = next(p for p in clean[len(clean) // 3 :] if p.images[0].name not in originals)
    image = replace(chosen.images[0], defect=Defect.TWO_CATEGORIES)
    found[chosen.sku] = replace(chosen, images=(image,), also=also)
