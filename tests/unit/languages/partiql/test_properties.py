"""What holds for every statement: any text is understood or refused, in linear time, and values mean themselves."""

from __future__ import annotations

import contextlib
import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fogbank.languages.dynamodb.applying import compile_update
from fogbank.languages.dynamodb.errors import ExpressionError, MisuseError
from fogbank.languages.dynamodb.matching import compile_condition
from fogbank.languages.dynamodb.types import equal
from fogbank.languages.partiql.binding import Bound, ask
from fogbank.languages.partiql.statements import Delete, Insert, Select, Update, parse_statement
from fogbank.languages.partiql.syntax import StatementError
from fogbank.languages.partiql.values import evaluate

WORDS = (
    "SELECT FROM WHERE ORDER BY DESC INSERT INTO VALUE UPDATE SET REMOVE DELETE RETURNING ALL OLD * AND OR NOT BETWEEN"
    " IN IS MISSING NULL TRUE EXISTS ( ) [ ] { } << >> , . : ? = <> != < <= > >= + - ; a pk t 'x' 'it''s' \"q\" \"open"
    " 'open 1 2.5 1e5 1e999 .5 size contains begins_with attribute_type list_append set_add 'S' é $ _ --"
)
PIECES = st.sampled_from(WORDS.split())
STARTS = (
    "",
    "SELECT ",
    "SELECT * FROM t WHERE ",
    "SELECT * FROM t WHERE a = ",
    "UPDATE t SET a = ",
    "INSERT INTO t VALUE {'a': ",
    "DELETE FROM t WHERE pk = 'x' AND ",
)
BEGINNINGS = st.sampled_from(STARTS)
TEXTS = st.tuples(BEGINNINGS, st.lists(PIECES, max_size=30).map(" ".join) | st.text(max_size=60)).map("".join)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**6), 10**6), st.text("a'\" ?", max_size=4),
    st.decimals(-100, 100, places=2).filter(lambda number: number % 1 != 0).map(Decimal.normalize),
)  # fmt: skip
SETS = st.frozensets(st.text("ab'", max_size=2), min_size=1) | st.frozensets(st.integers(-3, 3), min_size=1)
VALUES = st.recursive(
    SCALARS | SETS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("xy'", max_size=2), inner, max_size=3),
    max_leaves=6,
)


def run(text: str) -> None:
    """Parse a text, and compile what it says."""
    with contextlib.suppress(StatementError, ExpressionError, MisuseError):
        parsed = parse_statement(text)
        bound = Bound(parsed, [1] * len(parsed.parameters))
        statement = parsed.statement
        if isinstance(statement, Insert):
            evaluate(statement.item, bound.parameters)
        elif isinstance(statement, Select | Update | Delete) and statement.where is not None:
            asked = ask(statement.where, ("pk", "sk"), bound)
            compile_condition(statement.where, bound)({"pk": "x", "a": 1})
            assert asked.rest is None or asked.rest({"pk": "x", "a": 1}) in (True, False)
        if isinstance(statement, Update):
            compile_update(statement.actions, bound)


@given(TEXTS)
@settings(max_examples=250)
def test_any_text_is_understood_or_refused(text: str) -> None:
    run(text)


@pytest.mark.parametrize(
    "piece",
    ["(", "NOT ", "a.", "a[0]", "a = 1 AND ", "size(", "(a = 1) OR (", "[", "{'a':", "<<", "'", "''", '"', "?,", "1,",
     "1.", "1e", "a IN (", "\n", "é", "-", "a BETWEEN 1 AND ", "SET a=1 ", "'a':1,", ">>", "]", "pk = 'x' AND "],
)  # fmt: skip
def test_the_longest_texts_take_no_longer_than_their_length(piece: str) -> None:
    began = time.process_time()
    for prefix in STARTS:
        run((prefix + piece * 8_192)[:8_192])
    # A quadratic parser would take seconds.
    assert time.process_time() - began < 1.0


def write(value: Any) -> str:
    match value:
        case None:
            return "NULL"
        case bool():
            return str(value)
        case str():
            return "'" + value.replace("'", "''") + "'"
        case list():
            return f"[{', '.join(map(write, value))}]"
        case dict():
            return "{" + ", ".join(f"{write(name)} : {write(each)}" for name, each in value.items()) + "}"
        case frozenset():
            return f"<<{', '.join(map(write, value))}>>"
    return str(value)


@given(VALUES)
@settings(max_examples=100)
def test_what_is_written_as_a_literal_is_read_as_the_same(value: Any) -> None:
    parsed = parse_statement(f"INSERT INTO t VALUE {{'v': {write(value)}, 'p': ?}}")
    assert isinstance(parsed.statement, Insert)
    read = evaluate(parsed.statement.item, Bound(parsed, [value]).parameters)
    assert equal(read["v"], value)
    assert equal(read["p"], value)
