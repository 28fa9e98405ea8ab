"""Any text is a query or a `QueryError`, in a time that grows with its length and no faster."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fogbank.languages.cosmos_sql.errors import QueryError
from fogbank.languages.cosmos_sql.queries import parse
from fogbank.languages.cosmos_sql.running import ROOT, Program, base_row

TEXT = """
SELECT VALUE DISTINCT TOP FROM JOIN AS WHERE AND OR NOT IN BETWEEN LIKE ESCAPE GROUP BY ORDER OFFSET LIMIT EXISTS ARRAY
null undefined COUNT(1) MAX(c.a) ABS( udf. c c.a t @p 1 1.5 'x' "y" ' " \\ * ( ) [ ] { } , . = < ?? ? : || - +
"""
WORDS = [*TEXT.split(), "SELECT VALUE c FROM c WHERE"]
DOCUMENT = {"id": "1", "a": 5, "t": ["x", 1, None], "c": {"a": "é"}}


def run(text: str) -> None:
    with suppress(QueryError):
        program = Program(parse(text))
        base = base_row({"@p": 1}, 0)
        program.run([{**base, ROOT: DOCUMENT}], base)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join))
def test_words_in_any_order(text: str) -> None:
    run(f"SELECT {text}")
    run(f"SELECT VALUE {text} FROM c")
    run(f"SELECT * FROM c WHERE {text}")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_any_text(text: str) -> None:
    run(text)
    run(f"SELECT VALUE {text}")


@pytest.mark.parametrize(
    "piece",
    [
        "(",
        "[",
        "{a:",
        "NOT ",
        "-",
        "1+",
        "1=",
        "c.",
        "a AND ",
        "a OR ",
        "'\\'",
        '"\\"',
        "'\"",
        "?",
        "1?1:",
        "??",
        "IN(",
        "f(",
        "ARRAY(SELECT ",
        "c.a IN (1) AND ",
        "\\",
        "||",
        "LIKE ",
        "@",
        "0x",
        "1e",
        "SELECT * FROM (",
        " JOIN t IN c.t",
    ],
)
def test_long_texts_take_no_longer_than_their_length(piece: str) -> None:
    short, long = (_cost(f"SELECT VALUE {piece * count}1 FROM c") for count in (1_000, 4_000))
    # Four times as long: linear work takes four times as much, quadratic sixteen.
    assert long < max(11 * short, 0.3)


def _cost(text: str) -> float:
    """Return the seconds of processor that a query takes, whatever else goes on: the least of several times."""
    best = float("inf")
    for _ in range(3):
        started = time.process_time()
        run(text)
        best = min(best, time.process_time() - started)
    return best
