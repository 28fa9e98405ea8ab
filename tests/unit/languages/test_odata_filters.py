"""OData's filters: bounds that they put on keys, and that no text breaks them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.languages.odata_filters import Bound, FilterError, Guid, Moment, bounds, compile_filter, read_moment


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("k eq 'a'", Bound("a", True), Bound("a", True)),
        ("k gt 'a' and k ge 'a' and n eq 1", Bound("a", False), None),
        ("(k ge 'a' and k le 'x') and (k lt 'm')", Bound("a", True), Bound("m", False)),
        ("k le 'a' and k lt 'a'", None, Bound("a", False)),
        ("k eq 'a' or k eq 'b'", None, None),
        ("not (k eq 'a')", None, None),
        ("k ne 'a' and k gt 5", None, None),
    ],
)
def test_bounds(text: str, low: Bound | None, high: Bound | None) -> None:
    assert bounds(compile_filter(text), "k") == (low, high)


def test_precedence() -> None:
    condition = compile_filter("a eq 1 or b eq 1 and not c eq 1")
    assert condition.holds({"a": 1, "b": 0, "c": 1})
    assert condition.holds({"b": 1})
    assert not condition.holds({"b": 1, "c": 1})


def test_kinds_are_not_mixed() -> None:
    entity = {"t": "1", "b": True, "n": 1, "g": Guid("c9da6455-213d-42c9-9a79-3e9149a57833"), "m": Moment("x")}
    for text in ("t eq 1", "b eq 1", "n eq true", "g eq 'c9da6455-213d-42c9-9a79-3e9149a57833'", "m eq 'x'", "z ne 1"):
        assert not compile_filter(text).holds(entity)
    assert compile_filter("n eq 1.0 and n lt 2L").holds(entity)


def test_moments() -> None:
    assert read_moment("2020-01-02") == "2020-01-02T00:00:00.0000000Z"
    assert read_moment("2020-01-02T01:00:00.5+02:00") == "2020-01-01T23:00:00.5000000Z"
    for text in ("2020-13-01", "0001-01-01T00:00:00+01:00", "x", "2020-01-01T00:00:00.12345678Z"):
        with pytest.raises(ValueError):  # noqa: PT011 - the text is all there is to say
            read_moment(text)


@given(
    st.lists(
        st.sampled_from(["(", ")", " and ", " or ", "not ", "a", " eq ", "'x'", "1L", "X'0'", "guid'1'", "true", "-"])
    )
)
def test_any_text_is_a_filter_or_refused(pieces: list[str]) -> None:
    with contextlib.suppress(FilterError):
        compile_filter("".join(pieces)).holds({"a": 1})


def test_long_texts() -> None:
    long = " or ".join(["a eq 1"] * 20_000)
    assert not compile_filter(long).holds({"a": 2})
    for text in ("(" * 10_000, "not " * 10_000, "'" * 10_001):
        with pytest.raises(FilterError):
            compile_filter(text)
