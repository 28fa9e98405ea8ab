"""Values come back from the store as they went in."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fogbank.engines.documents.values import decode_fields, encode_fields

NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.decimals(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | st.floats(allow_nan=False) | st.text() | st.binary()
SETS = (
    st.frozensets(st.text(), min_size=1) | st.frozensets(NUMBERS, min_size=1) | st.frozensets(st.binary(), min_size=1)
)
VALUES = st.recursive(SCALARS | SETS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=6)


def shape(value: Any) -> Any:
    """A value with the types of all that is in it."""
    if isinstance(value, dict):
        return {name: shape(item) for name, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    if isinstance(value, frozenset):
        return frozenset(map(shape, value))
    return (type(value), str(value))


@given(st.dictionaries(st.text(), VALUES))
def test_values_come_back_with_their_types(fields: dict[str, Any]) -> None:
    assert shape(decode_fields(encode_fields(fields))) == shape(fields)


def test_an_exact_number_stays_exact() -> None:
    fields = {"n": Decimal("0.10000000000000000000000000000000000001"), "s": frozenset({Decimal("1.10")})}
    assert decode_fields(encode_fields(fields)) == fields
