"""What the demo shop sells: categories, products, and which photo of each has which defect."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from random import Random

from scraper.demo_shop.defects import PLANS, TWO_CATEGORIES, Defect, Expected, expected_of

PRODUCTS = 200  # in each category
SECOND_VIEWS = 20  # of them have a second photo
PRIVATE_PRODUCTS = 2  # in each category, behind robots.txt


@dataclass(frozen=True, slots=True)
class Category:
    """A class of products, and where the shop keeps it."""

    label: str
    slug: str
    title: str
    words: tuple[str, ...]

    @property
    def path(self) -> str:
        return f"/{self.slug}/"


CATEGORIES = (
    Category("backpack", "backpacks", "Backpacks", ("Daypack", "Rucksack", "School bag")),
    Category("mug", "mugs", "Mugs", ("Mug", "Cup", "Coffee mug")),
    Category("sneaker", "sneakers", "Sneakers", ("Sneaker", "Trainer", "Court shoe")),
    Category("t-shirt", "t-shirts", "T-shirts", ("T-shirt", "Tee", "Cotton shirt")),
    Category("cap", "caps", "Caps", ("Cap", "Baseball cap", "Trucker cap")),
)
DEFAULT_LABELS = ("backpack", "mug", "sneaker", "t-shirt")

_COPIES = {Defect.SAME_BYTES, Defect.RECOMPRESSED, Defect.RESIZED}

_NAMES = (
    *("Alder", "Birch", "Cedar", "Dune", "Ember", "Fjord", "Glen", "Harbour", "Isle", "Juniper"),
    *("Kestrel", "Linden", "Meadow", "Nook", "Orchard", "Pebble", "Quarry", "Ridge", "Shore"),
    *("Thistle", "Umber", "Vale", "Willow", "Yarrow", "Zephyr"),
)


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo of a product, at its own address.

    `drawn_as` is the photo that is drawn for it: its own name, or for a copy the original's.
    """

    name: str
    drawn_as: str
    defect: Defect | None = None
    private: bool = False

    @property
    def path(self) -> str:
        return ("/private" if self.private else "") + f"/photos/{self.name}"


@dataclass(frozen=True, slots=True)
class Product:
    """A product and its page, listed under `label` and, where it is in two categories, `also`."""

    sku: str
    label: str
    title: str
    price: str
    photos: tuple[Photo, ...]
    also: str | None = None
    private: bool = False

    @property
    def path(self) -> str:
        return ("/private" if self.private else "") + f"/products/{self.sku}/"


@cache
def products() -> dict[str, Product]:
    """All products by SKU, in the order of the shop, the private ones too."""
    found = {p.sku: p for category in CATEGORIES for p in _stock(category)}
    for label, also in TWO_CATEGORIES.items():
        _list_twice(found, label, also)
    return found


@cache
def photos() -> dict[str, Photo]:
    """All photos by name."""
    return {photo.name: photo for product in products().values() for photo in product.photos}


def listed(label: str) -> list[Product]:
    """The products that a category's listing shows, in its order."""
    return [p for p in products().values() if label in (p.label, p.also) and not p.private]


def private() -> list[Product]:
    """The products behind robots.txt."""
    return [p for p in products().values() if p.private]


def expected(labels: Iterable[str] = DEFAULT_LABELS) -> dict[str, Expected]:
    """What should come out of a crawl of these labels, and of clean after it."""
    labels = set(labels)
    return {label: expected_of(_defects_seen(label, labels)) for label in sorted(labels)}


def _defects_seen(label: str, labels: set[str]) -> Iterator[Defect | None]:
    for product in listed(label):
        for photo in product.photos:
            conflict = photo.defect is Defect.TWO_CATEGORIES
            yield photo.defect if not conflict or {product.label, product.also} <= labels else None


def _stock(category: Category) -> Iterator[Product]:
    """A category's products; every defect, every original of a copy and every second view is in a
    product of its own.
    """
    rng = Random(f"stock of {category.label}")
    numbers = range(1, PRODUCTS + 1)
    drawn = iter(rng.sample(numbers, PRODUCTS))
    dirty = {next(drawn): defect for defect, plan in PLANS.items() for _ in range(plan.products)}
    originals = {n: next(drawn) for n, defect in dirty.items() if defect in _COPIES}
    seconds = {next(drawn) for _ in range(SECOND_VIEWS)}
    formats = {n: rng.choice(("png", "webp")) for n in drawn if rng.random() < 0.08}
    for number in (*numbers, *range(901, 901 + PRIVATE_PRODUCTS)):
        sku = f"{category.label}-{number:03}"
        name = f"{sku}.{formats.get(number, 'jpg')}"
        original = originals.get(number)
        first = Photo(
            name,
            f"{category.label}-{original:03}.jpg" if original else name,
            dirty.get(number),
            number > PRODUCTS,
        )
        second = Photo(f"{sku}-2.jpg", f"{sku}-2.jpg")
        yield Product(
            sku,
            category.label,
            f"{rng.choice(_NAMES)} {rng.choice(category.words).lower()} {number}",
            f"{rng.randrange(7, 90)}.{rng.choice(('00', '50', '90', '95'))}",
            (first, second) if number in seconds else (first,),
            private=number > PRODUCTS,
        )


def _list_twice(found: dict[str, Product], label: str, also: str) -> None:
    """List a clean product, of which there is no copy, in a second category."""
    clean = [p for p in found.values() if p.label == label and not p.private and _is_clean(p)]
    originals = {photo.drawn_as for p in found.values() for photo in p.photos if photo.defect}
    chosen = next(p for p in clean[len(clean) // 3 :] if p.photos[0].name not in originals)
    photo = replace(chosen.photos[0], defect=Defect.TWO_CATEGORIES)
    found[chosen.sku] = replace(chosen, photos=(photo,), also=also)


def _is_clean(product: Product) -> bool:
    return len(product.photos) == 1 and product.photos[0].defect is None
