"""Input transformers of EventBridge: what they make is JSON whatever the event holds, and templates are checked."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.clouds.aws.events.transforming import InvalidTemplateError, check_template, transform

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_values_stand_in_their_places(value: Any) -> None:
    template = '{"plain": <x>, "text": "it is <x>!", "other": "<y>", "list": [<x>, <none>]}'
    paths = {"x": "$.detail.x", "none": "$.detail.none"}
    check_template(template, paths)
    made = json.loads(transform(template, paths, {"detail": {"x": value}}, {}))
    assert made["plain"] == value
    assert made["list"] == [value, None]
    assert made["other"] == "<y>"
    text = made["text"].removeprefix("it is ").removesuffix("!")
    assert text == value if isinstance(value, str) else json.loads(text) == value


def test_lines_of_text() -> None:
    template = '"one <x>"\n"two <aws.events.rule-name>"'
    check_template(template, {"x": "$.detail.x"})
    made = transform(template, {"x": "$.detail.x"}, {"detail": {"x": 'say "hi"'}}, {"aws.events.rule-name": "r"})
    assert [json.loads(line) for line in made.decode().splitlines()] == ['one say "hi"', "two r"]


@pytest.mark.parametrize(
    ("template", "paths"),
    [
        ("plain text", {}),
        ('{"a": <x>', {"x": "$.a"}),
        ('{"a": <x>}', {}),
        ('"<aws.events.nothing>"', {}),
        ('"<x>"', {"x": "a.b"}),
        ('"<aws.x>"', {"AWS.x": "$.a"}),
    ],
)
def test_templates_that_cannot_be(template: str, paths: dict[str, str]) -> None:
    with pytest.raises(InvalidTemplateError):
        check_template(template, paths)
