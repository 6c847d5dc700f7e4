"""A dataset's labels as classes: renamed, selected, safe."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cli import UserError
from pipeline.manifest import safe_label
from scraper.datasets.labels import Labels


def test_without_classes_all_labels_are_taken_by_safe_names() -> None:
    labels = Labels(None)
    assert [labels.ours(x) for x in ("mug", "T-shirt/top", "mug")] == ["mug", "T-shirt-top", "mug"]


def test_classes_rename_and_select() -> None:
    labels = Labels({"jumper": "pullover", "hat": "hat"})
    assert [labels.ours(x) for x in ("pullover", "hat", "shoe")] == ["jumper", "hat", None]
    assert labels.found == {"pullover", "hat", "shoe"}


@pytest.mark.parametrize(("one", "other"), [("a/b", "a:b"), ("a/b", "A:b"), ("mug", "mug ")])
def test_labels_that_would_share_a_folder_are_both_named(one: str, other: str) -> None:
    labels = Labels(None)
    labels.ours(one)
    with pytest.raises(UserError, match=f"'{one}' and '{other}' would share"):
        labels.ours(other)


def test_several_labels_in_one_class() -> None:
    labels = Labels({"pineapple": ["pineapple", "pineappe", "Ananas"], "hat": "hat"})
    words = ("pineappe", "Ananas", "pineapple", "hat", "shoe")
    assert [labels.ours(word) for word in words] == ["pineapple"] * 3 + ["hat", None]
    with pytest.raises(UserError, match=r"classes\.pineapple: there is no label 'Ananas'"):
        labels.check({"pineapple", "pineappe", "hat"})
    with pytest.raises(UserError, match=r"classes\.a and classes\.b are both 'mug'"):
        Labels({"a": ["mug", "cup"], "b": ["hat", "mug"]})
    assert Labels({"cafe": ["caf\u00e9", "cafe\u0301"]}).ours("caf\u00e9") == "cafe"


def test_one_label_under_two_classes_is_refused() -> None:
    with pytest.raises(UserError, match=r"classes\.a and classes\.b are both 'mug'"):
        Labels({"a": "mug", "b": "mug"})


def test_a_letter_with_its_accent_is_one_letter() -> None:
    """Archives made on a Mac spell it as two."""
    assert Labels({"cafe": "caf\u00e9"}).ours("cafe\u0301") == "cafe"
    labels = Labels(None)
    assert labels.ours("caf\u00e9") == labels.ours("cafe\u0301") == "caf\u00e9"


def test_a_label_that_is_not_there_is_named_with_the_nearest() -> None:
    labels = Labels({"jumper": "pulover"})
    with pytest.raises(UserError, match=r"classes\.jumper: there is no label 'pulover'.* pullover"):
        labels.check({"pullover", "hat", "shoe"})


@given(st.lists(st.text(min_size=1), max_size=20))
def test_two_labels_never_share_a_folder(names: list[str]) -> None:
    labels, folders = Labels(None), {}
    for name in names:
        try:
            ours = labels.ours(name)
        except UserError:
            continue
        assert ours == safe_label(name)
        folders.setdefault(ours.casefold(), set()).add(ours)
    assert all(len(spellings) == 1 for spellings in folders.values())


def test_spellings_of_one_label_are_one_class() -> None:
    labels = Labels(None)
    assert [labels.ours(x) for x in ("Dress", "dress", "DRESS", "Straße", "strasse")] == [
        *["Dress"] * 3,
        *["Straße"] * 2,
    ]
    labels = Labels({"frock": "Dress"})
    assert [labels.ours(x) for x in ("dress", "Dress", "hat")] == ["frock", "frock", None]
    labels.check({"dress"})
    labels = Labels({"frock": "Dress", "gown": "dress"})
    assert [labels.ours(x) for x in ("dress", "Dress")] == ["gown", "frock"]


@pytest.mark.parametrize("label", ["CON", "aux", "...", "lost+found", "*"])
def test_a_label_that_can_be_no_folder_is_told_with_the_remedy(label: str) -> None:
    with pytest.raises(UserError, match=r"`classes`, .* such as my_class: '"):
        Labels(None).ours(label)
    assert Labels({"my_class": label}).ours(label) == "my_class"
