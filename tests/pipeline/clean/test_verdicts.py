"""Verdicts as Arrow keeps them are what Arrow itself would make of them."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.clean.verdicts import _array

KINDS = {
    "string": st.text(),
    "bool": st.booleans(),
    "int32": st.integers(-(2**31), 2**31 - 1),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "float32": st.floats(width=32, allow_nan=False),
}


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_a_column_holds_the_values_and_where_there_are_none(kind, data) -> None:
    values = data.draw(st.lists(st.none() | KINDS[kind]))
    made = _array(values, kind)
    made.validate(full=True)
    assert made.equals(pa.array(values, pa.type_for_alias(kind)))


@given(st.lists(st.lists(st.text())))
def test_lists_of_texts(values) -> None:
    made = _array(values, "list")
    made.validate(full=True)
    assert made.equals(pa.array(values, pa.list_(pa.string())))
