"""What items count, by the rules of the Developer Guide, and the same whichever way it is found out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.clouds.aws.dynamodb.attributes import document_of, read_document, write_attributes
from fogbank.clouds.aws.dynamodb.items.writing import updated
from fogbank.clouds.aws.dynamodb.sizes import read_units, size_of, write_units
from fogbank.engines.documents.values import decode_fields, same
from fogbank.engines.documents.values.tagged import encode_tagged
from fogbank.languages.dynamodb.applying import Update
from fogbank.languages.dynamodb.numbers import normalize
from fogbank.languages.dynamodb.paths import grow_tree

NUMBERS = (
    st.integers(-(10**30), 10**30).map(Decimal)
    | st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9)
).map(normalize)
SCALARS = st.none() | st.booleans() | NUMBERS | st.text() | st.binary()
SETS = (
    st.frozensets(st.text(), min_size=1) | st.frozensets(NUMBERS, min_size=1) | st.frozensets(st.binary(), min_size=1)
)
VALUES = st.recursive(SCALARS | SETS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


def in_base64(value: Any) -> Any:
    """What the JSON encoder makes of bytes."""
    import base64

    if isinstance(value, dict):
        return {name: in_base64(item) for name, item in value.items()}
    if isinstance(value, list):
        return [in_base64(item) for item in value]
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


@given(st.dictionaries(st.text(), VALUES, max_size=5))
def test_an_item_comes_back_from_the_wire_with_its_size(item: dict[str, Any]) -> None:
    read = read_document(in_base64(write_attributes(item)))
    assert read.fields == item
    assert read.size == size_of(item)
    assert same(decode_fields(read.body), item)


def test_an_item_is_stored_in_its_one_form() -> None:
    sent = {
        "number": {"N": "+01.50E1"}, "set": {"NS": ["2.0", "1e0"]}, "texts": {"SS": ["b", "a"]},
        "void": {"S": None, "BOOL": True}, "list": {"L": [{"N": "1.0"}, {"S": None, "B": "YR=="}]},
        "map": {"M": {"n": {"N": "-0"}}},
    }  # fmt: skip
    read = read_document(sent)
    assert read.body == encode_tagged(read.fields) == document_of(read.fields, read.size).body


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("", 0), ("abc", 3), ("é", 2), (b"abc", 3), (True, 1), (None, 1), (0, 1), (1, 2), (10, 2), (99, 2), (100, 2),
        (101, 3), (-1, 3), (12345, 4), (Decimal("0.01"), 2), (Decimal("129.95"), 4), (Decimal("-1.5"), 3),
        (Decimal("1E+100"), 2), ([], 3), ({}, 3), (["a", 1], 3 + 2 + 1 + 2), ({"k": "abc"}, 3 + 1 + 1 + 3),
        (frozenset({"a", "bc"}), 3), (frozenset({1, 2}), 4), (frozenset({b"", b"x"}), 1),
    ],
)  # fmt: skip
def test_sizes(value: Any, size: int) -> None:
    assert size_of({"name": value}) == 4 + size
    assert size_of({"é": value}) == 2 + size


def test_units() -> None:
    assert [read_units(size, consistent=True) for size in (0, 1, 4_096, 4_097)] == [1, 1, 1, 2]
    assert [read_units(size, consistent=False) for size in (0, 4_096, 4_097)] == [0.5, 0.5, 1]
    assert [write_units(size) for size in (0, 1, 1_024, 1_025)] == [1, 1, 1, 2]


@given(st.dictionaries(st.sampled_from("abcd"), VALUES), st.dictionaries(st.sampled_from("abcd"), VALUES, min_size=1))
def test_an_updated_item_counts_what_it_would_count_anew(item: dict[str, Any], changes: dict[str, Any]) -> None:
    paths = [(name,) for name in changes]
    sets = [((name,), lambda _item, value=value: value) for name, value in changes.items() if value is not None]
    removes = [(name,) for name, value in changes.items() if value is None]
    update = Update(sets, removes, grow_tree(paths), creates=True, given={})
    after = updated(update, {}, document_of(item, size_of(item)))
    assert after is not None
    assert after.size == size_of(after.fields)
    assert after.body == encode_tagged(after.fields)
