"""The grammar of traversals: what it makes of texts, and that no text breaks it or takes long."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.languages.gremlin.errors import CompileError, SyntaxFaultError
from fogbank.languages.gremlin.nodes import Predicate, Traversal, Word
from fogbank.languages.gremlin.running import compile_text
from fogbank.languages.gremlin.syntax import parse

PIECES = [
    "g", ".", "V", "(", ")", "()", "'a'", '"b"', ",", "1", "2.5", "-3L", "[", "]", ":", ";", "__", "P.", "eq", "not",
    "T.id", "has", "out", "repeat", "times", "by", "select", "x", "true", "within", "local", "{", "\\", "'", " ",
]  # fmt: skip


def argument(text: str, **bindings: object) -> object:
    return parse(f"g.V({text})", bindings).steps[0].arguments[0]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("'it\\'s \\u00e9\\n'", "it's é\n"),
        ('"a\'b"', "a'b"),
        ("5L", 5),
        ("-1.5e2d", -150.0),
        ("2f", 2.0),
        ("true", True),
        ("null", None),
        ("['a', 1]", ["a", 1]),
        ("[]", []),
        ("[:]", {}),
        ("['a': 1, b: 2]", {"a": 1, "b": 2}),
        ("T.id", Word("id")),
        ("VertexProperty.Cardinality.list", Word("list")),
        ("Order.decr", Word("decr")),
        ("P.gt(1)", Predicate("gt", (1,))),
        ("gt(1).negate()", Predicate("not", (Predicate("gt", (1,)),))),
        ("gt(1).and(lt(3))", Predicate("and", (Predicate("gt", (1,)), Predicate("lt", (3,))))),
    ],
)
def test_arguments(text: str, found: object) -> None:
    if text == "['a': 1, b: 2]":
        assert argument(text, b="b") == found
    else:
        assert argument(text) == found


def test_traversals() -> None:
    inner = argument("__.out('x').in()")
    assert isinstance(inner, Traversal)
    assert [step.name for step in inner.steps] == ["out", "in"]
    assert not inner.spawned
    spawned = argument("g.V('a')")
    assert isinstance(spawned, Traversal)
    assert spawned.spawned
    negated = argument("not(out())")
    assert isinstance(negated, Traversal)
    assert negated.steps[0].name == "not"


@given(st.lists(st.sampled_from(PIECES), max_size=60))
def test_any_text_is_compiled_or_refused(pieces: list[str]) -> None:
    with contextlib.suppress(SyntaxFaultError, CompileError):
        compile_text("g.V()" + "".join(pieces), {"x": 1})


@pytest.mark.parametrize(
    "make",
    [
        lambda size: "g.V(" + "[" * size,
        lambda size: "g.V(" + "out(" * size,
        lambda size: "g.V('" + "\\'" * size,
        lambda size: "g.V(" + "1," * size + "1)",
        lambda size: "g.V().has('a', eq(1)" + ".or(eq(1))" * (size // 40) + ")",
        lambda size: "g.V()" + ".out()" * size,
    ],
)
def test_time_is_linear(make: object) -> None:
    def spent(size: int) -> float:
        text = make(size)  # type: ignore[operator]
        best = 1e9
        for _ in range(3):
            began = time.process_time()
            with contextlib.suppress(SyntaxFaultError, CompileError):
                compile_text(text, {})
            best = min(best, time.process_time() - began)
        return best

    # Eight times the text may take eight times as long, with room for what a busy machine adds.
    assert spent(16_000) < 40 * spent(2_000) + 0.05
