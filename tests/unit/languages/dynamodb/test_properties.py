"""What holds for every expression: any text is parsed or refused in linear time, and conditions mean what a plain
reading of them says."""

from __future__ import annotations

import contextlib
import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fogbank.languages.dynamodb.applying import apply_update, compile_update
from fogbank.languages.dynamodb.conditions import parse_condition
from fogbank.languages.dynamodb.errors import ExpressionError, MisuseError
from fogbank.languages.dynamodb.key_conditions import compile_key_condition
from fogbank.languages.dynamodb.matching import compile_condition
from fogbank.languages.dynamodb.nodes import Between, Call, Comparison, Group, In, Literal, Logic, Not, Path
from fogbank.languages.dynamodb.placeholders import Placeholders
from fogbank.languages.dynamodb.projections import compile_projection, parse_projection
from fogbank.languages.dynamodb.updates import parse_update

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([Decimal("0.5"), Decimal("-1.5")]),
    st.text("ab", max_size=2),
    st.binary(max_size=1),
)
SETS = st.one_of(
    st.frozensets(st.text("ab", max_size=1), min_size=1),
    st.frozensets(st.integers(0, 2), min_size=1),
    st.frozensets(st.binary(max_size=1), min_size=1),
)
ANY_VALUE = st.recursive(
    SCALARS | SETS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3),
    max_leaves=5,
)
ITEMS = st.dictionaries(st.sampled_from("xyz"), ANY_VALUE, max_size=3)
VALUES = {f":{number}": value for number, value in enumerate([1, Decimal("0.5"), "a", "ab", b"a", None, True, []])}

# Texts that look like expressions, and then anything.
WORDS = (
    "a b #n :v :w . [ 0 ] ( ) , = <> < <= > >= + - AND OR NOT BETWEEN IN SET REMOVE ADD DELETE size contains"
    " begins_with attribute_exists attribute_type if_not_exists list_append name ! _ 99999999999 é"
)
PIECES = st.sampled_from(WORDS.split())
TEXTS = st.lists(PIECES, max_size=30).map(" ".join) | st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=60)


def compile_anything(text: str) -> None:
    """Parse and compile a text as every kind of expression."""
    placeholders = Placeholders({"#n": "name"}, {":v": 1, ":w": frozenset({"x"})})
    for parse, compile_parsed in (
        (parse_condition, compile_condition),
        (parse_condition, compile_key_condition),
        (parse_update, compile_update),
        (parse_projection, compile_projection),
    ):
        with contextlib.suppress(ExpressionError, MisuseError):
            compile_parsed(parse(text), placeholders)  # type: ignore[operator]


@given(TEXTS)
@settings(max_examples=500)
def test_any_text_is_understood_or_refused(text: str) -> None:
    compile_anything(text)


@pytest.mark.parametrize(
    "piece",
    ["(", "NOT ", "a.", "a[0].", "a = :v AND ", "size(", "(a = :v) OR (", "a IN (", ":v,", "#", "a ", "é", "\n(", "((",
     "if_not_exists(a,", "SET a = ", "a[", "9", " ", "_", "a,", "a0,", "a BETWEEN :v AND ", "SET a=:v,b=:v REMOVE d,"],
)  # fmt: skip
def test_the_longest_texts_take_no_longer_than_their_length(piece: str) -> None:
    text = (piece * 4_096)[:4_096]
    began = time.process_time()
    for prefix in ("", "SET ", "SET a = ", "REMOVE ", "a = "):
        compile_anything((prefix + text)[:4_096])
    # A quadratic parser would take seconds.
    assert time.process_time() - began < 1.0


def test_many_paths_are_checked_against_each_other_in_linear_time() -> None:
    began = time.process_time()
    for _ in range(10):
        compile_anything("REMOVE " + ",".join(f"a{number}" for number in range(680)))
    assert time.process_time() - began < 1.0


# Conditions, made as trees, written as text, and read in the plainest way.

PATHS = st.sampled_from([Path(parts) for parts in (("x",), ("y",), ("z", "x"), ("x", 0), ("y", 1, "z"))])
LITERALS = st.sampled_from([Literal(name) for name in VALUES])
SIZES = PATHS.map(lambda path: Call("size", (path,)))
OPERANDS = PATHS | LITERALS | SIZES
FUNCTIONS = st.one_of(
    PATHS.map(lambda path: Call("attribute_exists", (path,))),
    PATHS.map(lambda path: Call("attribute_not_exists", (path,))),
    st.tuples(PATHS, OPERANDS).map(lambda arguments: Call("begins_with", arguments)),
    st.tuples(PATHS, OPERANDS).map(lambda arguments: Call("contains", arguments)),
)
COMPARISONS = st.builds(Comparison, st.sampled_from(["=", "<>", "<", "<=", ">", ">="]), OPERANDS, OPERANDS)
LEAVES = st.one_of(
    FUNCTIONS,
    COMPARISONS,
    st.builds(Between, PATHS, LITERALS, LITERALS),
    st.builds(In, PATHS, st.lists(OPERANDS, min_size=1, max_size=3).map(tuple)),
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: (
        st.builds(Not, inner.map(Group))
        | st.builds(
            Logic, st.sampled_from(["AND", "OR"]), st.lists(inner.map(Group), min_size=2, max_size=3).map(tuple)
        )
    ),
    max_leaves=6,
)
GONE = object()


