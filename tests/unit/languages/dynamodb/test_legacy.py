"""Conditions and updates as maps of attributes: what operators mean, and which values they refuse."""

from __future__ import annotations

from typing import Any

import pytest

from fogbank.languages.dynamodb.applying import apply_update
from fogbank.languages.dynamodb.errors import MisuseError
from fogbank.languages.dynamodb.key_conditions import KeyTerm
from fogbank.languages.dynamodb.legacy.attributes import AttributeChange, compile_changes, compile_names
from fogbank.languages.dynamodb.legacy.conditions import Term, compile_key_terms, compile_terms

INVALID = "One or more parameter values were invalid: "
ITEM: dict[str, Any] = {
    "n": 5, "s": "text", "b": b"bytes", "l": [1, "x"], "m": {"k": "v"}, "ss": frozenset({"a", "b"}), "null": None,
    "a.b": 1, "#x": 2,
}  # fmt: skip


def holds(name: str, operator: str, *values: Any) -> bool:
    return compile_terms([Term(name, operator, values)], "AND")(ITEM)


@pytest.mark.parametrize(
    ("name", "operator", "values", "others"),
    [
        ("n", "EQ", (5,), (6,)),
        ("l", "EQ", ([1, "x"],), ([1],)),
        ("m", "EQ", ({"k": "v"},), ({},)),
        ("ss", "EQ", (frozenset({"b", "a"}),), (frozenset({"a"}),)),
        ("n", "NE", ("5",), (5,)),
        ("n", "LE", (5,), (4,)),
        ("n", "LT", (6,), (5,)),
        ("n", "GE", (5,), (6,)),
        ("n", "GT", (4,), (5,)),
        ("s", "GT", ("tex",), ("texu",)),
        ("n", "BETWEEN", (5, 6), (6, 7)),
        ("n", "IN", (4, 5), (4, 6)),
        ("s", "BEGINS_WITH", ("te",), ("ex",)),
        ("b", "BEGINS_WITH", (b"by",), (b"te",)),
        ("s", "CONTAINS", ("ex",), ("xe",)),
        ("ss", "CONTAINS", ("a",), ("c",)),
        ("l", "CONTAINS", ("x",), (2,)),
        ("ss", "NOT_CONTAINS", ("c",), ("a",)),
        ("a.b", "EQ", (1,), (2,)),
        ("#x", "EQ", (2,), (1,)),
    ],
)
def test_operators(name: str, operator: str, values: tuple[Any, ...], others: tuple[Any, ...]) -> None:
    assert holds(name, operator, *values)
    assert not holds(name, operator, *others)
    if operator not in ("NE", "NOT_CONTAINS"):
        assert not compile_terms([Term("gone", operator, values)], "AND")(ITEM)


def test_presence() -> None:
    assert holds("null", "NOT_NULL")
    assert not holds("null", "NULL")
    assert holds("gone", "NULL")
    assert not holds("gone", "NOT_NULL")


def test_all_or_some_terms_must_hold() -> None:
    terms = [Term("n", "EQ", (5,)), Term("s", "EQ", ("other",)), Term("gone", "NULL")]
    assert not compile_terms(terms, "AND")(ITEM)
    assert compile_terms(terms, "OR")(ITEM)
    assert not compile_terms(terms[1:2], "OR")(ITEM)


@pytest.mark.parametrize(
    ("operator", "values", "message"),
    [
        ("EQ", (), f"{INVALID}Invalid number of argument(s) for the EQ ComparisonOperator"),
        ("EQ", (1, 2), f"{INVALID}Invalid number of argument(s) for the EQ ComparisonOperator"),
        ("NULL", (1,), f"{INVALID}Invalid number of argument(s) for the NULL ComparisonOperator"),
        ("BETWEEN", (1,), f"{INVALID}Invalid number of argument(s) for the BETWEEN ComparisonOperator"),
        ("IN", (), f"{INVALID}Invalid number of argument(s) for the IN ComparisonOperator"),
        ("LT", ([],), f"{INVALID}ComparisonOperator LT is not valid for L AttributeValue type"),
        ("GE", (True,), f"{INVALID}ComparisonOperator GE is not valid for BOOL AttributeValue type"),
        ("CONTAINS", ({},), f"{INVALID}ComparisonOperator CONTAINS is not valid for M AttributeValue type"),
        ("BEGINS_WITH", (1,), f"{INVALID}ComparisonOperator BEGINS_WITH is not valid for N AttributeValue type"),
        ("IN", (1, "1"), f"{INVALID}AttributeValues inside AttributeValueList must be of same type"),
        ("BETWEEN", (2, 1),
         "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"),
    ],
)  # fmt: skip
def test_unfit_values(operator: str, values: tuple[Any, ...], message: str) -> None:
    with pytest.raises(MisuseError) as caught:
        compile_terms([Term("a", operator, values)], "AND")
    assert str(caught.value) == message


def test_keys() -> None:
    terms = [Term("pk", "EQ", ("a",)), Term("sk", "BETWEEN", (1, 2))]
    assert compile_key_terms(terms) == [KeyTerm("pk", "=", ("a",)), KeyTerm("sk", "BETWEEN", (1, 2))]
    assert compile_key_terms([Term("sk", "BEGINS_WITH", ("a",))]) == [KeyTerm("sk", "begins_with", ("a",))]
    with pytest.raises(MisuseError, match="Conditions can be of length 1 or 2 only"):
        compile_key_terms([])
    with pytest.raises(MisuseError, match="Conditions can be of length 1 or 2 only"):
        compile_key_terms([*terms, Term("x", "EQ", (1,))])
    with pytest.raises(MisuseError, match="Attempted conditional constraint is not an indexable operation"):
        compile_key_terms([Term("pk", "NE", ("a",))])


def test_changes() -> None:
    update = compile_changes(
        [
            AttributeChange("s", "PUT", "new"),
            AttributeChange("n", "ADD", 2),
            AttributeChange("ss", "DELETE", frozenset({"a", "b"})),
            AttributeChange("l", "REMOVE"),
            AttributeChange("count", "ADD", 1),
            AttributeChange("more", "ADD", frozenset({1})),
            AttributeChange("a.b", "PUT", 9),
        ]
    )
    after = apply_update(update, ITEM)
    kept = {name: ITEM[name] for name in ("b", "m", "null", "#x")}
    assert after == kept | {"s": "new", "n": 7, "count": 1, "more": frozenset({1}), "a.b": 9}
    assert update.creates
    assert not compile_changes([AttributeChange("l", "REMOVE")]).creates


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (AttributeChange("s", "ADD", "x"), f"{INVALID}ADD action is not supported for the type S"),
        (AttributeChange("n", "DELETE", 1), f"{INVALID}DELETE action with value is not supported for the type N"),
        (AttributeChange("s", "ADD", 1), "Type mismatch for attribute to update"),
        (AttributeChange("ss", "DELETE", frozenset({1})), "Type mismatch for attribute to update"),
    ],
)
def test_unfit_changes(change: AttributeChange, message: str) -> None:
    with pytest.raises(MisuseError) as caught:
        apply_update(compile_changes([change]), ITEM)
    assert str(caught.value) == message


def test_names() -> None:
    assert compile_names(["a", "b.c", "#d"]) == {"a": {}, "b.c": {}, "#d": {}}
    with pytest.raises(MisuseError, match="Duplicate value in attribute name: a"):
        compile_names(["a", "b", "a"])
