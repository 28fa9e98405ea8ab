"""Event Grid's filters."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.languages.eventgrid_filters import OPERATORS, FilterError, Rules, compile_filter

NEGATIVES = [
    ("NumberIn", "NumberNotIn"),
    ("NumberInRange", "NumberNotInRange"),
    ("StringIn", "StringNotIn"),
    ("StringBeginsWith", "StringNotBeginsWith"),
    ("StringEndsWith", "StringNotEndsWith"),
    ("StringContains", "StringNotContains"),
    ("IsNullOrUndefined", "IsNotNull"),
]


def passes(event: dict[str, Any], kind: str, key: str = "data.x", *, arrays: bool = False, **operands: Any) -> bool:
    advanced = [{"operatorType": kind, "key": key, **operands}]
    return compile_filter(Rules(), advanced, arrays=arrays)(event)


def of(value: Any) -> dict[str, Any]:
    return {"data": {"x": value}}


@pytest.mark.parametrize(
    ("kind", "operands", "yes", "no"),
    [
        ("NumberIn", {"values": [1, 2.5]}, [1, 2.5, 1.0], [3, "1", None, True, [1]]),
        ("NumberNotIn", {"values": [1]}, [2, "1", None], [1]),
        ("NumberLessThan", {"value": 3}, [2.9, -1], [3, "2", None]),
        ("NumberGreaterThan", {"value": 3}, [3.1], [3, "4"]),
        ("NumberLessThanOrEquals", {"value": 3}, [3], [3.1]),
        ("NumberGreaterThanOrEquals", {"value": 3}, [3], [2.9]),
        ("NumberInRange", {"values": [[1, 3], [5, 5]]}, [1, 3, 5], [4, "1"]),
        ("NumberNotInRange", {"values": [[1, 3]]}, [0, 4, "1"], [1, 2, 3]),
        ("BoolEquals", {"value": True}, [True], [False, 1, "true", None]),
        ("StringIn", {"values": ["A", "b"]}, ["a", "B"], ["ab", 1, None]),
        ("StringNotIn", {"values": ["A"]}, ["b", 1, None], ["a"]),
        ("StringBeginsWith", {"values": ["Ab"]}, ["abc"], ["cab", "a"]),
        ("StringNotBeginsWith", {"values": ["Ab"]}, ["cab", None], ["ABC"]),
        ("StringEndsWith", {"values": ["Bc"]}, ["abC"], ["bcd"]),
        ("StringNotEndsWith", {"values": ["Bc"]}, ["bcd"], ["abc"]),
        ("StringContains", {"values": ["x", "B"]}, ["abc"], ["ac", 5]),
        ("StringNotContains", {"values": ["x", "B"]}, ["ac"], ["abc"]),
        ("IsNullOrUndefined", {}, [None], [0, "", False, []]),
        ("IsNotNull", {}, [0, "", False, []], [None]),
    ],
)
def test_operators(kind: str, operands: dict[str, Any], yes: list[Any], no: list[Any]) -> None:
    assert [passes(of(value), kind, **operands) for value in yes] == [True] * len(yes)
    assert [passes(of(value), kind.upper(), **operands) for value in no] == [False] * len(no)


def test_every_operator_is_told_of_a_key_that_is_missing() -> None:
    operands: dict[str, Any] = {"value": 1, "values": [1]}
    for operator in OPERATORS.values():
        if operator.name == "BoolEquals":
            operands = {"value": True}
        elif operator.name.startswith("String"):
            operands = {"values": ["x"]}
        elif "Range" in operator.name:
            operands = {"values": [[1, 2]]}
        else:
            operands = {"value": 1, "values": [1]}
        expected = "Not" in operator.name if operator.name != "IsNotNull" else False
        expected = expected or operator.name == "IsNullOrUndefined"
        assert passes({"data": "no object"}, operator.name, **operands) is expected


def test_keys_in_whatever_case_and_arrays() -> None:
    event = {"subject": "S", "data": {"Inner": {"List": ["a", 5]}}}
    assert passes(event, "StringIn", "Subject", values=["s"])
    assert passes(event, "StringIn", "Data.inner.list", values=["A"], arrays=True)
    assert not passes(event, "StringIn", "data.Inner.List", values=["a"])
    assert not passes(event, "StringNotIn", "data.Inner.List", values=["a"], arrays=True)
    assert passes(event, "NumberGreaterThan", "data.Inner.List", value=4, arrays=True)


def test_types_and_subjects() -> None:
    event = {"eventType": "T", "subject": "/Images/a.JPG"}
    for rules, expected in (
        (Rules(), True),
        (Rules(frozenset({"T"})), True),
        (Rules(frozenset({"t"})), False),
        (Rules(begins="/images", ends=".jpg"), True),
        (Rules(begins="/images", case_sensitive=True), False),
        (Rules(begins="/Images", ends=".JPG", case_sensitive=True), True),
    ):
        assert compile_filter(rules, [])(event) is expected
    assert compile_filter(Rules(frozenset({"c"})), [])({"type": "c"})
    assert not compile_filter(Rules(begins="x"), [])({"type": "c"})


@pytest.mark.parametrize(
    "advanced",
    [
        [{"operatorType": "Other", "key": "k"}],
        [{"operatorType": "NumberIn", "key": "", "values": [1]}],
        [{"operatorType": "NumberIn", "key": "k", "values": []}],
        [{"operatorType": "NumberIn", "key": "k", "values": [1] * 26}],
        [{"operatorType": "NumberIn", "key": "k", "values": [True]}],
        [{"operatorType": "NumberLessThan", "key": "k"}],
        [{"operatorType": "NumberInRange", "key": "k", "values": [[2, 1]]}],
        [{"operatorType": "BoolEquals", "key": "k", "value": 1}],
        [{"operatorType": "StringIn", "key": "k", "values": ["x" * 513]}],
        ["text"],
        [{"operatorType": "IsNotNull", "key": "k"}] * 26,
    ],
)
def test_what_is_no_filter(advanced: list[Any]) -> None:
    with pytest.raises(FilterError):
        compile_filter(Rules(), advanced)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-5, 5) | st.text("aAbB", max_size=4),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


@given(
    value=VALUES,
    numbers=st.lists(st.integers(-5, 5), min_size=1, max_size=5),
    texts=st.lists(st.text("aAbB", max_size=3), min_size=1, max_size=5),
    arrays=st.booleans(),
)
def test_an_operator_and_its_opposite(value: Any, numbers: list[int], texts: list[str], arrays: bool) -> None:
    ranges = [sorted([number, 0]) for number in numbers]
    for positive, negative in NEGATIVES:
        values = texts if positive.startswith("String") else ranges if "Range" in positive else numbers
        told = [passes(of(value), kind, values=values, arrays=arrays) for kind in (positive, negative)]
        assert told[0] is not told[1]


@given(value=VALUES, text=st.text("aAbB", max_size=4))
def test_texts_are_compared_as_python_compares_them(value: Any, text: str) -> None:
    if isinstance(value, str):
        folded, wanted = value.lower(), text.lower()
        assert passes(of(value), "StringContains", values=[text]) is (wanted in folded)
        assert passes(of(value), "StringBeginsWith", values=[text]) is folded.startswith(wanted)
        assert passes(of(value), "StringEndsWith", values=[text]) is folded.endswith(wanted)
    else:
        assert not passes(of(value), "StringContains", values=[text])


@given(st.dictionaries(st.text(max_size=5), VALUES), st.text(max_size=10))
def test_whatever_is_given_is_a_filter_or_refused(event: dict[str, Any], key: str) -> None:
    for kind in OPERATORS:
        try:
            made = compile_filter(Rules(), [{"operatorType": kind, "key": key, **event}])
        except FilterError:
            continue
        assert made(event) in (True, False)
