"""Each rule has facts on which it speaks, and nearly the same ones on which it doesn't."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model.evaluate.advice import ConfusedPair, Facts, Share, SplitAnswers, Weakest, advice
from pipeline.params import Train, load_params

ROOT = Path(__file__).parents[3]
PRETRAINED = load_params(ROOT / "presets/demo-pretrained.yaml").train
TUNED = load_params(ROOT / "presets/clothing-tuned.yaml").train
SCRATCH = load_params(ROOT / "params.yaml").train


def share(value: float, margin: float = 0.02) -> Share:
    return Share(value, value - margin, value + margin)


WELL = Facts(
    recipe=PRETRAINED,
    comes_trained=True,
    own=False,
    training_images={"bag": 300, "cup": 320, "hat": 310},
    test_images=400,
    accuracy=share(0.97),
    validation=share(0.96),
    training=0.99,
    kept_epoch=0,
    weakest=Weakest("hat", share(0.95), share(0.98)),
    pair=None,
)
MIDDLING = replace(WELL, accuracy=share(0.88), validation=share(0.87), training=0.9)
LABELS = (
    "Some labels may be wrong: `dvc repro audit/dvc.yaml` looks for them, and "
    "`python -m pipeline.review` shows them."
)


def test_all_is_well_in_one_sentence() -> None:
    assert advice(WELL) == [
        "All is well: 97.0 % of the test images are right, and nothing measured calls for more."
    ]


def test_without_another_cause_the_labels_are_worth_a_look() -> None:
    assert advice(MIDDLING) == [LABELS]


FROM_SCRATCH = replace(
    WELL,
    recipe=SCRATCH,
    comes_trained=False,
    training_images={"bag": 26, "cup": 28, "hat": 30},
    accuracy=share(0.436),
    validation=share(0.45),
    training=0.5,
    kept_epoch=60,
)


def test_from_scratch_on_few_images_a_pretrained_network_comes_first() -> None:
    """What else the training shows would be gone with it."""
    assert advice(FROM_SCRATCH) == [
        (
            "The network learned from scratch, from 28 images of a class (median), and gets 43.6 % "
            "of the test images right; on photos a pretrained one usually does better: set "
            "`train.network`, `train.weights`, `train.image_size`, `train.epochs` as in "
            "presets/demo-pretrained.yaml, then `dvc repro`."
        ),
        LABELS,
    ]
    overfitted = replace(FROM_SCRATCH, training=0.99)
    assert advice(overfitted) == advice(FROM_SCRATCH)


def test_for_ones_own_folder_there_is_a_preset() -> None:
    first, _ = advice(replace(FROM_SCRATCH, own=True))
    assert first.endswith(
        "`cp presets/own.yaml params.yaml` (it replaces the whole file), set `sources.own.path`, "
        "then `dvc repro`."
    )


MANY = {"bag": 900, "cup": 1000, "hat": 1100}


@pytest.mark.parametrize(
    ("changed", "speaks"),
    [
        ({"accuracy": share(0.94)}, True),
        ({"accuracy": share(0.95)}, False),
        ({"comes_trained": True}, False),
        ({"training_images": MANY}, True),  # so low that it is worth a try
        ({"training_images": MANY, "accuracy": share(0.8)}, False),
    ],
)
def test_pretrained_is_for_networks_from_scratch_that_need_it(changed: dict, speaks: bool) -> None:
    found = advice(replace(FROM_SCRATCH, **changed))
    assert ("learned from scratch" in found[0]) is speaks


@pytest.mark.parametrize(
    "path", sorted([ROOT / "params.yaml", *ROOT.glob("presets/*.yaml")]), ids=str
)
def test_the_keys_that_it_names_make_any_recipe_a_pretrained_one(path: Path) -> None:
    from model.networks.pretrained import comes_trained

    keys = re.findall(r"`train\.(\w+)`", advice(FROM_SCRATCH)[0])
    recipe = load_params(path).train
    preset = load_params(ROOT / "presets/demo-pretrained.yaml").train
    taken = recipe.model_copy(update={key: getattr(preset, key) for key in keys})
    assert comes_trained(taken)
    if not comes_trained(recipe):  # the rest says how to take steps, and none is taken
        assert taken.epochs == 0
        assert taken.fine_tune_from == preset.fine_tune_from


@pytest.mark.parametrize("name", ["own", "demo-pretrained", "clothing-tuned"])
def test_the_presets_that_it_names_come_trained(name: str) -> None:
    from model.networks.pretrained import comes_trained

    params = load_params(ROOT / f"presets/{name}.yaml")
    assert comes_trained(params.train)
    assert name != "own" or list(params.sources) == ["own"]


def fits_too_little(recipe: Train, **changed: object) -> Facts:
    facts = replace(MIDDLING, accuracy=share(0.7), validation=share(0.71), training=0.74)
    return replace(facts, recipe=recipe, **changed)


@pytest.mark.parametrize(
    ("facts", "remedy"),
    [
        (
            fits_too_little(TUNED, kept_epoch=TUNED.epochs),
            (
                "the last epoch was the best one, so train longer, for example "
                f"`dvc exp run -S train.epochs={2 * TUNED.epochs}`."
            ),
        ),
        (
            fits_too_little(PRETRAINED),
            (
                "train more than the classifier, with `train` of params.yaml as in "
                "presets/clothing-tuned.yaml, then `dvc repro`."
            ),
        ),
        (
            fits_too_little(TUNED, kept_epoch=TUNED.epochs - 1),
            "a larger network may learn more; docs/training.md lists them.",
        ),
    ],
)
def test_a_network_that_fits_too_little_is_trained_more(facts: Facts, remedy: str) -> None:
    assert advice(facts) == [f"Only 74.0 % of the training images are right: {remedy}", LABELS]


@pytest.mark.parametrize(
    "changed",
    [
        {"training": 0.8},
        {"training": None},
        {"validation": share(0.6)},  # then it is more than it can carry over
        {"accuracy": share(0.96)},  # augmentation and dropout make training harder than the test
    ],
)
def test_a_network_that_fits_is_not_trained_more(changed: dict) -> None:
    assert not [s for s in advice(fits_too_little(TUNED, **changed)) if s.startswith("Only")]


def test_few_test_images_make_the_figure_uncertain() -> None:
    uncertain = replace(WELL, accuracy=Share(0.5, 0.345, 0.655), test_images=36)
    assert advice(uncertain) == [
        (
            "The accuracy itself is uncertain, 34.5 % to 65.5 % from 36 test images; about 90 "
            "would narrow that to 20 points: add images, or raise `split.test`."
        ),
        LABELS,
    ]
    certain = replace(WELL, accuracy=Share(0.5, 0.41, 0.6), test_images=90)
    assert advice(certain) == [LABELS]


def test_what_is_uncertain_comes_after_what_training_shows_and_before_the_test_splits_own() -> None:
    wide = Share(0.6, 0.45, 0.75)
    assert "uncertain" in advice(replace(FROM_SCRATCH, accuracy=wide))[1]
    first, second = advice(replace(RARE, accuracy=wide))
    assert "uncertain" in first
    assert second.startswith("More images of hat")


RARE = replace(
    MIDDLING,
    training_images={"bag": 60, "cup": 64, "hat": 12},
    weakest=Weakest("hat", Share(0.3, 0.15, 0.5), Share(0.9, 0.85, 0.94)),
)


def test_a_rare_class_that_lags_behind_needs_images() -> None:
    assert advice(RARE) == [
        (
            "More images of hat would help: 30.0 % of its test images are right and 90.0 % of the "
            "others, and it has 12 training images where the others have 62 (median)."
        ),
        LABELS,
    ]


@pytest.mark.parametrize(
    "changed",
    [
        {"training_images": {"bag": 60, "cup": 64, "hat": 32}},
        {"weakest": Weakest("hat", Share(0.5, 0.2, 0.86), Share(0.9, 0.85, 0.94))},  # by chance
    ],
)
def test_a_class_is_not_said_to_need_images_by_chance(changed: dict) -> None:
    assert advice(replace(RARE, **changed)) == [LABELS]


def test_two_classes_taken_for_each_other_are_named() -> None:
    pair = ConfusedPair("bag", "hat", Share(0.4, 0.25, 0.58), Share(0.3, 0.15, 0.5))
    assert advice(replace(WELL, pair=pair)) == [
        (
            "bag and hat are taken for each other (40.0 % and 30.0 % of their test images): more "
            "images that show what tells them apart would help, or one class for both."
        )
    ]
    one_way = replace(pair, back=Share(0.1, 0.03, 0.3))
    assert advice(replace(WELL, pair=one_way)) == advice(WELL)


def test_a_network_that_fits_too_closely_needs_images() -> None:
    facts = replace(MIDDLING, training=0.99)
    start = "99.0 % of the training images are right and only 87.0 % in validation: more images"
    assert advice(facts) == [f"{start} would help.", LABELS]
    # augmentation has no part in a classifier that is fitted in one go
    assert advice(replace(facts, recipe=TUNED, kept_epoch=9)) == [
        f"{start} would help, or stronger augmentation (`augment` in params.yaml).",
        LABELS,
    ]


@pytest.mark.parametrize(
    "changed",
    [
        {"training": 0.96},
        {"training": None},
        {"validation": Share(0.87, 0.6, 1)},  # few images: perhaps by chance
        {"accuracy": share(0.95)},
    ],
)
def test_what_carries_over_is_not_called_too_close(changed: dict) -> None:
    found = advice(replace(MIDDLING, **{"training": 0.99, **changed}))
    assert not [sentence for sentence in found if "in validation" in sentence]


def answers(*rows: tuple[int, int], groups: list[str] | None = None) -> SplitAnswers:
    classes, predicted = np.array(rows).T
    return SplitAnswers(
        ["bag", "cup", "hat"], classes, predicted, groups or [str(i) for i in range(len(rows))]
    )


def test_the_weakest_class_against_all_others() -> None:
    found = Weakest.of(answers((0, 0), (0, 0), (1, 1), (1, 0), (2, 2), (2, 0), (2, 0)))
    assert found.label == "hat"
    assert found.recall.value == pytest.approx(1 / 3)
    assert found.others.value == pytest.approx(3 / 4)
    assert found.recall.low < found.recall.value < found.recall.high


def test_the_pair_is_the_one_mistaken_both_ways() -> None:
    found = ConfusedPair.of(answers((0, 1), (0, 1), (1, 1), (1, 2), (1, 1), (2, 1), (2, 2)))
    assert found is not None
    assert (found.first, found.second) == ("cup", "hat")
    assert found.there.value == pytest.approx(1 / 3)
    assert found.back.value == pytest.approx(1 / 2)
    assert ConfusedPair.of(answers((0, 1), (0, 1), (1, 2), (2, 2))) is None


def test_images_of_one_product_are_no_proof() -> None:
    rows = [(0, 0)] * 4 + [(1, 1)] * 4 + [(2, 0)] * 8 + [(2, 2)] * 8
    products = [str(i // 8) for i in range(len(rows))]
    apart, together = Weakest.of(answers(*rows)), Weakest.of(answers(*rows, groups=products))
    assert together.recall.value == apart.recall.value
    assert together.recall.high > apart.recall.high
