"""What is read of YAML, and what a template says of its functions."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fogbank.cli.dev.templates import TemplateError, read_mappings, serverless_functions


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", {}),
        ("---\na: 1\n", {"a": "1"}),
        ("a:\nb: 2", {"a": {}, "b": "2"}),
        ("a:\n  b:\n    c: x\n  d: y\ne: z", {"a": {"b": {"c": "x"}, "d": "y"}, "e": "z"}),
        ("a:\n  b:\nc: 1", {"a": {"b": {}}, "c": "1"}),
        ("a:\n- 1\n- b: 2\n  c: 3\nd: 4", {"a": {}, "d": "4"}),
        ("a:\n  - x\n  - y:\n      z: 1\nb: 2", {"a": {}, "b": "2"}),
        ("a: |\n  text: not a key\n\n  more\nb: >-\n  x\nc: 1", {"a": "", "b": "", "c": "1"}),
        ("a: one\n  goes: on\nb: 2", {"a": "one", "b": "2"}),
        (
            "a: 'x # y' # z\n# comment\nb: \"c: d\"\n  # deep\nc: it's # so",
            {"a": "x # y", "b": "c: d", "c": "it's # so"},
        ),
        ("Fn::Sub: ${A}:x\nAWS::X: y", {"Fn::Sub": "${A}:x", "AWS::X": "y"}),
        ('"a b": http://x:1/y', {"a b": "http://x:1/y"}),
        ("a: !Sub\n  - x\nb: !Ref C", {"a": "!Sub", "b": "!Ref C"}),
    ],
)
def test_mappings_are_read_and_the_rest_is_passed_over(text: str, value: Any) -> None:
    assert read_mappings(text) == value


@pytest.mark.parametrize("text", ["{a: 1}", "a:\n\tb: 1", "a:\n    b: 1\n  c: 2", "just words"])
def test_what_is_not_understood_is_refused_by_its_line(text: str) -> None:
    with pytest.raises(TemplateError, match=r"line \d is not understood"):
        read_mappings(text)


@given(st.text(alphabet="ab:-# \n'\"|!{}\t", max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(TemplateError):
        assert isinstance(read_mappings(text), dict)


def test_what_cloudformation_would_work_out_is_noted() -> None:
    properties = {"CodeUri": {"Bucket": "b"}, "FunctionName": "!Sub x", "Handler": "a.b", "Timeout": 5}
    template = {"Resources": {"F": {"Type": "AWS::Serverless::Function", "Properties": properties}, "G": "odd"}}
    [function], notes = serverless_functions(template)
    assert function == {"name": "F", "Handler": "a.b", "Timeout": "5", "Environment": {}, "url": "", "routes": []}
    assert len(notes) == 2
    assert serverless_functions({"Resources": []}) == ([], [])
