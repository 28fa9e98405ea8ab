"""Keys as bytes compare as their values do."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.engines.documents.keys import (
    BEYOND,
    HASH_BYTES,
    HASHES,
    after,
    after_prefix,
    encode_partition,
    encode_scalar,
    hash_bound,
)

NUMBERS = (
    st.integers(-(10**40), 10**40)
    | st.decimals(allow_nan=False, allow_infinity=False, places=5, min_value=-1000, max_value=1000)
    | st.builds(lambda digits, exponent: Decimal(digits).scaleb(exponent), st.integers(-99, 99), st.integers(-130, 125))
)


@given(NUMBERS, NUMBERS)
def test_numbers(one: Any, other: Any) -> None:
    assert (encode_scalar(one) < encode_scalar(other)) == (one < other)
    assert (encode_scalar(one) == encode_scalar(other)) == (one == other)


@given(st.text(), st.text())
def test_texts(one: str, other: str) -> None:
    assert (encode_scalar(one) < encode_scalar(other)) == (one.encode() < other.encode())


@given(st.binary(), st.binary())
def test_bytes(one: bytes, other: bytes) -> None:
    assert (encode_scalar(one) < encode_scalar(other)) == (one < other)


def test_types_follow_each_other() -> None:
    values = [
        None,
        False,
        True,
        Decimal("-1E+100"),
        -5,
        -0.5,
        0,
        Decimal("0.1"),
        7,
        Decimal("1E+100"),
        "",
        "z",
        b"",
        b"a",
    ]
    encoded = [encode_scalar(value) for value in values]
    assert encoded == sorted(encoded)
    assert len(set(encoded)) == len(values)
    assert all(key < BEYOND for key in encoded)


@pytest.mark.parametrize(("one", "other"), [(1, Decimal("1.0")), (100, Decimal("1E+2")), (0.5, Decimal("0.50"))])
def test_equal_numbers_have_one_key(one: Any, other: Any) -> None:
    assert encode_scalar(one) == encode_scalar(other)


@given(st.text(), st.text())
def test_nothing_lies_between_a_key_and_the_one_after(one: str, other: str) -> None:
    key, other_key = encode_scalar(one), encode_scalar(other)
    assert (other_key < after(key)) == (other_key <= key)


@given(st.binary(max_size=3), st.binary(max_size=5))
def test_prefixes_end_where_they_say(prefix: bytes, other: bytes) -> None:
    start, key = encode_scalar(prefix), encode_scalar(other)
    assert (start <= key < after_prefix(start)) == other.startswith(prefix)


@given(st.integers(1, 200_000), st.data())
def test_parts_cover_every_hash_once(parts: int, data: st.DataObject) -> None:
    number = data.draw(st.integers(0, HASHES - 1))
    key = number.to_bytes(HASH_BYTES, "big") + encode_scalar("key")
    part = min(number * parts // HASHES + 1, parts)
    holding = [each for each in range(max(0, part - 3), min(parts, part + 3))
               if hash_bound(each, parts) <= key < hash_bound(each + 1, parts)]  # fmt: skip
    assert len(holding) == 1
    assert hash_bound(0, parts) == b"\0\0"


def test_partitions_begin_with_a_hash_that_spreads() -> None:
    keys = [encode_partition(f"customer-{number}") for number in range(1_000)]
    assert all(key[HASH_BYTES:] == encode_scalar(f"customer-{number}") for number, key in enumerate(keys))
    assert len({key[:HASH_BYTES] for key in keys}) > 950
    assert sum(key < b"\x80" for key in keys) == pytest.approx(500, abs=60)
