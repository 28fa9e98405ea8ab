"""Pub/Sub's filters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.languages.pubsub_filter import FilterError, compile_filter

RED = {"color": "red", "size": "10"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("attributes:color", True),
        ("attributes:shape", False),
        ('attributes.color = "red"', True),
        ('attributes.color = "blue"', False),
        ('attributes.color != "blue"', True),
        ('attributes.shape != "round"', True),
        ('hasPrefix(attributes.color, "re")', True),
        ('hasPrefix(attributes.shape, "")', False),
        ("NOT attributes:color", False),
        ("-attributes:shape", True),
        ('attributes:color AND attributes.size = "10"', True),
        ("attributes:shape OR attributes:color OR attributes:size", True),
        ('(attributes:shape OR attributes:color) AND NOT attributes.size = "11"', True),
        ("NOT attributes:shape AND attributes:color", True),
        ('attributes."color" = "red"', True),
        (r'attributes.color = "re\"d"', False),
    ],
)
def test_what_passes(text: str, expected: bool) -> None:
    assert compile_filter(text)(RED) is expected


@pytest.mark.parametrize(
    "text",
    [
        "", "color", "attributes", "attributes.color", "attributes.color =", 'attributes.color == "red"',
        'attributes.color = red', "attributes:a and attributes:b", "attributes:a AND attributes:b OR attributes:c",
        "(attributes:a", 'hasPrefix(attributes.a)', "NOT", "attributes:a attributes:b", "(" * 1000 + "attributes:a",
    ],
)  # fmt: skip
def test_what_is_no_filter(text: str) -> None:
    with pytest.raises(FilterError):
        compile_filter(text)


@given(st.text(alphabet='attributes:.ab="() ANDORT-,\\', max_size=60))
def test_any_text_is_a_filter_or_refused(text: str) -> None:
    try:
        compiled = compile_filter(text)
    except FilterError:
        return
    assert compiled(RED) in (True, False)
