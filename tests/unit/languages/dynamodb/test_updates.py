"""Updates: what the grammar takes and refuses, and what becomes of an item."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest

from fogbank.languages.dynamodb.applying import apply_update, compile_update
from fogbank.languages.dynamodb.errors import ExpressionError, MisuseError
from fogbank.languages.dynamodb.nodes import Action, Arithmetic, Call, Group, Literal, Path
from fogbank.languages.dynamodb.numbers import OVERFLOW
from fogbank.languages.dynamodb.placeholders import Placeholders
from fogbank.languages.dynamodb.updates import parse_update

A, B, V = Path(("a",)), Path(("b",)), Literal(":v")
ITEM: dict[str, Any] = {
    "n": 5,
    "s": "text",
    "l": [1, 2, 3, {"x": 1}],
    "m": {"k": "v", "nested": {"deep": 1}},
    "ss": frozenset({"a", "b"}),
    "ns": frozenset({1, 2}),
    "big": Decimal("9.9E+125"),
}


def updated(text: str, item: dict[str, Any] = ITEM, names: dict[str, str] | None = None, **values: Any) -> Any:
    """Apply an update and return what it changed: fresh values, and None for what is gone."""
    before = copy.deepcopy(item)
    placeholders = Placeholders(names or {}, {f":{name}": value for name, value in values.items()})
    update = compile_update(parse_update(text), placeholders)
    placeholders.check_used()
    after = apply_update(update, item)
    assert item == before, "the item that was read isn't touched"
    changed = {name: value for name, value in after.items() if name not in item or item[name] != value}
    return changed | dict.fromkeys(item.keys() - after.keys())


@pytest.mark.parametrize(
    ("text", "actions"),
    [
        ("SET a = :v", (Action("SET", A, V),)),
        ("set a = b, b = :v", (Action("SET", A, B), Action("SET", B, V))),
        ("SET a = a + :v", (Action("SET", A, Arithmetic("+", A, V)),)),
        ("SET a = (a - :v)", (Action("SET", A, Group(Arithmetic("-", A, V))),)),
        ("SET a = if_not_exists(a, :v) + :v", (Action("SET", A, Arithmetic("+", Call("if_not_exists", (A, V)), V)),)),
        ("REMOVE a, b[1]", (Action("REMOVE", A, None), Action("REMOVE", Path(("b", 1)), None))),
        (
            "DELETE a :v ADD b :v",
            (Action("DELETE", A, V), Action("ADD", B, V)),
        ),
        ("REMOVE a SET b = :v", (Action("REMOVE", A, None), Action("SET", B, V))),
    ],
)
def test_grammar(text: str, actions: tuple[Action, ...]) -> None:
    assert parse_update(text) == actions


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The expression can not be empty;"),
        ("INVALID SYNTAX HERE", 'Syntax error; token: "INVALID", near: "INVALID SYNTAX"'),
        ("a = :v", 'Syntax error; token: "a", near: "a ="'),
        ("SET", 'Syntax error; token: "<EOF>", near: "SET"'),
        ("SET a", 'Syntax error; token: "<EOF>", near: "a"'),
        ("SET a = :v,", 'Syntax error; token: "<EOF>", near: ","'),
        ("SET a = b + c - d", 'Syntax error; token: "-", near: "c - d"'),
        ("SET a = 1", 'Syntax error; token: "1", near: "= 1"'),
        ("ADD hits : incr", 'Syntax error; token: ":", near: "hits : incr"'),
        ("ADD a b", 'Syntax error; token: "b", near: "a b"'),
        ("REMOVE a = :v", 'Syntax error; token: "=", near: "a = :v"'),
        ("SET a = :v SET b = :v", 'The "SET" section can only be used once in an update expression;'),
        ("ADD a :v set b = :v add c :v", 'The "ADD" section can only be used once in an update expression;'),
        ("SET name = :v", "Attribute name is a reserved keyword; reserved keyword: name"),
        ("SET a = nothing(b)", "Invalid function name; function: nothing"),
        ("SET a = size(b)", "The function is not allowed in an update expression; function: size"),
        (
            "SET a = list_append(b, attribute_exists(c))",
            "The function is not allowed in an update expression; function: attribute_exists",
        ),
        (
            "SET a = if_not_exists(:v, b)",
            "Operator or function requires a document path; operator or function: if_not_exists",
        ),
        (
            "SET a = list_append(b)",
            (
                "Incorrect number of operands for operator or function; operator or function: list_append,"
                " number of operands: 1"
            ),
        ),
        ("SET a = ((b + :v))", "The expression has redundant parentheses;"),
        ("SET #n = :v", "An expression attribute name used in the document path is not defined; attribute name: #n"),
        ("SET a = :w", "An expression attribute value used in expression is not defined; attribute value: :w"),
        (
            "SET a = :v, a = :v",
            (
                "Two document paths overlap with each other; must remove or rewrite one of these paths;"
                " path one: [a], path two: [a]"
            ),
        ),
        (
            "SET a = :v REMOVE a.b",
            (
                "Two document paths overlap with each other; must remove or rewrite one of these paths;"
                " path one: [a], path two: [a, b]"
            ),
        ),
        (
            "SET a.b[1].c = :v REMOVE a.b",
            (
                "Two document paths overlap with each other; must remove or rewrite one of these paths;"
                " path one: [a, b, [1], c], path two: [a, b]"
            ),
        ),
        (
            "SET a.b = :v, a[1] = :v",
            (
                "Two document paths conflict with each other; must remove or rewrite one of these paths;"
                " path one: [a, b], path two: [a, [1]]"
            ),
        ),
        (
            "SET a = b + :s",
            "Incorrect operand type for operator or function; operator or function: +, operand type: S",
        ),
        (
            "SET a = list_append(b, :v)",
            "Incorrect operand type for operator or function; operator or function: list_append, operand type: N",
        ),
        (
            "ADD a :s",
            (
                "Incorrect operand type for operator or function; operator: ADD, operand type: STRING,"
                " typeSet: ALLOWED_FOR_ADD_OPERAND"
            ),
        ),
        (
            "DELETE a :m",
            (
                "Incorrect operand type for operator or function; operator: DELETE, operand type: MAP,"
                " typeSet: ALLOWED_FOR_DELETE_OPERAND"
            ),
        ),
    ],
)
def test_what_is_refused_whatever_the_item(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_update(parse_update(text), Placeholders({}, {":v": 1, ":s": "x", ":m": {}}))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "values", "changed"),
    [
        ("SET a = :v", {"v": 1}, {"a": 1}),
        ("SET s = :v", {"v": [1]}, {"s": [1]}),
        ("SET a = s, s = n, n = s", {}, {"a": "text", "s": 5, "n": "text"}),
        ("SET n = n + :v", {"v": 2}, {"n": 7}),
        ("SET n = n - :v", {"v": Decimal("0.5")}, {"n": Decimal("4.5")}),
        ("SET n = :v - n", {"v": 5}, {"n": 0}),
        ("SET n = (n + n)", {}, {"n": 10}),
        ("SET n = if_not_exists(n, :v)", {"v": 0}, {}),
        ("SET c = if_not_exists(c, :v) + :v", {"v": 1}, {"c": 2}),
        ("SET c = if_not_exists(c, if_not_exists(s, :v))", {"v": 1}, {"c": "text"}),
        ("SET l2 = list_append(l, :v)", {"v": [9]}, {"l2": [1, 2, 3, {"x": 1}, 9]}),
        ("SET l2 = list_append(:v, if_not_exists(nil, :v))", {"v": [9]}, {"l2": [9, 9]}),
        ("SET m.k = :v", {"v": 1}, {"m": {"k": 1, "nested": {"deep": 1}}}),
        ("SET m.nested.fresh = :v, m.k = :v", {"v": 1}, {"m": {"k": 1, "nested": {"deep": 1, "fresh": 1}}}),
        ("SET l[0] = :v, l[3].x = :v", {"v": 9}, {"l": [9, 2, 3, {"x": 9}]}),
        ("SET l[9] = :b, l[7] = :a", {"a": "a", "b": "b"}, {"l": [1, 2, 3, {"x": 1}, "a", "b"]}),
        ("REMOVE n, s, gone", {}, {"n": None, "s": None}),
        ("REMOVE l[0], l[2]", {}, {"l": [2, {"x": 1}]}),
        ("REMOVE l[0], l[9], l[3].x, m.gone", {}, {"l": [2, 3, {}]}),
        ("REMOVE l[0] SET l[1] = :v, l[99] = :w", {"v": "v", "w": "w"}, {"l": ["v", 3, {"x": 1}, "w"]}),
        ("REMOVE l[4] SET l[4] = :w", {"w": "w"}, None),
        ("REMOVE l[5] SET l[4] = :w", {"w": "w"}, {"l": [1, 2, 3, {"x": 1}, "w"]}),
        ("ADD n :v", {"v": 1}, {"n": 6}),
        ("ADD n :v, fresh :v", {"v": -1}, {"n": 4, "fresh": -1}),
        ("ADD ss :v", {"v": frozenset({"b", "c"})}, {"ss": frozenset({"a", "b", "c"})}),
        ("ADD fresh :v", {"v": frozenset({b"1"})}, {"fresh": frozenset({b"1"})}),
        ("ADD m.hits :v", {"v": 1}, {"m": {"k": "v", "nested": {"deep": 1}, "hits": 1}}),
        ("DELETE ss :v", {"v": frozenset({"b", "c"})}, {"ss": frozenset({"a"})}),
        ("DELETE ss :v", {"v": frozenset({"a", "b"})}, {"ss": None}),
        ("DELETE gone :v", {"v": frozenset({"a"})}, {}),
        ("DELETE ns :v SET a = ns", {"v": frozenset({1})}, {"ns": frozenset({2}), "a": frozenset({1, 2})}),
        ("SET a = l, l[0] = :v", {"v": 0}, {"a": [1, 2, 3, {"x": 1}], "l": [0, 2, 3, {"x": 1}]}),
    ],
)
def test_updates(text: str, values: dict[str, Any], changed: dict[str, Any] | None) -> None:
    if changed is None:
        with pytest.raises(ExpressionError, match="overlap"):
            updated(text, **values)
    else:
        assert updated(text, **values) == changed


NO_SUCH = "The provided expression refers to an attribute that does not exist in the item"
WRONG_TYPE = "An operand in the update expression has an incorrect data type"
WRONG_PATH = "The document path provided in the update expression is invalid for update"


@pytest.mark.parametrize(
    ("text", "values", "message"),
    [
        ("SET a = gone", {}, NO_SUCH),
        ("SET a = l[9]", {}, NO_SUCH),
        ("SET a = gone + :v", {"v": 1}, NO_SUCH),
        ("SET a = list_append(gone, :v)", {"v": []}, NO_SUCH),
        ("SET a = s + :v", {"v": 1}, WRONG_TYPE),
        ("SET a = list_append(n, :v)", {"v": []}, WRONG_TYPE),
        ("SET a = if_not_exists(nil, s) + :v", {"v": 1}, WRONG_TYPE),
        ("ADD s :v", {"v": 1}, WRONG_TYPE),
        ("ADD ss :v", {"v": 1}, WRONG_TYPE),
        ("ADD ss :v", {"v": frozenset({1})}, WRONG_TYPE),
        ("DELETE ss :v", {"v": frozenset({1})}, WRONG_TYPE),
        ("DELETE n :v", {"v": frozenset({1})}, WRONG_TYPE),
        ("SET gone.k = :v", {"v": 1}, WRONG_PATH),
        ("SET gone[0] = :v", {"v": 1}, WRONG_PATH),
        ("SET m[0] = :v", {"v": 1}, WRONG_PATH),
        ("SET l.k = :v", {"v": 1}, WRONG_PATH),
        ("SET s.k = :v", {"v": 1}, WRONG_PATH),
        ("SET l[9].k = :v", {"v": 1}, WRONG_PATH),
        ("REMOVE gone.k", {}, WRONG_PATH),
        ("REMOVE m[0]", {}, WRONG_PATH),
        ("REMOVE l.k", {}, WRONG_PATH),
        ("ADD gone.k :v", {"v": 1}, WRONG_PATH),
        ("DELETE gone.k :v", {"v": frozenset({1})}, WRONG_PATH),
        ("SET big = big + big", {}, OVERFLOW),
        ("ADD big :v", {"v": Decimal("9.9E+125")}, OVERFLOW),
        ("SET n = n + :v", {"v": Decimal("1E-130")}, "Attempting to store more than 38 significant digits in a Number"),
    ],
)
def test_what_depends_on_the_item(text: str, values: dict[str, Any], message: str) -> None:
    with pytest.raises(MisuseError) as caught:
        updated(text, **values)
    assert str(caught.value) == message


def test_an_update_that_only_takes_away_creates_nothing() -> None:
    nothing = Placeholders({}, {":v": frozenset({1})})
    assert not compile_update(parse_update("REMOVE a DELETE b :v"), nothing).creates
    assert compile_update(parse_update("REMOVE a ADD b :v"), nothing).creates
    assert compile_update(parse_update("SET a = b"), nothing).creates
