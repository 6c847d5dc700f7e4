"""Licenses in one spelling, and what a list of them lets through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.licenses import asks_for_credit, is_allowed, normal_license

CC = "https://creativecommons.org"


@pytest.mark.parametrize(
    ("name", "url", "normal"),
    [
        ("CC BY-SA 4.0", None, "cc-by-sa-4.0"),
        ("CC BY-SA 3.0 de", None, "cc-by-sa-3.0-de"),
        ("Creative Commons Attribution-ShareAlike 3.0", None, "cc-by-sa-3.0"),
        ("Creative Commons Attribution-Noncommercial-No Derivatives", None, "cc-by-nc-nd"),
        ("CC0", None, "cc0"),
        ("CC0 1.0", None, "cc0-1.0"),
        ("CC Zero", None, "cc0"),
        ("Public domain", None, "pdm"),
        ("PDM 1.0", None, "pdm-1.0"),
        ("own work", None, "own-work"),
        (None, f"{CC}/licenses/by-nc/2.0/", "cc-by-nc-2.0"),
        (None, f"{CC}/publicdomain/zero/1.0/deed.en", "cc0-1.0"),
        ("Some rights", f"{CC}/publicdomain/mark/1.0", "pdm-1.0"),
        (f"{CC}/licenses/by/4.0", None, "cc-by-4.0"),
        (None, None, None),
        ("", "", None),
    ],
)
def test_names_and_addresses_in_one_spelling(name, url, normal):
    assert normal_license(name, url) == normal


@given(st.text())
def test_the_normal_spelling_is_its_own(text):
    normal = normal_license(text)
    assert normal is None or normal_license(normal) == normal


@pytest.mark.parametrize(
    ("allowed", "name", "verdict"),
    [
        (None, None, True),
        ([], "CC0", False),
        (["cc0"], "CC0 1.0", True),
        (["cc-by"], "CC BY 2.0", True),
        (["cc-by"], "CC BY-NC 2.0", False),
        (["cc-by"], "CC BY-SA 4.0", False),
        (["cc-by-4.0"], "CC BY 4.0", True),
        (["cc-by-4.0"], "CC BY 2.0", False),
        (["cc0"], None, False),
        (["cc0", "none"], None, True),
        (["none"], "CC0", False),
    ],
)
def test_a_list_lets_through_what_it_names(allowed, name, verdict):
    assert is_allowed(name, None, allowed) is verdict


@pytest.mark.parametrize(
    ("name", "asks"),
    [
        ("CC BY 4.0", True), ("CC BY-NC-SA 2.0", True), ("GFDL", True), ("MIT", True),
        ("CC0", False), ("Public domain", False), ("own work", False), (None, False),
        ("mitigated", False),
    ],
)  # fmt: skip
def test_who_wants_to_be_named(name, asks):
    assert asks_for_credit(name, None) is asks
