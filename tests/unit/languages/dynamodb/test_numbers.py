"""DynamoDB's numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.engines.documents.values.tagged import write_number
from fogbank.languages.dynamodb.numbers import (
    OVERFLOW,
    TOO_PRECISE,
    UNDERFLOW,
    NumberError,
    add,
    read_number,
    subtract,
)

if TYPE_CHECKING:
    from decimal import Decimal


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("0", "0"), ("-0", "0"), ("0.000", "0"), ("0e999999999999999999999", "0"), ("007", "7"), ("+5", "5"),
        ("1.0", "1"), ("1.50", "1.5"), ("100", "100"), ("-12.340", "-12.34"), (".5", "0.5"), ("5.", "5"),
        ("1e3", "1000"), ("1E-3", "0.001"), ("-1.5e2", "-150"),
        ("9223372036854775807", "9223372036854775807"), ("9223372036854775808", "9223372036854775808"),
        ("-9223372036854775808", "-9223372036854775808"), ("123456789012345678", "123456789012345678"),
        ("1234567890123456789", "1234567890123456789"),
        ("12345678901234567890123456789012345678", "12345678901234567890123456789012345678"),
        ("0.12345678901234567890123456789012345678", "0.12345678901234567890123456789012345678"),
        ("1E125", "1" + "0" * 125), ("1E-130", "0." + "0" * 129 + "1"),
        ("9.9999999999999999999999999999999999999E+125", "9" * 38 + "0" * 88),
        ("000000000000000000000000000000000000000000001", "1"),
        ("1." + "0" * 60, "1"),
    ],
)  # fmt: skip
def test_numbers_come_back_in_their_one_form(text: str, written: str) -> None:
    assert write_number(read_number(text)) == written


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The parameter cannot be converted to a numeric value"),
        ("abc", "The parameter cannot be converted to a numeric value: abc"),
        (" 1", "The parameter cannot be converted to a numeric value:  1"),
        ("1 ", "The parameter cannot be converted to a numeric value: 1 "),
        ("NaN", "The parameter cannot be converted to a numeric value: NaN"),
        ("Infinity", "The parameter cannot be converted to a numeric value: Infinity"),
        ("1_000", "The parameter cannot be converted to a numeric value: 1_000"),
        ("0x10", "The parameter cannot be converted to a numeric value: 0x10"),
        ("\u0661", "The parameter cannot be converted to a numeric value: \u0661"),
        ("-", "The parameter cannot be converted to a numeric value: -"),
        (".", "The parameter cannot be converted to a numeric value: ."),
        ("1e", "The parameter cannot be converted to a numeric value: 1e"),
        ("1E126", OVERFLOW),
        ("-1E126", OVERFLOW),
        ("1e99999999999999999999", OVERFLOW),
        ("1E-131", UNDERFLOW),
        ("1e-99999999999999999999", UNDERFLOW),
        ("1" * 39, TOO_PRECISE),
        ("1." + "0" * 37 + "1", TOO_PRECISE),
    ],
)
def test_numbers_that_are_refused(text: str, message: str) -> None:
    with pytest.raises(NumberError) as caught:
        read_number(text)
    assert str(caught.value) == message


def test_a_long_text_that_is_no_number_is_refused_at_once() -> None:
    with pytest.raises(NumberError):
        read_number("1" * 400_000 + "x")


NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**20), max_value=10**20)


@given(NUMBERS, NUMBERS)
def test_equal_numbers_have_one_form_and_sums_are_exact(one: Decimal, other: Decimal) -> None:
    first, second = read_number(str(one)), read_number(str(other))
    assert first == one
    assert isinstance(first, int) == (one == one.to_integral_value() and abs(one) < 2**63)
    total = add(first, second)
    assert total == one + other
    assert (type(total), str(total)) == (type(read_number(str(one + other))), str(read_number(str(one + other))))
    assert subtract(total, second) == first
    assert (write_number(first) == write_number(second)) == (one == other)
