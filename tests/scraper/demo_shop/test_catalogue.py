"""What the shop sells, and how often each defect is planted."""

from collections import Counter

import pytest

from pipeline.manifest import Reason, Status
from scraper.demo_shop import catalogue
from scraper.demo_shop.catalogue import CATEGORIES, DEFAULT_LABELS, PRODUCTS, SECOND_VIEWS
from scraper.demo_shop.defects import PLANS, TWO_CATEGORIES, Defect, expected_of

LABELS = [category.label for category in CATEGORIES]


@pytest.mark.parametrize("label", LABELS)
def test_each_category_has_its_products_and_its_share_of_each_defect(label: str) -> None:
    own = [p for p in catalogue.listed(label) if p.label == label]
    assert len(own) == PRODUCTS
    assert sum(len(p.images) == 2 for p in own) == SECOND_VIEWS
    planted = Counter(image.defect for p in own for image in p.images if image.defect)
    wanted = Counter({defect: plan.products for defect, plan in PLANS.items()})
    wanted[Defect.TWO_CATEGORIES] = int(label in TWO_CATEGORIES)
    assert planted == +wanted


def test_between_a_tenth_and_a_seventh_of_the_products_are_dirty() -> None:
    dirty = sum(image.defect is not None for image in catalogue.images().values())
    assert 0.1 < dirty / (PRODUCTS * len(CATEGORIES)) < 0.15


def test_copies_are_of_clean_images_of_the_same_category_each_of_another() -> None:
    images = catalogue.images()
    copies = [image for image in images.values() if image.name != image.drawn_as]
    assert {copy.defect for copy in copies} == {
        Defect.SAME_BYTES,
        Defect.RECOMPRESSED,
        Defect.RESIZED,
    }
    originals = [images[copy.drawn_as] for copy in copies]
    assert all(original.defect is None for original in originals)
    assert len({original.name for original in originals}) == len(originals)
    labels = [
        (c.name.rsplit("-", 1)[0], o.name.rsplit("-", 1)[0])
        for c, o in zip(copies, originals, strict=True)
    ]
    assert all(copy == original for copy, original in labels)


def test_what_is_expected_adds_up() -> None:
    for label, result in catalogue.expected().items():
        assert result.candidates == result.statuses.total()
        assert result.candidates == sum(len(p.images) for p in catalogue.listed(label))
        assert result.statuses[Status.SAVED] == result.kept + result.reasons.total()
        assert result.reasons[Reason.LABEL_CONFLICT] == 1


def test_two_categories_conflict_only_where_both_are_collected() -> None:
    both, alone = catalogue.expected(["mug", "t-shirt"]), catalogue.expected(["mug"])
    assert both["mug"].reasons[Reason.LABEL_CONFLICT] == 1
    assert alone["mug"].reasons[Reason.LABEL_CONFLICT] == 0
    assert alone["mug"].kept == both["mug"].kept + 1
    extra = next(label for label in LABELS if label not in DEFAULT_LABELS)
    assert catalogue.expected([*DEFAULT_LABELS, extra])["mug"] == both["mug"]


def test_the_first_placeholder_is_saved_and_the_others_are_its_duplicates() -> None:
    result = expected_of([None, *[Defect.PLACEHOLDER] * 5])
    assert result.statuses == {Status.SAVED: 2, Status.DUPLICATE: 4}
    assert result.reasons == {Reason.PLACEHOLDER: 1}
    assert result.kept == 1


def test_private_products_are_in_no_listing() -> None:
    hidden = {p.sku for p in catalogue.private()}
    assert hidden
    assert not hidden & {p.sku for label in LABELS for p in catalogue.listed(label)}
