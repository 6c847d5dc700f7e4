"""Which file a row of a table means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.datasets.matching import TableRow, match
from scraper.datasets.tables import TableFacts


def labels(
    rows: list[tuple[str, str, str]], files: list[str], *, equal: bool = False
) -> dict[str, list[str]]:
    """The labels of each file; `equal`: all files have the same content."""
    found = match(
        [TableRow(table, path, TableFacts(label=label)) for table, path, label in rows],
        files,
        lambda paths: {path: b"" if equal else path.encode() for path in paths},
    )
    return {
        file: [str(f.label) for f in facts]
        for file, facts in found.facts.items()
        if file not in found.unclear
    }


def test_a_row_means_a_file_from_the_tables_folder_first() -> None:
    """As in Hugging Face's image folders: each split has its own metadata.csv."""
    rows = [("train/metadata.csv", "1.jpg", "mug"), ("test/metadata.csv", "1.jpg", "hat")]
    files = ["train/1.jpg", "test/1.jpg", "1.jpg"]
    assert labels(rows, files) == {"train/1.jpg": ["mug"], "test/1.jpg": ["hat"]}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("img/1.jpg", "img/1.jpg"),  # from the top
        ("1.jpg", None),
        ("1", None),
        ("a/1.jpg", "b/a/1.jpg"),
        ("./a\\1", "b/a/1.jpg"),
        ("b/a/1.jpg", "b/a/1.jpg"),
        ("2", "c/2.jpg"),  # the other is no image
        ("nowhere/1.jpg", None),
        ("3.jpg", "3.jpg"),
    ],
)
def test_a_path_by_its_end_if_only_one_file_has_it(path, expected) -> None:
    files = ["img/1.jpg", "old/img/1.jpg", "b/a/1.jpg", "c/2.jpg", "c/2.xml", "3.jpg", "d/3.jpg"]
    found = labels([("tables/t.csv", path, "mug")], files)
    assert found == ({expected: ["mug"]} if expected else {})


def test_a_name_in_two_folders_means_none_and_says_so() -> None:
    files = ["img/1.jpg", "test/1.jpg"]
    found = match([TableRow("t.csv", "1.jpg", TableFacts(label="mug"))], files, lambda p: {
        file: file.encode() for file in p
    })  # fmt: skip
    assert set(found.unclear) == set(files)
    assert "'1.jpg' is the end of img/1.jpg and of test/1.jpg" in found.unclear["img/1.jpg"]
    assert not found.lacking


def test_a_name_in_two_folders_means_both_if_they_are_the_same_image() -> None:
    found = labels([("t.csv", "1.jpg", "mug")], ["a/1.jpg", "b/1.jpg"], equal=True)
    assert found == {"a/1.jpg": ["mug"], "b/1.jpg": ["mug"]}


def test_two_labels_are_both_kept_and_one_label_twice_is_one() -> None:
    rows = [("t.csv", "1.jpg", x) for x in ("mug", "hat", "mug")]
    rows += [("t.csv", "img/2.jpg", "hat"), ("u.csv", "2.jpg", "hat")]
    assert labels(rows, ["img/1.jpg", "img/2.jpg"]) == {
        "img/1.jpg": ["mug", "hat"],
        "img/2.jpg": ["hat"],
    }


def test_of_two_splits_the_stronger_counts() -> None:
    facts = [TableFacts(label="mug", split=split) for split in ("test", None, "train")]
    found = match([TableRow("t.csv", "1.jpg", f) for f in facts], ["1.jpg"], lambda _: {})
    assert [f.split for f in found.facts["1.jpg"]] == ["test"]


def test_rows_without_a_file_are_told() -> None:
    rows = [TableRow("t.csv", path, TableFacts(label="mug")) for path in ("1.jpg", "404.jpg")]
    assert match(rows, ["1.jpg"], lambda _: {}).lacking == ["404.jpg"]


PATHS = st.lists(st.sampled_from(["a", "b", "1", "ü.x"]), min_size=1, max_size=4).map("/".join)


@given(st.lists(PATHS, unique=True, max_size=6), st.lists(PATHS, unique=True, max_size=6))
def test_every_row_is_taken_unclear_or_lacking(paths: list[str], files: list[str]) -> None:
    """And a file gets the label of the longest end of its path, or none."""
    rows = [TableRow("t.csv", path, TableFacts(label=path)) for path in paths]
    found = match(rows, files, lambda p: {file: file.encode() for file in p})
    told = {f.label for facts in found.facts.values() for f in facts}
    assert told | set(found.lacking) >= set(paths)
    for file, facts in found.facts.items():
        ends = [p for p in paths if f"/{file}".endswith(f"/{p}")]
        if file not in found.unclear and ends:
            assert max(ends, key=len) in {f.label for f in facts}


@pytest.mark.parametrize(
    ("paths", "matched"),
    [
        (["/home/me/set/img/0.jpg", "/home/me/set/img/1.jpg"], ["img/0.jpg", "img/1.jpg"]),
        ([r"C:\Users\me\set\img\0.jpg", r"C:\Users\me\set\old\1.jpg"], ["img/0.jpg", "old/1.jpg"]),
        (["file:///kaggle/input/img/0", "file:///kaggle/input/old/0"], ["img/0.jpg", "old/0.jpg"]),
        (["/img/0.jpg", "/old/1.jpg"], ["img/0.jpg", "old/1.jpg"]),
        (["/data/x/img/0.jpg", "old/1.jpg"], ["img/0.jpg", "old/1.jpg"]),
        (["/data/img/0.jpg", "/data/new/1.jpg"], ["img/0.jpg"]),  # not old/1.jpg or img/1.jpg
        (["/data/new/0.jpg", "/data/newer/1.jpg"], []),
        (["new/0.jpg"], []),
    ],
)
def test_whole_paths_of_another_machine(paths, matched):
    rows = [TableRow("t.csv", path, TableFacts(label="mug")) for path in paths]
    found = match(rows, ["img/0.jpg", "img/1.jpg", "old/0.jpg", "old/1.jpg"], dict)
    assert sorted(found.facts) == matched
    assert len(found.lacking) == len(paths) - len(matched)
