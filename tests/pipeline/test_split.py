"""Splits: deterministic, stratified, groups whole, and steady when pictures are added."""

import csv
import hashlib
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image
from ruamel.yaml import YAML

from pipeline import paths, split
from pipeline.cli import UserError
from pipeline.params import Split
from pipeline.split import COLUMNS, KeptImage, assign

SETTINGS = Split(validation=0.15, test=0.15, keep_official=False, seed=1)
OFFICIAL = SETTINGS.model_copy(update={"keep_official": True})


def picture(
    n: object, label: str = "mug", group: str | None = None, official: str = "", **other: str
):
    sha256 = hashlib.sha256(str(n).encode()).hexdigest()
    values = {
        "source": "own",
        "license": "",
        "official_split": official,
        "group": group or sha256,
    } | other
    return KeptImage(label=label, sha256=sha256, width=9, height=9, brightness=9.0, **values)


@st.composite
def datasets(draw: st.DrawFn) -> list[KeptImage]:
    """Classes of 5 to 60 pictures, some in groups, a few groups of two classes."""
    found = []
    for label in draw(st.sampled_from([["a"], ["a", "b"], ["a", "b", "c"]])):
        for n in range(draw(st.integers(5, 60))):
            kind = draw(st.sampled_from(["alone"] * 8 + ["in a group"] * 3 + ["across"]))
            within = "" if kind == "across" else label
            group = f"{within} {draw(st.integers(0, 12))}" if kind != "alone" else f"{label}-{n}"
            found.append(picture(len(found), label, group))
    return found


@given(datasets(), st.integers(0, 5))
def test_groups_are_whole_and_classes_everywhere(pictures: list[KeptImage], seed: int) -> None:
    settings = SETTINGS.model_copy(update={"seed": seed})
    try:
        places = assign(pictures, settings)
    except UserError:
        by_label = defaultdict(set)
        for p in pictures:
            by_label[p.label].add(p.group)
        # only where groups across classes leave a class too little room
        assert min(len(groups) for groups in by_label.values()) < 6
        assume(False)
    by_group = defaultdict(set)
    for p, place in zip(pictures, places, strict=True):
        by_group[p.group].add(place)
    assert all(len(found) == 1 for found in by_group.values())
    labels = {p.label for p in pictures}
    found = {(p.label, place) for p, place in zip(pictures, places, strict=True)}
    assert found == {(label, place) for label in labels for place in paths.SPLITS}
    shuffled = sorted(zip(pictures, places, strict=True), key=lambda pair: pair[0].sha256)
    assert assign([p for p, _ in shuffled], settings) == [place for _, place in shuffled]


@given(st.integers(20, 400), st.floats(0.05, 0.4), st.floats(0.05, 0.4), st.integers(0, 99))
def test_shares_are_kept(count: int, validation: float, test: float, seed: int) -> None:
    settings = Split(validation=validation, test=test, keep_official=False, seed=seed)
    places = Counter(assign([picture(n) for n in range(count)], settings))
    slack = max(1, split.TOLERANCE * count) + 1
    assert abs(places["test"] - test * count) <= slack
    assert abs(places["test"] + places["validation"] - (test + validation) * count) <= slack


def test_a_class_is_brought_within_its_shares_from_below_and_from_above() -> None:
    """Where chance alone would be off by more than the tolerance, to either side."""
    count, share = 400, 0.2
    pictures = [picture(n) for n in range(count)]
    off: Counter[bool] = Counter()
    for seed in range(300):
        by_chance = sum(split._draw(seed, p.group) < share for p in pictures)
        slack = split.TOLERANCE * count
        if abs(by_chance - share * count) > slack + 1:
            off[by_chance > share * count] += 1
            settings = Split(validation=0.1, test=share, keep_official=False, seed=seed)
            found = assign(pictures, settings).count("test")
            assert abs(found - share * count) <= slack + 1
    assert min(off[False], off[True]) > 5


def test_draws_are_even_between_0_and_1() -> None:
    draws = [split._draw(1, str(n)) for n in range(1000)]
    tenths = Counter(int(draw * 10) for draw in draws)
    assert set(tenths) == set(range(10))
    assert max(tenths.values()) < 150


