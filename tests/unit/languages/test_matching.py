"""Patterns over JSON: every operator, and no pattern or value that breaks them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.languages.matching import InvalidPatternError, compile_pattern


@pytest.mark.parametrize(
    ("pattern", "matching", "failing"),
    [
        (
            {"a": ["x"]},
            [{"a": "x"}, {"a": ["y", "x"]}, {"a": "x", "b": 1}],
            [{"a": "X"}, {"a": ["y"]}, {}, {"a": None}],
        ),
        ({"a": ["x", 1, True, None]}, [{"a": 1.0}, {"a": True}, {"a": None}], [{"a": "1"}, {"a": False}, {"a": 2}]),
        ({"a": [1]}, [{"a": 1}, {"a": 1.0}], [{"a": True}, {"a": "1"}]),
        ({"a": ["x"], "b": ["y"]}, [{"a": "x", "b": "y"}], [{"a": "x"}, {"b": "y"}]),
        ({"a": [{"prefix": "ba"}]}, [{"a": "bar"}], [{"a": "abar"}, {"a": 1}, {"a": "Bar"}]),
        ({"a": [{"prefix": {"equals-ignore-case": "bA"}}]}, [{"a": "Bar"}], [{"a": "abar"}]),
        ({"a": [{"suffix": ".png"}]}, [{"a": "x.png"}], [{"a": "x.PNG"}, {"a": "png"}]),
        ({"a": [{"suffix": {"equals-ignore-case": ".png"}}]}, [{"a": "x.PNG"}], [{"a": "x.jpg"}]),
        ({"a": [{"equals-ignore-case": "ALice"}]}, [{"a": "alice"}], [{"a": "alicE2"}]),
        ({"a": [{"wildcard": "*.p?g"}]}, [{"a": "x.p?g"}], [{"a": "x.png"}]),
        ({"a": [{"wildcard": "a*b*c"}]}, [{"a": "abc"}, {"a": "axxbyyc"}], [{"a": "acb"}, {"a": "xabc"}]),
        ({"a": [{"wildcard": r"a\*b"}]}, [{"a": "a*b"}], [{"a": "axb"}]),
        ({"a": [{"numeric": ["=", 3]}]}, [{"a": 3}, {"a": 3.0}, {"a": [1, 3]}], [{"a": "3"}, {"a": 4}, {"a": True}]),
        ({"a": [{"numeric": [">", 0, "<=", 5]}]}, [{"a": 0.1}, {"a": 5}], [{"a": 0}, {"a": 5.1}, {"a": None}]),
        ({"a": [{"numeric": ["<", -1e9]}]}, [{"a": -1e10}], [{"a": 0}]),
        ({"a": [{"exists": True}]}, [{"a": None}, {"a": 0}, {"a": b"x"}], [{}, {"b": 1}]),
        ({"a": [{"exists": False}]}, [{}, {"b": 1}, {"a": {"b": 1}}, {"a": []}], [{"a": None}, {"a": [1]}]),
        ({"a": [{"exists": True}]}, [{"a": [[1]]}, {"a": ""}], [{"a": {"b": 1}}, {"a": [{"b": 1}]}, {"a": [[]]}]),
        ({"a": ["x"]}, [{"a": [["x"], "y"]}], [{"a": [["y"]]}]),
        ({"$or": [{"prefix": "x"}, {"exists": True}]}, [{"$or": "xy"}, {"$or": 1}], [{}, {"prefix": "x"}]),
        ({"a": [{"anything-but": "x"}]}, [{"a": "y"}, {"a": 1}, {"a": ["x", "y"]}], [{"a": "x"}, {"a": ["x"]}, {}]),
        ({"a": [{"anything-but": ["x", 1]}]}, [{"a": "y"}, {"a": 2}], [{"a": "x"}, {"a": 1}, {"a": b"y"}]),
        ({"a": [{"anything-but": {"prefix": "x"}}]}, [{"a": "ax"}], [{"a": "xa"}]),
        ({"a": [{"anything-but": {"suffix": ["x", "y"]}}]}, [{"a": "xa"}], [{"a": "ax"}, {"a": "ay"}]),
        ({"a": [{"anything-but": {"wildcard": "*x*"}}]}, [{"a": "y"}], [{"a": "yxy"}]),
        ({"a": [{"anything-but": {"equals-ignore-case": "X"}}]}, [{"a": "y"}], [{"a": "x"}]),
        ({"a": [{"cidr": "10.0.0.0/8"}]}, [{"a": "10.1.2.3"}], [{"a": "11.0.0.1"}, {"a": "no address"}, {"a": 1}]),
        ({"a": [{"cidr": "2001:db8::/32"}]}, [{"a": "2001:db8::1"}], [{"a": "10.0.0.1"}]),
        ({"$or": [{"a": [1]}, {"b": [2]}]}, [{"a": 1}, {"b": 2}], [{"a": 2}, {}]),
        ({"c": [3], "$or": [{"a": [1]}, {"b": [2]}]}, [{"c": 3, "b": 2}], [{"b": 2}, {"c": 3}]),
        ({"$or": [1]}, [{"$or": 1}], [{}]),
        ({"a": {"b": {"c": [1]}}}, [{"a": {"b": {"c": 1}}}, {"a": [{"b": {"c": 2}}, {"b": {"c": 1}}]}], [{"a": 1}, {}]),
        ({"a": {"b": [{"exists": False}]}}, [{"a": {}}, {}, {"a": {"c": 1}}], [{"a": {"b": 1}}]),
        ({}, [{}, {"a": 1}], []),
    ],
)
def test_patterns(pattern: Any, matching: list[Any], failing: list[Any]) -> None:
    matches = compile_pattern(pattern)
    for value in matching:
        assert matches(value), value
    for value in failing:
        assert not matches(value), value


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ([], "must be an object"),
        ({"a": "x"}, '"a" must be an object or an array'),
        ({"a": []}, "Empty arrays are not allowed: a"),
        ({"a": {}}, "a must not be empty"),
        ({"a": [["x"]]}, "Match value must be String, number, true, false, or null: a"),
        ({"a": [{"like": "x"}]}, "Unrecognized match type like: a"),
        ({"a": [{"prefix": "x", "suffix": "y"}]}, "Only one key allowed in match expression: a"),
        ({"a": [{"prefix": 1}]}, "prefix match pattern must be a non-empty string: a"),
        ({"a": [{"exists": "yes"}]}, "exists match pattern must be either true or false: a"),
        ({"a": [{"numeric": []}]}, "Value of numeric must be an array: a"),
        ({"a": [{"numeric": ["="]}]}, "Bad numeric range operator: a"),
        ({"a": [{"numeric": ["~", 1]}]}, "Unrecognized numeric range operator: ~: a"),
        ({"a": [{"numeric": ["=", "1"]}]}, "Value of = must be numeric: a"),
        ({"a": [{"numeric": ["=", 2e9]}]}, "between -1.0E9 and 1.0E9"),
        ({"a": [{"numeric": [">", 5, "<", 1]}]}, "Bottom must be less than top: a"),
        ({"a": [{"numeric": ["<", 1, ">", 5]}]}, "Bottom must be less than top: a"),
        ({"a": [{"cidr": "10.0.0.0/99"}]}, "Malformed CIDR: a"),
        ({"a": [{"wildcard": "a**b"}]}, "Consecutive wildcard characters at pos 1: a"),
        ({"a": [{"anything-but": []}]}, "Empty arrays are not allowed: a"),
        ({"a": [{"anything-but": [None]}]}, "Inside anything but list"),
        ({"a": [{"anything-but": {"numeric": ["=", 1]}}]}, "Unsupported anything-but pattern: a"),
        ({"a": {"b": ["x"], "c": [{"like": 1}]}}, "Unrecognized match type like: a.c"),
    ],
)
def test_patterns_that_can_t_be(pattern: Any, message: str) -> None:
    with pytest.raises(InvalidPatternError) as refused:
        compile_pattern(pattern)
    assert message in str(refused.value)


def test_flat_patterns_refuse_nested_ones() -> None:
    with pytest.raises(InvalidPatternError):
        compile_pattern({"a": {"b": ["x"]}}, nested=False)


def test_nesting_is_bounded() -> None:
    pattern: Any = ["x"]
    for _ in range(50):
        pattern = {"a": pattern}
    with pytest.raises(InvalidPatternError, match="nested deeper"):
        compile_pattern(pattern)


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
)
operators = st.sampled_from(
    ["prefix", "suffix", "equals-ignore-case", "wildcard", "cidr", "numeric", "anything-but", "exists", "$or", "a", "b"]
)
patterns = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(operators, inner, max_size=3), max_leaves=12
)


@given(patterns, st.dictionaries(st.sampled_from(["a", "b", "$or"]), json_values))
def test_any_pattern_compiles_or_is_refused_and_then_answers(pattern: Any, value: dict[str, Any]) -> None:
    try:
        matches = compile_pattern(pattern)
    except InvalidPatternError:
        return
    assert matches(value) in (True, False)


@given(st.dictionaries(st.text(min_size=1, max_size=3).filter(lambda key: key != "$or"), scalars, min_size=1))
def test_a_pattern_of_an_object_s_own_values_matches_it(value: dict[str, Any]) -> None:
    value = json.loads(json.dumps(value))
    assert compile_pattern({key: [each] for key, each in value.items()})(value)


def test_ranges_of_numbers_have_a_limit() -> None:
    pattern = {"a": [{"numeric": [">", 2e9]}]}
    with pytest.raises(InvalidPatternError, match=r"-1\.0E9 and 1\.0E9"):
        compile_pattern(pattern)
    assert compile_pattern(pattern, number_max=5e9)({"a": 3e9})


@given(st.text("ab*\\\\", min_size=1, max_size=8), st.text("ab*\\\\", max_size=10))
def test_wildcards_are_as_expressions_say(pattern: str, value: str) -> None:
    try:
        matches = compile_pattern({"a": [{"wildcard": pattern}]})
    except InvalidPatternError:
        return
    parts = re.split(r"(\\[*\\]|\*)", pattern)
    expression = "".join(
        ".*" if part == "*" else re.escape(part[1:] if part in ("\\*", "\\\\") else part) for part in parts
    )
    assert matches({"a": value}) == bool(re.fullmatch(expression, value))


def test_wildcards_take_no_time() -> None:
    matches = compile_pattern({"a": [{"wildcard": "a*" * 30 + "b"}]})
    assert not matches({"a": "a" * 100_000})
    assert matches({"a": "a" * 100_000 + "b"})
