"""Conditions: what the grammar takes and refuses, and what they mean for an item."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from fogbank.languages.dynamodb.conditions import parse_condition
from fogbank.languages.dynamodb.errors import ExpressionError, MisuseError
from fogbank.languages.dynamodb.matching import compile_condition
from fogbank.languages.dynamodb.nodes import Between, Call, Comparison, Group, In, Literal, Logic, Not, Path, paths_in
from fogbank.languages.dynamodb.placeholders import Placeholders, check_name_keys, check_value_keys
from fogbank.languages.dynamodb.reserved import RESERVED

A, B, V, W = Path(("a",)), Path(("b",)), Literal(":v"), Literal(":w")
ITEM = {
    "s": "hello",
    "n": 5,
    "d": Decimal("2.5"),
    "b": b"\x01\x02",
    "t": True,
    "f": False,
    "z": None,
    "l": ["x", 1, {"deep": [10, 20]}],
    "m": {"k": "v", "1": "one"},
    "ss": frozenset({"a", "b"}),
    "ns": frozenset({1, Decimal("2.5")}),
    "bs": frozenset({b"\x01"}),
    "name": "reserved",
    "e": "",
}


def holds(text: str, names: dict[str, str] | None = None, item: dict[str, Any] = ITEM, **values: Any) -> bool:
    placeholders = Placeholders(names or {}, {f":{name}": value for name, value in values.items()})
    matcher = compile_condition(parse_condition(text), placeholders)
    placeholders.check_used()
    return matcher(item)


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("a = :v", Comparison("=", A, V)),
        ("a<>:v", Comparison("<>", A, V)),
        (":v >= a", Comparison(">=", V, A)),
        ("a.b[0].#c = :v", Comparison("=", Path(("a", "b", 0, "#c")), V)),
        ("a BETWEEN :v AND :w", Between(A, V, W)),
        ("a in (:v)", In(A, (V,))),
        ("NOT a = b", Not(Comparison("=", A, B))),
        ("not not a = b", Not(Not(Comparison("=", A, B)))),
        ("a = b AND a < :v", Logic("AND", (Comparison("=", A, B), Comparison("<", A, V)))),
        (
            "a = b OR a = :v AND b = :w",
            Logic("OR", (Comparison("=", A, B), Logic("AND", (Comparison("=", A, V), Comparison("=", B, W))))),
        ),
        (
            "(a = b OR a = :v) AND b = :w",
            Logic(
                "AND",
                (Group(Logic("OR", (Comparison("=", A, B), Comparison("=", A, V)))), Comparison("=", B, W)),
            ),
        ),
        ("NOT a = b AND a = :v", Logic("AND", (Not(Comparison("=", A, B)), Comparison("=", A, V)))),
        (
            "a BETWEEN :v AND :w AND b = :v",
            Logic("AND", (Between(A, V, W), Comparison("=", B, V))),
        ),
        ("size(a) > :v", Comparison(">", Call("size", (A,)), V)),
        ("attribute_exists ( a )", Call("attribute_exists", (A,))),
        ("(a) = (:v)", Comparison("=", Group(A), Group(V))),
    ],
)
def test_grammar(text: str, node: object) -> None:
    assert parse_condition(text) == node


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The expression can not be empty;"),
        ("  ", "The expression can not be empty;"),
        ("a", 'Syntax error; token: "<EOF>", near: "a"'),
        ("a =", 'Syntax error; token: "<EOF>", near: "="'),
        ("a == :v", 'Syntax error; token: "=", near: "== :v"'),
        ("a = 5", 'Syntax error; token: "5", near: "= 5"'),
        ("a = :v :w", 'Syntax error; token: ":w", near: ":v :w"'),
        ("a = : v", 'Syntax error; token: ":", near: "= : v"'),
        ("a = b = c", 'Syntax error; token: "=", near: "b = c"'),
        ("a AND b = :v", 'Syntax error; token: "AND", near: "a AND b"'),
        ("a = :v AND b", 'Syntax error; token: "<EOF>", near: "b"'),
        ("attribute_exists(a) AND NOT #b", 'Syntax error; token: "<EOF>", near: "#b"'),
        ("(a = :v", 'Syntax error; token: "<EOF>", near: ":v"'),
        ("a = :v)", 'Syntax error; token: ")", near: ":v)"'),
        ("a IN :v", 'Syntax error; token: ":v", near: "IN :v"'),
        ("a IN ()", 'Syntax error; token: ")", near: "()"'),
        ("a BETWEEN :v", 'Syntax error; token: "<EOF>", near: ":v"'),
        ("a BETWEEN :v OR :w", 'Syntax error; token: "OR", near: ":v OR :w"'),
        ("_a = :v", 'Syntax error; token: "_", near: "_a"'),
        ("a. = :v", 'Syntax error; token: "=", near: ". = :v"'),
        ("a[:v] = :v", 'Syntax error; token: ":v", near: "[:v]"'),
        ("a[-1] = :v", 'Syntax error; token: "-", near: "[-1"'),
        ("# = :v", 'Syntax error; token: "#", near: "# ="'),
        ("a & b", 'Syntax error; token: "&", near: "a & b"'),
        ("((a = :v))", "The expression has redundant parentheses;"),
        ("a = ((:v))", "The expression has redundant parentheses;"),
        ("name = :v", "Attribute name is a reserved keyword; reserved keyword: name"),
        ("a.Status = :v", "Attribute name is a reserved keyword; reserved keyword: Status"),
        ("exists(a)", "Invalid function name; function: exists"),
        ("SIZE(a) = :v", "Invalid function name; function: SIZE"),
        (
            "begins_with(a)",
            (
                "Incorrect number of operands for operator or function; operator or function: begins_with,"
                " number of operands: 1"
            ),
        ),
        (
            "attribute_exists(a, b)",
            (
                "Incorrect number of operands for operator or function; operator or function: attribute_exists,"
                " number of operands: 2"
            ),
        ),
        (
            "attribute_not_exists(:v)",
            "Operator or function requires a document path; operator or function: attribute_not_exists",
        ),
        ("size(a)", "The function is not allowed to be used this way in an expression; function: size"),
        (
            "a = attribute_exists(b)",
            "The function is not allowed to be used this way in an expression; function: attribute_exists",
        ),
        (
            "attribute_exists(a) = :v",
            "The function is not allowed to be used this way in an expression; function: attribute_exists",
        ),
        (
            "contains(a, begins_with(b, :v))",
            "The function is not allowed to be used this way in an expression; function: begins_with",
        ),
        ("list_append(a, b)", "The function is not allowed in a condition expression; function: list_append"),
        ("a = if_not_exists(a, b)", "The function is not allowed in a condition expression; function: if_not_exists"),
        ("a[99999999999] = :v", "List index is not within the allowable range; index: [99999999999]"),
        ("a[2147483648] = :v", "List index is not within the allowable range; index: [2147483648]"),
        (
            ".".join(["a"] * 33) + " = :v",
            "The document path has too many nesting elements; nesting levels: 33",
        ),
        (
            f"a IN ({', '.join([':v'] * 101)})",
            "The IN operator is provided with too many operands; number of operands: 101",
        ),
        (" OR ".join(["a = :v"] * 151), "The expression contains too many operators; operator count: 301"),
        (
            "a = :v" + " " * 4_091,
            "Expression size has exceeded the maximum allowed size;",
        ),
        ("NOT " * 150 + "a = :v", "The expression is nested too deeply; maximum nesting levels: 150"),
        ("size(" * 200, "The expression is nested too deeply; maximum nesting levels: 150"),
    ],
)
def test_what_the_grammar_refuses(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_condition(text)
    assert str(caught.value) == message


def test_limits_are_inclusive() -> None:
    parse_condition(" OR ".join(["a = :v"] * 150))
    parse_condition("a = :v" + " " * 4_090)
    parse_condition(".".join(["a"] * 32) + " = :v")
    parse_condition(f"a IN ({', '.join([':v'] * 100)})")
    parse_condition("a[2147483647] = :v")


def test_every_reserved_word_is_refused_and_its_neighbours_are_not() -> None:
    assert len(RESERVED) == 573
    for word in RESERVED - {"AND", "OR", "NOT", "BETWEEN", "IN"}:
        with pytest.raises(ExpressionError, match=f"reserved keyword: {word.lower()}$"):
            parse_condition(f"{word.lower()} = :v")
    parse_condition("names2 = :v AND sizes = :v AND statu = :v")


@pytest.mark.parametrize(
    "text",
    [
        "s = :same", "n = :five", "d = :d", "b = :bytes", "t = :true", "z = :null", "l[1] = :one", "m.k = :v",
        "l[2].deep[1] = :twenty", "#m.#one = :word", "ss = :ss", "ns = :ns", "m = :m", "l = :l",
        "s <> :five", "gone <> :five", "n <> :true", "gone <> gone2",
        "n < :six", "n <= :five", "n > :d", "n >= :five", "s > :hell", "b < :bytes2", ":d < n",
        "n BETWEEN :d AND :six", "s BETWEEN :hell AND :same", "n IN (:d, :five)", "gone IN (:d) OR n IN (:five)",
        "NOT gone = :five", "NOT (n = :six)", "n = :five AND s = :same", "n = :six OR s = :same",
        "attribute_exists(s)", "attribute_exists(l[0])", "attribute_exists(z)", "attribute_not_exists(l[3])",
        "attribute_not_exists(m.nothing)", "attribute_not_exists(s.k)", "attribute_not_exists(m[0])",
        "attribute_type(s, :S)", "attribute_type(n, :N)", "attribute_type(d, :N)", "attribute_type(b, :B)",
        "attribute_type(t, :BOOL)", "attribute_type(z, :NULL)", "attribute_type(l, :L)", "attribute_type(m, :M)",
        "attribute_type(ss, :SS)", "attribute_type(ns, :NS)", "attribute_type(bs, :BS)",
        "NOT attribute_type(gone, :S)",
        "begins_with(s, :hell)", "begins_with(b, :one_byte)", "begins_with(s, e)", "begins_with(:same, :hell)",
        "contains(s, :ell)", "contains(b, :two_byte)", "contains(ss, :a)", "contains(ns, :d)",
        "contains(bs, :one_byte)",
        "contains(l, :one)", "contains(l, :x)", "contains(:same, e)",
        "size(s) = :five", "size(b) = :two", "size(l) = :three", "size(m) = :two", "size(ss) = :two", "size(e) < :one",
        "size(:same) = n", "n = size(s)", "size(s) BETWEEN :two AND :six", "size(l) IN (:three)",
        "(s = :same OR n = :six) AND (t = :true)",
    ],
)  # fmt: skip
def test_conditions_that_hold(text: str) -> None:
    assert holds_with_everything(text)


@pytest.mark.parametrize(
    "text",
    [
        "s = :five", "n = :six", "t = :one", "f = :zero", "n = :word", "gone = :five", "gone = gone2",
        "z = :word", "ss = :l", "s <> :same", "n < :five", "n > :six", "gone < :six", "s < :six", "n < :same",
        "t < n", "l < m", "n BETWEEN :six AND :six", "gone BETWEEN :d AND :six", "n IN (:six, :same)",
        "NOT n = :five", "n = :six AND s = :same", "attribute_exists(gone)", "attribute_exists(l[9])",
        "attribute_not_exists(s)", "attribute_type(s, :N)", "attribute_type(gone, :S)", "attribute_type(ss, :L)",
        "begins_with(s, :ell)", "begins_with(n, :hell)", "begins_with(gone, :hell)", "begins_with(s, b)",
        "contains(s, :five)", "contains(ss, :ell)", "contains(ns, :a)", "contains(ss, :one)", "contains(n, :five)",
        "contains(gone, :a)", "contains(s, gone)", "contains(l, :six)", "contains(ns, :true)",
        "size(n) = :five", "size(gone) = :five", "size(t) = :one", "size(s) = :same",
    ],
)  # fmt: skip
def test_conditions_that_do_not_hold(text: str) -> None:
    assert not holds_with_everything(text)


VALUES: dict[str, Any] = {
    "same": "hello", "hell": "hell", "ell": "ell", "word": "one", "v": "v", "x": "x", "a": "a",
    "zero": 0, "one": 1, "two": 2, "three": 3, "five": 5, "six": 6, "twenty": 20, "d": Decimal("2.5"),
    "bytes": b"\x01\x02", "bytes2": b"\x01\x03", "one_byte": b"\x01", "two_byte": b"\x02", "true": True, "null": None,
    "ss": frozenset({"b", "a"}), "ns": frozenset({Decimal("2.5"), 1}), "l": ITEM["l"], "m": ITEM["m"],
    **{kind: kind for kind in ("S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS")},
}  # fmt: skip


def holds_with_everything(text: str) -> bool:
    values = {f":{name}": value for name, value in VALUES.items()}
    placeholders = Placeholders({"#m": "m", "#one": "1"}, values)
    return compile_condition(parse_condition(text), placeholders)(ITEM)


@pytest.mark.parametrize(
    ("text", "values", "message"),
    [
        (
            "a = :v",
            {},
            "An expression attribute value used in expression is not defined; attribute value: :v",
        ),
        (
            "#a = :v",
            {"v": 1},
            "An expression attribute name used in the document path is not defined; attribute name: #a",
        ),
        (
            "a < :v",
            {"v": True},
            "Incorrect operand type for operator or function; operator or function: <, operand type: BOOL",
        ),
        (
            "a BETWEEN :v AND :w",
            {"v": [], "w": 1},
            "Incorrect operand type for operator or function; operator or function: BETWEEN, operand type: L",
        ),
        (
            "begins_with(a, :v)",
            {"v": 1},
            "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
        ),
        (
            "size(:v) = :v",
            {"v": 1},
            "Incorrect operand type for operator or function; operator or function: size, operand type: N",
        ),
        (
            "size(size(a)) = :v",
            {"v": 1},
            "Incorrect operand type for operator or function; operator or function: size, operand type: N",
        ),
        (
            "attribute_type(a, :v)",
            {"v": 1},
            "Incorrect operand type for operator or function; operator or function: attribute_type, operand type: N",
        ),
        (
            "attribute_type(a, b)",
            {},
            (
                "Incorrect operand type for operator or function; operator or function: attribute_type,"
                " operand type: attribute name"
            ),
        ),
        (
            "attribute_type(a, :v)",
            {"v": "STRING"},
            "Invalid attribute type name found; type: STRING, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
        ),
        (
            "a BETWEEN :v AND :w",
            {"v": 2, "w": 1},
            (
                "The BETWEEN operator requires upper bound to be greater than or equal to lower bound;"
                " lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}"
            ),
        ),
        (
            "a BETWEEN :v AND :w",
            {"v": "x", "w": 1},
            (
                "The BETWEEN operator requires same data type for lower and upper bounds;"
                " lower bound operand: AttributeValue: {S:x}, upper bound operand: AttributeValue: {N:1}"
            ),
        ),
        (
            "a.b[1] = a.b[1]",
            {},
            (
                "The first operand must be distinct from the remaining operands for this operator or function;"
                " operator: =, first operand: [a, b, [1]]"
            ),
        ),
        (
            "contains(a, a)",
            {},
            (
                "The first operand must be distinct from the remaining operands for this operator or function;"
                " operator: contains, first operand: [a]"
            ),
        ),
    ],
)
def test_what_the_request_alone_shows_to_be_wrong(text: str, values: dict[str, Any], message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        holds(text, **values)
    assert str(caught.value) == message


@pytest.mark.parametrize(("text", "length"), [("abc", 3), ("é", 1), ("𝄞", 2), ("é𝄞", 3)])
def test_the_size_of_a_text_is_counted_in_utf_16(text: str, length: int) -> None:
    assert holds("size(s) = :n", item={"s": text}, n=length)


def test_names_stand_for_any_attribute() -> None:
    assert holds("#n = :v", {"#n": "name"}, v="reserved")
    assert holds("#m.#k = :v", {"#m": "m", "#k": "k"}, v="v")
    assert holds("#dotted = :v", {"#dotted": "a.b"}, item={"a.b": 1}, v=1)


def test_unused_names_and_values_are_refused() -> None:
    with pytest.raises(MisuseError) as caught:
        holds("a = :v", {"#b": "b", "#a": "a"}, v=1)
    assert str(caught.value) == "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a, #b}"
    with pytest.raises(MisuseError) as caught:
        holds("a = :v", v=1, x=2)
    assert str(caught.value) == "Value provided in ExpressionAttributeValues unused in expressions: keys: {:x}"


def test_keys_of_names_and_values_must_be_placeholders() -> None:
    check_name_keys(["#a", "#1_b"])
    check_value_keys([":a"])
    for check, keys, message in (
        (check_name_keys, [], "ExpressionAttributeNames must not be empty"),
        (check_value_keys, [], "ExpressionAttributeValues must not be empty"),
        (check_name_keys, ["a"], 'ExpressionAttributeNames contains invalid key: Syntax error; key: "a"'),
        (check_name_keys, ["#a-"], 'ExpressionAttributeNames contains invalid key: Syntax error; key: "#a-"'),
        (check_value_keys, ["#a"], 'ExpressionAttributeValues contains invalid key: Syntax error; key: "#a"'),
    ):
        with pytest.raises(MisuseError) as caught:
            check(keys)
        assert str(caught.value) == message


def test_paths_in_a_condition_are_found_wherever_they_stand() -> None:
    node = parse_condition("NOT (a = :v AND b.c BETWEEN d AND :w) OR e IN (f, :v) OR contains(g, size(h))")
    assert [path.parts for path in paths_in(node)] == [
        ("a",), ("b", "c"), ("d",), ("e",), ("f",), ("g",), ("h",),
    ]  # fmt: skip


def test_a_text_is_parsed_once() -> None:
    assert parse_condition("a = :once") is parse_condition("a = :once")