@pytest.mark.parametrize("seed", range(5))
def test_a_tenth_more_moves_under_two_percent(seed: int) -> None:
    settings = SETTINGS.model_copy(update={"seed": seed})
    sizes = {"a": 140, "b": 200, "c": 500, "d": 900}
    old = [picture(f"{x} {n}", x) for x, size in sizes.items() for n in range(size)]
    new = [
        picture(f"new {label} {n}", label)
        for label, size in sizes.items()
        for n in range(size // 10)
    ]
    before = assign(old, settings)
    after = assign(old + new, settings)[: len(old)]
    assert sum(a != b for a, b in zip(before, after, strict=True)) < 0.02 * len(old)


def test_the_seed_decides() -> None:
    pictures = [picture(n) for n in range(50)]
    assert assign(pictures, SETTINGS) == assign(pictures, SETTINGS)
    assert assign(pictures, SETTINGS) != assign(pictures, SETTINGS.model_copy(update={"seed": 2}))


@pytest.mark.parametrize(
    ("validation", "test", "least"), [(0.15, 0.15, 3), (0, 0.2, 2), (0.2, 0, 2), (0, 0, 1)]
)
def test_a_class_with_too_few_is_named(validation: float, test: float, least: int) -> None:
    settings = Split(validation=validation, test=test, keep_official=False, seed=1)
    many = [picture(n, "many") for n in range(20)]
    few = [picture(100 + n, "few") for n in range(least)]
    assert set(assign(many + few, settings)) >= {"train"}
    if least > 1:
        with pytest.raises(UserError, match=rf"'few' has {least - 1} pictures .*least {least} "):
            assign(many + few[1:], settings)


def test_a_class_that_is_one_group_is_named() -> None:
    pictures = [picture(n, group="one") for n in range(20)]
    with pytest.raises(UserError, match="'mug' has 20 pictures in 1 groups"):
        assign(pictures, SETTINGS)


def test_official_splits_are_kept() -> None:
    pictures = [picture(n, official=paths.SPLITS[n % 3]) for n in range(30)]
    assert assign(pictures, OFFICIAL) == [p.official_split for p in pictures]
    assert assign(pictures, SETTINGS) != [p.official_split for p in pictures]


def test_a_missing_validation_comes_from_training() -> None:
    pictures = [picture(n, official="test" if n < 20 else "train") for n in range(100)]
    places = assign(pictures, OFFICIAL)
    assert places[:20] == ["test"] * 20
    assert 10 <= places[20:].count("validation") <= 14
    assert places[20:].count("train") == 80 - places[20:].count("validation")


def test_pictures_without_an_official_split_are_divided() -> None:
    official = [picture(n, official=paths.SPLITS[n % 3]) for n in range(30)]
    own = [picture(100 + n, source="other") for n in range(40)]
    cap = [picture(200 + n, "cap", source="other") for n in range(40)]
    places = assign(official + own + cap, OFFICIAL)
    assert places[:30] == [p.official_split for p in official]
    for part in (places[30:70], places[70:]):
        counts = Counter(part)
        assert 4 <= counts["test"] <= 8
        assert 4 <= counts["validation"] <= 8


def test_of_a_leak_the_stronger_split_stays() -> None:
    pictures = [picture(n, official=paths.SPLITS[n % 3]) for n in range(30)]
    pictures += [
        picture(100, group="x", official="train"),
        picture(101, group="x", official="test"),
        picture(102, group="x"),
        picture(103, group="y", official="validation"),
        picture(104, group="y", official="train"),
    ]
    assert assign(pictures, OFFICIAL)[30:] == [None, "test", "test", "validation", None]


@pytest.fixture
def divided(work, make) -> list[dict[str, str]]:
    """Two classes of 20 pictures cleaned and divided; the rows of all metadata.csv."""
    for n in range(20):
        work.add(make.encoded(make.next()), "mug", product_id=f"p {n // 2}")
        work.add(make.encoded(make.next(), "PNG"), "cup", split="train")
    work.clean()
    work.values["split"] |= {"validation": 0.2, "test": 0.2}
    YAML().dump(work.values, paths.PARAMS)
    split.main([])
    rows = []
    for name in paths.SPLITS:
        with (paths.DATASET / name / "metadata.csv").open(newline="") as file:
            rows += [row | {"split": name} for row in csv.DictReader(file)]
    return rows


def test_the_dataset_on_disk(work, divided: list[dict[str, str]]) -> None:
    files = {p.relative_to(paths.DATASET).as_posix() for p in paths.DATASET.rglob("*.jpg")}
    assert files == {f"{row['split']}/{row['file_name']}" for row in divided}
    assert len(divided) == 40
    for row in divided:
        assert list(row)[:-1] == list(COLUMNS)
        assert row["file_name"] == f"{row['label']}/{row['sha256']}.jpg"
        content = (paths.DATASET / row["split"] / row["file_name"]).read_bytes()
        assert content == (paths.CLEAN / row["file_name"]).read_bytes()
        assert (row["width"], row["height"]) == ("200", "150")
        assert row["official_split"] == ("train" if row["label"] == "cup" else "")
    assert len({row["group"] for row in divided if row["label"] == "mug"}) == 10


def test_again_gives_the_same_bytes(work, divided) -> None:
    def digests() -> dict[Path, bytes]:
        return {p: p.read_bytes() for p in sorted(paths.DATASET.rglob("*")) if p.is_file()}

    before = digests()
    split.main([])
    assert digests() == before


def test_another_set_of_classes_leaves_nothing_behind(work, divided) -> None:
    work.source("own", ["mug"])
    YAML().dump(work.values, paths.PARAMS)
    work.clean()
    split.main([])
    assert {p.parent.name for p in paths.DATASET.rglob("*.jpg")} == {"mug"}


def test_the_balance_is_printed(work, divided, capsys: pytest.CaptureFixture) -> None:
    split.main([])
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["class", "train", "validation", "test"]
    assert ["all", *(str(sum(r["split"] == s for r in divided)) for s in paths.SPLITS)] in lines


def test_before_clean_it_says_what_to_run(work) -> None:
    YAML().dump(work.values | {"sources": {}}, paths.PARAMS)
    with pytest.raises(UserError, match=r"verdicts.parquet is not there.*pipeline.clean"):
        split.main([])


def test_too_few_leave_the_dataset_as_it_was(work, divided, make) -> None:
    work.add(make.encoded(make.next()), "plate")
    work.clean()
    with pytest.raises(UserError, match="class 'plate' has 1 pictures"):
        split.main([])
    assert len(list(paths.DATASET.rglob("*.jpg"))) == 40
    with Image.open(next(paths.DATASET.rglob("*.jpg"))) as image:
        image.load()
