"""Key conditions: the terms they come to, and what they may not say."""

from __future__ import annotations

from typing import Any

import pytest

from fogbank.languages.dynamodb.conditions import parse_condition
from fogbank.languages.dynamodb.errors import ExpressionError, MisuseError
from fogbank.languages.dynamodb.key_conditions import KeyTerm, compile_key_condition
from fogbank.languages.dynamodb.placeholders import Placeholders


def terms(text: str, **values: Any) -> list[KeyTerm]:
    placeholders = Placeholders({"#k": "k"}, {f":{name}": value for name, value in ({"v": 1, "w": 2} | values).items()})
    return compile_key_condition(parse_condition(text), placeholders)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("k = :v", [KeyTerm("k", "=", (1,))]),
        ("#k = :v", [KeyTerm("k", "=", (1,))]),
        (":v = k", [KeyTerm("k", "=", (1,))]),
        ("k = :v AND s < :w", [KeyTerm("k", "=", (1,)), KeyTerm("s", "<", (2,))]),
        ("(k = :v) AND (:w <= s)", [KeyTerm("k", "=", (1,)), KeyTerm("s", ">=", (2,))]),
        ("(k = :v AND s >= :w)", [KeyTerm("k", "=", (1,)), KeyTerm("s", ">=", (2,))]),
        ("s BETWEEN :v AND :w AND k = :v", [KeyTerm("s", "BETWEEN", (1, 2)), KeyTerm("k", "=", (1,))]),
        ("k = :v AND s > :w", [KeyTerm("k", "=", (1,)), KeyTerm("s", ">", (2,))]),
    ],
)
def test_terms(text: str, expected: list[KeyTerm]) -> None:
    assert terms(text) == expected


def test_prefixes() -> None:
    assert terms("k = :v AND begins_with(s, :p)", p="a")[1] == KeyTerm("s", "begins_with", ("a",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("k = :v OR s = :w", "Invalid operator used in KeyConditionExpression: OR"),
        ("NOT k = :v", "Invalid operator used in KeyConditionExpression: NOT"),
        ("k <> :v", "Invalid operator used in KeyConditionExpression: <>"),
        ("k IN (:v)", "Invalid operator used in KeyConditionExpression: IN"),
        ("attribute_exists(k)", "Invalid operator used in KeyConditionExpression: attribute_exists"),
        ("contains(k, :v)", "Invalid operator used in KeyConditionExpression: contains"),
        ("k = s", "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition"),
        (
            "k BETWEEN :v AND s",
            "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition",
        ),
        (":v = :w", "Invalid condition in KeyConditionExpression: No key attribute specified"),
        (":v BETWEEN :v AND :w", "Invalid condition in KeyConditionExpression: No key attribute specified"),
        ("k.a = :v", "KeyConditionExpressions cannot have conditions on nested attributes"),
        ("k[0] = :v", "KeyConditionExpressions cannot have conditions on nested attributes"),
        ("size(k) = :v", "KeyConditionExpressions cannot contain nested operations"),
        ("k = :v AND #k = :w", "KeyConditionExpressions must only contain one condition per key"),
        ("k = :v AND s = :v AND t = :v", "Conditions can be of length 1 or 2 only"),
    ],
)
def test_what_a_key_condition_may_not_say(text: str, message: str) -> None:
    with pytest.raises(MisuseError) as caught:
        terms(text)
    assert str(caught.value) == message


def test_bounds_are_checked() -> None:
    with pytest.raises(ExpressionError, match="requires upper bound to be greater than or equal to lower bound"):
        terms("k = :v AND s BETWEEN :w AND :v")
