"""Bytes of several parts compare as their values do."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fogbank.engines.documents.ordered import encode_number, encode_path, encode_signed, encode_text, path_segments

NUMBERS = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.sampled_from([2**53, 2**53 + 1, 2.0**53, 0.0, -0.0]),
)
NAMES = st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=4), min_size=1, max_size=4)


@given(NUMBERS, NUMBERS)
def test_numbers(one: float, other: float) -> None:
    assert (encode_number(one) < encode_number(other)) == (one < other)
    assert (encode_number(one) == encode_number(other)) == (one == other)
    assert encode_number(float("nan")) < encode_number(one)


@given(NAMES, NAMES)
def test_paths(one: list[str], other: list[str]) -> None:
    by_bytes = [each.encode() for each in one] < [each.encode() for each in other]
    assert (encode_path(one) < encode_path(other)) == by_bytes
    assert path_segments(encode_path(one)) == one


@given(st.text(), st.text(), st.binary(max_size=3), st.binary(max_size=3))
def test_what_stands_behind_a_text_comes_second(one: str, other: str, behind: bytes, behind_other: bytes) -> None:
    first, second = encode_text(one) + behind, encode_text(other) + behind_other
    assert (first < second) == ((one.encode(), behind) < (other.encode(), behind_other))


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1))
def test_signed(one: int, other: int) -> None:
    assert (encode_signed(one) < encode_signed(other)) == (one < other)
