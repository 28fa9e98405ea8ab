"""Fields as JSON with types: what is read is what was written, to the type, and the older form is read beside it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from fogbank.engines.documents.model import Document
from fogbank.engines.documents.values import decode_fields, encode_fields, same
from fogbank.engines.documents.values.tagged import decode_tagged, encode_tagged, is_tagged
from fogbank.languages.dynamodb.numbers import NumberError, normalize

INT_MAX = 2**63 - 1


def _exact(number: Decimal) -> Any:
    try:
        return normalize(number)
    except NumberError:
        return 0


texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
numbers = st.one_of(
    st.integers(-INT_MAX, INT_MAX),
    st.decimals(allow_nan=False, allow_infinity=False).map(_exact),
    st.integers(-(10**38) + 1, 10**38 - 1).map(lambda each: _exact(Decimal(each))),
    st.builds(lambda sign, digit, exponent: _exact(Decimal(f"{sign}{digit}E{exponent}")), st.sampled_from("+-"),
              st.integers(1, 9), st.integers(-130, 125)),
)  # fmt: skip
scalars = st.one_of(texts, numbers, st.binary(max_size=8), st.booleans(), st.none())
sets = st.one_of(
    st.frozensets(texts, min_size=1, max_size=3),
    st.frozensets(numbers, min_size=1, max_size=3),
    st.frozensets(st.binary(max_size=4), min_size=1, max_size=3),
)
values = st.recursive(
    scalars | sets, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=8
)
items = st.dictionaries(texts, values, max_size=5)


def _spelled(value: Any) -> Any:
    """Tell apart what Python takes for equal: types, and numbers of other digits."""
    if isinstance(value, dict):
        return {name: _spelled(each) for name, each in value.items()}
    if isinstance(value, list):
        return list(map(_spelled, value))
    if isinstance(value, frozenset):
        return {(type(each), str(each)) for each in value}
    return type(value), str(value)


@given(items)
def test_fields_come_back_as_they_were(fields: dict[str, Any]) -> None:
    body = encode_tagged(fields)
    assert is_tagged(body)
    assert same(decode_tagged(body), fields)
    assert _spelled(decode_tagged(body)) == _spelled(fields)
    assert list(decode_tagged(body)) == list(fields)


@given(items)
def test_both_stored_forms_are_read_alike(fields: dict[str, Any]) -> None:
    packed = encode_fields(fields)
    assert not is_tagged(packed)
    assert same(decode_fields(packed), decode_fields(encode_tagged(fields)))


def test_every_map_of_messagepack_is_told_from_json() -> None:
    for length in (0, 1, 15, 16, 70_000):
        assert not is_tagged(msgspec.msgpack.encode({str(number): 1 for number in range(length)}))


def test_a_document_works_out_what_it_lacks() -> None:
    fields = {"id": "a", "n": Decimal("1.5")}
    assert Document(1, None, body=encode_tagged(fields)).fields == fields
    assert decode_fields(Document(1, fields).body) == fields
    assert Document(1, fields, 2, 1) == Document(1, None, body=encode_fields(fields)).written_at(2, 1)
    assert Document(1, fields) != Document(1, fields, 1)
