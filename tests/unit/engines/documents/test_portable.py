"""Documents on their way between services: their notation, what fits where, and that keys stay apart."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from fogbank.engines.documents.portable import notation
from fogbank.engines.documents.portable.fitting import Abilities, fit
from fogbank.engines.documents.portable.keys import KeyForm, KeyPart, UnplacedError, identity, parts_of, place
from fogbank.engines.documents.portable.notation import NotationError
from fogbank.engines.documents.portable.values import (
    GeoPoint,
    Reference,
    Timestamp,
    Vector,
    exact,
    number,
    read_timestamp,
)

FLOATS = st.floats(allow_nan=False)
EXACT = st.integers(-(10**50), 10**50).map(lambda digits: number(Decimal(f"{digits}E-25")))
NUMBERS = st.integers(-(2**80), 2**80).map(number) | EXACT
TIMES = st.builds(Timestamp, st.integers(-62_135_596_800, 253_402_300_799), st.integers(0, 999_999_999))
DEGREES = st.floats(-90, 90)
SCALARS = (
    st.none() | st.booleans() | NUMBERS | FLOATS | st.text() | st.binary() | TIMES
    | st.builds(GeoPoint, DEGREES, DEGREES) | st.builds(Reference, st.text())
    | st.builds(Vector, st.lists(FLOATS).map(tuple))
)  # fmt: skip
SETS = st.sampled_from([st.text(), NUMBERS, st.binary()]).flatmap(
    lambda each: st.frozensets(each, min_size=1, max_size=3)
)
NAMES = st.sampled_from(["a", "b", "가"]) | st.sampled_from(["$set", "$map", "$binary", "$other"])


def maps(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(NAMES, inner, max_size=3)


VALUES = st.recursive(SCALARS | SETS, lambda inner: st.lists(inner, max_size=3) | maps(inner), max_leaves=4)
DOCUMENTS = maps(VALUES)
JSON_ONLY = Abilities(frozenset(), "double", geojson=True)
TYPED = Abilities(frozenset({bytes, Timestamp, GeoPoint, Reference, Vector}), "mixed", nested_lists=False)
EXACTLY = Abilities(frozenset({bytes, frozenset}), "decimal")


def shape(value: Any) -> Any:
    """A value with the types of all that is in it."""
    if isinstance(value, dict):
        return {name: shape(item) for name, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    if isinstance(value, frozenset):
        return frozenset(map(shape, value))
    return (type(value), repr(value))


@settings(max_examples=40)
@given(DOCUMENTS)
def test_documents_come_back_from_their_notation(fields: dict[str, Any]) -> None:
    text = json.dumps(notation.write(fields), ensure_ascii=True, allow_nan=False)
    assert shape(notation.read_fields(text)) == shape(fields)


@settings(max_examples=40)
@given(DOCUMENTS, st.sampled_from([JSON_ONLY, TYPED, EXACTLY]))
def test_what_fits_stays_as_it_is(fields: dict[str, Any], abilities: Abilities) -> None:
    fitted = fit(fields, abilities)
    again = fit(fitted.fields, abilities)
    assert shape(again.fields) == shape(fitted.fields)
    assert again.notes == []
    assert bool(fitted.notes) == (shape(fitted.fields) != shape(fields))


@settings(max_examples=40)
@given(DOCUMENTS)
def test_what_fits_json_is_json(fields: dict[str, Any]) -> None:
    fitted = fit(fields, JSON_ONLY).fields
    assert json.loads(json.dumps(fitted, allow_nan=False)) == fitted


@given(st.integers(-(2**80), 2**80) | st.decimals(allow_nan=False, allow_infinity=False, places=20))
def test_the_one_form_of_a_number_is_that_number(given_number: int | Decimal) -> None:
    assert exact(number(given_number)) == given_number


def test_what_becomes_of_each_type() -> None:
    fields = {
        "set": frozenset({"b", "a"}),
        "binary": b"\x00\xff",
        "at": Timestamp(1, 500_000_000),
        "there": GeoPoint(1.5, 2.5),
        "ref": Reference("projects/p/x"),
        "vector": Vector((1.0, 2.0)),
        "exact": Decimal("12345678901234567890123.5"),
        "long": 2**53 + 1,
        "inner": {"list": [b"\x01", [1]]},
    }
    plain, notes = fit(fields, JSON_ONLY)
    assert plain == {
        "set": ["a", "b"],
        "binary": "AP8=",
        "at": "1970-01-01T00:00:01.5Z",
        "there": {"type": "Point", "coordinates": [2.5, 1.5]},
        "ref": "projects/p/x",
        "vector": [1.0, 2.0],
        "exact": "12345678901234567890123.5",
        "long": "9007199254740993",
        "inner": {"list": ["AQ==", [1]]},
    }
    assert [(note.kind, note.path) for note in notes] == [
        ("set", "set"), ("binary", "binary"), ("timestamp", "at"), ("geopoint", "there"), ("reference", "ref"),
        ("vector", "vector"), ("number", "exact"), ("number", "long"), ("binary", "inner.list[0]"),
    ]  # fmt: skip
    typed, notes = fit(fields, TYPED)
    assert typed == {
        **fields, "set": ["a", "b"], "exact": "12345678901234567890123.5",
        "inner": {"list": [b"\x01", {"values": [1]}]},
    }  # fmt: skip
    assert [note.kind for note in notes] == ["set", "number", "list in a list"]
    exactly, notes = fit(fields, EXACTLY)
    assert exactly == {
        **fields, "at": "1970-01-01T00:00:01.5Z", "there": {"latitude": 1.5, "longitude": 2.5}, "ref": "projects/p/x",
        "vector": [1.0, 2.0],
    }  # fmt: skip
    assert [note.kind for note in notes] == ["timestamp", "geopoint", "reference", "vector"]


@pytest.mark.parametrize(
    ("value", "kept"),
    [(math.nan, False), (1e126, False), (1e-131, False), (Decimal("1E+125"), True), (Decimal(10**39 + 1), False)],
)
def test_numbers_that_a_decimal_of_38_digits_has(value: Any, kept: bool) -> None:
    fields, notes = fit({"n": value}, EXACTLY)
    assert (fields["n"] == value, bool(notes)) == (kept, not kept)
    assert kept or fields["n"] == str(value)


@pytest.mark.parametrize(
    "text",
    [
        "[]", "{", '{"a": {"$binary": "?"}}', '{"a": {"$binary": 1}}', '{"a": {"$set": []}}',
        '{"a": {"$set": [1, "a"]}}', '{"a": {"$set": [true]}}', '{"a": {"$set": [1, 1.0]}}',
        '{"a": {"$timestamp": "2020-01-01"}}',
        '{"a": {"$timestamp": "today"}}', '{"a": {"$geopoint": {"latitude": 1}}}', '{"a": {"$geopoint": 1}}',
        '{"a": {"$number": "x"}}', '{"a": {"$number": "1E999999"}}', '{"a": 1e999999}', '{"a": {"$reference": null}}',
        '{"a": {"$vector": ["1"]}}', '{"a": ' * 200 + "1" + "}" * 200,
    ],
)  # fmt: skip
def test_what_is_no_document(text: str) -> None:
    with pytest.raises(NotationError):
        notation.read_fields(text)


def test_numbers_in_json_keep_their_digits() -> None:
    fields = notation.read_fields('{"a": 0.1, "b": 1.0, "c": 12345678901234567890123.5, "d": 18446744073709551616}')
    assert shape(fields) == shape(
        {"a": 0.1, "b": 1.0, "c": Decimal("12345678901234567890123.5"), "d": Decimal(18446744073709551616)}
    )


def test_times_of_other_zones() -> None:
    assert read_timestamp("1970-01-01T01:00:00.25+01:00") == Timestamp(0, 250_000_000)
    assert str(Timestamp(-1, 1)) == "1969-12-31T23:59:59.000000001Z"


def form(*parts: tuple[str, str], **settings: Any) -> KeyForm:
    found = tuple(KeyPart((name,), kind) for name, kind in parts)
    return KeyForm(found, found[-1], **settings)


NAMED = form(("__name__", "text"), outside=True)
PAIR = form(("pk", "text"), ("sk", "number"))
SINGLE = form(("pk", "text"))
ITEM = form(("tenant", "any"), ("id", "text"), moves=True, reserved=frozenset({"_etag"}))
ANY = st.none() | st.booleans() | st.integers() | st.text("=|%/2F15", max_size=4) | st.just(UNSET)
TEXTS = st.text("=|%/2Fab", max_size=4)


@given(st.tuples(TEXTS, TEXTS), st.tuples(TEXTS, TEXTS))
def test_keys_of_texts_stay_apart(one: Any, other: Any) -> None:
    pair = form(("a", "text"), ("b", "text"))
    assert (identity(one, pair) == identity(other, pair)) == (one == other)
    assert (identity(one[:1], SINGLE) == identity(other[:1], SINGLE)) == (one[:1] == other[:1])


@given(st.tuples(ANY, TEXTS), st.tuples(ANY, TEXTS))
def test_keys_of_any_kind_stay_apart(one: Any, other: Any) -> None:
    same = shape(list(one)) == shape(list(other))
    assert (identity(one, ITEM) == identity(other, ITEM)) == same


def test_a_document_without_the_key_gets_its_name() -> None:
    assert place({"n": 1}, ("ada",), NAMED, SINGLE)[0] == {"n": 1, "pk": "ada"}
    assert place({"n": 1}, ("ada",), NAMED, ITEM)[0] == {"n": 1, "id": "ada"}
    assert place({"pk": "a/b", "sk": 7}, ("a/b", 7), PAIR, NAMED)[0] == {"pk": "a/b", "sk": 7, "__name__": "a%2Fb|7"}
    number_key = form(("pk", "number"))
    assert place({}, ("42",), NAMED, number_key)[0] == {"pk": 42}
    with pytest.raises(UnplacedError, match="no number"):
        place({}, ("x",), NAMED, number_key)


def test_a_document_keeps_the_key_that_it_has() -> None:
    fields = {"pk": "a/b", "sk": 7}
    assert place(fields, ("a%2Fb|7",), NAMED, PAIR) == (fields, [])
    assert place({"id": "7", "tenant": 1}, (1, "7"), ITEM, ITEM) == ({"id": "7", "tenant": 1}, [])


def test_a_key_that_would_not_tell_documents_apart_is_refused() -> None:
    by_mail = form(("mail", "text"))
    with pytest.raises(UnplacedError, match="mail doesn't tell it apart"):
        place({"mail": "a@b.c"}, ("ada",), NAMED, by_mail)
    with pytest.raises(UnplacedError, match="has no pk"):
        place({"sk": 1}, ("ada",), NAMED, PAIR)


def test_what_stands_where_the_key_has_to_moves() -> None:
    fields, notes = place({"id": "other", "_etag": "x"}, ("ada",), NAMED, ITEM)
    assert fields == {"id": "ada", "id_": "other"}
    assert [note.kind for note in notes] == ["system field", "key"]
    assert place({"id": 42}, ("42",), NAMED, ITEM)[0] == {"id": "42"}
    with pytest.raises(UnplacedError):
        place({"id": "other", "id_": 1}, ("ada",), NAMED, ITEM)


def test_lists_are_no_parts_of_keys() -> None:
    assert parts_of({"tenant": [1], "id": "x"}, ITEM) == (UNSET, "x")
