import argparse
import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import numbers
from pipeline.numbers import number_from


@pytest.mark.parametrize(
    ("least", "most", "typed", "sentence"),
    [
        (0.0, 1.0, "80", "80 is not allowed: 0 to 1; did you mean 0.8?"),
        (0.0, 1.0, "80 %", "80 % is not allowed: 0 to 1; did you mean 0.8?"),
        (0.0, 1.0, "0,8", "0,8 is not allowed: 0 to 1; did you mean 0.8?"),
        (0.0, 1.0, "-0.2", "-0.2 is not allowed: 0 to 1; did you mean 0.2?"),
        (0.0, 1.0, "800", "800 is not allowed: 0 to 1"),
        (0.0, 1.0, "nan", "nan is not allowed: 0 to 1"),
        (0.0, 1.0, "1e999", "1e999 is not allowed: 0 to 1"),
        (1, None, "0", "0 is not allowed: whole numbers from 1 on"),
        (1, None, "1,000", "1,000 is not allowed: whole numbers from 1 on; did you mean 1000?"),
        (1, None, "1e3", "1e3 is not allowed: whole numbers from 1 on; did you mean 1000?"),
        (1, None, "10s", "10s is not allowed: whole numbers from 1 on; did you mean 10?"),
        (1, None, "three", "three is not allowed: whole numbers from 1 on"),
        (1, None, "1.2.3", "1.2.3 is not allowed: whole numbers from 1 on"),
        (1, None, "9" * 5000, f"{'9' * 40} is not allowed: whole numbers from 1 on"),
        (0, 65535, "80200", "80200 is not allowed: whole numbers 0 to 65535"),
        (0, 65535, "8020/tcp", "8020/tcp is not allowed: whole numbers 0 to 65535; did you mean"),
    ],
)
def test_what_is_allowed_is_said_with_a_guess(
    least: float, most: float | None, typed: str, sentence: str
) -> None:
    with pytest.raises(argparse.ArgumentTypeError) as told:
        number_from(least, most)(typed)
    assert str(told.value).startswith(sentence)
    assert ("did you mean" in str(told.value)) == ("did you mean" in sentence)


@given(st.text(), st.sampled_from([(0, 9), (0.0, 1.0), (1, None)]))
def test_any_text_is_a_number_in_the_range_or_an_error(typed: str, span: tuple) -> None:
    least, most = span
    try:
        number = number_from(least, most)(typed)
    except argparse.ArgumentTypeError:
        return
    assert least <= number
    assert most is None or number <= most


def test_the_examples() -> None:
    assert doctest.testmod(numbers).failed == 0
