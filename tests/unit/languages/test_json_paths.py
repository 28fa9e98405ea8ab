"""Paths into JSON: what they lead to, what isn't one, and nothing that breaks them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.languages.json_paths import MISSING, InvalidPathError, compile_path, follow_path

EVENT = {"a": {"b-c": [{"d": 1}, {"d": 2}, {"e": 3}], "f g": None}, "detail-type": "x"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", EVENT),
        ("$.detail-type", "x"),
        ("$.a.b-c[1].d", 2),
        ("$['a']['f g']", None),
        ("$.a.b-c[*].d", [1, 2]),
        ("$.a.b-c[7]", MISSING),
        ("$.a.none.more", MISSING),
        ("$.detail-type.more", MISSING),
        ("$.*", [EVENT["a"], "x"]),
    ],
)
def test_paths(path: str, found: Any) -> None:
    assert follow_path(path, EVENT) == found


@pytest.mark.parametrize("path", ["", "a", ".a", "$a", "$..a", "$.", "$[a]", "$[-1]", "$.a[", "$.a[?(@.b)]"])
def test_what_is_no_path(path: str) -> None:
    with pytest.raises(InvalidPathError):
        compile_path(path)


@given(st.text("$.[]*'ab0", max_size=12), JSON)
def test_nothing_breaks_a_path(path: str, value: Any) -> None:
    try:
        follow_path(path, value)
    except InvalidPathError:
        return
