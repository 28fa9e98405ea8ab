"""PartiQL's statements: what the grammar takes and refuses, and what it makes of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from fogbank.languages.dynamodb.applying import apply_update, compile_update
from fogbank.languages.dynamodb.errors import MisuseError
from fogbank.languages.dynamodb.key_conditions import KeyTerm
from fogbank.languages.dynamodb.matching import compile_condition
from fogbank.languages.dynamodb.nodes import Path
from fogbank.languages.dynamodb.numbers import OVERFLOW
from fogbank.languages.partiql.binding import Bound, ask
from fogbank.languages.partiql.statements import Delete, Exists, Insert, Select, Update, parse_statement
from fogbank.languages.partiql.syntax import StatementError
from fogbank.languages.partiql.values import evaluate

ITEM: dict[str, Any] = {
    "pk": "a", "sk": 3, "n": 5, "s": "text", "null": None, "yes": True, "l": [1, {"x": 2}], "m": {"k": {"deep": "v"}},
    "ss": frozenset({"a", "b"}), "two words": 1, "it's": 2,
}  # fmt: skip


def selected(text: str) -> Select:
    statement = parse_statement(text).statement
    assert isinstance(statement, Select)
    return statement


def holds(condition: str, *parameters: Any) -> bool:
    parsed = parse_statement(f"SELECT * FROM t WHERE {condition}")
    assert isinstance(parsed.statement, Select)
    assert parsed.statement.where is not None
    return compile_condition(parsed.statement.where, Bound(parsed, parameters))(ITEM)


def value(text: str, *parameters: Any) -> Any:
    parsed = parse_statement(f"INSERT INTO t VALUE {{'v': {text}}}")
    assert isinstance(parsed.statement, Insert)
    return evaluate(parsed.statement.item, Bound(parsed, parameters).parameters).get("v", "nothing")


def changed(clauses: str, *parameters: Any) -> dict[str, Any]:
    parsed = parse_statement(f"UPDATE t {clauses} WHERE pk = 'a'")
    assert isinstance(parsed.statement, Update)
    after = apply_update(compile_update(parsed.statement.actions, Bound(parsed, parameters)), ITEM)
    fresh = {name: each for name, each in after.items() if name not in ITEM or ITEM[name] != each}
    return fresh | dict.fromkeys(ITEM.keys() - after.keys())


def test_what_is_selected() -> None:
    statement = selected('select a, "b c".d[2] from "my-table"."by-date" where a = 1 order by a desc, "b" asc, c')
    assert (statement.table, statement.index) == ("my-table", "by-date")
    assert statement.paths == (Path(("a",)), Path(("b c", "d", 2)))
    assert statement.order == (("a", True), ("b", False), ("c", False))
    whole = selected("SELECT * FROM t;")
    assert (whole.table, whole.index, whole.paths, whole.where, whole.order) == ("t", None, None, None, ())
    exists = parse_statement("EXISTS(SELECT * FROM t WHERE a = 1)").statement
    assert isinstance(exists, Exists)
    assert (exists.select.table, exists.select.paths) == ("t", None)


@pytest.mark.parametrize(
    ("condition", "other"),
    [
        ("n = 5", "n = 6"),
        ("n = 5.0 AND s = 'text'", "n = 5 AND s = 'other'"),
        ("n <> 4", "n != 5"),
        ("n < 6 and n <= 5", "n < 5"),
        ("n > 4 and n >= 5", "n > 5"),
        ("n > -1", "n < -1"),
        ("5 = n", "6 = n"),
        ("n BETWEEN 5 AND 6", "n BETWEEN 6 AND 7"),
        ("n NOT BETWEEN 6 AND 7", "n NOT BETWEEN 5 AND 6"),
        ("n IN [4, 5]", "n IN [4]"),
        ("n IN (4, 5)", "n NOT IN (4, 5)"),
        ("gone IS MISSING", "null IS MISSING"),
        ("n IS NOT MISSING", "gone IS NOT MISSING"),
        ("gone = MISSING", "gone <> missing"),
        ('"null" IS NULL', "gone IS NULL"),
        ("n IS NOT NULL", '"null" IS NOT NULL'),
        ("yes = true", "yes = FALSE"),
        ('"null" = null', "n = NULL"),
        ("begins_with(s, 'te')", "begins_with(s, 'ex')"),
        ("BEGINS_WITH(\"s\", 'te')", "BEGINS_WITH(n, 'te')"),
        ("contains(ss, 'a')", "contains(ss, 'c')"),
        ("contains(l, 1)", "contains(l, 2)"),
        ("attribute_type(s, 'S')", "attribute_type(s, 'N')"),
        ("size(s) = 4", "size(s) > 4"),
        ("l[1].x = 2", "l[0].x = 2"),
        ("m.k.deep = 'v'", "m.k = 'v'"),
        ("m = {'k': {'deep': 'v'}}", "m = {}"),
        ("l = [1, {'x': 2}]", "l = [1]"),
        ("ss = <<'b', 'a'>>", "ss = <<'a'>>"),
        ("NOT n = 6", "NOT n = 5"),
        ("n = 6 OR n = 5", "n = 6 OR n = 7"),
        ("n = 6 AND n = 5 OR n = 5", "n = 6 AND (n = 5 OR n = 5)"),
        ('((n = 5)) AND "two words" = 1', "(n = 6)"),
    ],
)
def test_conditions(condition: str, other: str) -> None:
    assert holds(condition)
    assert not holds(other.replace("null IS", '"null" IS'))


def test_values() -> None:
    assert value("'it''s'") == "it's"
    assert value("''") == ""
    assert value("[1, -2.50, +3, 1e2, .5]") == [1, Decimal("-2.5"), 3, 100, Decimal("0.5")]
    assert value("{'a': [TRUE, null], \"b\": {}}") == {"a": [True, None], "b": {}}
    assert value("<<1, 2, 2.0>>") == frozenset({1, 2})
    assert value("<<'a', ?>>", "b") == frozenset({"a", "b"})
    assert value("[?, [?]]", 1, b"x") == [1, [b"x"]]
    assert value("MISSING") == "nothing"
    for bad in ("<<>>", "<<1, 'a'>>", "<<[1]>>"):
        with pytest.raises(MisuseError):
            value(bad)


def test_parameters_stand_in_the_order_of_the_text() -> None:
    assert holds("n = ? AND s = ?", 5, "text")
    assert holds("n IN [?, ?] AND '?' <> s", 4, 5)
    for parameters in ((5,), (5, "text", 1)):
        with pytest.raises(MisuseError, match="Number of parameters in request and statement don't match"):
            holds("n = ? AND s = ?", *parameters)


def test_updates() -> None:
    assert changed("SET s = 'new', x = ? SET n = n + 1", 1) == {"s": "new", "x": 1, "n": 6}
    assert changed("SET n = 10 - n REMOVE s, l[0]") == {"s": None, "l": [{"x": 2}]}
    assert changed("SET l = list_append(l, [3])") == {"l": [1, {"x": 2}, 3]}
    assert changed("SET l = LIST_APPEND(['first'], l)") == {"l": ["first", 1, {"x": 2}]}
    assert changed("SET ss = set_add(ss, <<'c'>>)") == {"ss": frozenset({"a", "b", "c"})}
    assert changed("SET ss = set_delete(ss, <<'a'>>)") == {"ss": frozenset({"b"})}
    assert changed("SET m.k.\"new\" = {'a': 1}") == {"m": {"k": {"deep": "v", "new": {"a": 1}}}}
    assert changed("SET x = m.k") == {"x": {"deep": "v"}}
    update = parse_statement("UPDATE t SET a = 1 WHERE pk = 'a' RETURNING modified new *").statement
    assert isinstance(update, Update)
    assert update.returning == "MODIFIED_NEW"
    delete = parse_statement("DELETE FROM t WHERE pk = 'a' RETURNING ALL OLD *").statement
    assert isinstance(delete, Delete)
    assert delete.returning == "ALL_OLD"


def test_what_a_condition_asks_of_a_key() -> None:
    def asked(condition: str) -> tuple[dict[str, KeyTerm], bool | None]:
        parsed = parse_statement(f"SELECT * FROM t WHERE {condition}")
        assert isinstance(parsed.statement, Select)
        key, rest = ask(parsed.statement.where, ("pk", "sk"), Bound(parsed, ()))
        return key, None if rest is None else rest(ITEM)

    pk, sk = KeyTerm("pk", "=", ("a",)), KeyTerm("sk", "=", (3,))
    assert asked("pk = 'a'") == ({"pk": pk}, None)
    assert asked("('a' = pk) AND (n = 5 AND sk = 3)") == ({"pk": pk, "sk": sk}, True)
    assert asked("sk > 1 AND pk = 'a' AND sk = 3 AND sk < 2") == ({"pk": pk, "sk": sk}, False)
    assert asked("pk = 'a' AND sk BETWEEN 1 AND 4 AND sk <> 3") == (
        {"pk": pk, "sk": KeyTerm("sk", "BETWEEN", (1, 4))},
        False,
    )
    assert asked("pk = 'a' OR sk = 3") == ({}, True)
    assert asked("NOT pk = 'a' AND pk IN ['a']") == ({}, False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Expected data manipulation"),
        ("DROP TABLE t", "Expected data manipulation"),
        ("SELECT", "Unexpected end of statement"),
        ("SELECT * FROM", "Unexpected end of statement"),
        ("SELECT * FROM t WHERE", "Unexpected end of statement"),
        ("SELECT * FROM t WHERE a", "Unexpected end of statement"),
        ("SELECT * FROM t WHERE a = ", "Unexpected end of statement"),
        ("SELECT * FROM t WHERE a = 'open", "Unexpected term"),
        ("SELECT * FROM t LIMIT 1", "Unexpected keyword"),
        ("SELECT a FROM t WHERE value = 1", "Unexpected keyword"),
        ("SELECT a.value FROM t", "Invalid path dot component"),
        ("SELECT a[-1] FROM t", "Unexpected term"),
        ("SELECT a[1.5] FROM t", "Unexpected path component"),
        ("SELECT * FROM t; SELECT * FROM t", "Unexpected keyword"),
        ("SELECT * FROM t WHERE a = 1 = 2", "Unexpected term"),
        ("SELECT * FROM t WHERE size(a)", "Unexpected end of statement"),
        ("SELECT * FROM t WHERE (a = 1) > 1", "Unexpected term"),
        ("SELECT * FROM t WHERE begins_with(a)", "Unexpected number of arguments of the function: begins_with"),
        ("SELECT * FROM t WHERE upper(a) = 'A'", "Unsupported function: upper"),
        ("SELECT * FROM t WHERE a = 1E200", OVERFLOW),
        ("INSERT INTO t VALUES {'a': 1}", "Unexpected keyword"),
        ("INSERT INTO t VALUE {a: 1}", "Unexpected term"),
        ("INSERT INTO t VALUE [1]", "Unexpected term"),
        ("UPDATE t WHERE a = 1", "Unexpected keyword"),
        ("UPDATE t SET a = set_add(b, <<1>>) WHERE a = 1", "Unexpected term"),
        ("UPDATE t SET a = 1 WHERE a = 1 RETURNING ALL *", "Unexpected term"),
        ("DELETE FROM t WHERE a = 1 RETURNING ALL NEW *", "Unexpected term"),
        ("SELECT * FROM t WHERE " + "(" * 200 + "a = 1" + ")" * 200, "Nested too deeply, more than 150 levels"),
        ("SELECT * FROM t WHERE a = " + "[" * 200 + "]" * 200, "Nested too deeply, more than 150 levels"),
        ("SELECT * FROM t WHERE " + "a=1 OR " * 400 + "a=1", "A statement may have up to 300 operators"),
        ("SELECT * FROM t WHERE a IN [" + "1," * 100 + "1]", "The IN operator takes up to 100 operands"),
        ("SELECT * FROM t WHERE a = '" + "x" * 9_000 + "'", "The statement is too long"),
    ],
)  # fmt: skip
def test_what_is_not_well_formed(text: str, message: str) -> None:
    with pytest.raises(StatementError) as caught:
        parse_statement(text)
    assert str(caught.value) == message