def write(node: Any) -> str:
    match node:
        case Path():
            return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in node.parts)[1:]
        case Literal():
            return node.name
        case Call():
            return f"{node.function}({', '.join(map(write, node.arguments))})"
        case Comparison():
            return f"{write(node.left)} {node.operator} {write(node.right)}"
        case Between():
            return f"{write(node.operand)} BETWEEN {write(node.low)} AND {write(node.high)}"
        case In():
            return f"{write(node.operand)} IN ({', '.join(map(write, node.options))})"
        case Logic():
            return f" {node.operator} ".join(map(write, node.conditions))
        case Not():
            return f"NOT {write(node.condition)}"
        case Group():
            return f"({write(node.inner)})"
    raise AssertionError(node)


def kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, Decimal)):
        return "number"
    if isinstance(value, frozenset):
        return f"set of {kind(next(iter(value)))}"
    return type(value).__name__


def read(node: Any, item: dict[str, Any]) -> Any:
    """The value of an operand, or GONE."""
    if isinstance(node, Literal):
        return VALUES[node.name]
    if isinstance(node, Call):
        value = read(node.arguments[0], item)
        return len(value) if kind(value) in ("str", "bytes", "list", "dict") or kind(value).startswith("set") else GONE
    value = item
    for part in node.parts:
        if not isinstance(value, list if isinstance(part, int) else dict):
            return GONE
        try:
            value = value[part]
        except (KeyError, IndexError):
            return GONE
    return value


def same(one: Any, other: Any) -> bool:
    if one is GONE or other is GONE or kind(one) != kind(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, dict):
        return set(one) == set(other) and all(same(one[key], other[key]) for key in one)
    return bool(one == other)


def in_order(operator: str, one: Any, other: Any) -> bool:
    if one is GONE or other is GONE or kind(one) != kind(other) or kind(one) not in ("number", "str", "bytes"):
        return False
    if isinstance(one, str):
        one, other = one.encode(), other.encode()
    return bool({"<": one < other, "<=": one <= other, ">": one > other, ">=": one >= other}[operator])


def reference(node: Any, item: dict[str, Any]) -> bool:
    """Whether a condition holds, read as the Developer Guide says it."""
    match node:
        case Group():
            return reference(node.inner, item)
        case Logic():
            found = [reference(each, item) for each in node.conditions]
            return all(found) if node.operator == "AND" else any(found)
        case Not():
            return not reference(node.condition, item)
        case Comparison():
            left, right = read(node.left, item), read(node.right, item)
            if node.operator in ("=", "<>"):
                return same(left, right) == (node.operator == "=")
            return in_order(node.operator, left, right)
        case Between():
            value = read(node.operand, item)
            return in_order(">=", value, read(node.low, item)) and in_order("<=", value, read(node.high, item))
        case In():
            return any(same(read(node.operand, item), read(option, item)) for option in node.options)
    first, *rest = (read(argument, item) for argument in node.arguments)
    if node.function.endswith("exists"):
        return (first is GONE) == (node.function == "attribute_not_exists")
    part = rest[0]
    if first is GONE or part is GONE:
        return False
    if node.function == "begins_with":
        return kind(first) == kind(part) and isinstance(first, (str, bytes)) and first.startswith(part)
    if isinstance(first, (str, bytes)):
        return kind(first) == kind(part) and part in first
    return isinstance(first, (list, frozenset)) and any(same(member, part) for member in first)


@given(CONDITIONS, ITEMS)
@settings(max_examples=500)
def test_conditions_mean_what_a_plain_reading_says(node: Any, item: dict[str, Any]) -> None:
    text = write(node)
    parsed = parse_condition(text)
    assert write(parsed) == text
    try:
        matches = compile_condition(parsed, Placeholders({}, VALUES))
    except ExpressionError:
        return  # An operand that can never fit; tested by its message elsewhere.
    assert matches(item) == reference(node, item)


@given(
    ITEMS,
    st.lists(st.tuples(st.sampled_from("xyz"), ANY_VALUE), min_size=1, max_size=3, unique_by=lambda set_: set_[0]),
)
def test_what_is_set_and_then_removed_leaves_the_rest_alone(item: dict[str, Any], sets: list[tuple[str, Any]]) -> None:
    values = {f":{name}": value for name, value in sets}
    put = compile_update(
        parse_update("SET " + ", ".join(f"{name} = :{name}" for name, _ in sets)), Placeholders({}, values)
    )
    remove = compile_update(parse_update("REMOVE " + ", ".join(name for name, _ in sets)), Placeholders({}, {}))
    after = apply_update(put, item)
    assert after == item | dict(sets)
    rest = {name: value for name, value in item.items() if f":{name}" not in values}
    assert apply_update(remove, after) == rest
