"""Projections: which part of an item they cut out."""

from __future__ import annotations

from typing import Any

import pytest

from fogbank.languages.dynamodb.errors import ExpressionError
from fogbank.languages.dynamodb.paths import project
from fogbank.languages.dynamodb.placeholders import Placeholders
from fogbank.languages.dynamodb.projections import compile_projection, parse_projection

ITEM: dict[str, Any] = {
    "a": 1,
    "m": {"x": 1, "y": {"z": 2, "w": 3}, "e": {}},
    "l": ["p", {"q": 1, "r": 2}, ["s", "t"]],
    "name": "n",
}


def cut(text: str) -> Any:
    return project(ITEM, compile_projection(parse_projection(text), Placeholders({"#n": "name", "#m": "m"}, {})))


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a", {"a": 1}),
        ("a, gone", {"a": 1}),
        ("#n, a", {"name": "n", "a": 1}),
        ("m.x", {"m": {"x": 1}}),
        ("m.x, #m.y.z", {"m": {"x": 1, "y": {"z": 2}}}),
        ("m.e", {"m": {"e": {}}}),
        ("m.gone", {}),
        ("m.gone.z, a.b", {}),
        ("l[0]", {"l": ["p"]}),
        ("l[2][1], l[0]", {"l": ["p", ["t"]]}),
        ("l[1].r, l[7]", {"l": [{"r": 2}]}),
        ("l[1].gone", {}),
        ("m[0]", {}),
        ("l.x", {}),
    ],
)
def test_projections(text: str, part: dict[str, Any]) -> None:
    assert cut(text) == part


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The expression can not be empty;"),
        ("a b", 'Syntax error; token: "b", near: "a b"'),
        ("a,", 'Syntax error; token: "<EOF>", near: ","'),
        (":v", 'Syntax error; token: ":v", near: ":v"'),
        ("size(a)", "Attribute name is a reserved keyword; reserved keyword: size"),
        ("a.name", "Attribute name is a reserved keyword; reserved keyword: name"),
        ("#x", "An expression attribute name used in the document path is not defined; attribute name: #x"),
        (
            "a, a",
            (
                "Two document paths overlap with each other; must remove or rewrite one of these paths;"
                " path one: [a], path two: [a]"
            ),
        ),
        (
            "a.b, a",
            (
                "Two document paths overlap with each other; must remove or rewrite one of these paths;"
                " path one: [a, b], path two: [a]"
            ),
        ),
        (
            "a.b, a[0]",
            (
                "Two document paths conflict with each other; must remove or rewrite one of these paths;"
                " path one: [a, b], path two: [a, [0]]"
            ),
        ),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        cut(text)
    assert str(caught.value) == message
